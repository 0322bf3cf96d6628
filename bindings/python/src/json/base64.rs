//! Bytes inside JSON: base64 with padding, as RFC 4648 has it, and nothing around it.

use std::iter;

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const PADDING: u8 = b'=';

/// Writes the text of some bytes.
pub fn put(out: &mut String, bytes: &[u8]) {
    out.reserve(bytes.len().div_ceil(3).saturating_mul(4));
    for group in bytes.chunks(3) {
        let byte = |at: usize| u32::from(group.get(at).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for at in 0..4_u32 {
            let is_there = usize::try_from(at).is_ok_and(|at| at <= group.len());
            out.push(char::from(if is_there { letter(bits >> (18 - 6 * at)) } else { PADDING }));
        }
    }
}

/// The bytes of a text; `None` if it is none of theirs.
pub fn read(text: &str) -> Option<Vec<u8>> {
    let text = text.as_bytes();
    if !text.len().is_multiple_of(4) {
        return None;
    }
    let padding = text.iter().rev().take(2).take_while(|byte| **byte == PADDING).count();
    let letters = text.get(..text.len() - padding)?;
    let mut out = Vec::with_capacity(letters.len() / 4 * 3 + 2);
    for group in letters.chunks(4) {
        let mut bits = 0;
        for letter in group.iter().copied().chain(iter::repeat_n(b'A', 4 - group.len())) {
            bits = bits << 6 | value(letter)?;
        }
        let [_, bytes @ ..] = u32::to_be_bytes(bits);
        out.extend_from_slice(bytes.get(..group.len().saturating_sub(1))?);
    }
    Some(out)
}

fn letter(bits: u32) -> u8 {
    usize::try_from(bits & 63).ok().and_then(|at| ALPHABET.get(at)).copied().unwrap_or(PADDING)
}

fn value(letter: u8) -> Option<u32> {
    let value = match letter {
        b'A'..=b'Z' => letter - b'A',
        b'a'..=b'z' => letter - b'a' + 26,
        b'0'..=b'9' => letter - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    };
    Some(u32::from(value))
}
