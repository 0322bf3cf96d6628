//! Text of bytes that come in parts.

/// The replacement for invalid bytes.
const REPLACEMENT: &str = "\u{fffd}";

/// Keeps the beginning of a character until its end comes.
#[derive(Debug, Default)]
pub(super) struct Decoder {
    beginning: [u8; 3],
    len: usize,
}

impl Decoder {
    /// Returns true if nothing is kept.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Passes on the text of the bytes, piece by piece: valid text as it is, and a replacement for invalid bytes.
    pub fn decode<E>(
        &mut self,
        mut bytes: &[u8],
        mut take: impl FnMut(&str) -> Result<(), E>,
    ) -> Result<(), E> {
        while let (false, Some((next, rest))) = (self.is_empty(), bytes.split_first()) {
            let mut character = [0; 4];
            let (kept, more) = character.split_at_mut(self.len);
            kept.copy_from_slice(self.beginning.get(..self.len).unwrap_or_default());
            if let Some(place) = more.first_mut() {
                *place = *next;
            }
            let len = self.len + 1;
            self.len = 0;
            match core::str::from_utf8(character.get(..len).unwrap_or_default()) {
                Ok(text) => take(text)?,
                Err(error) if error.error_len().is_none() => {
                    self.keep(character.get(..len).unwrap_or_default());
                }
                // The byte that does not continue the character may begin another one.
                Err(_) => {
                    take(REPLACEMENT)?;
                    continue;
                }
            }
            bytes = rest;
        }
        for chunk in bytes.utf8_chunks() {
            if !chunk.valid().is_empty() {
                take(chunk.valid())?;
            }
            match core::str::from_utf8(chunk.invalid()) {
                Ok(_) => {}
                // Only where the bytes end.
                Err(error) if error.error_len().is_none() => self.keep(chunk.invalid()),
                Err(_) => take(REPLACEMENT)?,
            }
        }
        Ok(())
    }

    /// Passes on a replacement for a character without an end.
    pub fn finish<E>(&mut self, take: impl FnOnce(&str) -> Result<(), E>) -> Result<(), E> {
        if core::mem::take(&mut self.len) == 0 { Ok(()) } else { take(REPLACEMENT) }
    }

    fn keep(&mut self, beginning: &[u8]) {
        // An incomplete character lacks at least one of four bytes.
        if let Some(place) = self.beginning.get_mut(..beginning.len()) {
            place.copy_from_slice(beginning);
            self.len = beginning.len();
        }
    }
}
