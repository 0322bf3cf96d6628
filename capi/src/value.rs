//! Values in C.

use std::fmt;
use std::ptr;
use std::slice;

use libhyperlight::{Kind, MAX_PARAMETERS, ValueRef};

use crate::error::{HL_ERR_SIGNATURE, hl_error};

/// No value: the result of a function that returns nothing.
pub const HL_VOID: u32 = 0;
/// `as.boolean`, `true` or `false`.
pub const HL_BOOL: u32 = 1;
/// `as.i32`
pub const HL_I32: u32 = 2;
/// `as.u32`
pub const HL_U32: u32 = 3;
/// `as.i64`
pub const HL_I64: u32 = 4;
/// `as.u64`
pub const HL_U64: u32 = 5;
/// `as.f32`, bit for bit.
pub const HL_F32: u32 = 6;
/// `as.f64`, bit for bit.
pub const HL_F64: u32 = 7;
/// `as.bytes`, which are UTF-8 text. In guests a NUL follows it, in hosts none.
pub const HL_STRING: u32 = 8;
/// `as.bytes`, any bytes.
pub const HL_BYTES: u32 = 9;

/// Borrowed bytes. `data` may be NULL if `len` is 0.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct hl_bytes {
    /// Address of the first byte.
    pub data: *const u8,
    /// Number of bytes.
    pub len: usize,
}

/// The content of an `hl_value`; its kind selects the member.
#[derive(Clone, Copy)]
#[repr(C)]
pub union hl_value_as {
    /// `HL_BOOL`
    pub boolean: bool,
    /// `HL_I32`
    pub i32: i32,
    /// `HL_U32`
    pub u32: u32,
    /// `HL_I64`
    pub i64: i64,
    /// `HL_U64`
    pub u64: u64,
    /// `HL_F32`
    pub f32: f32,
    /// `HL_F64`
    pub f64: f64,
    /// `HL_STRING`, `HL_BYTES`
    pub bytes: hl_bytes,
    /// The whole union.
    pub words: [u64; 3],
}

/// A value. Its size is always 32 bytes.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct hl_value {
    /// One of `HL_VOID` to `HL_BYTES`.
    pub kind: u32,
    /// Must be 0.
    pub reserved: u32,
    /// The content.
    pub r#as: hl_value_as,
}

impl hl_bytes {
    pub(crate) const EMPTY: Self = Self { data: ptr::null(), len: 0 };

    pub(crate) fn of(bytes: &[u8]) -> Self {
        Self { data: bytes.as_ptr(), len: bytes.len() }
    }

    /// The bytes; `None` if `data` is NULL although `len` is not 0, or if `len` is too large for an object in memory.
    pub(crate) unsafe fn as_slice<'a>(self) -> Option<&'a [u8]> {
        match self {
            Self { len: 0, .. } => Some(&[]),
            Self { data, len } if !data.is_null() && isize::try_from(len).is_ok() => {
                // SAFETY: by the header's rules `data`, which is not NULL, points to `len` bytes, which nobody changes
                // while the function runs that they were given to.
                Some(unsafe { slice::from_raw_parts(data, len) })
            }
            _ => None,
        }
    }
}

