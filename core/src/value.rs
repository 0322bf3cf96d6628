//! The Rust types that correspond to values.

use libhyperlight_abi::{Kind, Value, ValueRef};

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
