//! `hl_value`: values in the form that C shares with the host's interface.

use core::ffi::c_char;
use core::fmt;

use sdk::{Error, Kind, Result, ValueRef, code};

use crate::arena;

/// `hl_bytes`
#[derive(Clone, Copy)]
#[repr(C)]
pub struct HlBytes {
    data: *const u8,
    len: usize,
}

/// `hl_value`
#[derive(Clone, Copy)]
#[repr(C)]
pub struct HlValue {
    kind: u32,
    reserved: u32,
    content: Content,
}

#[derive(Clone, Copy)]
#[repr(C)]
union Content {
    boolean: u8,
    i32: i32,
    u32: u32,
    i64: i64,
    u64: u64,
    f32: f32,
    f64: f64,
    bytes: HlBytes,
    words: [u64; 3],
}

const _: () = assert!(size_of::<HlValue>() == 32 && align_of::<HlValue>() == 8);

impl HlBytes {
    /// Makes a view of bytes that live as long as C code uses them.
    pub const fn new(bytes: &[u8]) -> Self {
        Self { data: bytes.as_ptr(), len: bytes.len() }
    }

    /// Returns the address of the bytes.
    pub const fn as_ptr(self) -> *const c_char {
        self.data.cast()
    }
}

impl HlValue {
    /// `hl_void()`
    pub const VOID: Self = Self { kind: Kind::Void.code(), reserved: 0, content: Content { words: [0; 3] } };

    /// Copies a value for C code, valid until the guest function has returned.
    pub fn copy(value: ValueRef<'_>) -> Self {
        Self::with(value, arena::copy)
    }

    /// Lends a value that lives so long to C code. Text is copied all the same, to append a NUL.
    pub fn lend(value: ValueRef<'_>) -> Self {
        Self::with(value, HlBytes::new)
    }

    fn with(value: ValueRef<'_>, keep: impl FnOnce(&[u8]) -> HlBytes) -> Self {
        // Every bit of the content is set, whichever member is used.
        let mut content = Self::VOID.content;
        match value {
            ValueRef::Bool(boolean) => content.boolean = boolean.into(),
            ValueRef::I32(i32) => content.i32 = i32,
            ValueRef::U32(u32) => content.u32 = u32,
            ValueRef::I64(i64) => content.i64 = i64,
            ValueRef::U64(u64) => content.u64 = u64,
            ValueRef::F32(f32) => content.f32 = f32,
            ValueRef::F64(f64) => content.f64 = f64,
            ValueRef::String(text) => content.bytes = arena::copy(text.as_bytes()),
            ValueRef::Bytes(bytes) => content.bytes = keep(bytes),
            // `Void`; the set of kinds may grow, but a guest is compiled with the one that it knows.
            _ => {}
        }
        Self { kind: value.kind().code(), reserved: 0, content }
    }

    /// Reads a value that C code has stored here.
    ///
    /// # Safety
    /// Text and bytes can be read and do not change for as long as the value is borrowed.
    pub unsafe fn read(&self) -> Result<ValueRef<'_>> {
        let Some(kind) = Kind::from_code(self.kind) else {
            return Err(invalid(format_args!("{} is no kind of a value", self.kind)));
        };
        // SAFETY: the kind says which member was set, and any bits are a value of these members. What the bytes
        // point to is the caller's promise.
        unsafe {
            Ok(match kind {
                Kind::Void => ValueRef::Void,
                Kind::Bool => match self.content.boolean {
                    0 => ValueRef::Bool(false),
                    1 => ValueRef::Bool(true),
                    other => return Err(invalid(format_args!("a bool is 0 or 1, not {other}"))),
                },
                Kind::I32 => ValueRef::I32(self.content.i32),
                Kind::U32 => ValueRef::U32(self.content.u32),
                Kind::I64 => ValueRef::I64(self.content.i64),
                Kind::U64 => ValueRef::U64(self.content.u64),
                Kind::F32 => ValueRef::F32(self.content.f32),
                Kind::F64 => ValueRef::F64(self.content.f64),
                Kind::String => match core::str::from_utf8(self.content.bytes.read()?) {
                    Ok(text) => ValueRef::String(text),
                    Err(error) => {
                        let at = error.valid_up_to();
                        return Err(invalid(format_args!("a string is not UTF-8 from byte {at} on")));
                    }
                },
                Kind::Bytes => ValueRef::Bytes(self.content.bytes.read()?),
                _ => return Err(invalid(format_args!("{} is no kind of a value", self.kind))),
            })
        }
    }
}

impl HlBytes {
    /// # Safety
    /// The bytes can be read and do not change for as long as the slice is used.
    unsafe fn read<'a>(self) -> Result<&'a [u8]> {
        if self.len == 0 {
            return Ok(&[]);
        }
        if self.data.is_null() || isize::try_from(self.len).is_err() {
            let len = self.len;
            return Err(invalid(format_args!("a string or bytes value has no data, or {len} bytes of it")));
        }
        // SAFETY: the caller's promise.
        Ok(unsafe { core::slice::from_raw_parts(self.data, self.len) })
    }
}

fn invalid(what: fmt::Arguments<'_>) -> Error {
    Error::new(code::INVALID_ARGUMENT, alloc::fmt::format(what))
}
