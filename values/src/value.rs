//! Values in Rust.

mod convert;

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use crate::decimal;
use crate::error::{Error, Reason, Rust, Spelling, shown};
use crate::host::{Build, Read, View};
use crate::lift::lift;
use crate::lower::{check, lower};
use crate::script;
use crate::types::{Float, Integer, Type};

/// A value of a script or of a WebAssembly component.
///
/// The rules of a type or a dialect are checked when the value is passed. An [`Integer`](Self::Integer) may be given
/// for any integer type that has the number.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Value {
    /// `null`, or an absent option.
    Null,
    /// A script's `undefined`.
    Undefined,
    /// True or false.
    Bool(bool),
    /// A whole number. A script gets it as a number, or as a big integer from 2^53 on.
    Integer(i128),
    /// A big integer of a script's.
    BigInt(BigInt),
    /// A floating point number.
    Float(f64),
    /// A `char` of a component's.
    Char(char),
    /// A text.
    Text(String),
    /// A text of a script's with an unpaired surrogate. In a name, the surrogate becomes U+FFFD.
    Utf16(Vec<u16>),
    /// Bytes, a component's `list<u8>`. A list of whole numbers may be given for them.
    Bytes(Vec<u8>),
    /// Values in order.
    List(Vec<Self>),
    /// Values of several types in order.
    Tuple(Vec<Self>),
    /// Values by keys.
    Map(Vec<(Self, Self)>),
    /// Values by names: a record, or a script's object. May be given for a map whose keys are strings.
    Object(Vec<(String, Self)>),
    /// A case of an enum or of a variant, with its value, if it has one. For a result, `ok` or `err`; with
    /// [`Null`](Self::Null) if the case has no type.
    Case(String, Option<Box<Self>>),
    /// The names of flags.
    Flags(Vec<String>),
    /// A present option. Values from a guest have it only around another option; elsewhere they are the content itself,
    /// and so is one for a script.
    Some(Box<Self>),
}

/// A whole number of any length, in decimal.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct BigInt(Box<str>);

impl BigInt {
    /// Parses digits, optionally after a minus.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = decimal::digits(text)?;
        let is_negative = text.starts_with('-') && digits != "0";
        Some(Self(if is_negative { format!("-{digits}").into() } else { digits.into() }))
    }

    /// Returns the digits, after a minus if negative.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<i128> for BigInt {
    fn from(number: i128) -> Self {
        Self(number.to_string().into())
    }
}

impl fmt::Display for BigInt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Value {
    /// Decodes the text of a WebAssembly program's guest as a value of a type. Errors call it `what`.
    ///
    /// ```
    /// use libhyperlight_values::{Type, Value};
    ///
    /// let ty: Type = "record { name: string, price: option<f64> }".parse()?;
    /// let value = Value::lift(&ty, r#"{"name":"tea","price":null}"#, "it")?;
    /// assert_eq!(value.lower(&ty, "it")?, r#"{"name":"tea","price":null}"#);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn lift(ty: &Type, text: &str, what: &str) -> Result<Self, Error> {
        lift(ty, text, what, &mut Builder)
    }

    /// Encodes the value for the guest of a WebAssembly program, as a value of a type. Errors call it `what`.
    pub fn lower(&self, ty: &Type, what: &str) -> Result<String, Error> {
        lower(ty, self.into(), what, &mut Lender::default())
    }

    /// Checks that the value, which a guest sent as a wider kind, has a type. Errors call it `what`.
    pub fn check(&self, ty: &Type, what: &str) -> Result<(), Error> {
        check(ty, self.into(), what, &mut Lender::default())
    }

    /// Decodes the text of a script's guest. Errors call it `what`.
    pub fn of_script(text: &str, what: &str) -> Result<Self, Error> {
        Ok(script::decode(text, what, &mut Builder)?.unwrap_or(Self::Undefined))
    }

    /// Decodes the text of a list from a script's guest. Each value may be as deep as one alone.
    pub fn all_of_script(text: &str, what: &str) -> Result<Vec<Self>, Error> {
        match script::decode_all(text, what, &mut Builder)? {
            Self::List(values) => Ok(values),
            other => Err(Error::new(Reason::Protocol, format!("{what} are no list, found {}", other.sort()))),
        }
    }

    /// Encodes the value for a script's guest. Errors call it `what`.
    pub fn to_script(&self, what: &str) -> Result<String, Error> {
        script::encode(self.into(), what, &mut Lender::for_script())
    }

    /// Encodes the arguments of a call. Errors call each of them `what`.
    pub fn all_to_script(values: &[Self], what: &str) -> Result<String, Error> {
        script::encode_all(values.iter().map(Lent::from).collect(), what, &mut Lender::for_script())
    }

    /// Names the sort of the value, in a word or two.
    pub(crate) fn sort(&self) -> &'static str {
        match self {
            Self::Null => "nothing",
            Self::Undefined => "undefined",
            Self::Bool(_) => "a bool",
            Self::Integer(_) => "a whole number",
            Self::BigInt(_) => "a big integer",
            Self::Float(_) => "a floating point number",
            Self::Char(_) => "a char",
            Self::Text(_) | Self::Utf16(_) => "a string",
            Self::Bytes(_) => "bytes",
            Self::List(_) => "a list",
            Self::Tuple(_) => "a tuple",
            Self::Map(_) => "a map",
            Self::Object(_) => "an object",
            Self::Case(..) => "a case",
            Self::Flags(_) => "flags",
            Self::Some(_) => "an option",
        }
    }
}

