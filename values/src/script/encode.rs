//! Encoding of values as text.

use std::vec;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{BIGINT, BYTES, NUMBER};
use crate::decimal;
use crate::error::{Error, Reason, Unfit};
use crate::host::{Read, View};
use crate::limits::{MAX_DEPTH, MAX_SAFE_INTEGER};
use crate::writer::{put_display, put_number, put_text, put_utf16, special};

/// Encodes a value as text. Errors call it `what`.
pub fn encode<R: Read>(value: R::Value, what: &str, read: &mut R) -> Result<String, R::Error> {
    let mut encoder = Encoder { read, what, limit: MAX_DEPTH, out: String::new(), open: Vec::new() };
    if encoder.read.is_left_out(&value) {
        return Ok(String::new());
    }
    encoder.document(value)?;
    Ok(encoder.out)
}

/// Encodes a list of values, each of which may be as deep as one alone.
pub fn encode_all<R: Read>(values: Vec<R::Value>, what: &str, read: &mut R) -> Result<String, R::Error> {
    let mut encoder = Encoder { read, what, limit: MAX_DEPTH, out: String::from("["), open: Vec::new() };
    for (at, value) in values.into_iter().enumerate() {
        if at > 0 {
            encoder.out.push(',');
        }
        encoder.document(value)?;
    }
    encoder.out.push(']');
    Ok(encoder.out)
}

struct Encoder<'r, 'w, R: Read> {
    read: &'r mut R,
    what: &'w str,
    limit: usize,
    out: String,
    /// Open values, from the outermost to the innermost.
    open: Vec<Open<R::Value>>,
}

/// A list or object with its remaining members, as they were when it began.
struct Open<V> {
    of: V,
    is_first: bool,
    members: Members<V>,
}

enum Members<V> {
    List(vec::IntoIter<V>),
    /// An object, with the prefix of its keys.
    Object(vec::IntoIter<(V, V)>, &'static str),
}

impl<R: Read> Encoder<'_, '_, R> {
    fn document(&mut self, value: R::Value) -> Result<(), R::Error> {
        self.value(value)?;
        while let Some(open) = self.open.last_mut() {
            let (value, key) = match &mut open.members {
                Members::List(items) => (items.next(), None),
                Members::Object(items, prefix) => match items.next() {
                    Some((key, item)) => (Some(item), Some((key, *prefix))),
                    None => (None, None),
                },
            };
            let Some(value) = value else {
                self.out.push(if matches!(open.members, Members::List(_)) { ']' } else { '}' });
                self.open.pop();
                continue;
            };
            if !std::mem::take(&mut open.is_first) {
                self.out.push(',');
            }
            if let Some((key, prefix)) = key {
                self.key(&key, prefix)?;
            }
            self.value(value)?;
        }
        Ok(())
    }

    /// Writes a value, or its beginning.
    fn value(&mut self, value: R::Value) -> Result<(), R::Error> {
        match self.read.view(&value)? {
            View::Null | View::Undefined => self.out.push_str("null"),
            View::Bool(truth) => put_display(&mut self.out, truth),
            View::Text(text) => put_text(&mut self.out, "", &text),
            View::Utf16(text) => put_utf16(&mut self.out, "", &text),
            View::Integer(number) => {
                if number.unsigned_abs() <= u128::from(MAX_SAFE_INTEGER.unsigned_abs()) {
                    put_display(&mut self.out, number);
                } else {
                    self.escape(BIGINT, &number.to_string());
                }
            }
            View::LongInteger(digits) => self.bigint(digits.as_deref().unwrap_or_default())?,
            View::BigInt(digits) => self.bigint(&digits)?,
            View::Float(number) => self.number(number, false),
            View::Number(number) => self.number(number, true),
            View::Bytes(bytes) => {
                put_display(&mut self.out, format_args!("{{\"{BYTES}\":\""));
                STANDARD.encode_string(&bytes, &mut self.out);
                self.out.push_str("\"}");
            }
            View::List(items) => {
                let members = Members::List(items.into_iter());
                self.begin(value, '[', members)?;
            }
            View::Object(members) => self.object(value, members)?,
            View::Map(_) | View::Other => {
                let found = self.read.describe(&value);
                return Err(self.no_value(format!("found {found}")));
            }
        }
        Ok(())
    }

    fn object(&mut self, value: R::Value, members: Vec<(R::Value, R::Value)>) -> Result<(), R::Error> {
        let mut kept = Vec::with_capacity(members.len());
        for (key, member) in members {
            if !self.read.is_left_out(&member) {
                kept.push((key, member));
            }
        }
        // Omitted members no longer count.
        let is_escape = match &*kept {
            [(key, _)] => match self.read.view(key)? {
                View::Text(key) => key.starts_with('$'),
                View::Utf16(key) => key.first() == Some(&u16::from(b'$')),
                _ => false,
            },
            _ => false,
        };
        self.begin(value, '{', Members::Object(kept.into_iter(), if is_escape { "$" } else { "" }))
    }

    fn begin(&mut self, of: R::Value, bracket: char, members: Members<R::Value>) -> Result<(), R::Error> {
        if self.open.len() >= self.limit {
            let is_cycle = self.open.iter().any(|open| self.read.is_same(&open.of, &of));
            return Err(if is_cycle {
                Error::new(Reason::Cycle, format!("{} contains itself", self.what)).into()
            } else {
                Error::too_deep(self.what).into()
            });
        }
        self.out.push(bracket);
        self.open.push(Open { of, is_first: true, members });
        Ok(())
    }

    fn key(&mut self, key: &R::Value, prefix: &str) -> Result<(), R::Error> {
        match self.read.view(key)? {
            View::Text(text) => put_text(&mut self.out, prefix, &text),
            View::Utf16(text) => put_utf16(&mut self.out, prefix, &text),
            _ => {
                let found = self.read.describe(key);
                return Err(self.no_value(format!("the keys of an object must be strings, not {found}")));
            }
        }
        self.out.push(':');
        Ok(())
    }

    fn bigint(&mut self, digits: &str) -> Result<(), R::Error> {
        if !decimal::digits(digits).is_some_and(decimal::is_in_bounds) {
            return Err(Error::too_many_bits(self.what).into());
        }
        self.escape(BIGINT, digits);
        Ok(())
    }

    fn number(&mut self, value: f64, may_be_whole: bool) {
        match special(value) {
            Some(name) => self.escape(NUMBER, name),
            None if value == 0.0 && value.is_sign_negative() => self.escape(NUMBER, "-0"),
            None => put_number(&mut self.out, value, may_be_whole),
        }
    }

    fn escape(&mut self, name: &str, text: &str) {
        put_display(&mut self.out, format_args!("{{\"{name}\":\"{text}\"}}"));
    }

    #[cold]
    fn no_value(&self, why: String) -> R::Error {
        Unfit::NoValue(why).at(self.what, "", false, self.read.spelling()).into()
    }
}
