//! Deserialization from values.

use ::serde::de::value::{MapDeserializer, SeqDeserializer};
use ::serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error as _, IntoDeserializer, Unexpected, VariantAccess,
    Visitor,
};
use ::serde::forward_to_deserialize_any;

use super::is_result;
use crate::error::Error;
use crate::value::Value;

/// Reads a value.
pub(super) struct Reader(pub Value);

impl<'de> IntoDeserializer<'de, Error> for Reader {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de> Deserializer<'de> for Reader {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            Value::Null | Value::Undefined => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(value),
            Value::Integer(number) => integer(number, visitor),
            Value::BigInt(digits) => match digits.as_str().parse() {
                Ok(number) => integer(number, visitor),
                Err(_) => match digits.as_str().parse() {
                    Ok(number) => visitor.visit_u128(number),
                    Err(_) => visitor.visit_str(digits.as_str()),
                },
            },
            Value::Float(number) => visitor.visit_f64(number),
            Value::Char(character) => visitor.visit_char(character),
            Value::Text(text) => visitor.visit_string(text),
            Value::Utf16(_) => {
                Err(Error::invalid_type(Unexpected::Other("a text with half of a surrogate pair"), &visitor))
            }
            Value::Bytes(bytes) => visitor.visit_byte_buf(bytes),
            Value::List(items) | Value::Tuple(items) => sequence(items.into_iter().map(Self), visitor),
            Value::Map(pairs) => pairs_of(pairs.into_iter().map(|(key, value)| (Self(key), value)), visitor),
            Value::Object(members) => pairs_of(members.into_iter(), visitor),
            Value::Case(name, None) => visitor.visit_string(name),
            Value::Case(name, Some(value)) => pairs_of([(name, *value)].into_iter(), visitor),
            Value::Flags(names) => sequence(names.into_iter(), visitor),
            Value::Some(value) => visitor.visit_some(Self(*value)),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            Value::Null | Value::Undefined => visitor.visit_none(),
            Value::Some(value) => visitor.visit_some(Self(*value)),
            value => visitor.visit_some(Self(value)),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let (case, value) = match self.0 {
            Value::Case(case, value) => (case, value.map(|value| *value)),
            // A script's.
            Value::Text(case) => (case, None),
            Value::Object(mut members) if members.len() == 1 => match members.pop() {
                Some((case, value)) => (case, Some(value)),
                None => return Err(Error::invalid_length(0, &visitor)),
            },
            other => return Err(Error::invalid_type(unexpected(&other), &visitor)),
        };
        let case = match &*case {
            "ok" if is_result(name) => "Ok".to_owned(),
            "err" if is_result(name) => "Err".to_owned(),
            _ => case,
        };
        visitor.visit_enum(Case { case, value })
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            Value::Bytes(bytes) => sequence(bytes.into_iter(), visitor),
            // A map is a list of pairs, where that is asked for.
            Value::Map(pairs) => {
                let pairs = pairs.into_iter().map(|(key, value)| Self(Value::Tuple(vec![key, value])));
                sequence(pairs, visitor)
            }
            value => Self(value).deserialize_any(visitor),
        }
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct map struct
        identifier
    }
}

/// The most common types of serde's take numbers of at most 64 bits.
fn integer<'de, V: Visitor<'de>>(number: i128, visitor: V) -> Result<V::Value, Error> {
    if let Ok(number) = u64::try_from(number) {
        visitor.visit_u64(number)
    } else if let Ok(number) = i64::try_from(number) {
        visitor.visit_i64(number)
    } else {
        visitor.visit_i128(number)
    }
}

/// Gives items to a visitor, which must take all of them.
fn sequence<'de, V: Visitor<'de>, I>(items: I, visitor: V) -> Result<V::Value, Error>
where
    I: Iterator<Item: IntoDeserializer<'de, Error>>,
{
    let mut items = SeqDeserializer::new(items);
    let value = visitor.visit_seq(&mut items)?;
    items.end()?;
    Ok(value)
}

/// Gives pairs to a visitor, which must take all of them.
fn pairs_of<'de, V: Visitor<'de>, K, I>(pairs: I, visitor: V) -> Result<V::Value, Error>
where
    K: IntoDeserializer<'de, Error>,
    I: Iterator<Item = (K, Value)>,
{
    let mut pairs = MapDeserializer::new(pairs.map(|(key, value)| (key, Reader(value))));
    let value = visitor.visit_map(&mut pairs)?;
    pairs.end()?;
    Ok(value)
}

fn unexpected(value: &Value) -> Unexpected<'static> {
    Unexpected::Other(value.sort())
}

/// A case of an enum.
struct Case {
    case: String,
    value: Option<Value>,
}

impl<'de> EnumAccess<'de> for Case {
    type Error = Error;
    type Variant = Content;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Content), Error> {
        Ok((seed.deserialize(self.case.into_deserializer())?, Content(self.value)))
    }
}

/// The value of a case.
struct Content(Option<Value>);

impl Content {
    fn reader(self) -> Reader {
        Reader(self.0.unwrap_or(Value::Null))
    }
}

impl<'de> VariantAccess<'de> for Content {
    type Error = Error;

    fn unit_variant(self) -> Result<(), Error> {
        match self.0 {
            None | Some(Value::Null | Value::Undefined) => Ok(()),
            Some(value) => Err(Error::invalid_type(unexpected(&value), &"a case without a value")),
        }
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Error> {
        seed.deserialize(self.reader())
    }

    fn tuple_variant<V: Visitor<'de>>(self, count: usize, visitor: V) -> Result<V::Value, Error> {
        self.reader().deserialize_tuple(count, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.reader().deserialize_map(visitor)
    }
}
