//! Decoding of text to values. The text is untrusted.

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{BIGINT, BYTES, NUMBER};
use crate::decimal;
use crate::error::Error;
use crate::host::Build;
use crate::limits::{MAX_DEPTH, MAX_SAFE_INTEGER};
use crate::scanner::{Number, Scanner, Text, Wrong};
use crate::writer::of_special;

/// Decodes a text, which errors call `what`; `None` if it is empty.
pub fn decode<B: Build>(text: &str, what: &str, build: &mut B) -> Result<Option<B::Value>, B::Error> {
    if text.is_empty() {
        return Ok(None);
    }
    Decoder::new(text, what, MAX_DEPTH, build).document().map(Some)
}

/// Decodes a text that should be a list, each of whose items may be as deep as one value alone. The caller checks the
/// result for a list.
pub fn decode_all<B: Build>(text: &str, what: &str, build: &mut B) -> Result<B::Value, B::Error> {
    Decoder::new(text, what, MAX_DEPTH + 1, build).document()
}

struct Decoder<'t, 'w, 'b, B: Build> {
    scanner: Scanner<'t>,
    what: &'w str,
    limit: usize,
    build: &'b mut B,
    /// Open values, from the outermost to the innermost.
    open: Vec<Open<'t, B>>,
    /// The names seen so far: for a list of records, each is made once.
    keys: HashMap<&'t str, B::Key>,
}

/// A value that has begun.
enum Open<'t, B: Build> {
    List(Vec<B::Value>),
    Object(Vec<(B::Key, B::Value)>, B::Key),
    /// An object whose members all have this name, which begins with `$`. The last of their values counts.
    Dollar(Text<'t>),
}

/// The value read last. A text may belong to an escape, so it is made only once that is excluded.
enum Last<'t, V> {
    Text(Text<'t>),
    Value(V),
}

impl<'t, 'w, 'b, B: Build> Decoder<'t, 'w, 'b, B> {
    fn new(text: &'t str, what: &'w str, limit: usize, build: &'b mut B) -> Self {
        Self { scanner: Scanner::new(text), what, limit, build, open: Vec::new(), keys: HashMap::new() }
    }

    fn document(&mut self) -> Result<B::Value, B::Error> {
        loop {
            let Some(mut value) = self.begin()? else { continue };
            // A value whose last part has ended ends too.
            loop {
                let Some(open) = self.open.pop() else {
                    self.wrong_or(Scanner::finish)?;
                    return self.made(value);
                };
                match self.proceed(open, value)? {
                    Some(outer) => value = Last::Value(outer),
                    None => break,
                }
            }
        }
    }

