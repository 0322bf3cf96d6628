//! Values of any form: those of scripts, and those of the types of WebAssembly programs.
//!
//! The rules of types and the text that crosses are those of the crate `libhyperlight_values`, for every language. What
//! is done here is C's part: a value that a caller has built is read in place (`read`), and one that a guest sent is
//! built with everything behind it as one object (`build`).

pub(crate) mod build;
pub(crate) mod read;

use std::ffi::c_void;
use std::fmt;

use libhyperlight::HostError;

use crate::error::{hl_error, hl_status};
use crate::guard;
use crate::host::{Callback, hl_call};
use crate::value::hl_bytes;

use build::Tree;
use read::Handle;

/// A script's `null`.
pub const HL_ANY_NULL: u32 = 0;
/// A script's `undefined`, and the result of a function without one. Given to a script, a member with it is left out,
/// and anything else becomes `null`.
pub const HL_ANY_UNDEFINED: u32 = 1;
/// `as.boolean`
pub const HL_ANY_BOOL: u32 = 2;
/// `as.s8`
pub const HL_ANY_S8: u32 = 3;
/// `as.u8`
pub const HL_ANY_U8: u32 = 4;
/// `as.s16`
pub const HL_ANY_S16: u32 = 5;
/// `as.u16`
pub const HL_ANY_U16: u32 = 6;
/// `as.s32`, also an `i32` of a module.
pub const HL_ANY_S32: u32 = 7;
/// `as.u32`
pub const HL_ANY_U32: u32 = 8;
/// `as.s64`, also an `i64` of a module.
pub const HL_ANY_S64: u32 = 9;
/// `as.u64`
pub const HL_ANY_U64: u32 = 10;
/// `as.f32`
pub const HL_ANY_F32: u32 = 11;
/// `as.f64`, also each number of a script.
pub const HL_ANY_F64: u32 = 12;
/// A script's big integer: decimal digits in `as.bytes`, after a minus if it is negative.
pub const HL_ANY_BIGINT: u32 = 13;
/// `as.character`, a Unicode scalar value.
pub const HL_ANY_CHAR: u32 = 14;
/// Text: `as.bytes`, UTF-8.
pub const HL_ANY_STRING: u32 = 15;
/// A script's text with an unpaired surrogate: `as.bytes`, UTF-16 in the processor's order of bytes.
pub const HL_ANY_UTF16: u32 = 16;
/// `as.bytes`: a script's bytes, or a `list<u8>`.
pub const HL_ANY_BYTES: u32 = 17;
/// A script's array, or a list: `as.items`.
pub const HL_ANY_LIST: u32 = 18;
/// A tuple, or several results of a module's function: `as.items`.
pub const HL_ANY_TUPLE: u32 = 19;
/// A script's object, or a record: `as.members`.
pub const HL_ANY_RECORD: u32 = 20;
/// A map: `as.pairs`.
pub const HL_ANY_MAP: u32 = 21;
/// A case of a variant: `as.variant`, whose `value` is NULL if the case has none.
pub const HL_ANY_VARIANT: u32 = 22;
/// A case of an enum: its name in `as.bytes`.
pub const HL_ANY_ENUM: u32 = 23;
/// The flags that are set: `as.names`.
pub const HL_ANY_FLAGS: u32 = 24;
/// An option: `as.option`, NULL if it is absent.
pub const HL_ANY_OPTION: u32 = 25;
/// A result: `as.result`, whose `value` is NULL if that case has none.
pub const HL_ANY_RESULT: u32 = 26;

/// Values in order.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct hl_any_items {
    /// The first of them. May be NULL if `count` is 0; so in all of these structures.
    pub data: *const hl_any,
    /// Number of elements.
    pub count: usize,
}

/// Values with names.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct hl_any_members {
    /// The first of them.
    pub data: *const hl_any_member,
    /// Number of elements.
    pub count: usize,
}

/// Keys with values.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct hl_any_pairs {
    /// The first of them.
    pub data: *const hl_any_pair,
    /// Number of elements.
    pub count: usize,
}

/// Names, UTF-8.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct hl_any_names {
    /// The first of them.
    pub data: *const hl_bytes,
    /// Number of elements.
    pub count: usize,
}

/// A case of a variant.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct hl_any_case {
    /// The name of the case, UTF-8.
    pub name: hl_bytes,
    /// Its value, or NULL.
    pub value: *const hl_any,
}

/// Success or failure.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct hl_any_outcome {
    /// The value of this case, or NULL.
    pub value: *const hl_any,
    /// 1 for `ok`, 0 for `err`.
    pub is_ok: u64,
}

