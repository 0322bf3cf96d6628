//! Text that a guest wrote, made fit for messages and logs.

use std::fmt::Write;

use libhyperlight_abi::limits::MAX_MESSAGE_LEN;
use libhyperlight_abi::message::{CUT_MARK, cut};

/// `text`, cut to `max` bytes, with control characters escaped: one line that cannot steer a terminal.
pub(crate) fn printable(text: &str, max: usize) -> String {
    let kept = cut(text, max);
    let mut out = String::with_capacity(kept.len());
    for c in kept.chars() {
        // Besides C0, C1 and DEL: line and paragraph separators, and characters that reorder or hide text.
        let is_hidden = matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}');
        if c.is_control() || is_hidden {
            let _ = write!(out, "{}", c.escape_default());
        } else {
            out.push(c);
        }
    }
    if kept.len() < text.len() {
        out.push_str(CUT_MARK);
    }
    out
}

/// A foreign text as the message of an error, which is never empty.
pub(crate) fn said(text: &str, or_else: impl FnOnce() -> String) -> String {
    if text.is_empty() { or_else() } else { printable(text, MAX_MESSAGE_LEN) }
}
