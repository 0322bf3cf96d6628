//! Text formatted without a heap.

use core::fmt;

use libhyperlight_abi::limits::MAX_MESSAGE_LEN;
use libhyperlight_abi::message::{CUT_MARK, cut};

/// A line of at most [`MAX_MESSAGE_LEN`] bytes. Longer text is cut after a whole character, and marked.
pub(crate) struct Text {
    bytes: [u8; MAX_MESSAGE_LEN],
    len: usize,
}

impl Text {
    /// Formats a text; on a formatting error the text so far remains.
    pub(crate) fn new(arguments: fmt::Arguments<'_>) -> Self {
        let mut text = Self { bytes: [0; MAX_MESSAGE_LEN], len: 0 };
        let _ = fmt::Write::write_fmt(&mut text, arguments);
        text
    }

    pub(crate) fn as_str(&self) -> &str {
        let written = self.bytes.get(..self.len).unwrap_or_default();
        // Only whole characters are ever written.
        core::str::from_utf8(written).unwrap_or_default()
    }
}

impl Text {
    /// Marks the text as cut.
    fn mark(&mut self) {
        let kept = cut(self.as_str(), MAX_MESSAGE_LEN - CUT_MARK.len()).len();
        self.len = kept + CUT_MARK.len();
        if let Some(place) = self.bytes.get_mut(kept..self.len) {
            place.copy_from_slice(CUT_MARK.as_bytes());
        }
    }
}

impl fmt::Write for Text {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = self.bytes.get_mut(self.len..).unwrap_or_default();
        let fitting = cut(text, room.len());
        if let Some(place) = room.get_mut(..fitting.len()) {
            place.copy_from_slice(fitting.as_bytes());
            self.len += fitting.len();
        }
        if fitting.len() == text.len() {
            return Ok(());
        }
        self.mark();
        Err(fmt::Error)
    }
}
