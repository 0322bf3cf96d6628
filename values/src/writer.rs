//! JSON, written token by token.

use std::fmt::{Display, Write as _};

use crate::limits::MAX_SAFE_INTEGER;

/// Writes a value whose text is the same in JSON.
pub(crate) fn put_display(out: &mut String, value: impl Display) {
    // Writing to a string does not fail.
    let _ = write!(out, "{value}");
}

/// Writes a number that JSON has. A whole and exact number is written without a point, if `may_be_whole`.
pub(crate) fn put_number(out: &mut String, value: f64, may_be_whole: bool) {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        reason = "compared with what it was"
    )]
    let whole = Some(value as i64).filter(|whole| {
        may_be_whole && whole.unsigned_abs() <= MAX_SAFE_INTEGER.unsigned_abs() && *whole as f64 == value
    });
    match whole {
        Some(0) if value.is_sign_negative() => out.push_str("-0.0"),
        Some(whole) => put_display(out, whole),
        // The shortest text that reads as the same number.
        None => put_display(out, format_args!("{value:?}")),
    }
}

/// Returns the name of a number that JSON does not have.
pub(crate) fn special(value: f64) -> Option<&'static str> {
    match value {
        _ if value.is_nan() => Some("NaN"),
        f64::INFINITY => Some("Infinity"),
        f64::NEG_INFINITY => Some("-Infinity"),
        _ => None,
    }
}

/// Returns the number of such a name.
pub(crate) fn of_special(name: &str) -> Option<f64> {
    match name {
        "NaN" => Some(f64::NAN),
        "Infinity" => Some(f64::INFINITY),
        "-Infinity" => Some(f64::NEG_INFINITY),
        _ => None,
    }
}

/// Writes a string after a prefix that needs no quoting.
pub(crate) fn put_text(out: &mut String, prefix: &str, text: &str) {
    // Mostly nothing is special: so it grows once.
    out.reserve(prefix.len() + text.len() + 2);
    out.push('"');
    out.push_str(prefix);
    let mut rest = text;
    while let Some(at) = first_special(rest.as_bytes()) {
        let (plain, special) = rest.split_at(at);
        out.push_str(plain);
        let mut after = special.chars();
        if let Some(character) = after.next() {
            put_character(out, character);
        }
        rest = after.as_str();
    }
    out.push_str(rest);
    out.push('"');
}

/// Writes a string with unpaired surrogates, which need escapes.
pub(crate) fn put_utf16(out: &mut String, prefix: &str, text: &[u16]) {
    out.push('"');
    out.push_str(prefix);
    for character in char::decode_utf16(text.iter().copied()) {
        match character {
            Ok(character) => put_character(out, character),
            Err(half) => put_display(out, format_args!("\\u{:04x}", half.unpaired_surrogate())),
        }
    }
    out.push('"');
}

fn put_character(out: &mut String, character: char) {
    match character {
        '"' | '\\' => out.extend(['\\', character]),
        '\n' => out.push_str("\\n"),
        ..' ' => put_display(out, format_args!("\\u{:04x}", u32::from(character))),
        _ => out.push(character),
    }
}

/// Finds the first byte that a string of JSON cannot have as it is. Whole blocks are read without a branch for each
/// byte, which is several times as fast.
fn first_special(bytes: &[u8]) -> Option<usize> {
    let is_special = |byte: &u8| matches!(byte, b'"' | b'\\' | ..0x20);
    let mut blocks = bytes.chunks_exact(32);
    let is_plain = |block: &[u8]| !block.iter().fold(false, |found, byte| found | is_special(byte));
    let plain = blocks.by_ref().take_while(|block| is_plain(block)).count() * 32;
    let at = bytes.get(plain..)?.iter().position(is_special)?;
    Some(plain + at)
}