/// The content of an `hl_any`; its kind selects the member.
#[derive(Clone, Copy)]
#[repr(C)]
pub union hl_any_as {
    /// `HL_ANY_BOOL`
    pub boolean: bool,
    /// `HL_ANY_S8`
    pub s8: i8,
    /// `HL_ANY_U8`
    pub u8: u8,
    /// `HL_ANY_S16`
    pub s16: i16,
    /// `HL_ANY_U16`
    pub u16: u16,
    /// `HL_ANY_S32`
    pub s32: i32,
    /// `HL_ANY_U32`
    pub u32: u32,
    /// `HL_ANY_S64`. In a value from the library, also each smaller number with a sign.
    pub s64: i64,
    /// `HL_ANY_U64`. In a value from the library, also each smaller number without a sign.
    pub u64: u64,
    /// `HL_ANY_F32`
    pub f32: f32,
    /// `HL_ANY_F64`
    pub f64: f64,
    /// `HL_ANY_CHAR`
    pub character: u32,
    /// `HL_ANY_STRING`, `HL_ANY_BYTES`, `HL_ANY_BIGINT`, `HL_ANY_UTF16`, `HL_ANY_ENUM`
    pub bytes: hl_bytes,
    /// `HL_ANY_LIST`, `HL_ANY_TUPLE`
    pub items: hl_any_items,
    /// `HL_ANY_RECORD`
    pub members: hl_any_members,
    /// `HL_ANY_MAP`
    pub pairs: hl_any_pairs,
    /// `HL_ANY_FLAGS`
    pub names: hl_any_names,
    /// `HL_ANY_VARIANT`
    pub variant: hl_any_case,
    /// `HL_ANY_RESULT`
    pub result: hl_any_outcome,
    /// `HL_ANY_OPTION`
    pub option: *const hl_any,
    /// The whole union.
    pub words: [u64; 3],
}

/// A value of any form: a script's, or of a type of a WebAssembly program. Its size is always 32 bytes.
///
/// A caller builds values anywhere, and the library only reads them, during the call. They are checked against the
/// types of the program: ranges, names, numbers of elements. Any integer kind may stand for an integer type that has
/// the number. Other kinds are those of the types; a value may be given for an option as it is, and a string for a
/// char or for a case without a value. Values are nested at most 512 levels deep, and have at most 256 MiB of text,
/// elements included.
///
/// A value from the library, which `hl_any_free` frees, owns everything behind it. It has been checked as strictly:
/// of a type, it has its kind. A NUL follows each text and name, which the length does not count.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct hl_any {
    /// One of `HL_ANY_NULL` to `HL_ANY_RESULT`.
    pub kind: u32,
    /// Must be 0.
    pub reserved: u32,
    /// The content.
    pub r#as: hl_any_as,
}

/// A value with a name, UTF-8. In a record of a type, names are unique; of equal ones in a script's object, the last
/// one counts.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct hl_any_member {
    /// The name.
    pub name: hl_bytes,
    /// The value.
    pub value: hl_any,
}

/// A key with a value. If keys are equal, the last one counts.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct hl_any_pair {
    /// The key.
    pub key: hl_any,
    /// The value.
    pub value: hl_any,
}

/// A host function of values of any form. Runs on the thread that made the call, inside it.
///
/// `args`, with everything behind them, live until it returns. `*result` is initially `HL_ANY_UNDEFINED`. What the
/// result points to must live until the outer call has ended, or be of `hl_call_alloc`. Returns `HL_OK`, or any other
/// status, which reaches the guest as an error value. `return hl_call_fail(call, text);` adds a message.
pub type hl_any_fn = Option<
    unsafe extern "C-unwind" fn(
        user_data: *mut c_void,
        call: *mut hl_call,
        args: *const hl_any,
        n_args: usize,
        result: *mut hl_any,
    ) -> hl_status,
>;

/// Frees a value that a function of the library gave as a result, with everything behind it. Never frees a part of it.
/// NULL is allowed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hl_any_free(any: *mut hl_any) {
    if !any.is_null() {
        // SAFETY: by the header's rules the library gave it, and it is freed once.
        guard::plain((), || drop(unsafe { Tree::from_raw(any) }));
    }
}

impl hl_any {
    pub(crate) const UNDEFINED: Self = Self::new(HL_ANY_UNDEFINED);

    /// A value of that kind, whose content is all zeros.
    const fn new(kind: u32) -> Self {
        Self { kind, reserved: 0, r#as: hl_any_as { words: [0; 3] } }
    }
}

impl Callback<hl_any> {
    /// Calls the callback. `lower` makes of its result what the guest gets.
    pub fn call_any<T>(
        &self,
        arguments: &[hl_any],
        lower: impl FnOnce(Handle) -> Result<T, hl_error>,
    ) -> Result<T, HostError> {
        // The call owns what the callback has allocated for the result.
        let (result, _call) = self.run(arguments, hl_any::UNDEFINED)?;
        lower(Handle::Value(&raw const result)).map_err(refused)
    }

    /// The name of its result for errors.
    pub fn result(&self) -> String {
        format!("the result of the host function `{}`", self.name)
    }
}

/// The error of a host function whose arguments or result cannot cross.
pub(crate) fn refused(error: hl_error) -> HostError {
    HostError::new(error.message().to_owned()).with_status(error.status())
}

impl From<libhyperlight_values::Error> for hl_error {
    fn from(error: libhyperlight_values::Error) -> Self {
        Self::new(error.reason().code().number(), error.message())
    }
}

impl fmt::Debug for hl_any_as {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("hl_any_as").finish_non_exhaustive()
    }
}

const _: () = {
    assert!(size_of::<hl_any>() == 32 && align_of::<hl_any>() == 8);
    assert!(std::mem::offset_of!(hl_any, r#as) == 8);
    assert!(size_of::<hl_any_member>() == 48 && size_of::<hl_any_pair>() == 64);
    assert!(size_of::<hl_any_case>() == 24 && size_of::<hl_any_outcome>() == 16);
};
