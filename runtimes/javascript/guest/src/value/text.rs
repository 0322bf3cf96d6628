//! The text of values: what `String(value)` gives, as UTF-8.

use alloc::string::String;
use alloc::vec::Vec;
use core::ffi::c_char;
use core::{slice, str};

use rquickjs_sys as qjs;

use super::Value;
use crate::engine::{context, out_of_memory};
use crate::error::{Js, Thrown};

impl Value {
    /// As `String(value)`, but that symbols throw.
    pub(crate) fn text(&self) -> Js<Text> {
        Text::new(self.engine_text()?)
    }

    /// The same as the engine writes it: halves of surrogate pairs take three bytes, as if they were characters.
    pub(crate) fn engine_text(&self) -> Js<EngineText> {
        let mut len = 0;
        // SAFETY: the value is alive; the text is ours.
        let start = unsafe { qjs::JS_ToCStringLen2(context(), &raw mut len, self.0, false) };
        if start.is_null() {
            // SAFETY: the engine has thrown.
            return Err(unsafe { Thrown::from_raw(qjs::JS_EXCEPTION) });
        }
        Ok(EngineText { start, len: usize::try_from(len).unwrap_or(0) })
    }
}

/// Text, in the engine's memory wherever it can stay there.
pub(crate) enum Text {
    Engine(EngineText),
    Own(String),
}

impl Text {
    /// The text of a C string that the engine has made. JavaScript strings may hold halves of surrogate pairs, which
    /// have no UTF-8: each becomes U+FFFD.
    fn new(text: EngineText) -> Js<Self> {
        if str::from_utf8(text.bytes()).is_ok() {
            return Ok(Self::Engine(text));
        }
        well_formed(text.bytes()).map(Self::Own).ok_or_else(out_of_memory)
    }

    pub(crate) fn as_str(&self) -> &str {
        match self {
            // It was confirmed when this was made, and has not changed since.
            Self::Engine(text) => str::from_utf8(text.bytes()).unwrap_or_default(),
            Self::Own(text) => text,
        }
    }
}

/// A C string of the engine.
pub(crate) struct EngineText {
    start: *const c_char,
    len: usize,
}

impl EngineText {
    pub(crate) fn bytes(&self) -> &[u8] {
        // SAFETY: the engine gave that many bytes, and keeps them until this is dropped.
        unsafe { slice::from_raw_parts(self.start.cast(), self.len) }
    }
}

impl Drop for EngineText {
    fn drop(&mut self) {
        // SAFETY: the text is ours and not used again.
        unsafe { qjs::JS_FreeCString(context(), self.start) };
    }
}

/// Replaces halves of surrogate pairs, which the engine writes in three bytes as if they were characters. `None` where
/// there is no memory for it.
fn well_formed(bytes: &[u8]) -> Option<String> {
    let mut out = Vec::new();
    out.try_reserve_exact(bytes.len()).ok()?;
    let mut rest = bytes;
    while let Some((first, tail)) = rest.split_first() {
        match rest {
            [0xed, 0xa0..=0xbf, _, after @ ..] => {
                out.extend_from_slice("\u{fffd}".as_bytes());
                rest = after;
            }
            _ => {
                out.push(*first);
                rest = tail;
            }
        }
    }
    Some(String::from_utf8(out).unwrap_or_default())
}
