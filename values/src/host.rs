//! Interface for a language: how it reads and makes its values.
//!
//! Everything else is the same in all languages and is done here: the rules of types, the JSON text, the limit on
//! depth. So a language's own part is a few lines for each sort of value, and checks nothing.

use std::borrow::Cow;

use crate::error::{Error, Spelling};
use crate::types::{Float, Integer};

/// Reads the values of a language.
pub trait Read {
    /// A value, or a handle to one.
    type Value: Clone;
    /// Error of this crate or of the language.
    type Error: From<Error>;
    /// True if an object may stand for a map: in Python, where both are a `dict`.
    const OBJECTS_ARE_MAPS: bool = false;
    /// True if a list may stand for bytes or a map, and bytes for a list: in JavaScript, where lists have any form.
    const LISTS_ARE_LOOSE: bool = false;

    /// Classifies a value. Called once for each value.
    fn view<'v>(&mut self, value: &'v Self::Value) -> Result<View<'v, Self::Value>, Self::Error>;

    /// Returns true if a value stands for an absent option.
    fn is_nothing(&mut self, value: &Self::Value) -> bool;

    /// Returns true if a script's object omits members with this value.
    fn is_left_out(&mut self, _value: &Self::Value) -> bool {
        false
    }

    /// Returns the content of a present option, in a language that marks those.
    fn inside(&mut self, _value: &Self::Value) -> Option<Self::Value> {
        None
    }

    /// Returns the names in a set of flags; `None` if the value is not one.
    fn set(&mut self, value: &Self::Value) -> Result<Option<Vec<Self::Value>>, Self::Error> {
        Ok(match self.view(value)? {
            View::List(items) => Some(items),
            _ => None,
        })
    }

    /// Names the sort of a value for an error: a word or two.
    fn describe(&mut self, value: &Self::Value) -> String;

    /// Shows a value in an error: short, on one line, and without control characters for a terminal.
    fn show(&mut self, value: &Self::Value) -> String;

    /// Returns true if two values are the same object, and not only equal.
    fn is_same(&self, one: &Self::Value, other: &Self::Value) -> bool;

    /// Returns the language's words for messages.
    fn spelling(&self) -> &dyn Spelling;
}

/// A value of a language, classified.
#[derive(Debug)]
#[non_exhaustive]
pub enum View<'v, V> {
    /// A null value.
    Null,
    /// `undefined`: JSON omits it.
    Undefined,
    /// True or false.
    Bool(bool),
    /// A whole number.
    Integer(i128),
    /// A larger whole number, in decimal; `None` if it exceeds [`MAX_BITS`](crate::limits::MAX_BITS).
    LongInteger(Option<String>),
    /// A big integer, in decimal, in a language that has a separate type for whole numbers of 64 bits and more.
    BigInt(Cow<'v, str>),
    /// A floating point number.
    Float(f64),
    /// A number, in a language with only one type of them.
    Number(f64),
    /// A text.
    Text(Cow<'v, str>),
    /// A text with an unpaired surrogate.
    Utf16(Vec<u16>),
    /// Bytes.
    Bytes(Cow<'v, [u8]>),
    /// Values in order.
    List(Vec<V>),
    /// Values by names.
    Object(Vec<(V, V)>),
    /// Values by keys.
    Map(Vec<(V, V)>),
    /// None of these.
    Other,
}

/// Makes the values of a language. All inputs have been checked, and their size is in proportion to the text.
pub trait Build {
    /// A value.
    type Value;
    /// The name of a field, made once and used many times.
    type Key: Clone;
    /// Error of this crate or of the language.
    type Error: From<Error>;

    /// Makes a script's `null`.
    fn null(&mut self) -> Result<Self::Value, Self::Error>;
    /// True or false.
    fn bool(&mut self, value: bool) -> Result<Self::Value, Self::Error>;
    /// A whole number of a component's.
    fn integer(&mut self, ty: Integer, value: i128) -> Result<Self::Value, Self::Error>;
    /// A floating point number of a component's.
    fn float(&mut self, ty: Float, value: f64) -> Result<Self::Value, Self::Error>;
    /// A number of a script's.
    fn number(&mut self, value: f64) -> Result<Self::Value, Self::Error>;
    /// Makes a number of a script's that is whole and exact.
    fn whole(&mut self, value: i64) -> Result<Self::Value, Self::Error>;
    /// Makes a big integer of a script's: digits, optionally after a minus, without leading zeros.
    fn bigint(&mut self, digits: &str) -> Result<Self::Value, Self::Error>;
    /// One character.
    fn char(&mut self, value: char) -> Result<Self::Value, Self::Error>;
    /// A text.
    fn text(&mut self, text: &str) -> Result<Self::Value, Self::Error>;
    /// Makes a text of a script's with an unpaired surrogate.
    fn utf16(&mut self, text: &[u16]) -> Result<Self::Value, Self::Error>;
    /// Bytes.
    fn bytes(&mut self, bytes: Vec<u8>) -> Result<Self::Value, Self::Error>;
    /// Values in order.
    fn list(&mut self, items: Vec<Self::Value>) -> Result<Self::Value, Self::Error>;
    /// Values of several types in order.
    fn tuple(&mut self, items: Vec<Self::Value>) -> Result<Self::Value, Self::Error>;
    /// Makes a map. If keys are equal, the last one counts.
    fn map(&mut self, pairs: Vec<(Self::Value, Self::Value)>) -> Result<Self::Value, Self::Error>;
    /// The name of a field.
    fn key(&mut self, name: &str) -> Result<Self::Key, Self::Error>;
    /// Makes the name of a field with an unpaired surrogate.
    fn utf16_key(&mut self, name: &[u16]) -> Result<Self::Key, Self::Error>;
    /// Makes an object. If names are equal, the last one counts. Members are in the order of their creation.
    fn object(&mut self, members: Vec<(Self::Key, Self::Value)>) -> Result<Self::Value, Self::Error>;
    /// A case of an enum.
    fn name(&mut self, name: &str) -> Result<Self::Value, Self::Error>;
    /// A case of a variant.
    fn case(&mut self, name: &str, value: Option<Self::Value>) -> Result<Self::Value, Self::Error>;
    /// `ok` or `err`.
    fn result(&mut self, is_ok: bool, value: Option<Self::Value>) -> Result<Self::Value, Self::Error>;
    /// Names, each of them once.
    fn flags(&mut self, names: Vec<&str>) -> Result<Self::Value, Self::Error>;
    /// Makes an absent option.
    fn none(&mut self) -> Result<Self::Value, Self::Error>;
    /// Makes a present option. Around another option, the value alone would be ambiguous.
    fn some(&mut self, value: Self::Value, is_around_option: bool) -> Result<Self::Value, Self::Error>;

    /// Returns the reason why a value cannot be a map's key; `None` if it can.
    fn refuse_key(&mut self, _key: &Self::Value) -> Option<String> {
        None
    }

    /// Returns the language's words for messages.
    fn spelling(&self) -> &dyn Spelling;
}
