//! From the text to the objects. A guest wrote it: every byte is looked at once, in the order in which they come.

use std::collections::HashMap;

use libhyperlight::ErrorCode;
use pyo3::IntoPyObjectExt;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyFloat, PyList, PySlice, PyString};

use super::{Dialect, MAX_DIGITS, SAFE, base64, is_in_bounds, too_deep, too_many_digits};
use crate::errors;

/// What errors call the value.
const WHAT: &str = "the guest's value";

/// Digits of a number that is whole and still a floating point number, with room to spare.
const MAX_FLOAT_DIGITS: usize = 400;

/// The value that a text says. So many lists and objects may be in each other.
pub fn read<'py>(py: Python<'py>, text: &str, dialect: Dialect, limit: usize) -> PyResult<Bound<'py, PyAny>> {
    let mut reader = Reader { py, dialect, limit, text, at: 0, open: Vec::new(), keys: HashMap::new() };
    reader.document()
}

struct Reader<'py, 't> {
    py: Python<'py>,
    dialect: Dialect,
    limit: usize,
    text: &'t str,
    at: usize,
    /// From the outermost to the innermost.
    open: Vec<Open<'py>>,
    /// Keys that were seen: of a list of records, each is one object.
    keys: HashMap<&'t str, Bound<'py, PyString>>,
}

/// What has begun.
enum Open<'py> {
    List(Vec<Bound<'py, PyAny>>),
    /// With the key of the member that is next.
    Object(Bound<'py, PyDict>, Bound<'py, PyString>),
}

/// What is between two quotes.
enum Text<'t> {
    Plain(&'t str),
    Escaped(String),
    /// In the encoding of `surrogatepass`: there is one without its other half.
    Halved(Vec<u8>),
}