impl hl_value {
    pub(crate) const VOID: Self = Self { kind: HL_VOID, reserved: 0, r#as: hl_value_as { words: [0; 3] } };

    /// Converts a value of the engine. Text and bytes are views.
    pub(crate) fn of(value: ValueRef<'_>) -> Self {
        // Zeroed first, so that C finds no garbage behind the smaller members.
        let mut out = Self { kind: value.kind().code(), ..Self::VOID };
        match value {
            ValueRef::Bool(boolean) => out.r#as.boolean = boolean,
            ValueRef::I32(number) => out.r#as.i32 = number,
            ValueRef::U32(number) => out.r#as.u32 = number,
            ValueRef::I64(number) => out.r#as.i64 = number,
            ValueRef::U64(number) => out.r#as.u64 = number,
            ValueRef::F32(number) => out.r#as.f32 = number,
            ValueRef::F64(number) => out.r#as.f64 = number,
            ValueRef::String(text) => out.r#as.bytes = hl_bytes::of(text.as_bytes()),
            ValueRef::Bytes(bytes) => out.r#as.bytes = hl_bytes::of(bytes),
            // `Void`; no other kind comes from this engine.
            _ => return Self::VOID,
        }
        out
    }

    /// Reads a value of the caller's. The error describes the fault; the caller of this function adds the position.
    pub(crate) unsafe fn read<'a>(value: *const Self) -> Result<ValueRef<'a>, String> {
        // SAFETY: by the header's rules `value` points to a value. Only its kind, and the member that the kind names,
        // are read: nothing else need be initialised.
        unsafe {
            let r#as = &raw const (*value).r#as;
            let code = (*value).kind;
            let kind = Kind::from_code(code).ok_or_else(|| format!("has the unknown kind {code}"))?;
            Ok(match kind {
                Kind::Void => ValueRef::Void,
                // A Rust `bool` may not even be looked at while it can be something else than 0 or 1.
                Kind::Bool => match r#as.cast::<u8>().read() {
                    0 => ValueRef::Bool(false),
                    1 => ValueRef::Bool(true),
                    other => return Err(format!("is a bool with the byte {other}; expected 0 or 1")),
                },
                Kind::I32 => ValueRef::I32((*r#as).i32),
                Kind::U32 => ValueRef::U32((*r#as).u32),
                Kind::I64 => ValueRef::I64((*r#as).i64),
                Kind::U64 => ValueRef::U64((*r#as).u64),
                Kind::F32 => ValueRef::F32((*r#as).f32),
                Kind::F64 => ValueRef::F64((*r#as).f64),
                Kind::String => {
                    let text = str::from_utf8(bytes((*r#as).bytes)?);
                    ValueRef::String(text.map_err(|_| "is a string that is not UTF-8".to_owned())?)
                }
                Kind::Bytes => ValueRef::Bytes(bytes((*r#as).bytes)?),
                _ => return Err(format!("has the unknown kind {code}")),
            })
        }
    }
}

unsafe fn bytes<'a>(view: hl_bytes) -> Result<&'a [u8], String> {
    // SAFETY: passed on.
    unsafe { view.as_slice() }.ok_or_else(|| {
        let len = view.len;
        if view.data.is_null() {
            format!("has {len} bytes at NULL")
        } else {
            format!("has an impossible length, {len}")
        }
    })
}

/// The arguments of a call, checked and borrowed.
pub(crate) struct Arguments<'a> {
    values: [ValueRef<'a>; MAX_PARAMETERS],
    len: usize,
}

impl Arguments<'_> {
    /// Reads the caller's `args` and `n_args`.
    pub unsafe fn read(args: *const hl_value, n_args: usize) -> Result<Self, hl_error> {
        let mut values = [ValueRef::Void; MAX_PARAMETERS];
        if args.is_null() && n_args > 0 {
            return Err(hl_error::null("args"));
        }
        let Some(places) = values.get_mut(..n_args) else {
            return Err(hl_error::new(
                HL_ERR_SIGNATURE,
                format!("a function has at most {MAX_PARAMETERS} parameters, but `n_args` is {n_args}"),
            ));
        };
        for (index, place) in places.iter_mut().enumerate() {
            // SAFETY: by the header's rules `args` points to `n_args` values, which live as long as the call.
            let value = unsafe { hl_value::read(args.add(index)) };
            *place = value.map_err(|what| hl_error::invalid(format!("argument {index} {what}")))?;
        }
        Ok(Self { values, len: n_args })
    }

    pub fn as_slice(&self) -> &[ValueRef<'_>] {
        self.values.get(..self.len).unwrap_or_default()
    }
}

/// The kind with this number.
pub(crate) fn kind(code: u32, of: impl fmt::Display) -> Result<Kind, hl_error> {
    Kind::from_code(code).ok_or_else(|| hl_error::invalid(format!("{of} has the unknown kind {code}")))
}

impl fmt::Debug for hl_value_as {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("hl_value_as").finish_non_exhaustive()
    }
}

const _: () = {
    assert!(size_of::<hl_value>() == 32 && align_of::<hl_value>() == 8);
    assert!(std::mem::offset_of!(hl_value, r#as) == 8);
    assert!(size_of::<hl_bytes>() == 16 && std::mem::offset_of!(hl_bytes, len) == 8);
    assert!(Kind::Void.code() == HL_VOID && Kind::Bool.code() == HL_BOOL);
    assert!(Kind::I32.code() == HL_I32 && Kind::U32.code() == HL_U32);
    assert!(Kind::I64.code() == HL_I64 && Kind::U64.code() == HL_U64);
    assert!(Kind::F32.code() == HL_F32 && Kind::F64.code() == HL_F64);
    assert!(Kind::String.code() == HL_STRING && Kind::Bytes.code() == HL_BYTES);
};
