//! Owned values, and the Rust types that correspond to them.

use libhyperlight_abi::{Kind, ValueRef};

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
    pub fn kind(&self) -> Kind {
        self.borrow().kind()
    }

    /// The same value, borrowed.
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
            // `Void`, and the kinds of a newer contract, which no decoder of this one lets through.
            _ => Self::Void,
        }
    }
}

/// A Rust type that stands for one [`Kind`]: `bool`, `i32`, `u32`, `i64`, `u64`, `f32`, `f64`, [`String`],
/// `Vec<u8>`, and `()` for [`Kind::Void`].
pub trait Typed: Sized {
    /// The kind.
    const KIND: Kind;

    /// The value, if its kind is [`Self::KIND`].
    fn from_value(value: ValueRef<'_>) -> Option<Self>;

    /// The value.
    fn into_value(self) -> Value;
}

/// An argument of a call: every [`Typed`] type, and `&str`, `&String`, `&[u8]`, `&Vec<u8>`, `&[u8; N]`.
pub trait Argument {
    /// The value, borrowed.
    fn to_value(&self) -> ValueRef<'_>;
}

macro_rules! scalar {
    ($($type:ty => $kind:ident),*) => {$(
        impl Typed for $type {
            const KIND: Kind = Kind::$kind;

            fn from_value(value: ValueRef<'_>) -> Option<Self> {
                match value {
                    ValueRef::$kind(value) => Some(value),
                    _ => None,
                }
            }

            fn into_value(self) -> Value {
                Value::$kind(self)
            }
        }

        impl Argument for $type {
            fn to_value(&self) -> ValueRef<'_> {
                ValueRef::$kind(*self)
            }
        }
    )*};
}

scalar!(bool => Bool, i32 => I32, u32 => U32, i64 => I64, u64 => U64, f32 => F32, f64 => F64);

impl Typed for () {
    const KIND: Kind = Kind::Void;

    fn from_value(value: ValueRef<'_>) -> Option<Self> {
        matches!(value, ValueRef::Void).then_some(())
    }

    fn into_value(self) -> Value {
        Value::Void
    }
}

impl Typed for String {
    const KIND: Kind = Kind::String;

    fn from_value(value: ValueRef<'_>) -> Option<Self> {
        match value {
            ValueRef::String(text) => Some(text.to_owned()),
            _ => None,
        }
    }

    fn into_value(self) -> Value {
        Value::String(self)
    }
}

impl Typed for Vec<u8> {
    const KIND: Kind = Kind::Bytes;

    fn from_value(value: ValueRef<'_>) -> Option<Self> {
        match value {
            ValueRef::Bytes(bytes) => Some(bytes.to_owned()),
            _ => None,
        }
    }

    fn into_value(self) -> Value {
        Value::Bytes(self)
    }
}

impl Argument for str {
    fn to_value(&self) -> ValueRef<'_> {
        ValueRef::String(self)
    }
}

impl Argument for String {
    fn to_value(&self) -> ValueRef<'_> {
        ValueRef::String(self)
    }
}

impl Argument for [u8] {
    fn to_value(&self) -> ValueRef<'_> {
        ValueRef::Bytes(self)
    }
}

impl<const N: usize> Argument for [u8; N] {
    fn to_value(&self) -> ValueRef<'_> {
        ValueRef::Bytes(self)
    }
}

impl Argument for Vec<u8> {
    fn to_value(&self) -> ValueRef<'_> {
        ValueRef::Bytes(self)
    }
}

impl<T: Argument + ?Sized> Argument for &T {
    fn to_value(&self) -> ValueRef<'_> {
        (**self).to_value()
    }
}

impl Argument for Value {
    fn to_value(&self) -> ValueRef<'_> {
        self.borrow()
    }
}