/// A borrowed value, or the name of one.
#[derive(Clone, Copy, Debug)]
enum Lent<'v> {
    Name(&'v str),
    Value(&'v Value),
}

impl<'v> From<&'v Value> for Lent<'v> {
    fn from(value: &'v Value) -> Self {
        Self::Value(value)
    }
}

/// Reads borrowed values of Rust.
#[derive(Clone, Copy, Debug, Default)]
struct Lender<'v> {
    /// Scripts have no options: theirs are the value or `null`.
    is_for_script: bool,
    values: PhantomData<&'v Value>,
}

impl Lender<'_> {
    fn for_script() -> Self {
        Self { is_for_script: true, values: PhantomData }
    }
}

impl<'v> Read for Lender<'v> {
    type Value = Lent<'v>;
    type Error = Error;
    // What serde writes does not say which of the two a value is.
    const OBJECTS_ARE_MAPS: bool = true;
    const LISTS_ARE_LOOSE: bool = true;

    fn view<'a>(&mut self, value: &'a Lent<'v>) -> Result<View<'a, Lent<'v>>, Error> {
        let mut value = match *value {
            Lent::Name(name) => return Ok(View::Text(Cow::Borrowed(name))),
            Lent::Value(value) => value,
        };
        while self.is_for_script
            && let Value::Some(inside) = value
        {
            value = inside;
        }
        let lend = |items: &'v [Value]| items.iter().map(Lent::from).collect();
        Ok(match value {
            Value::Null => View::Null,
            Value::Undefined => View::Undefined,
            Value::Bool(value) => View::Bool(*value),
            Value::Integer(value) => View::Integer(*value),
            Value::BigInt(value) => View::BigInt(Cow::Borrowed(value.as_str())),
            Value::Float(value) => View::Float(*value),
            Value::Char(value) => View::Text(Cow::Owned(value.to_string())),
            Value::Text(text) => View::Text(Cow::Borrowed(text)),
            Value::Utf16(text) => View::Utf16(text.clone()),
            Value::Bytes(bytes) => View::Bytes(Cow::Borrowed(bytes)),
            Value::List(items) | Value::Tuple(items) => View::List(lend(items)),
            Value::Map(pairs) => {
                View::Map(pairs.iter().map(|(key, value)| (key.into(), value.into())).collect())
            }
            Value::Object(members) => {
                View::Object(members.iter().map(|(name, value)| (Lent::Name(name), value.into())).collect())
            }
            Value::Case(name, None) => View::Text(Cow::Borrowed(name)),
            Value::Case(name, Some(value)) => View::Object(vec![(Lent::Name(name), Lent::Value(value))]),
            Value::Flags(names) => View::List(names.iter().map(|name| Lent::Name(name)).collect()),
            Value::Some(value) => View::Object(vec![(Lent::Name("some"), Lent::Value(value))]),
        })
    }

    fn is_nothing(&mut self, value: &Lent<'v>) -> bool {
        matches!(value, Lent::Value(Value::Null | Value::Undefined))
    }

    fn inside(&mut self, value: &Lent<'v>) -> Option<Lent<'v>> {
        match *value {
            Lent::Value(Value::Some(inside)) => Some(Lent::Value(inside)),
            _ => None,
        }
    }

    fn is_left_out(&mut self, value: &Lent<'v>) -> bool {
        matches!(value, Lent::Value(Value::Undefined))
    }

    fn describe(&mut self, value: &Lent<'v>) -> String {
        match value {
            Lent::Name(_) => "a string",
            Lent::Value(value) => value.sort(),
        }
        .to_owned()
    }

    fn show(&mut self, value: &Lent<'v>) -> String {
        match value {
            Lent::Name(name) => shown(name),
            Lent::Value(Value::Text(text) | Value::Case(text, None)) => shown(text),
            Lent::Value(Value::Integer(number)) => number.to_string(),
            Lent::Value(value) => value.sort().to_owned(),
        }
    }

    fn is_same(&self, _: &Lent<'v>, _: &Lent<'v>) -> bool {
        // No value of Rust contains itself.
        false
    }

    fn spelling(&self) -> &dyn Spelling {
        &Rust
    }
}

