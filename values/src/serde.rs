//! Values from any type that serde can write, and back.
//!
//! | in Rust | as a value |
//! |---|---|
//! | `None`, `()` | [`Value::Null`] |
//! | `Some` | for a script the value itself; for an option of a component the value, at any depth of options |
//! | whole numbers | [`Value::Integer`], or [`Value::BigInt`] beyond 127 bits |
//! | `Vec<u8>` | a list of numbers, which a component's `list<u8>` accepts; as bytes (`serde_bytes`) [`Value::Bytes`] |
//! | a structure, a map with keys that are strings | [`Value::Object`] |
//! | any other map | [`Value::Map`] |
//! | an enum | [`Value::Case`]: for scripts the name, or an object whose one key is the name |
//! | `Result` | the cases `ok` and `err` |
//! | an array of fixed length, a tuple | [`Value::Tuple`] |
//!
//! Names of components have hyphens: `#[serde(rename_all = "kebab-case")]`. Flags are a list of names.

mod read;
mod write;

use std::fmt;

use ::serde::de::DeserializeOwned;
use ::serde::{Serialize, de, ser};

use crate::error::{Error, Reason};
use crate::value::Value;

/// Makes a value of any type that serde can write. It is checked when it is passed.
///
/// ```
/// use libhyperlight_values::{from_value, to_value};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Debug, Deserialize, PartialEq, Serialize)]
/// struct Item {
///     name: String,
///     price: Option<f64>,
/// }
///
/// let item = Item { name: "tea".to_owned(), price: None };
/// let value = to_value(&item)?;
/// assert_eq!(value.get("name").and_then(|name| name.as_str()), Some("tea"));
/// assert_eq!(from_value::<Item>(value)?, item);
/// # Ok::<(), libhyperlight_values::Error>(())
/// ```
pub fn to_value<T: Serialize + ?Sized>(value: &T) -> Result<Value, Error> {
    value.serialize(write::Writer::default())
}

/// Makes any type that serde can read of a value. A value that does not fit is an error with [`Reason::Kind`].
pub fn from_value<T: DeserializeOwned>(value: Value) -> Result<T, Error> {
    T::deserialize(read::Reader(value))
}

impl ser::Error for Error {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::new(Reason::Kind, one_line(&message.to_string()))
    }
}

impl de::Error for Error {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::new(Reason::Kind, one_line(&message.to_string()))
    }
}

/// The text without control characters: it may quote what a guest has sent.
fn one_line(text: &str) -> String {
    text.chars().map(|character| if character.is_control() { ' ' } else { character }).collect()
}

/// Returns true for the enum `Result`, whose cases have other names in components.
fn is_result(name: &str) -> bool {
    name == "Result"
}
