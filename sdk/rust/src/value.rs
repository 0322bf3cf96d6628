//! Typed values: conversion of Rust types to values of the wire, and back.
//!
//! The attributes do not look at the names of types. They use these traits, so that aliases work and the compiler
//! reports a type that cannot be passed.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;

use libhyperlight_abi::{Kind, Value, ValueRef};

use crate::error::Result;

/// A type that a guest function may take.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a parameter of a guest function",
    label = "not a type that crosses the wall",
    note = "parameters are bool, i32, u32, i64, u64, f32, f64, String, &str, Vec<u8> and &[u8]"
)]
pub trait Parameter: Sized {
    /// Its kind on the wire.
    const KIND: Kind;

    /// Reads the value from a frame; `None` if it is of another kind.
    fn take(value: &ValueRef<'_>) -> Option<Self>;
}

/// A type that a guest function may take by reference. The function gets a copy, because the next call of a host
/// function overwrites the buffer that holds the arguments.
#[diagnostic::on_unimplemented(
    message = "`&{Self}` cannot be a parameter of a guest function",
    label = "not a type that crosses the wall",
    note = "parameters are bool, i32, u32, i64, u64, f32, f64, String, &str, Vec<u8> and &[u8]"
)]
pub trait Borrowed: ToOwned {
    /// Its kind on the wire.
    const KIND: Kind;

    /// Copies the value from a frame; `None` if it is of another kind.
    fn take(value: &ValueRef<'_>) -> Option<Self::Owned>;
}

/// A type that can be passed to a host function.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a parameter of a host function",
    label = "not a type that crosses the wall",
    note = "parameters are bool, i32, u32, i64, u64, f32, f64, String, &str, Vec<u8> and &[u8]"
)]
pub trait Argument {
    /// Its kind on the wire.
    const KIND: Kind;

    /// Borrows the value.
    fn value(&self) -> ValueRef<'_>;
}

/// A type that functions of either side return.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be returned across the wall",
    label = "not a type that crosses the wall",
    note = "results are (), bool, i32, u32, i64, u64, f32, f64, String and Vec<u8>, or libhyperlight_guest::Result of them"
)]
pub trait Returned: Sized {
    /// Its kind on the wire.
    const KIND: Kind;

    /// Converts to the value that a guest function returns.
    fn into_value(self) -> Value;

    /// Converts the value that a host function returned; `None` if it is of another kind.
    fn take(value: &ValueRef<'_>) -> Option<Self>;
}

/// A result type of a guest function: a value, or a [`Result`] of one.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the result of a guest function",
    label = "not a result that crosses the wall",
    note = "results are (), bool, i32, u32, i64, u64, f32, f64, String and Vec<u8>, or libhyperlight_guest::Result of them"
)]
pub trait Outcome {
    /// The value's type.
    type Value: Returned;

    /// Converts both forms to a [`Result`].
    fn into_result(self) -> Result<Self::Value>;
}

impl<T: Returned> Outcome for Result<T> {
    type Value = T;

    fn into_result(self) -> Self {
        self
    }
}

macro_rules! scalar {
    ($($type:ty => $kind:ident;)*) => {$(
        impl Parameter for $type {
            const KIND: Kind = Kind::$kind;

            #[inline]
            fn take(value: &ValueRef<'_>) -> Option<Self> {
                if let ValueRef::$kind(value) = value { Some(*value) } else { None }
            }
        }

        impl Argument for $type {
            const KIND: Kind = Kind::$kind;

            #[inline]
            fn value(&self) -> ValueRef<'_> {
                ValueRef::$kind(*self)
            }
        }

        returned!($type => $kind, |value| *value);
    )*};
}

macro_rules! buffer {
    ($($owned:ty, $borrowed:ty => $kind:ident;)*) => {$(
        impl Parameter for $owned {
            const KIND: Kind = Kind::$kind;

            #[inline]
            fn take(value: &ValueRef<'_>) -> Option<Self> {
                <$borrowed as Borrowed>::take(value)
            }
        }

        impl Borrowed for $borrowed {
            const KIND: Kind = Kind::$kind;

            #[inline]
            fn take(value: &ValueRef<'_>) -> Option<$owned> {
                if let ValueRef::$kind(value) = value { Some((*value).to_owned()) } else { None }
            }
        }

        impl Argument for $owned {
            const KIND: Kind = Kind::$kind;

            #[inline]
            fn value(&self) -> ValueRef<'_> {
                ValueRef::$kind(self)
            }
        }

        impl Argument for &$borrowed {
            const KIND: Kind = Kind::$kind;

            #[inline]
            fn value(&self) -> ValueRef<'_> {
                ValueRef::$kind(self)
            }
        }

        returned!($owned => $kind, |value| (*value).to_owned());
    )*};
}

macro_rules! returned {
    ($type:ty => $kind:ident, |$value:ident| $take:expr) => {
        impl Returned for $type {
            const KIND: Kind = Kind::$kind;

            #[inline]
            fn into_value(self) -> Value {
                Value::$kind(self)
            }

            #[inline]
            fn take(value: &ValueRef<'_>) -> Option<Self> {
                if let ValueRef::$kind($value) = value { Some($take) } else { None }
            }
        }

        impl Outcome for $type {
            type Value = Self;

            #[inline]
            fn into_result(self) -> Result<Self> {
                Ok(self)
            }
        }
    };
}

scalar! {
    bool => Bool;
    i32 => I32;
    u32 => U32;
    i64 => I64;
    u64 => U64;
    f32 => F32;
    f64 => F64;
}

buffer! {
    String, str => String;
    Vec<u8>, [u8] => Bytes;
}

impl Returned for () {
    const KIND: Kind = Kind::Void;

    #[inline]
    fn into_value(self) -> Value {
        Value::Void
    }

    #[inline]
    fn take(value: &ValueRef<'_>) -> Option<Self> {
        if let ValueRef::Void = value { Some(()) } else { None }
    }
}

impl Outcome for () {
    type Value = Self;

    #[inline]
    fn into_result(self) -> Result<Self> {
        Ok(self)
    }
}
