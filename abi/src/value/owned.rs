//! Values that own their text or bytes, for both sides of the wall.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;

use super::{Kind, ValueRef};

/// One value that owns its text or bytes.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub enum Value {
    /// Nothing.
    #[default]
    Void,
    /// `true` or `false`.
    Bool(bool),
    /// Signed 32-bit integer.
    I32(i32),
    /// Unsigned 32-bit integer.
    U32(u32),
    /// Signed 64-bit integer.
    I64(i64),
    /// Unsigned 64-bit integer.
    U64(u64),
    /// IEEE 754 binary32, bit for bit.
    F32(f32),
    /// IEEE 754 binary64, bit for bit.
    F64(f64),
    /// UTF-8 text.
    String(String),
    /// Any bytes.
    Bytes(Vec<u8>),
}

impl Value {
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

    /// The same value, borrowed.
    #[inline]
    pub fn borrow(&self) -> ValueRef<'_> {
        match self {
            Self::Void => ValueRef::Void,
            Self::Bool(value) => ValueRef::Bool(*value),
            Self::I32(value) => ValueRef::I32(*value),
            Self::U32(value) => ValueRef::U32(*value),
            Self::I64(value) => ValueRef::I64(*value),
            Self::U64(value) => ValueRef::U64(*value),
            Self::F32(value) => ValueRef::F32(*value),
            Self::F64(value) => ValueRef::F64(*value),
            Self::String(text) => ValueRef::String(text),
            Self::Bytes(bytes) => ValueRef::Bytes(bytes),
        }
    }
}

impl From<ValueRef<'_>> for Value {
    /// Copies text and bytes.
    fn from(value: ValueRef<'_>) -> Self {
        match value {
            ValueRef::Bool(value) => Self::Bool(value),
            ValueRef::I32(value) => Self::I32(value),
            ValueRef::U32(value) => Self::U32(value),
            ValueRef::I64(value) => Self::I64(value),
            ValueRef::U64(value) => Self::U64(value),
            ValueRef::F32(value) => Self::F32(value),
            ValueRef::F64(value) => Self::F64(value),
            ValueRef::String(text) => Self::String(text.to_owned()),
            ValueRef::Bytes(bytes) => Self::Bytes(bytes.to_owned()),
            ValueRef::Void => Self::Void,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_borrowed_value_becomes_the_same_owned_one() {
        let values = [
            ValueRef::Void,
            ValueRef::Bool(true),
            ValueRef::I32(-1),
            ValueRef::U32(1),
            ValueRef::I64(i64::MIN),
            ValueRef::U64(u64::MAX),
            ValueRef::F32(0.5),
            ValueRef::F64(f64::INFINITY),
            ValueRef::String("é\0"),
            ValueRef::Bytes(&[0, 255]),
        ];
        for (value, kind) in values.into_iter().zip(Kind::ALL) {
            let owned = Value::from(value);
            assert_eq!(owned.kind(), kind);
            assert_eq!(owned.borrow(), value);
        }
    }
}
