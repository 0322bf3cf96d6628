//! JSON, written and read piece by piece: the types determine the next token, so no tree is ever built.

use alloc::format;
use alloc::string::String;
use core::fmt::{Display, Write};

use libhyperlight_guest::{Error, Result};
use libhyperlight_wasm_contract::code;

/// Writes a value that looks the same in JSON.
pub(crate) fn put_display(out: &mut String, value: impl Display) {
    // Writing to a string does not fail.
    let _ = write!(out, "{value}");
}

/// Writes a number. One that JSON does not have is a string.
pub(crate) fn put_float(out: &mut String, value: f64) {
    if value.is_nan() {
        out.push_str("\"NaN\"");
    } else if value.is_infinite() {
        out.push_str(if value > 0.0 { "\"Infinity\"" } else { "\"-Infinity\"" });
    } else {
        // The shortest text that is read as the same number.
        let _ = write!(out, "{value:?}");
    }
}

/// Writes a string.
pub(crate) fn put_text(out: &mut String, text: &str) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => out.extend(['\\', character]),
            '\n' => out.push_str("\\n"),
            '\0'..='\x1f' => {
                let _ = write!(out, "\\u{:04x}", u32::from(character));
            }
            _ => out.push(character),
        }
    }
    out.push('"');
}

/// Reads a text that holds one value.
pub(crate) struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    pub fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    /// Fails unless only blanks follow.
    pub fn finish(&mut self) -> Result<()> {
        if self.peek().is_none() { Ok(()) } else { Err(self.wrong("the end")) }
    }

    /// The next byte that is no blank.
    pub fn peek(&mut self) -> Option<u8> {
        let rest = self.text.as_bytes().get(self.at..)?;
        let blanks = rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r')).count();
        self.at += blanks;
        rest.get(blanks).copied()
    }

    /// Takes that byte, if it is next.
    pub fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    pub fn expect(&mut self, byte: u8) -> Result<()> {
        if self.take(byte) { Ok(()) } else { Err(self.wrong(char::from(byte))) }
    }

    /// Takes `null`, if it is next.
    pub fn null(&mut self) -> bool {
        self.word("null")
    }

    pub fn bool(&mut self) -> Result<bool> {
        if self.word("true") {
            return Ok(true);
        }
        if self.word("false") { Ok(false) } else { Err(self.wrong("true or false")) }
    }

    /// A whole number. It may be in quotes, for writers whose numbers are not exact.
    pub fn integer(&mut self) -> Result<i128> {
        let quoted = self.take(b'"');
        let token = self.number_token();
        let value = token.parse().ok().or_else(|| {
            let float: f64 = token.parse().ok()?;
            // Beyond that, floating point numbers are not exact.
            let exact = float.is_finite() && float.abs() <= 9_007_199_254_740_992.0;
            #[expect(clippy::cast_possible_truncation, reason = "it was just bounded")]
            let whole = if exact { float as i64 } else { return None };
            #[expect(clippy::cast_precision_loss, reason = "so small a number is exact")]
            (whole as f64 == float).then_some(i128::from(whole))
        });
        match value {
            Some(value) if !quoted || self.take(b'"') => Ok(value),
            _ => Err(self.wrong("a whole number")),
        }
    }

    /// A number, or the name of one that JSON does not have.
    pub fn float(&mut self) -> Result<f64> {
        if self.peek() == Some(b'"') {
            return match &*self.string()? {
                "NaN" => Ok(f64::NAN),
                "Infinity" => Ok(f64::INFINITY),
                "-Infinity" => Ok(f64::NEG_INFINITY),
                _ => Err(self.wrong("a number")),
            };
        }
        // The infinities have names, so a number that is too large is never taken for one.
        let value = self.number_token().parse().ok().filter(|value: &f64| value.is_finite());
        value.ok_or_else(|| self.wrong("a number of 64 bits"))
    }

    pub fn string(&mut self) -> Result<String> {
        self.expect(b'"')?;
        let mut out = String::new();
        loop {
            let rest = self.text.get(self.at..).unwrap_or_default();
            let plain = rest.find(['"', '\\']).ok_or_else(|| self.wrong("the end of a string"))?;
            out.push_str(rest.get(..plain).unwrap_or_default());
            self.at += plain;
            if self.text.as_bytes().get(self.at) == Some(&b'"') {
                self.at += 1;
                return Ok(out);
            }
            out.push(self.escape()?);
        }
    }

    /// Reads the members of an array.
    pub fn array(&mut self, mut item: impl FnMut(&mut Self) -> Result<()>) -> Result<()> {
        self.expect(b'[')?;
        if self.take(b']') {
            return Ok(());
        }
        loop {
            item(self)?;
            if !self.take(b',') {
                return self.expect(b']');
            }
        }
    }

    /// Reads the members of an object.
    pub fn object(&mut self, mut member: impl FnMut(&mut Self, &str) -> Result<()>) -> Result<()> {
        self.expect(b'{')?;
        if self.take(b'}') {
            return Ok(());
        }
        loop {
            let name = self.string()?;
            self.expect(b':')?;
            member(self, &name)?;
            if !self.take(b',') {
                return self.expect(b'}');
            }
        }
    }

    /// The error for an unexpected token.
    #[cold]
    pub fn wrong(&self, expected: impl Display) -> Error {
        Error::new(code::VALUE, format!("malformed JSON: {expected} is expected at byte {}", self.at))
    }

    fn word(&mut self, word: &str) -> bool {
        self.peek();
        let found = self.text.get(self.at..).is_some_and(|rest| rest.starts_with(word));
        self.at += if found { word.len() } else { 0 };
        found
    }

    fn number_token(&mut self) -> &'a str {
        self.peek();
        let rest = self.text.get(self.at..).unwrap_or_default();
        let is_part = |byte: &u8| matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E');
        let len = rest.bytes().take_while(is_part).count();
        self.at += len;
        rest.get(..len).unwrap_or_default()
    }

    /// One escaped character.
    fn escape(&mut self) -> Result<char> {
        self.at += 1;
        let letter = self.text.as_bytes().get(self.at).copied();
        self.at += 1;
        Ok(match letter {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => {
                let first = self.hex()?;
                let rest = self.text.get(self.at..).unwrap_or_default();
                // Beyond the first 65536 characters, JSON has two escapes for one.
                let is_pair = (0xd800..0xdc00).contains(&first) && rest.starts_with("\\u");
                let code = if is_pair {
                    self.at += 2;
                    let second = self.hex()?.checked_sub(0xdc00).filter(|low| *low < 0x400);
                    second.map_or(u32::MAX, |low| 0x1_0000 + ((first - 0xd800) << 10) + low)
                } else {
                    first
                };
                char::from_u32(code).ok_or_else(|| self.wrong("a character"))?
            }
            _ => return Err(self.wrong("an escape")),
        })
    }

    fn hex(&mut self) -> Result<u32> {
        let digits = self.text.get(self.at..self.at + 4).unwrap_or_default();
        self.at += 4;
        let valid = digits.len() == 4 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        let value = valid.then(|| u32::from_str_radix(digits, 16).ok()).flatten();
        value.ok_or_else(|| self.wrong("four hexadecimal digits"))
    }
}
