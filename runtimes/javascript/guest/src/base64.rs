//! Base64 of RFC 4648, with padding.

use alloc::string::String;
use alloc::vec::Vec;

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// The text for some bytes; `None` where there is no memory for it.
pub(crate) fn encode(bytes: &[u8]) -> Option<String> {
    let mut out = Vec::new();
    out.try_reserve_exact(bytes.len().div_ceil(3).checked_mul(4)?).ok()?;
    for chunk in bytes.chunks(3) {
        let at = |index: usize| u32::from(chunk.get(index).copied().unwrap_or(0));
        let word = at(0) << 16 | at(1) << 8 | at(2);
        for (digit, shift) in [18, 12, 6, 0].into_iter().enumerate() {
            let index = (word >> shift & 63) as usize;
            let symbol = if digit <= chunk.len() { ALPHABET.get(index).copied() } else { None };
            out.push(symbol.unwrap_or(b'='));
        }
    }
    String::from_utf8(out).ok()
}

/// The bytes of a text; `None` if it is no base64, or if there is no memory.
pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    let digits = text.trim_end_matches('=');
    let padding = text.len() - digits.len();
    // Text without padding is taken, too; wrong padding is not.
    if digits.len() % 4 == 1 || padding > 2 || (padding > 0 && !text.len().is_multiple_of(4)) {
        return None;
    }
    let mut out = Vec::new();
    out.try_reserve_exact(digits.len() / 4 * 3 + 2).ok()?;
    for chunk in digits.as_bytes().chunks(4) {
        let mut word = 0_u32;
        for place in 0..4 {
            word = word << 6 | chunk.get(place).map_or(Some(0), |symbol| value(*symbol))?;
        }
        let [_, bytes @ ..] = word.to_be_bytes();
        out.extend(bytes.iter().take(chunk.len() - 1));
    }
    Some(out)
}

fn value(symbol: u8) -> Option<u32> {
    Some(u32::from(match symbol {
        b'A'..=b'Z' => symbol - b'A',
        b'a'..=b'z' => symbol - b'a' + 26,
        b'0'..=b'9' => symbol - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    }))
}
