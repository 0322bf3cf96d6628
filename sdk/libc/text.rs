//! Reading C strings.

use core::ffi::{CStr, c_char};

/// A place in a C string. It moves forward, but never past the terminating NUL. So a byte can always be read, and one
/// loop serves strings of any length.
#[derive(Clone, Copy)]
pub(crate) struct Cursor(*const u8);

impl Cursor {
    /// Makes a cursor at the start of a string.
    ///
    /// # Safety
    /// `text` ends with a NUL and is not changed while the cursor is in use.
    pub(crate) const unsafe fn new(text: *const c_char) -> Self {
        Self(text.cast())
    }

    /// Returns the byte at this place; 0 at the end.
    pub(crate) const fn peek(self) -> u8 {
        // SAFETY: whoever called `new` promised a NUL, and `advance` does not pass it.
        unsafe { *self.0 }
    }

    /// Moves to the next byte; stays at the end.
    pub(crate) const fn advance(&mut self) {
        if self.peek() != 0 {
            self.0 = self.0.wrapping_add(1);
        }
    }

    /// Returns the byte at this place and moves past it; 0 at the end.
    pub(crate) const fn next(&mut self) -> u8 {
        let byte = self.peek();
        self.advance();
        byte
    }

    /// Skips `byte` in either case; returns true if it was there.
    pub(crate) fn skip(&mut self, byte: u8) -> bool {
        let found = self.peek().eq_ignore_ascii_case(&byte);
        if found {
            self.advance();
        }
        found
    }

    /// Skips all of `word` in either case, or nothing.
    pub(crate) fn skip_word(&mut self, word: &[u8]) -> bool {
        let mut ahead = *self;
        let found = word.iter().all(|byte| ahead.skip(*byte));
        if found {
            *self = ahead;
        }
        found
    }

    /// Skips white space.
    pub(crate) fn skip_space(&mut self) {
        while is_space(self.peek()) {
            self.advance();
        }
    }

    /// Returns the place as a C pointer.
    pub(crate) const fn as_ptr(self) -> *const c_char {
        self.0.cast()
    }

    /// Returns the bytes from here up to `end`, a later place in the same string.
    pub(crate) fn up_to<'a>(self, end: Self) -> &'a [u8] {
        let len = end.0.addr().saturating_sub(self.0.addr());
        // SAFETY: both places lie in one string, `len` bytes apart, and whoever called `new` keeps it unchanged.
        unsafe { core::slice::from_raw_parts(self.0, len) }
    }
}

/// `isspace` in the C locale: blank, and tab to carriage return.
pub(crate) const fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r')
}

/// Returns the bytes of a string, without its NUL.
///
/// # Safety
/// As for [`CStr::from_ptr`]: `text` ends with a NUL and is not changed for as long as the slice is used.
pub unsafe fn bytes<'a>(text: *const c_char) -> &'a [u8] {
    // SAFETY: the caller's promise.
    unsafe { CStr::from_ptr(text) }.to_bytes()
}
