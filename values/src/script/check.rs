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

/// Returns true if a JSON text in UTF-16 is one that a script's guest may send, and means the same as plain JSON: it
/// has no escapes and is not nested too deep. Far faster than [`check`].
pub fn is_plain(text: &[u16], is_all: bool) -> bool {
    const QUOTE: u16 = b'"' as u16;
    const BACKSLASH: u16 = b'\\' as u16;
    const DOLLAR: u16 = b'$' as u16;
    let limit = if is_all { MAX_DEPTH + 1 } else { MAX_DEPTH };
    let (mut levels, mut rest) = (0_usize, text);
    while let Some((unit, after)) = rest.split_first() {
        rest = after;
        match u8::try_from(*unit) {
            Ok(b'"') => {
                if rest.first() == Some(&DOLLAR) {
                    return false;
                }
                // To the end of the string.
                while let Some(at) = rest.iter().position(|unit| matches!(*unit, QUOTE | BACKSLASH)) {
                    let after = rest.get(at..).unwrap_or_default();
                    if after.first() == Some(&QUOTE) {
                        rest = after.get(1..).unwrap_or_default();
                        break;
                    }
                    // A name that begins with `$` may be written with an escape of JSON.
                    if after.get(1..6).is_some_and(|escape| escape.iter().copied().eq("u0024".encode_utf16()))
                    {
                        return false;
                    }
                    rest = after.get(2..).unwrap_or_default();
                }
            }
            Ok(b'[' | b'{') => {
                levels += 1;
                if levels > limit {
                    return false;
                }
            }
            Ok(b']' | b'}') => levels = levels.saturating_sub(1),
            _ => {}
        }
    }
    true
}
