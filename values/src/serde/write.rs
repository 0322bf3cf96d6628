//! Serialization into values.

use ::serde::ser::{
    Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant, Serializer,
};

use super::is_result;
use crate::error::Error;
use crate::limits::MAX_DEPTH;
use crate::value::{BigInt, Value};

/// Writes a value at a depth.
#[derive(Clone, Copy, Default)]
pub(super) struct Writer {
    depth: usize,
    is_in_option: bool,
}

impl Writer {
    /// The writer for the parts of a value.
    fn inner(self) -> Result<Self, Error> {
        if self.depth == MAX_DEPTH {
            return Err(Error::too_deep("the value"));
        }
        Ok(Self { depth: self.depth + 1, is_in_option: false })
    }
}

impl Serializer for Writer {
    type Ok = Value;
    type Error = Error;
    type SerializeSeq = Items;
    type SerializeTuple = Items;
    type SerializeTupleStruct = Items;
    type SerializeTupleVariant = Items;
    type SerializeMap = Pairs;
    type SerializeStruct = Members;
    type SerializeStructVariant = Members;

    fn serialize_bool(self, value: bool) -> Result<Value, Error> {
        Ok(Value::Bool(value))
    }

    fn serialize_i8(self, value: i8) -> Result<Value, Error> {
        Ok(value.into())
    }

    fn serialize_i16(self, value: i16) -> Result<Value, Error> {
        Ok(value.into())
    }

    fn serialize_i32(self, value: i32) -> Result<Value, Error> {
        Ok(value.into())
    }

    fn serialize_i64(self, value: i64) -> Result<Value, Error> {
        Ok(value.into())
    }

    fn serialize_i128(self, value: i128) -> Result<Value, Error> {
        Ok(Value::Integer(value))
    }

    fn serialize_u8(self, value: u8) -> Result<Value, Error> {
        Ok(value.into())
    }

    fn serialize_u16(self, value: u16) -> Result<Value, Error> {
        Ok(value.into())
    }

    fn serialize_u32(self, value: u32) -> Result<Value, Error> {
        Ok(value.into())
    }

    fn serialize_u64(self, value: u64) -> Result<Value, Error> {
        Ok(value.into())
    }

    fn serialize_u128(self, value: u128) -> Result<Value, Error> {
        Ok(match value.try_into() {
            Ok(value) => Value::Integer(value),
            // Digits are always a number.
            Err(_) => BigInt::parse(&value.to_string()).map_or(Value::Null, Value::BigInt),
        })
    }

    fn serialize_f32(self, value: f32) -> Result<Value, Error> {
        Ok(value.into())
    }

    fn serialize_f64(self, value: f64) -> Result<Value, Error> {
        Ok(value.into())
    }

    fn serialize_char(self, value: char) -> Result<Value, Error> {
        Ok(Value::Char(value))
    }

