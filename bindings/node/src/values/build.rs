//! A tape for JavaScript, which `made` in `lib/values.cjs` reads. A value follows its members, so that its parts are
//! the values made last.

use std::collections::HashMap;
use std::fmt;

use libhyperlight_values::Error;
use libhyperlight_values::error::Spelling;
use libhyperlight_values::host::Build;
use libhyperlight_values::limits::MAX_SAFE_INTEGER;
use libhyperlight_values::types::{Float, Integer};
use napi_derive::napi;

use super::spelling::JavaScript;
use super::text::Text;
use crate::value::OwnBytes;

/// Tags on a tape.
mod tag {
    pub const NULL: f64 = 0.0;
    pub const UNDEFINED: f64 = 1.0;
    pub const FALSE: f64 = 2.0;
    pub const TRUE: f64 = 3.0;
    /// Followed by the number.
    pub const NUMBER: f64 = 4.0;
    /// A bigint that a number represents exactly, which follows.
    pub const SHORT_BIGINT: f64 = 5.0;
    /// Any other bigint. Its digits are the next text.
    pub const BIGINT: f64 = 6.0;
    /// The next text.
    pub const TEXT: f64 = 7.0;
    /// Followed by the place of the name.
    pub const NAME: f64 = 8.0;
    /// Followed by their length. The bytes are the next ones.
    pub const BYTES: f64 = 9.0;
    /// Followed by the number of items.
    pub const LIST: f64 = 10.0;
    /// Followed by the number of members, and the places of their names.
    pub const OBJECT: f64 = 11.0;
    /// Followed by the number of pairs.
    pub const MAP: f64 = 12.0;
}

/// A value on its way to JavaScript.
#[napi(object, object_from_js = false)]
pub struct JsTape {
    /// The tape: 64-bit numbers.
    #[napi(ts_type = "Uint8Array")]
    pub tape: OwnBytes,
    /// Its texts, in order.
    #[napi(ts_type = "Array<string>")]
    pub texts: Vec<Text>,
    /// The names of members, each once.
    #[napi(ts_type = "Array<string>")]
    pub names: Vec<Text>,
    /// Its bytes, in order and without gaps.
    #[napi(ts_type = "Uint8Array")]
    pub bytes: OwnBytes,
}

impl fmt::Debug for JsTape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JsTape").finish_non_exhaustive()
    }
}

/// Writes a tape.
#[derive(Default)]
pub(super) struct Builder {
    tape: Vec<f64>,
    texts: Vec<Text>,
    names: Vec<Text>,
    places: HashMap<Box<str>, f64>,
    bytes: Vec<u8>,
}

impl Builder {
    pub fn finish(self) -> JsTape {
        JsTape {
            tape: OwnBytes(self.tape.iter().flat_map(|number| number.to_ne_bytes()).collect()),
            texts: self.texts,
            names: self.names,
            bytes: OwnBytes(self.bytes),
        }
    }

    fn count(&mut self, tag: f64, count: usize) -> Result<(), Error> {
        self.tape.extend([tag, exact(count)]);
        Ok(())
    }

    fn name_of(&mut self, name: Text) -> f64 {
        self.names.push(name);
        exact(self.names.len() - 1)
    }
}

/// Converts a count of objects in memory, which is always exact.
#[expect(clippy::cast_precision_loss, reason = "nothing has 2^53 of anything")]
fn exact(count: usize) -> f64 {
    count as f64
}

impl Build for Builder {
    type Value = ();
    type Key = f64;
    type Error = Error;

    fn null(&mut self) -> Result<(), Error> {
        self.tape.push(tag::NULL);
        Ok(())
    }

    fn bool(&mut self, value: bool) -> Result<(), Error> {
        self.tape.push(if value { tag::TRUE } else { tag::FALSE });
        Ok(())
    }

    fn integer(&mut self, ty: Integer, value: i128) -> Result<(), Error> {
        match i64::try_from(value) {
            Ok(value) if !ty.is_wide() => self.whole(value),
            Ok(value) if (-MAX_SAFE_INTEGER..=MAX_SAFE_INTEGER).contains(&value) => {
                self.tape.push(tag::SHORT_BIGINT);
                #[expect(clippy::cast_precision_loss, reason = "it is exact")]
                self.tape.push(value as f64);
                Ok(())
            }
            _ => self.bigint(&value.to_string()),
        }
    }

