//! JSON, read token by token. The text is untrusted: every byte is read once, in order, and nothing recurses.

/// Reads a text from start to end.
#[derive(Clone, Debug)]
pub(crate) struct Scanner<'t> {
    text: &'t str,
    at: usize,
}

/// The content of a string.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Text<'t> {
    /// Text without escapes.
    Plain(&'t str),
    /// Text with escapes, decoded.
    Escaped(String),
    /// Text with an unpaired surrogate.
    Utf16(Vec<u16>),
}

/// A number, as text.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Number<'t> {
    pub token: &'t str,
    /// True if it has neither a point nor an exponent.
    pub is_whole: bool,
}

/// Error: something else is expected here.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wrong {
    pub expected: &'static str,
    pub at: usize,
}

pub(crate) type Result<T> = std::result::Result<T, Wrong>;

impl Text<'_> {
    /// Returns the text, if it is Unicode.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Plain(text) => Some(text),
            Self::Escaped(text) => Some(text),
            Self::Utf16(_) => None,
        }
    }
}

impl<'t> Scanner<'t> {
    pub fn new(text: &'t str) -> Self {
        Self { text, at: 0 }
    }

    /// Skips blanks and returns the next byte.
    pub fn peek(&mut self) -> Option<u8> {
        while matches!(self.byte(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
        self.byte()
    }

    /// Skips blanks and takes a byte, if it is next.
    pub fn take(&mut self, byte: u8) -> bool {
        self.peek() == Some(byte) && self.take_byte(byte)
    }

    pub fn expect(&mut self, byte: u8, expected: &'static str) -> Result<()> {
        if self.take(byte) { Ok(()) } else { Err(self.wrong(expected)) }
    }

    /// Checks that only blanks follow.
    pub fn finish(&mut self) -> Result<()> {
        if self.peek().is_none() { Ok(()) } else { Err(self.wrong("the end")) }
    }

    /// Takes one of the words of JSON, if it is next.
    pub fn word(&mut self, word: &str) -> bool {
        self.peek();
        let found = self.rest().starts_with(word.as_bytes());
        self.at += if found { word.len() } else { 0 };
        found
    }

    /// Reads the next string.
    pub fn string(&mut self) -> Result<Text<'t>> {
        self.expect(b'"', "a string")?;
        let plain = self.plain();
        if self.take_byte(b'"') {
            return Ok(Text::Plain(plain));
        }
        let mut out = plain.to_owned();
        while !self.take_byte(b'"') {
            let code = self.escape()?;
            let Some(character) = char::from_u32(code) else {
                return self.utf16(&out, code);
            };
            out.push(character);
            out.push_str(self.plain());
        }
        Ok(Text::Escaped(out))
    }

    /// Reads the rest of a string after an escape that is an unpaired surrogate.
    fn utf16(&mut self, before: &str, half: u32) -> Result<Text<'t>> {
        let mut out: Vec<u16> = before.encode_utf16().chain(u16::try_from(half)).collect();
        out.extend(self.plain().encode_utf16());
        while !self.take_byte(b'"') {
            let code = self.escape()?;
            match char::from_u32(code) {
                Some(character) => out.extend_from_slice(character.encode_utf16(&mut [0; 2])),
                None => out.extend(u16::try_from(code)),
            }
            out.extend(self.plain().encode_utf16());
        }
        Ok(Text::Utf16(out))
    }

    /// Reads the next number, in JSON's form.
    pub fn number(&mut self) -> Result<Number<'t>> {
        self.peek();
        let start = self.at;
        self.take_byte(b'-');
        let first = self.byte();
        let whole = self.digits();
        if whole == 0 || (first == Some(b'0') && whole > 1) {
            return Err(self.wrong("a number"));
        }
        let mut is_whole = true;
        if self.take_byte(b'.') {
            is_whole = false;
            if self.digits() == 0 {
                return Err(self.wrong("a digit"));
            }
        }
        if matches!(self.byte(), Some(b'e' | b'E')) {
            is_whole = false;
            self.at += 1;
            if matches!(self.byte(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            if self.digits() == 0 {
                return Err(self.wrong("a digit"));
            }
        }
        Ok(Number { token: self.text.get(start..self.at).unwrap_or_default(), is_whole })
    }

    /// Returns the maximum depth of brackets in the remaining text, which need not be JSON.
    pub fn depth(&self) -> usize {
        let (mut depth, mut most) = (0_usize, 0);
        let mut bytes = self.rest().iter();
        while let Some(byte) = bytes.next() {
            match byte {
                b'[' | b'{' => {
                    depth += 1;
                    most = most.max(depth);
                }
                b']' | b'}' => depth = depth.saturating_sub(1),
                b'"' => {
                    while let Some(byte) = bytes.next().filter(|byte| **byte != b'"') {
                        if *byte == b'\\' {
                            bytes.next();
                        }
                    }
                }
                _ => {}
            }
        }
        most
    }

    #[cold]
    pub fn wrong(&self, expected: &'static str) -> Wrong {
        Wrong { expected, at: self.at }
    }

    /// Reads text up to a quote, a backslash, or a byte that no string may have.
    fn plain(&mut self) -> &'t str {
        let rest = self.rest();
        let is_end = |byte: &u8| matches!(byte, b'"' | b'\\' | ..0x20);
        let len = rest.iter().position(is_end).unwrap_or(rest.len());
        let plain = self.text.get(self.at..self.at + len).unwrap_or_default();
        self.at += len;
        plain
    }

    /// Reads an escape: a character, or half of a surrogate pair.
    fn escape(&mut self) -> Result<u32> {
        if !self.take_byte(b'\\') {
            return Err(self.wrong("the end of a string"));
        }
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
            _ => {
                self.at -= 1;
                return Err(self.wrong("an escape"));
            }
        }))
    }

    fn code(&mut self) -> Result<u32> {
        let first = self.hexadecimal()?;
        let after = self.at;
        if (0xd800..0xdc00).contains(&first) && self.take_byte(b'\\') && self.take_byte(b'u') {
            let second = self.hexadecimal()?;
            if (0xdc00..0xe000).contains(&second) {
                return Ok(0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00));
            }
        }
        // Not the other half, but an escape of its own.
        self.at = after;
        Ok(first)
    }

    fn hexadecimal(&mut self) -> Result<u32> {
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

    /// Skips digits and returns their number.
    fn digits(&mut self) -> usize {
        let rest = self.rest();
        let count = rest.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(rest.len());
        self.at += count;
        count
    }

    fn rest(&self) -> &'t [u8] {
        self.text.as_bytes().get(self.at..).unwrap_or_default()
    }

    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// Takes a byte, if it is next.
    fn take_byte(&mut self, byte: u8) -> bool {
        let found = self.byte() == Some(byte);
        self.at += usize::from(found);
        found
    }
}
