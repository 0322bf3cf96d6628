//! A language without values, for checks.

use crate::error::{Error, Rust, Spelling};
use crate::host::Build;
use crate::types::{Float, Integer};

/// Makes nothing.
#[derive(Default)]
pub(crate) struct Nothing {
    /// True if there was a value for which JSON has another one, or none.
    pub has_more: bool,
}

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

    fn float(&mut self, _: Float, value: f64) -> Result<(), Error> {
        // JSON has names for the others.
        self.has_more |= !value.is_finite();
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

    fn result(&mut self, _: bool, value: Option<()>) -> Result<(), Error> {
        self.has_more |= value.is_none();
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
