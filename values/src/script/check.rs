//! Checks of texts, for a language that has its own JSON parser.

use super::decode::{decode, decode_all};
use crate::error::{Error, Rust, Spelling};
use crate::host::Build;
use crate::types::{Float, Integer};

/// Checks that a text is one that a script's guest may send: a value or, with `is_all`, a list of values. Errors call
/// it `what`.
pub fn check(text: &str, is_all: bool, what: &str) -> Result<(), Error> {
    if is_all { decode_all(text, what, &mut Nothing) } else { decode(text, what, &mut Nothing).map(|_| ()) }
}

/// Returns true if a text may have escapes. Without them, plain JSON means the same.
pub fn may_have_escapes(text: &str) -> bool {
    // A name that begins with `$` may be written with an escape of JSON.
    text.contains("\"$") || text.contains("\\u0024")
}

/// Makes nothing.
pub(super) struct Nothing;

impl Build for Nothing {
    type Value = ();
    type Key = ();
    type Error = Error;

    fn null(&mut self) -> Result<(), Error> {
        Ok(())
    }

    fn bool(&mut self, _: bool) -> Result<(), Error> {
        Ok(())
    }

    fn integer(&mut self, _: Integer, _: i128) -> Result<(), Error> {
        Ok(())
    }

    fn float(&mut self, _: Float, _: f64) -> Result<(), Error> {
        Ok(())
    }

    fn number(&mut self, _: f64) -> Result<(), Error> {
        Ok(())
    }

    fn whole(&mut self, _: i64) -> Result<(), Error> {
        Ok(())
    }

    fn bigint(&mut self, _: &str) -> Result<(), Error> {
        Ok(())
    }

    fn char(&mut self, _: char) -> Result<(), Error> {
        Ok(())
    }

    fn text(&mut self, _: &str) -> Result<(), Error> {
        Ok(())
    }

    fn utf16(&mut self, _: &[u16]) -> Result<(), Error> {
        Ok(())
    }

    fn bytes(&mut self, _: Vec<u8>) -> Result<(), Error> {
        Ok(())
    }

    fn list(&mut self, _: Vec<()>) -> Result<(), Error> {
        Ok(())
    }

    fn tuple(&mut self, _: Vec<()>) -> Result<(), Error> {
        Ok(())
    }

    fn map(&mut self, _: Vec<((), ())>) -> Result<(), Error> {
        Ok(())
    }

    fn key(&mut self, _: &str) -> Result<(), Error> {
        Ok(())
    }

    fn utf16_key(&mut self, _: &[u16]) -> Result<(), Error> {
        Ok(())
    }

    fn object(&mut self, _: Vec<((), ())>) -> Result<(), Error> {
        Ok(())
    }

    fn name(&mut self, _: &str) -> Result<(), Error> {
        Ok(())
    }

    fn case(&mut self, _: &str, _: Option<()>) -> Result<(), Error> {
        Ok(())
    }

    fn result(&mut self, _: bool, _: Option<()>) -> Result<(), Error> {
        Ok(())
    }

    fn flags(&mut self, _: Vec<&str>) -> Result<(), Error> {
        Ok(())
    }

    fn none(&mut self) -> Result<(), Error> {
        Ok(())
    }

    fn some(&mut self, (): (), _: bool) -> Result<(), Error> {
        Ok(())
    }

    fn spelling(&self) -> &dyn Spelling {
        &Rust
    }
}