    /// Reads a value without parts, or the beginning of one with parts.
    fn begin(&mut self) -> Result<Option<Last<'t, B::Value>>, B::Error> {
        let value = match self.scanner.peek() {
            Some(b'[') => {
                self.check_depth(self.open.len() + 1)?;
                self.scanner.take(b'[');
                if self.scanner.take(b']') {
                    self.build.list(Vec::new())?
                } else {
                    self.open.push(Open::List(Vec::new()));
                    return Ok(None);
                }
            }
            Some(b'{') => {
                // An escape counts as no level.
                self.check_depth(self.open.len())?;
                self.scanner.take(b'{');
                if self.scanner.take(b'}') {
                    self.check_depth(self.open.len() + 1)?;
                    self.build.object(Vec::new())?
                } else {
                    let name = self.name()?;
                    let open = if starts_with_dollar(&name) {
                        Open::Dollar(name)
                    } else {
                        self.check_depth(self.open.len() + 1)?;
                        Open::Object(Vec::new(), self.key(name)?)
                    };
                    self.open.push(open);
                    return Ok(None);
                }
            }
            Some(b'"') => return self.wrong_or(Scanner::string).map(Last::Text).map(Some),
            Some(b'-' | b'0'..=b'9') => {
                let number = self.wrong_or(Scanner::number)?;
                self.number(number)?
            }
            _ if self.scanner.word("null") => self.build.null()?,
            _ if self.scanner.word("true") => self.build.bool(true)?,
            _ if self.scanner.word("false") => self.build.bool(false)?,
            _ => return Err(self.wrong(self.scanner.wrong("a value"))),
        };
        Ok(Some(Last::Value(value)))
    }

    /// Continues the open value after one of its parts. Returns the value if that was the last part.
    fn proceed(&mut self, open: Open<'t, B>, part: Last<'t, B::Value>) -> Result<Option<B::Value>, B::Error> {
        match open {
            Open::List(mut items) => {
                items.push(self.made(part)?);
                if self.scanner.take(b',') {
                    self.open.push(Open::List(items));
                    return Ok(None);
                }
                self.wrong_or(|scanner| scanner.expect(b']', "`,` or `]`"))?;
                self.build.list(items).map(Some)
            }
            Open::Object(mut members, key) => {
                members.push((key, self.made(part)?));
                if self.scanner.take(b',') {
                    let name = self.name()?;
                    let key = self.key(name)?;
                    self.open.push(Open::Object(members, key));
                    return Ok(None);
                }
                self.wrong_or(|scanner| scanner.expect(b'}', "`,` or `}`"))?;
                self.build.object(members).map(Some)
            }
            Open::Dollar(name) => {
                if !self.scanner.take(b',') {
                    self.wrong_or(|scanner| scanner.expect(b'}', "`,` or `}`"))?;
                    return self.dollar(name, part).map(Some);
                }
                let other = self.name()?;
                let open = if other == name {
                    Open::Dollar(name)
                } else {
                    self.check_depth(self.open.len() + 1)?;
                    Open::Object(vec![(self.key(name)?, self.made(part)?)], self.key(other)?)
                };
                self.open.push(open);
                Ok(None)
            }
        }
    }

    /// Makes the value of an object with one member, whose name begins with `$`.
    fn dollar(&mut self, name: Text<'t>, value: Last<'t, B::Value>) -> Result<B::Value, B::Error> {
        let text = match &value {
            Last::Text(text) => text.as_str(),
            Last::Value(_) => None,
        };
        match name.as_str() {
            Some(BYTES) => match text.and_then(|text| STANDARD.decode(text).ok()) {
                Some(bytes) => self.build.bytes(bytes),
                None => Err(self.broken("$bytes: it is no base64")),
            },
            Some(BIGINT) => {
                let Some((text, digits)) = text.and_then(|text| Some((text, decimal::digits(text)?))) else {
                    return Err(self.broken("$bigint: it is no decimal number"));
                };
                if !decimal::is_in_bounds(digits) {
                    return Err(Error::too_many_bits(self.what).into());
                }
                if text.starts_with('-') && digits != "0" {
                    self.build.bigint(&format!("-{digits}"))
                } else {
                    self.build.bigint(digits)
                }
            }
            Some(NUMBER) => {
                match text.and_then(|text| of_special(text).or_else(|| (text == "-0").then_some(-0.0))) {
                    Some(number) => self.build.number(number),
                    None => Err(self.broken("$number: it is none of those that JSON has no word for")),
                }
            }
            _ => {
                self.check_depth(self.open.len() + 1)?;
                let name = match name {
                    Text::Plain(name) => Text::Plain(without_dollar(name)),
                    Text::Escaped(name) => Text::Escaped(without_dollar(&name).to_owned()),
                    Text::Utf16(mut name) => {
                        if name.get(1) == name.first() {
                            name.remove(0);
                        }
                        Text::Utf16(name)
                    }
                };
                let member = (self.key(name)?, self.made(value)?);
                self.build.object(vec![member])
            }
        }
    }

    /// Beyond the safe integers the digits of a script's number are those of a rounded one. No whole number is minus
    /// zero.
    fn number(&mut self, number: Number<'t>) -> Result<B::Value, B::Error> {
        if number.is_whole
            && let Ok(value) = number.token.parse::<i64>()
            && (-MAX_SAFE_INTEGER..=MAX_SAFE_INTEGER).contains(&value)
            && (value != 0 || !number.token.starts_with('-'))
        {
            return self.build.whole(value);
        }
        match number.token.parse() {
            Ok(value) => self.build.number(value),
            Err(_) => Err(self.wrong(self.scanner.wrong("a number"))),
        }
    }

    fn made(&mut self, value: Last<'t, B::Value>) -> Result<B::Value, B::Error> {
        match value {
            Last::Value(value) => Ok(value),
            Last::Text(Text::Plain(text)) => self.build.text(text),
            Last::Text(Text::Escaped(text)) => self.build.text(&text),
            Last::Text(Text::Utf16(text)) => self.build.utf16(&text),
        }
    }

    /// Reads the name of a member and the colon.
    fn name(&mut self) -> Result<Text<'t>, B::Error> {
        if self.scanner.peek() != Some(b'"') {
            return Err(self.wrong(self.scanner.wrong("the name of a member")));
        }
        let name = self.wrong_or(Scanner::string)?;
        self.wrong_or(|scanner| scanner.expect(b':', "`:`"))?;
        Ok(name)
    }

    fn key(&mut self, name: Text<'t>) -> Result<B::Key, B::Error> {
        match name {
            Text::Plain(name) => match self.keys.get(name) {
                Some(key) => Ok(key.clone()),
                None => {
                    let key = self.build.key(name)?;
                    self.keys.insert(name, key.clone());
                    Ok(key)
                }
            },
            Text::Escaped(name) => self.build.key(&name),
            Text::Utf16(name) => self.build.utf16_key(&name),
        }
    }

    fn check_depth(&self, levels: usize) -> Result<(), B::Error> {
        if levels > self.limit { Err(Error::too_deep(self.what).into()) } else { Ok(()) }
    }

    fn wrong_or<T>(
        &mut self,
        read: impl FnOnce(&mut Scanner<'t>) -> Result<T, Wrong>,
    ) -> Result<T, B::Error> {
        read(&mut self.scanner).map_err(|wrong| self.wrong(wrong))
    }

    #[cold]
    fn wrong(&self, Wrong { expected, at }: Wrong) -> B::Error {
        self.broken(&format!("{expected} is expected at byte {at}"))
    }

    #[cold]
    fn broken(&self, why: &str) -> B::Error {
        Error::no_json(self.what, why).into()
    }
}

fn starts_with_dollar(name: &Text<'_>) -> bool {
    match name {
        Text::Plain(name) => name.starts_with('$'),
        Text::Escaped(name) => name.starts_with('$'),
        Text::Utf16(name) => name.first() == Some(&u16::from(b'$')),
    }
}

/// Removes the `$` that escapes a member's name which itself begins with `$`.
fn without_dollar(name: &str) -> &str {
    name.strip_prefix('$').filter(|rest| rest.starts_with('$')).unwrap_or(name)
}