impl<'py, 't> Reader<'py, 't> {
    fn document(&mut self) -> PyResult<Bound<'py, PyAny>> {
        loop {
            let mut value = match self.peek() {
                Some(b'[') => {
                    self.begin(false)?;
                    if self.take(b']') {
                        self.end(Open::List(Vec::new()))?
                    } else {
                        self.list();
                        continue;
                    }
                }
                Some(b'{') => {
                    self.begin(true)?;
                    let dict = PyDict::new(self.py);
                    if self.take(b'}') {
                        let no_key = PyString::new(self.py, "");
                        self.end(Open::Object(dict, no_key))?
                    } else {
                        let key = self.key()?;
                        self.open.push(Open::Object(dict, key));
                        continue;
                    }
                }
                Some(b'"') => {
                    let text = self.string()?;
                    self.str(text)?.into_any()
                }
                Some(b'-' | b'0'..=b'9') => self.number()?,
                _ => self.word()?,
            };
            // What it was the last part of ends with it.
            loop {
                let Some(open) = self.open.pop() else {
                    return if self.peek().is_none() { Ok(value) } else { Err(self.wrong("the end")) };
                };
                let (open, end) = match open {
                    Open::List(mut items) => {
                        items.push(value);
                        (Open::List(items), b']')
                    }
                    Open::Object(dict, key) => {
                        dict.set_item(&key, value)?;
                        (Open::Object(dict, key), b'}')
                    }
                };
                if self.take(b',') {
                    let open = match open {
                        Open::List(items) => Open::List(items),
                        Open::Object(dict, _) => Open::Object(dict, self.key()?),
                    };
                    self.open.push(open);
                    break;
                }
                self.expect(end)?;
                value = self.end(open)?;
            }
        }
    }

    fn list(&mut self) {
        self.open.push(Open::List(Vec::new()));
    }

    /// One level more, if there may be: an escape is a leaf.
    fn begin(&mut self, is_object: bool) -> PyResult<()> {
        self.at += 1;
        let may_be_escape = is_object && self.dialect == Dialect::Script && self.open.len() == self.limit;
        if self.open.len() < self.limit || may_be_escape {
            return Ok(());
        }
        Err(too_deep(self.py, WHAT))
    }

    /// The value of what has ended.
    fn end(&mut self, open: Open<'py>) -> PyResult<Bound<'py, PyAny>> {
        let value = match open {
            Open::List(items) => return Ok(PyList::new(self.py, items)?.into_any()),
            Open::Object(dict, _) if self.dialect == Dialect::Script => self.unescape(dict)?,
            Open::Object(dict, _) => dict.into_any(),
        };
        if self.open.len() == self.limit && value.is_instance_of::<PyDict>() {
            return Err(too_deep(self.py, WHAT));
        }
        Ok(value)
    }

    /// What an object of a script's stands for.
    fn unescape(&self, dict: Bound<'py, PyDict>) -> PyResult<Bound<'py, PyAny>> {
        if dict.len() != 1 {
            return Ok(dict.into_any());
        }
        let Some((key, value)) = dict.iter().next() else { return Ok(dict.into_any()) };
        let name = key.cast::<PyString>()?.to_string_lossy();
        if name.starts_with("$$") {
            let own = PyDict::new(self.py);
            own.set_item(key.get_item(PySlice::new(self.py, 1, isize::MAX, 1))?, value)?;
            return Ok(own.into_any());
        }
        let text = value.cast::<PyString>().ok().and_then(|text| text.to_str().ok());
        match &*name {
            "$bytes" => match text.and_then(base64::read) {
                Some(bytes) => Ok(PyBytes::new(self.py, &bytes).into_any()),
                None => Err(self.broken("$bytes: it is no base64")),
            },
            "$bigint" => self.bigint(text.unwrap_or_default()),
            "$number" => {
                let number = match text {
                    Some("NaN") => f64::NAN,
                    Some("Infinity") => f64::INFINITY,
                    Some("-Infinity") => f64::NEG_INFINITY,
                    Some("-0") => -0.0,
                    _ => return Err(self.broken("$number: it is none of those that JSON has no word for")),
                };
                Ok(PyFloat::new(self.py, number).into_any())
            }
            _ => Ok(dict.into_any()),
        }
    }

    fn bigint(&self, text: &str) -> PyResult<Bound<'py, PyAny>> {
        let digits = text.strip_prefix('-').unwrap_or(text);
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(self.broken("$bigint: it is no decimal number"));
        }
        if digits.trim_start_matches('0').len() > MAX_DIGITS {
            return Err(too_many_digits(self.py, WHAT));
        }
        let number = self.integer(text)?;
        if is_in_bounds(&number)? { Ok(number) } else { Err(too_many_digits(self.py, WHAT)) }
    }

    /// The number of some digits, of which there are not too many.
    fn integer(&self, digits: &str) -> PyResult<Bound<'py, PyAny>> {
        match digits.parse::<i64>() {
            Ok(number) => number.into_bound_py_any(self.py),
            Err(_) => self.py.import("libhyperlight._integers")?.getattr("from_decimal")?.call1((digits,)),
        }
    }

    /// Beyond the safe integers the digits of a script's number are those of a rounded one.
    fn number(&mut self) -> PyResult<Bound<'py, PyAny>> {
        let start = self.at;
        self.take_byte(b'-');
        let first = self.byte();
        let whole = self.digits();
        if whole == 0 || (first == Some(b'0') && whole > 1) {
            return Err(self.wrong("a number"));
        }
        let mut is_integer = true;
        if self.take_byte(b'.') {
            is_integer = false;
            if self.digits() == 0 {
                return Err(self.wrong("a digit"));
            }
        }
        if matches!(self.byte(), Some(b'e' | b'E')) {
            is_integer = false;
            self.at += 1;
            if matches!(self.byte(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            if self.digits() == 0 {
                return Err(self.wrong("a digit"));
            }
        }
        let token = self.text.get(start..self.at).unwrap_or_default();
        if is_integer && self.dialect == Dialect::Component {
            if whole > MAX_FLOAT_DIGITS {
                return Err(self.broken(&format!("a number of {whole} digits is out of range of every type")));
            }
            return self.integer(token);
        }
        if is_integer
            && let Ok(number) = token.parse::<i64>()
            && (-SAFE..=SAFE).contains(&number)
        {
            return number.into_bound_py_any(self.py);
        }
        let number: f64 = token.parse().map_err(|_| self.wrong("a number"))?;
        if number.is_infinite() && self.dialect == Dialect::Component {
            return Err(self.broken("a number is out of range of every type"));
        }
        Ok(PyFloat::new(self.py, number).into_any())
    }

    fn word(&mut self) -> PyResult<Bound<'py, PyAny>> {
        let rest = self.text.get(self.at..).unwrap_or_default();
        for (word, value) in [("null", None), ("true", Some(true)), ("false", Some(false))] {
            if rest.starts_with(word) {
                self.at += word.len();
                return value.into_bound_py_any(self.py);
            }
        }
        Err(self.wrong("a value"))
    }

    /// The key of a member, and what follows it.
    fn key(&mut self) -> PyResult<Bound<'py, PyString>> {
        if self.peek() != Some(b'"') {
            return Err(self.wrong("the name of a member"));
        }
        let key = match self.string()? {
            Text::Plain(text) => match self.keys.get(text) {
                Some(known) => known.clone(),
                None => {
                    let key = PyString::new(self.py, text);
                    self.keys.insert(text, key.clone());
                    key
                }
            },
            text => self.str(text)?,
        };
        self.expect(b':')?;
        Ok(key)
    }

    fn str(&self, text: Text<'_>) -> PyResult<Bound<'py, PyString>> {
        match text {
            Text::Plain(text) => Ok(PyString::new(self.py, text)),
            Text::Escaped(text) => Ok(PyString::new(self.py, &text)),
            // JavaScript's strings have them, and so have Python's.
            Text::Halved(bytes) if self.dialect == Dialect::Script => {
                let bytes = PyBytes::new(self.py, &bytes);
                Ok(bytes.call_method1("decode", ("utf-8", "surrogatepass"))?.cast_into()?)
            }
            Text::Halved(_) => Err(self.broken("a surrogate without its other half is no character")),
        }
    }

    /// The string that begins here.
    fn string(&mut self) -> PyResult<Text<'t>> {
        self.at += 1;
        let plain = self.plain();
        if self.take_byte(b'"') {
            return Ok(Text::Plain(plain));
        }
        let mut out = plain.as_bytes().to_vec();
        let mut is_halved = false;
        while !self.take_byte(b'"') {
            if !self.take_byte(b'\\') {
                return Err(self.wrong("the end of a string"));
            }
            let code = self.escape()?;
            match char::from_u32(code) {
                Some(character) => out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
                None => {
                    is_halved = true;
                    // As UTF-8 would have it, if it were a character.
                    let [.., high, low] = code.to_be_bytes();
                    out.extend([0xe0 | high >> 4, 0x80 | (high << 2 | low >> 6) & 0x3f, 0x80 | low & 0x3f]);
                }
            }
            out.extend_from_slice(self.plain().as_bytes());
        }
        if is_halved {
            return Ok(Text::Halved(out));
        }
        // All that was put together is UTF-8.
        String::from_utf8(out).map(Text::Escaped).map_err(|_| self.wrong("a string"))
    }

    /// What comes before a quote, a backslash, or what no string may have.
    fn plain(&mut self) -> &'t str {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let is_plain = |byte: &u8| !matches!(byte, b'"' | b'\\' | ..0x20);
        let len = rest.bytes().take_while(is_plain).count();
        self.at += len;
        rest.get(..len).unwrap_or_default()
    }

    /// What follows a backslash.
    fn escape(&mut self) -> PyResult<u32> {
        let letter = self.byte();
        self.at += 1;
        Ok(u32::from(match letter {
            Some(letter @ (b'"' | b'\\' | b'/')) => letter,
            Some(b'b') => 8,
            Some(b'f') => 12,
            Some(b'n') => b'\n',
            Some(b'r') => b'\r',
            Some(b't') => b'\t',
            Some(b'u') => return self.code(),
            _ => return Err(self.wrong("an escape")),
        }))
    }

    fn code(&mut self) -> PyResult<u32> {
        let first = self.hexadecimal()?;
        let after = self.at;
        if (0xd800..0xdc00).contains(&first) && self.take_byte(b'\\') && self.take_byte(b'u') {
            let second = self.hexadecimal()?;
            if (0xdc00..0xe000).contains(&second) {
                return Ok(0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00));
            }
        }
        // Not the other half: it stands for itself.
        self.at = after;
        Ok(first)
    }

    fn hexadecimal(&mut self) -> PyResult<u32> {
        let digits = self.text.as_bytes().get(self.at..self.at + 4).unwrap_or_default();
        let mut code = 0;
        for digit in digits {
            let digit =
                char::from(*digit).to_digit(16).ok_or_else(|| self.wrong("four hexadecimal digits"))?;
            code = code << 4 | digit;
        }
        if digits.len() != 4 {
            return Err(self.wrong("four hexadecimal digits"));
        }
        self.at += 4;
        Ok(code)
    }

    /// How many digits follow.
    fn digits(&mut self) -> usize {
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        let count = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.at += count;
        count
    }

    /// The next byte that is no blank.
    fn peek(&mut self) -> Option<u8> {
        while matches!(self.byte(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
        self.byte()
    }

    /// Takes that byte, if it comes after blanks.
    fn take(&mut self, byte: u8) -> bool {
        self.peek() == Some(byte) && self.take_byte(byte)
    }

    fn expect(&mut self, byte: u8) -> PyResult<()> {
        if self.take(byte) { Ok(()) } else { Err(self.wrong(&format!("`{}`", char::from(byte)))) }
    }

    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// Takes that byte, if it is next.
    fn take_byte(&mut self, byte: u8) -> bool {
        let found = self.byte() == Some(byte);
        self.at += usize::from(found);
        found
    }

    #[cold]
    fn wrong(&self, expected: &str) -> PyErr {
        self.broken(&format!("{expected} is expected at byte {}", self.at))
    }

    #[cold]
    fn broken(&self, why: &str) -> PyErr {
        errors::new(self.py, ErrorCode::Protocol, format!("the guest's JSON cannot be read: {why}"))
    }
}