/// Makes values of Rust. An unpaired surrogate in a name becomes U+FFFD.
struct Builder;

impl Build for Builder {
    type Value = Value;
    type Key = String;
    type Error = Error;

    fn null(&mut self) -> Result<Value, Error> {
        Ok(Value::Null)
    }

    fn bool(&mut self, value: bool) -> Result<Value, Error> {
        Ok(Value::Bool(value))
    }

    fn integer(&mut self, _: Integer, value: i128) -> Result<Value, Error> {
        Ok(Value::Integer(value))
    }

    fn float(&mut self, _: Float, value: f64) -> Result<Value, Error> {
        Ok(Value::Float(value))
    }

    fn number(&mut self, value: f64) -> Result<Value, Error> {
        Ok(Value::Float(value))
    }

    fn whole(&mut self, value: i64) -> Result<Value, Error> {
        Ok(Value::Integer(value.into()))
    }

    fn bigint(&mut self, digits: &str) -> Result<Value, Error> {
        Ok(Value::BigInt(BigInt(digits.into())))
    }

    fn char(&mut self, value: char) -> Result<Value, Error> {
        Ok(Value::Char(value))
    }

    fn text(&mut self, text: &str) -> Result<Value, Error> {
        Ok(Value::Text(text.to_owned()))
    }

    fn utf16(&mut self, text: &[u16]) -> Result<Value, Error> {
        Ok(Value::Utf16(text.to_vec()))
    }

    fn bytes(&mut self, bytes: Vec<u8>) -> Result<Value, Error> {
        Ok(Value::Bytes(bytes))
    }

    fn list(&mut self, items: Vec<Value>) -> Result<Value, Error> {
        Ok(Value::List(items))
    }

    fn tuple(&mut self, items: Vec<Value>) -> Result<Value, Error> {
        Ok(Value::Tuple(items))
    }

    fn map(&mut self, pairs: Vec<(Value, Value)>) -> Result<Value, Error> {
        Ok(Value::Map(pairs))
    }

    fn key(&mut self, name: &str) -> Result<String, Error> {
        Ok(name.to_owned())
    }

    fn utf16_key(&mut self, name: &[u16]) -> Result<String, Error> {
        Ok(String::from_utf16_lossy(name))
    }

    fn object(&mut self, members: Vec<(String, Value)>) -> Result<Value, Error> {
        Ok(Value::Object(members))
    }

    fn name(&mut self, name: &str) -> Result<Value, Error> {
        Ok(Value::Case(name.to_owned(), None))
    }

    fn case(&mut self, name: &str, value: Option<Value>) -> Result<Value, Error> {
        Ok(Value::Case(name.to_owned(), value.map(Box::new)))
    }

    fn result(&mut self, is_ok: bool, value: Option<Value>) -> Result<Value, Error> {
        self.case(if is_ok { "ok" } else { "err" }, Some(value.unwrap_or(Value::Null)))
    }

    fn flags(&mut self, names: Vec<&str>) -> Result<Value, Error> {
        Ok(Value::Flags(names.into_iter().map(str::to_owned).collect()))
    }

    fn none(&mut self) -> Result<Value, Error> {
        Ok(Value::Null)
    }

    fn some(&mut self, value: Value, is_around_option: bool) -> Result<Value, Error> {
        Ok(if is_around_option { Value::Some(Box::new(value)) } else { value })
    }

    fn spelling(&self) -> &dyn Spelling {
        &Rust
    }
}
