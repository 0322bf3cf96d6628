//! The values in messages.

#[cfg(feature = "alloc")]
mod owned;

use core::fmt;

#[cfg(feature = "alloc")]
pub use owned::Value;

/// The kind of a value. The numbers are part of the wire format and of the C interface.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
#[repr(u32)]
pub enum Kind {
    /// Nothing: the result of a function without one.
    Void = 0,
    /// `true` or `false`.
    Bool = 1,
    /// Signed 32-bit integer.
    I32 = 2,
    /// Unsigned 32-bit integer.
    U32 = 3,
    /// Signed 64-bit integer.
    I64 = 4,
    /// Unsigned 64-bit integer.
    U64 = 5,
    /// IEEE 754 binary32; every bit is kept, NaN payloads included.
    F32 = 6,
    /// IEEE 754 binary64; every bit is kept, NaN payloads included.
    F64 = 7,
    /// UTF-8 text.
    String = 8,
    /// Any bytes.
    Bytes = 9,
}

impl Kind {
    /// Every kind, in the order of its number.
    pub const ALL: [Self; 10] = [
        Self::Void,
        Self::Bool,
        Self::I32,
        Self::U32,
        Self::I64,
        Self::U64,
        Self::F32,
        Self::F64,
        Self::String,
        Self::Bytes,
    ];

    /// The kind with that number.
    #[inline]
    pub const fn from_code(code: u32) -> Option<Self> {
        Some(match code {
            0 => Self::Void,
            1 => Self::Bool,
            2 => Self::I32,
            3 => Self::U32,
            4 => Self::I64,
            5 => Self::U64,
            6 => Self::F32,
            7 => Self::F64,
            8 => Self::String,
            9 => Self::Bytes,
            _ => return None,
        })
    }

    /// The number of this kind.
    #[inline]
    pub const fn code(self) -> u32 {
        self as u32
    }

    /// The name that messages and listings use.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Void => "void",
            Self::Bool => "bool",
            Self::I32 => "i32",
            Self::U32 => "u32",
            Self::I64 => "i64",
            Self::U64 => "u64",
            Self::F32 => "f32",
            Self::F64 => "f64",
            Self::String => "string",
            Self::Bytes => "bytes",
        }
    }

    /// Bytes of a value of this kind on the wire, if they do not depend on the value.
    #[inline]
    pub const fn fixed_len(self) -> Option<usize> {
        match self {
            Self::Void => Some(0),
            Self::Bool => Some(1),
            Self::I32 | Self::U32 | Self::F32 => Some(4),
            Self::I64 | Self::U64 | Self::F64 => Some(8),
            Self::String | Self::Bytes => None,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One value, borrowing its text or bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub enum ValueRef<'a> {
    /// See [`Kind::Void`].
    #[default]
    Void,
    /// See [`Kind::Bool`].
    Bool(bool),
    /// See [`Kind::I32`].
    I32(i32),
    /// See [`Kind::U32`].
    U32(u32),
    /// See [`Kind::I64`].
    I64(i64),
    /// See [`Kind::U64`].
    U64(u64),
    /// See [`Kind::F32`].
    F32(f32),
    /// See [`Kind::F64`].
    F64(f64),
    /// See [`Kind::String`].
    String(&'a str),
    /// See [`Kind::Bytes`].
    Bytes(&'a [u8]),
}

impl ValueRef<'_> {
    /// The kind of this value.
    #[inline]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Void => Kind::Void,
            Self::Bool(_) => Kind::Bool,
            Self::I32(_) => Kind::I32,
            Self::U32(_) => Kind::U32,
            Self::I64(_) => Kind::I64,
            Self::U64(_) => Kind::U64,
            Self::F32(_) => Kind::F32,
            Self::F64(_) => Kind::F64,
            Self::String(_) => Kind::String,
            Self::Bytes(_) => Kind::Bytes,
        }
    }

    /// Bytes of the value itself on the wire, without its header and padding.
    #[inline]
    pub const fn wire_len(&self) -> usize {
        match self {
            Self::String(text) => text.len(),
            Self::Bytes(bytes) => bytes.len(),
            Self::Void => 0,
            Self::Bool(_) => 1,
            Self::I32(_) | Self::U32(_) | Self::F32(_) => 4,
            Self::I64(_) | Self::U64(_) | Self::F64(_) => 8,
        }
    }
}
