//! Changing words of a file that is not mapped.
//!
//! A writable mapping of an image would prevent its seal for as long as a process that was forked meanwhile holds a
//! copy of it. So words are changed in a window of two pages that is read from the file and written back: relocations
//! come in order, and a window serves hundreds of them.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;

use crate::guest::relocate::Word;
use crate::int::to_usize;
use crate::pages::PAGE;

/// Eight-byte words of a file, at any place.
#[derive(Debug)]
pub(super) struct Words<'f> {
    file: &'f File,
    /// The window's place in the file.
    at: u64,
    /// Its bytes; none before the first word.
    window: Vec<u8>,
    /// The range of the bytes that were changed.
    changed: Range<usize>,
}

impl<'f> Words<'f> {
    pub fn new(file: &'f File) -> Self {
        Self { file, at: 0, window: Vec::new(), changed: 0..0 }
    }

    /// Changes the word at a place of the file, which must be inside it.
    pub fn change(&mut self, at: u64, word: Word) -> io::Result<()> {
        let place = match self.place(at) {
            Some(place) => place,
            None => self.move_to(at)?,
        };
        let bytes = self.window.get_mut(place.clone()).and_then(<[u8]>::first_chunk_mut::<8>);
        let bytes = bytes.ok_or_else(outside)?;
        *bytes = match word {
            Word::Is(value) => value,
            Word::Adds(value) => u64::from_le_bytes(*bytes).wrapping_add(value),
        }
        .to_le_bytes();
        self.changed = match self.changed.is_empty() {
            true => place,
            false => self.changed.start.min(place.start)..self.changed.end.max(place.end),
        };
        Ok(())
    }

    /// Writes the pending changes to the file.
    pub fn finish(&mut self) -> io::Result<()> {
        let changed = std::mem::take(&mut self.changed);
        let at = self.at + changed.start as u64;
        self.file.write_all_at(self.window.get(changed).unwrap_or_default(), at)
    }

    /// The place of a word in the window, if it is inside.
    fn place(&self, at: u64) -> Option<Range<usize>> {
        let start = usize::try_from(at.checked_sub(self.at)?).ok()?;
        let end = start.checked_add(8)?;
        (end <= self.window.len()).then_some(start..end)
    }

    /// Moves the window to the page on which a word starts.
    fn move_to(&mut self, at: u64) -> io::Result<Range<usize>> {
        self.finish()?;
        self.at = at & !(PAGE - 1);
        let left = self.file.metadata()?.len().saturating_sub(self.at);
        self.window.resize(to_usize(left.min(2 * PAGE)), 0);
        self.file.read_exact_at(&mut self.window, self.at)?;
        self.place(at).ok_or_else(outside)
    }
}

fn outside() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, "a word outside the file")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn words_in_any_order_are_changed_as_in_memory(
            changes in prop::collection::vec((0_u64..5 * PAGE - 7, any::<u64>(), any::<bool>()), 0..40),
        ) {
            let mut expected = vec![0x5a; to_usize(5 * PAGE)];
            let file = tempfile::tempfile().unwrap();
            file.write_all_at(&expected, 0).unwrap();
            let mut words = Words::new(&file);
            for (at, value, adds) in changes {
                words.change(at, if adds { Word::Adds(value) } else { Word::Is(value) }).unwrap();
                let place = expected[to_usize(at)..].first_chunk_mut::<8>().unwrap();
                let before = u64::from_le_bytes(*place);
                *place = if adds { before.wrapping_add(value) } else { value }.to_le_bytes();
            }
            prop_assert!(words.change(5 * PAGE - 7, Word::Is(0)).is_err());
            words.finish().unwrap();
            let mut found = vec![0; expected.len()];
            file.read_exact_at(&mut found, 0).unwrap();
            prop_assert_eq!(found, expected);
        }
    }
}