    fn float(&mut self, _: Float, value: f64) -> Result<(), Error> {
        self.number(value)
    }

    fn number(&mut self, value: f64) -> Result<(), Error> {
        self.tape.extend([tag::NUMBER, value]);
        Ok(())
    }

    fn whole(&mut self, value: i64) -> Result<(), Error> {
        #[expect(clippy::cast_precision_loss, reason = "it is exact")]
        self.number(value as f64)
    }

    fn bigint(&mut self, digits: &str) -> Result<(), Error> {
        self.tape.push(tag::BIGINT);
        self.texts.push(Text::Unicode(digits.to_owned()));
        Ok(())
    }

    fn char(&mut self, value: char) -> Result<(), Error> {
        self.text(value.encode_utf8(&mut [0; 4]))
    }

    fn text(&mut self, text: &str) -> Result<(), Error> {
        self.tape.push(tag::TEXT);
        self.texts.push(Text::Unicode(text.to_owned()));
        Ok(())
    }

    fn utf16(&mut self, text: &[u16]) -> Result<(), Error> {
        self.tape.push(tag::TEXT);
        self.texts.push(Text::Utf16(text.to_vec()));
        Ok(())
    }

    fn bytes(&mut self, bytes: Vec<u8>) -> Result<(), Error> {
        self.tape.extend([tag::BYTES, exact(bytes.len())]);
        if self.bytes.is_empty() {
            self.bytes = bytes;
        } else {
            self.bytes.extend_from_slice(&bytes);
        }
        Ok(())
    }

    fn list(&mut self, items: Vec<()>) -> Result<(), Error> {
        self.count(tag::LIST, items.len())
    }

    fn tuple(&mut self, items: Vec<()>) -> Result<(), Error> {
        self.count(tag::LIST, items.len())
    }

    fn map(&mut self, pairs: Vec<((), ())>) -> Result<(), Error> {
        self.count(tag::MAP, pairs.len())
    }

    fn key(&mut self, name: &str) -> Result<f64, Error> {
        if let Some(place) = self.places.get(name) {
            return Ok(*place);
        }
        let place = self.name_of(Text::Unicode(name.to_owned()));
        self.places.insert(name.into(), place);
        Ok(place)
    }

    fn utf16_key(&mut self, name: &[u16]) -> Result<f64, Error> {
        Ok(self.name_of(Text::Utf16(name.to_vec())))
    }

    fn object(&mut self, members: Vec<(f64, ())>) -> Result<(), Error> {
        self.tape.extend([tag::OBJECT, exact(members.len())]);
        self.tape.extend(members.iter().map(|(name, ())| name));
        Ok(())
    }

    fn name(&mut self, name: &str) -> Result<(), Error> {
        let name = self.key(name)?;
        self.tape.extend([tag::NAME, name]);
        Ok(())
    }

    fn case(&mut self, name: &str, value: Option<()>) -> Result<(), Error> {
        match value {
            Some(()) => {
                let name = self.key(name)?;
                self.object(vec![(name, ())])
            }
            None => self.name(name),
        }
    }

    fn result(&mut self, is_ok: bool, value: Option<()>) -> Result<(), Error> {
        if value.is_none() {
            self.tape.push(tag::UNDEFINED);
        }
        self.case(if is_ok { "ok" } else { "err" }, Some(()))
    }

    fn flags(&mut self, names: Vec<&str>) -> Result<(), Error> {
        for name in &names {
            self.name(name)?;
        }
        self.count(tag::LIST, names.len())
    }

    fn none(&mut self) -> Result<(), Error> {
        self.null()
    }

    fn some(&mut self, (): (), is_around_option: bool) -> Result<(), Error> {
        if is_around_option { self.case("some", Some(())) } else { Ok(()) }
    }

    fn spelling(&self) -> &dyn Spelling {
        &JavaScript
    }
}
