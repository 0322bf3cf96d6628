//! Checks of texts, for a language that has its own JSON parser.

use super::decode::{decode, decode_all};
use crate::error::Error;
use crate::limits::MAX_DEPTH;
use crate::nothing::Nothing;

/// Checks that a text is one that a script's guest may send: a value or, with `is_all`, a list of values. Errors call
/// it `what`.
pub fn check(text: &str, is_all: bool, what: &str) -> Result<(), Error> {
    if is_all {
        decode_all(text, what, &mut Nothing::default())
    } else {
        decode(text, what, &mut Nothing::default()).map(|_| ())
    }
}

/// Returns true if a text that is JSON is one that a script's guest may send, and means the same as plain JSON: it has no
/// escapes and is not nested too deep. Far faster than [`check`].
pub fn is_plain(text: &str, is_all: bool) -> bool {
    let limit = if is_all { MAX_DEPTH + 1 } else { MAX_DEPTH };
    let (mut levels, mut is_in_string, mut is_escaped) = (0_usize, false, false);
    for byte in text.bytes() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = is_in_string,
            b'"' => is_in_string = !is_in_string,
            b'[' | b'{' if !is_in_string => {
                levels += 1;
                if levels > limit {
                    return false;
                }
            }
            b']' | b'}' if !is_in_string => levels = levels.saturating_sub(1),
            _ => {}
        }
    }
    !may_have_escapes(text)
}

/// Returns true if a text may have escapes. Without them, plain JSON means the same.
pub fn may_have_escapes(text: &str) -> bool {
    // A name that begins with `$` may be written with an escape of JSON.
    text.contains("\"$") || text.contains("\\u0024")
}
