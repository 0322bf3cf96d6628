//! A tape from JavaScript, as `flat` in `lib/values.cjs` writes it: a tag, followed by the parts of the value.

use std::borrow::Cow;

use libhyperlight::ErrorCode;
use libhyperlight_values::error::{Spelling, shown};
use libhyperlight_values::host::{Read, View};

use super::spelling::JavaScript;
use super::text::Units;
use crate::failure::Failure;

/// Tags on a tape.
mod tag {
    pub const NULL: u32 = 0;
    pub const UNDEFINED: u32 = 1;
    pub const FALSE: u32 = 2;
    pub const TRUE: u32 = 3;
    /// Followed by the number.
    pub const NUMBER: u32 = 4;
    /// Followed by the start and the number of its digits.
    pub const BIGINT: u32 = 5;
    /// Followed by its start and its length.
    pub const TEXT: u32 = 6;
    /// Followed by their start and their length.
    pub const BYTES: u32 = 7;
    /// Followed by its end on the tape, and by its items.
    pub const LIST: u32 = 8;
    /// Followed by its end, and by names and values in turn.
    pub const OBJECT: u32 = 9;
    /// Followed by its end, and by keys and values in turn.
    pub const MAP: u32 = 10;
}

/// A tape, with its texts and bytes. A value is represented by its start on the tape.
pub(super) struct Tape<'t> {
    tape: &'t [f64],
    text: &'t [u16],
    bytes: &'t [u8],
}

impl<'t> Tape<'t> {
    pub const START: usize = 0;

    /// A tape of so many numbers, which may be the beginning of an array.
    pub fn new(tape: &'t [f64], count: u32, text: &'t Units, bytes: Option<&'t [u8]>) -> Self {
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        Self { tape: tape.get(..count).unwrap_or(tape), text: &text.0, bytes: bytes.unwrap_or_default() }
    }

    /// Lists all values that are side by side on the tape.
    pub fn all(&self) -> Vec<usize> {
        self.between(0, self.tape.len())
    }

    /// Reads a place of the tape: JavaScript stored a whole number there that is not negative.
    fn at(&self, place: usize) -> usize {
        let number = self.tape.get(place).copied().unwrap_or_default();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "casts of floats keep to what there is"
        )]
        let number = number as usize;
        number
    }

    fn tag(&self, place: usize) -> u32 {
        u32::try_from(self.at(place)).unwrap_or(u32::MAX)
    }

    /// Lists the values from one place to another.
    fn between(&self, mut from: usize, to: usize) -> Vec<usize> {
        let mut values = Vec::new();
        while from < to.min(self.tape.len()) {
            values.push(from);
            from = match self.tag(from) {
                tag::NULL..=tag::TRUE => from + 1,
                tag::NUMBER => from + 2,
                // Each ends after its start, whatever the tape holds.
                tag::LIST..=tag::MAP => self.at(from + 1).max(from + 2),
                _ => from + 3,
            };
        }
        values
    }

    fn members(&self, place: usize) -> Vec<usize> {
        self.between(place + 2, self.at(place + 1))
    }

    fn pairs(&self, place: usize) -> Vec<(usize, usize)> {
        let members = self.members(place);
        members.chunks_exact(2).filter_map(|pair| Some((*pair.first()?, *pair.get(1)?))).collect()
    }

    fn part<T>(&self, of: &'t [T], place: usize) -> Result<&'t [T], Failure> {
        let from = self.at(place + 1);
        of.get(from..from.saturating_add(self.at(place + 2))).ok_or_else(|| {
            Failure::new(ErrorCode::Internal, "a part of a value is not where its tape says; this is a bug")
        })
    }

    /// For errors.
    fn lossy(&self, place: usize) -> String {
        self.part(self.text, place).map(String::from_utf16_lossy).unwrap_or_default()
    }
}

impl Read for Tape<'_> {
    type Value = usize;
    type Error = Failure;
    const LISTS_ARE_LOOSE: bool = true;

    fn view<'v>(&mut self, place: &'v usize) -> Result<View<'v, usize>, Failure> {
        let place = *place;
        Ok(match self.tag(place) {
            tag::NULL => View::Null,
            tag::UNDEFINED => View::Undefined,
            tag::FALSE => View::Bool(false),
            tag::TRUE => View::Bool(true),
            tag::NUMBER => View::Number(self.tape.get(place + 1).copied().unwrap_or_default()),
            tag::BIGINT => View::BigInt(Cow::Owned(String::from_utf16_lossy(self.part(self.text, place)?))),
            tag::TEXT => {
                let units = self.part(self.text, place)?;
                match String::from_utf16(units) {
                    Ok(text) => View::Text(Cow::Owned(text)),
                    Err(_) => View::Utf16(units.to_vec()),
                }
            }
            tag::BYTES => View::Bytes(Cow::Owned(self.part(self.bytes, place)?.to_vec())),
            tag::LIST => View::List(self.members(place)),
            tag::OBJECT => View::Object(self.pairs(place)),
            tag::MAP => View::Map(self.pairs(place)),
            _ => View::Other,
        })
    }

    fn is_nothing(&mut self, place: &usize) -> bool {
        matches!(self.tag(*place), tag::NULL | tag::UNDEFINED)
    }

    fn is_left_out(&mut self, place: &usize) -> bool {
        self.tag(*place) == tag::UNDEFINED
    }

    fn describe(&mut self, place: &usize) -> String {
        let place = *place;
        match self.tag(place) {
            tag::NULL => "null".to_owned(),
            tag::UNDEFINED => "undefined".to_owned(),
            tag::FALSE => "false".to_owned(),
            tag::TRUE => "true".to_owned(),
            tag::NUMBER => {
                let number = self.tape.get(place + 1).copied().unwrap_or_default();
                if number.trunc() == number && number.abs() < 1e15 {
                    format!("{number}")
                } else {
                    format!("{number:?}").replace("inf", "Infinity")
                }
            }
            // Of one that is too large for any, JavaScript writes no digits.
            tag::BIGINT if (1..=40).contains(&self.at(place + 2)) => format!("{}n", self.lossy(place)),
            tag::BIGINT => "a bigint of more than 128 bits".to_owned(),
            tag::TEXT => {
                let text = shown(&self.lossy(place));
                format!("\"{}\"", text.trim_matches('\'').replace('"', "\\\""))
            }
            tag::BYTES => "a Uint8Array".to_owned(),
            tag::LIST => "an array".to_owned(),
            tag::OBJECT => "an object".to_owned(),
            tag::MAP => "a Map".to_owned(),
            // JavaScript says what it is.
            _ => self.lossy(place),
        }
    }

    fn show(&mut self, place: &usize) -> String {
        self.describe(place)
    }

    fn is_same(&self, _: &usize, _: &usize) -> bool {
        // A cyclic value has no end on a tape.
        false
    }

    fn spelling(&self) -> &dyn Spelling {
        &JavaScript
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_that_is_not_there_is_an_error_and_not_empty() {
        for (tag, text, bytes) in [(tag::BIGINT, 2, 9), (tag::TEXT, 2, 9), (tag::BYTES, 9, 2)] {
            let tape = [f64::from(tag), 1.0, 2.0];
            let (text, bytes) = (Units(vec![u16::from(b'1'); text]), vec![0; bytes]);
            let error = Tape::new(&tape, 3, &text, Some(&bytes)).view(&Tape::START).unwrap_err();
            assert_eq!(error.code, ErrorCode::Internal);
        }
    }
}
