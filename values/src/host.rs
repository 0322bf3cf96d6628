//! What a language has to say of its values: how one is read, and how one is made.
//!
//! Everything else is the same in all languages, and is here: what a type allows, how a value is written, how deep it may be.
//! So a language's own part is a few lines for each sort of value, and none of them checks anything.

use std::borrow::Cow;

use crate::error::{Error, Spelling};
use crate::types::{Float, Integer};

/// Reads the values of a language.
pub trait Read {
    /// A value, or a handle of one.
    type Value: Clone;
    /// What goes wrong, here or there.
    type Error: From<Error>;
    /// Whether what has names may be a map: in Python, where both are a `dict`.
    const OBJECTS_ARE_MAPS: bool = false;
    /// Whether a list may stand for bytes or a map, and bytes for a list: in JavaScript, where lists have any form.
    const LISTS_ARE_LOOSE: bool = false;

    /// What a value is. Asked once for each.
    fn view<'v>(&mut self, value: &'v Self::Value) -> Result<View<'v, Self::Value>, Self::Error>;

    /// Whether a value is what stands for an option that is not there.
    fn is_nothing(&mut self, value: &Self::Value) -> bool;

    /// Whether a script's object is as if it did not have a member of that value.
    fn is_left_out(&mut self, _value: &Self::Value) -> bool {
        false
    }

    /// What is in an option that is there, in a language that says so.
    fn inside(&mut self, _value: &Self::Value) -> Option<Self::Value> {
        None
    }

    /// The names in what stands for flags; nothing if it cannot.
    fn set(&mut self, value: &Self::Value) -> Result<Option<Vec<Self::Value>>, Self::Error> {
        Ok(match self.view(value)? {
            View::List(items) => Some(items),
            _ => None,
        })
    }

    /// What a value is, in an error: a word or two.
    fn describe(&mut self, value: &Self::Value) -> String;

    /// A value in an error: short, on one line, and without what a terminal obeys.
    fn show(&mut self, value: &Self::Value) -> String;

    /// Whether two are the same, and not only equal.
    fn is_same(&self, one: &Self::Value, other: &Self::Value) -> bool;

    /// How messages call things.
    fn spelling(&self) -> &dyn Spelling;
}

/// What a value of a language is.
#[derive(Debug)]
#[non_exhaustive]
pub enum View<'v, V> {
    /// Nothing.
    Null,
    /// Less than nothing: what JSON leaves out.
    Undefined,
    /// True or false.
    Bool(bool),
    /// A whole number.
    Integer(i128),
    /// A whole number beyond that, in decimal; nothing for one beyond [`MAX_BITS`](crate::limits::MAX_BITS).
    LongInteger(Option<String>),
    /// The same in a language that has a type of its own for those of 64 bits and more, in decimal.
    BigInt(Cow<'v, str>),
    /// A floating point number.
    Float(f64),
    /// A number in a language that has only one sort of them.
    Number(f64),
    /// A text.
    Text(Cow<'v, str>),
    /// A text that has half of a surrogate pair.
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

/// Makes the values of a language. What is made has been checked, and its size is in proportion to the text that says it.
pub trait Build {
    /// A value.
    type Value;
    /// The name of a field, made once for many.
    type Key: Clone;
    /// What goes wrong, here or there.
    type Error: From<Error>;

    /// Nothing: a script's `null`.
    fn null(&mut self) -> Result<Self::Value, Self::Error>;
    /// True or false.
    fn bool(&mut self, value: bool) -> Result<Self::Value, Self::Error>;
    /// A whole number of a component's.
    fn integer(&mut self, ty: Integer, value: i128) -> Result<Self::Value, Self::Error>;
    /// A floating point number of a component's.
    fn float(&mut self, ty: Float, value: f64) -> Result<Self::Value, Self::Error>;
    /// A number of a script's.
    fn number(&mut self, value: f64) -> Result<Self::Value, Self::Error>;
    /// A number of a script's that is whole, and exact.
    fn whole(&mut self, value: i64) -> Result<Self::Value, Self::Error>;
    /// A big integer of a script's: digits, perhaps behind a minus, of which the first is 0 only if it is alone.
    fn bigint(&mut self, digits: &str) -> Result<Self::Value, Self::Error>;
    /// One character.
    fn char(&mut self, value: char) -> Result<Self::Value, Self::Error>;
    /// A text.
    fn text(&mut self, text: &str) -> Result<Self::Value, Self::Error>;
    /// A text of a script's that has half of a surrogate pair.
    fn utf16(&mut self, text: &[u16]) -> Result<Self::Value, Self::Error>;
    /// Bytes.
    fn bytes(&mut self, bytes: Vec<u8>) -> Result<Self::Value, Self::Error>;
    /// Values in order.
    fn list(&mut self, items: Vec<Self::Value>) -> Result<Self::Value, Self::Error>;
    /// Values of several types in order.
    fn tuple(&mut self, items: Vec<Self::Value>) -> Result<Self::Value, Self::Error>;
    /// Values by keys, of which the last counts if there are equal ones.
    fn map(&mut self, pairs: Vec<(Self::Value, Self::Value)>) -> Result<Self::Value, Self::Error>;
    /// The name of a field.
    fn key(&mut self, name: &str) -> Result<Self::Key, Self::Error>;
    /// The same with half of a surrogate pair.
    fn utf16_key(&mut self, name: &[u16]) -> Result<Self::Key, Self::Error>;
    /// Values by names, of which the last counts if there are equal ones. They come in the order in which they were made.
    fn object(&mut self, members: Vec<(Self::Key, Self::Value)>) -> Result<Self::Value, Self::Error>;
    /// A case of an enum.
    fn name(&mut self, name: &str) -> Result<Self::Value, Self::Error>;
    /// A case of a variant.
    fn case(&mut self, name: &str, value: Option<Self::Value>) -> Result<Self::Value, Self::Error>;
    /// `ok` or `err`.
    fn result(&mut self, is_ok: bool, value: Option<Self::Value>) -> Result<Self::Value, Self::Error>;
    /// Names, each of them once.
    fn flags(&mut self, names: Vec<&str>) -> Result<Self::Value, Self::Error>;
    /// An option that is not there.
    fn none(&mut self) -> Result<Self::Value, Self::Error>;
    /// An option that is there. If it is around another option, what is in it could be taken for that.
    fn some(&mut self, value: Self::Value, is_around_option: bool) -> Result<Self::Value, Self::Error>;

    /// Says why values of a type cannot be the keys of a map; nothing if they can.
    fn refuse_key(&mut self, _key: &Self::Value) -> Option<String> {
        None
    }

    /// How messages call things.
    fn spelling(&self) -> &dyn Spelling;
}