    fn serialize_str(self, value: &str) -> Result<Value, Error> {
        Ok(value.into())
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<Value, Error> {
        Ok(value.into())
    }

    fn serialize_none(self) -> Result<Value, Error> {
        Ok(Value::Null)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Value, Error> {
        // The text of an option is a level only around another one.
        let writer = if self.is_in_option { self.inner()? } else { self };
        Ok(Value::Some(Box::new(value.serialize(Self { is_in_option: true, ..writer })?)))
    }

    fn serialize_unit(self) -> Result<Value, Error> {
        Ok(Value::Null)
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<Value, Error> {
        Ok(Value::Null)
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, case: &'static str) -> Result<Value, Error> {
        Ok(Value::Case(case.to_owned(), None))
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<Value, Error> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        _: u32,
        case: &'static str,
        value: &T,
    ) -> Result<Value, Error> {
        Ok(Value::case(case_name(name, case), value.serialize(self.inner()?)?))
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Items, Error> {
        Ok(Items { writer: self.inner()?, items: Vec::new(), kind: Sequence::List })
    }

    fn serialize_tuple(self, _: usize) -> Result<Items, Error> {
        Ok(Items { writer: self.inner()?, items: Vec::new(), kind: Sequence::Tuple })
    }

    fn serialize_tuple_struct(self, _: &'static str, count: usize) -> Result<Items, Error> {
        self.serialize_tuple(count)
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        case: &'static str,
        _: usize,
    ) -> Result<Items, Error> {
        let writer = self.inner()?.inner()?;
        Ok(Items { writer, items: Vec::new(), kind: Sequence::Case(case) })
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Pairs, Error> {
        Ok(Pairs { writer: self.inner()?, pairs: Vec::new(), key: None })
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Members, Error> {
        Ok(Members { writer: self.inner()?, members: Vec::new(), case: None })
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        case: &'static str,
        _: usize,
    ) -> Result<Members, Error> {
        Ok(Members { writer: self.inner()?.inner()?, members: Vec::new(), case: Some(case) })
    }
}

fn case_name(of: &str, case: &'static str) -> &'static str {
    match case {
        "Ok" if is_result(of) => "ok",
        "Err" if is_result(of) => "err",
        case => case,
    }
}

/// The items of a sequence so far.
pub(super) struct Items {
    writer: Writer,
    items: Vec<Value>,
    kind: Sequence,
}

enum Sequence {
    Case(&'static str),
    List,
    Tuple,
}

impl Items {
    fn push<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.items.push(value.serialize(self.writer)?);
        Ok(())
    }

    fn done(self) -> Value {
        match self.kind {
            Sequence::Case(case) => Value::case(case, Value::Tuple(self.items)),
            Sequence::List => Value::List(self.items),
            Sequence::Tuple => Value::Tuple(self.items),
        }
    }
}

impl SerializeSeq for Items {
    type Ok = Value;
    type Error = Error;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.push(value)
    }

    fn end(self) -> Result<Value, Error> {
        Ok(self.done())
    }
}

impl SerializeTuple for Items {
    type Ok = Value;
    type Error = Error;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.push(value)
    }

    fn end(self) -> Result<Value, Error> {
        Ok(self.done())
    }
}

impl SerializeTupleStruct for Items {
    type Ok = Value;
    type Error = Error;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.push(value)
    }

    fn end(self) -> Result<Value, Error> {
        Ok(self.done())
    }
}

impl SerializeTupleVariant for Items {
    type Ok = Value;
    type Error = Error;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.push(value)
    }

    fn end(self) -> Result<Value, Error> {
        Ok(self.done())
    }
}

/// The pairs of a map so far.
pub(super) struct Pairs {
    writer: Writer,
    pairs: Vec<(Value, Value)>,
    key: Option<Value>,
}

impl SerializeMap for Pairs {
    type Ok = Value;
    type Error = Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Error> {
        self.key = Some(key.serialize(self.writer)?);
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        let key =
            self.key.take().ok_or_else(|| ::serde::ser::Error::custom("a map has a value without a key"))?;
        self.pairs.push((key, value.serialize(self.writer)?));
        Ok(())
    }

    fn end(self) -> Result<Value, Error> {
        let is_name = |key: &Value| matches!(key, Value::Text(_) | Value::Case(_, None));
        if !self.pairs.iter().all(|(key, _)| is_name(key)) {
            return Ok(Value::Map(self.pairs));
        }
        let named = |(key, value)| match key {
            Value::Text(name) | Value::Case(name, _) => Some((name, value)),
            _ => None,
        };
        Ok(Value::Object(self.pairs.into_iter().filter_map(named).collect()))
    }
}

/// The fields of a structure so far.
pub(super) struct Members {
    writer: Writer,
    members: Vec<(String, Value)>,
    case: Option<&'static str>,
}

impl Members {
    fn push<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), Error> {
        self.members.push((name.to_owned(), value.serialize(self.writer)?));
        Ok(())
    }

    fn done(self) -> Value {
        let object = Value::Object(self.members);
        match self.case {
            Some(case) => Value::case(case, object),
            None => object,
        }
    }
}

impl SerializeStruct for Members {
    type Ok = Value;
    type Error = Error;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), Error> {
        self.push(name, value)
    }

    fn end(self) -> Result<Value, Error> {
        Ok(self.done())
    }
}

impl SerializeStructVariant for Members {
    type Ok = Value;
    type Error = Error;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), Error> {
        self.push(name, value)
    }

    fn end(self) -> Result<Value, Error> {
        Ok(self.done())
    }
}
