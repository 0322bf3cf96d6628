//! The facts about a program that the guest must know besides its code.
//!
//! ```text
//! magic u32, kind u32, memories u32, arguments, environment, files
//! arguments, environment: count u32, count × text
//! files:                  count u32, count × (path text, contents bytes)
//! text, bytes:            length u32, bytes
//! ```
//!
//! Everything is little-endian, nothing is padded, nothing follows. The host program writes it and could as well write
//! anything else. So it is read with care, but it is no security boundary: the code beside it comes from the same
//! source.

use alloc::vec::Vec;
use core::fmt;

const MAGIC: u32 = u32::from_le_bytes(*b"HLW1");

/// The kind of a program.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ProgramKind {
    /// A core module.
    Module,
    /// A component.
    Component,
}

/// A file of the program's file system.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct File<'a> {
    /// Its path: names separated by `/`, none of them empty, `.` or `..`.
    pub path: &'a str,
    /// Its contents.
    pub contents: &'a [u8],
}

/// The facts about a program that the guest must know.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Config<'a> {
    /// Its kind.
    pub kind: ProgramKind,
    /// The number of linear memories that it will have: each gets its share of the heap.
    pub memories: u32,
    /// WASI: the arguments, the program's name first.
    pub arguments: Vec<&'a str>,
    /// WASI: the environment, each as `NAME=value`.
    pub environment: Vec<&'a str>,
    /// WASI: the files.
    pub files: Vec<File<'a>>,
}

impl Config<'_> {
    /// The wire form. `None` where something is longer than 4 GiB.
    pub fn to_bytes(&self) -> Option<Vec<u8>> {
        let kind = match self.kind {
            ProgramKind::Module => 0_u32,
            ProgramKind::Component => 1,
        };
        let mut out = Vec::new();
        for word in [MAGIC, kind, self.memories] {
            out.extend_from_slice(&word.to_le_bytes());
        }
        for texts in [&self.arguments, &self.environment] {
            put_len(&mut out, texts.len())?;
            for text in texts {
                put(&mut out, text.as_bytes())?;
            }
        }
        put_len(&mut out, self.files.len())?;
        for file in &self.files {
            put(&mut out, file.path.as_bytes())?;
            put(&mut out, file.contents)?;
        }
        Some(out)
    }
}

impl<'a> Config<'a> {
    /// Reads the wire form.
    pub fn from_bytes(bytes: &'a [u8]) -> Result<Self, ConfigError> {
        let mut rest = Rest(bytes);
        if rest.word()? != MAGIC {
            return Err(ConfigError);
        }
        let kind = match rest.word()? {
            0 => ProgramKind::Module,
            1 => ProgramKind::Component,
            _ => return Err(ConfigError),
        };
        let config = Self {
            kind,
            memories: rest.word()?,
            arguments: rest.list(Rest::text)?,
            environment: rest.list(Rest::text)?,
            files: rest.list(|rest| Ok(File { path: rest.text()?, contents: rest.bytes()? }))?,
        };
        if rest.0.is_empty() { Ok(config) } else { Err(ConfigError) }
    }
}

/// The bytes are no [`Config`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ConfigError;

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the program's configuration is malformed")
    }
}

impl core::error::Error for ConfigError {}

/// The part that has not been read yet.
struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    fn take(&mut self, len: usize) -> Result<&'a [u8], ConfigError> {
        let (head, rest) = self.0.split_at_checked(len).ok_or(ConfigError)?;
        self.0 = rest;
        Ok(head)
    }

    fn word(&mut self) -> Result<u32, ConfigError> {
        let bytes = self.take(4)?.try_into().map_err(|_| ConfigError)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn bytes(&mut self) -> Result<&'a [u8], ConfigError> {
        let len = usize::try_from(self.word()?).map_err(|_| ConfigError)?;
        self.take(len)
    }

    fn text(&mut self) -> Result<&'a str, ConfigError> {
        core::str::from_utf8(self.bytes()?).map_err(|_| ConfigError)
    }

    fn list<T>(
        &mut self,
        mut item: impl FnMut(&mut Self) -> Result<T, ConfigError>,
    ) -> Result<Vec<T>, ConfigError> {
        // No allocation depends on a count that the bytes do not justify.
        (0..self.word()?).map(|_| item(self)).collect()
    }
}

fn put_len(out: &mut Vec<u8>, len: usize) -> Option<()> {
    out.extend_from_slice(&u32::try_from(len).ok()?.to_le_bytes());
    Some(())
}

fn put(out: &mut Vec<u8>, bytes: &[u8]) -> Option<()> {
    put_len(out, bytes.len())?;
    out.extend_from_slice(bytes);
    Some(())
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;

    fn example() -> Config<'static> {
        Config {
            kind: ProgramKind::Component,
            memories: 3,
            arguments: vec!["program", "", "ä"],
            environment: vec!["A=1"],
            files: vec![File { path: "a/b", contents: b"\0\xff" }, File { path: "c", contents: b"" }],
        }
    }

    #[test]
    fn a_config_survives_the_wire() {
        let bytes = example().to_bytes().unwrap_or_default();
        assert_eq!(Config::from_bytes(&bytes), Ok(example()));
    }

    #[test]
    fn what_is_cut_or_continued_is_refused() {
        let mut bytes = example().to_bytes().unwrap_or_default();
        for len in 0..bytes.len() {
            assert_eq!(Config::from_bytes(&bytes[..len]), Err(ConfigError));
        }
        bytes.push(0);
        assert_eq!(Config::from_bytes(&bytes), Err(ConfigError));
    }
}
