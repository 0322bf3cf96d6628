//! Conversions from Rust's own types to values, and back.

use std::collections::BTreeMap;

use super::{BigInt, Value};
use crate::error::{Error, Reason};

impl Value {
    /// Makes an object or a record of members.
    ///
    /// ```
    /// use libhyperlight_values::Value;
    ///
    /// let request = Value::object([("path", "/".into()), ("retries", 3.into())]);
    /// assert_eq!(request.get("path").and_then(Value::as_str), Some("/"));
    /// ```
    pub fn object<'n>(members: impl IntoIterator<Item = (&'n str, Self)>) -> Self {
        Self::Object(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
    }

    /// Makes a case of a variant or a result, with its value.
    pub fn case(name: impl Into<String>, value: impl Into<Self>) -> Self {
        Self::Case(name.into(), Some(Box::new(value.into())))
    }

    /// Returns the member of a name: the last, if there are several.
    pub fn get(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Object(members) => {
                members.iter().rev().find(|(found, _)| found == name).map(|(_, value)| value)
            }
            _ => None,
        }
    }

    /// Returns the text, or the name of a case without a value.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Text(text) | Self::Case(text, None) => Some(text),
            _ => None,
        }
    }

    /// Returns the items of a list or a tuple.
    pub fn as_slice(&self) -> Option<&[Self]> {
        match self {
            Self::List(items) | Self::Tuple(items) => Some(items),
            _ => None,
        }
    }

    /// Returns the number, if it is whole.
    pub fn as_integer(&self) -> Option<i128> {
        match self {
            Self::Integer(number) => Some(*number),
            Self::BigInt(number) => number.as_str().parse().ok(),
            _ => None,
        }
    }

    /// Returns the number as binary64, the type of all numbers in scripts.
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Self::Float(number) => Some(*number),
            #[expect(clippy::cast_precision_loss, reason = "the nearest is what is asked for")]
            Self::Integer(number) => Some(*number as f64),
            _ => None,
        }
    }

    /// Returns true for `Null` and `Undefined`.
    pub fn is_nothing(&self) -> bool {
        matches!(self, Self::Null | Self::Undefined)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<f32> for Value {
    fn from(value: f32) -> Self {
        Self::Float(value.into())
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Self::Float(value)
    }
}

impl From<char> for Value {
    fn from(value: char) -> Self {
        Self::Char(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}

impl From<&[u8]> for Value {
    fn from(value: &[u8]) -> Self {
        Self::Bytes(value.to_vec())
    }
}

impl From<BigInt> for Value {
    fn from(value: BigInt) -> Self {
        Self::BigInt(value)
    }
}

impl From<Vec<Self>> for Value {
    fn from(value: Vec<Self>) -> Self {
        Self::List(value)
    }
}

impl<V: Into<Self>> From<BTreeMap<String, V>> for Value {
    fn from(members: BTreeMap<String, V>) -> Self {
        Self::Object(members.into_iter().map(|(name, value)| (name, value.into())).collect())
    }
}

impl<V: Into<Self>> From<Option<V>> for Value {
    fn from(value: Option<V>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

impl From<()> for Value {
    fn from((): ()) -> Self {
        Self::Undefined
    }
}

macro_rules! integers {
    ($($ty:ty),*) => {$(
        impl From<$ty> for Value {
            fn from(value: $ty) -> Self {
                Self::Integer(value.into())
            }
        }

        impl TryFrom<Value> for $ty {
            type Error = Error;

            fn try_from(value: Value) -> Result<Self, Error> {
                let number = value.as_integer().ok_or_else(|| unfit(&value, "a whole number"))?;
                number.try_into().map_err(|_| {
                    Error::new(Reason::Range, concat!("the value does not fit ", stringify!($ty)))
                })
            }
        }
    )*};
}

integers!(i8, i16, i32, i64, i128, u8, u16, u32, u64);

impl TryFrom<Value> for bool {
    type Error = Error;

    fn try_from(value: Value) -> Result<Self, Error> {
        match value {
            Value::Bool(value) => Ok(value),
            other => Err(unfit(&other, "a bool")),
        }
    }
}

impl TryFrom<Value> for f64 {
    type Error = Error;

    fn try_from(value: Value) -> Result<Self, Error> {
        value.as_f64().ok_or_else(|| unfit(&value, "a number"))
    }
}

impl TryFrom<Value> for String {
    type Error = Error;

    fn try_from(value: Value) -> Result<Self, Error> {
        match value {
            Value::Text(text) => Ok(text),
            Value::Char(character) => Ok(character.into()),
            other => Err(unfit(&other, "a string")),
        }
    }
}

impl TryFrom<Value> for Vec<u8> {
    type Error = Error;

    fn try_from(value: Value) -> Result<Self, Error> {
        match value {
            Value::Bytes(bytes) => Ok(bytes),
            other => Err(unfit(&other, "bytes")),
        }
    }
}

impl TryFrom<Value> for Vec<Value> {
    type Error = Error;

    fn try_from(value: Value) -> Result<Self, Error> {
        match value {
            Value::List(items) | Value::Tuple(items) => Ok(items),
            other => Err(unfit(&other, "a list")),
        }
    }
}

impl TryFrom<Value> for () {
    type Error = Error;

    fn try_from(value: Value) -> Result<Self, Error> {
        if value.is_nothing() { Ok(()) } else { Err(unfit(&value, "nothing")) }
    }
}

fn unfit(value: &Value, wanted: &str) -> Error {
    Error::new(Reason::Kind, format!("the value must be {wanted}, not {}", value.sort()))
}
