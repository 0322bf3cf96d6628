//! Text as bytes: the work of `TextEncoder` and `TextDecoder`, whose classes are in `prelude.js`.
//!
//! The encodings are those of Unicode, and the one that the web means by ASCII and Latin-1.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;

use rquickjs_sys as qjs;

use crate::engine::out_of_memory;
use crate::error::{Js, Thrown};
use crate::native::Arguments;
use crate::value::Value;

/// The encodings from which bytes can be decoded.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Encoding {
    Utf8,
    Utf16Le,
    Utf16Be,
    Windows1252,
}

impl Encoding {
    /// By one of its labels, as `https://encoding.spec.whatwg.org` lists them; its own name is one.
    fn of(label: &str) -> Option<Self> {
        Some(match &*label.trim_ascii().to_ascii_lowercase() {
            "utf-8" | "utf8" | "unicode-1-1-utf-8" | "unicode11utf8" | "unicode20utf8"
            | "x-unicode20utf8" => Self::Utf8,
            "utf-16le" | "utf-16" | "ucs-2" | "unicode" | "csunicode" | "iso-10646-ucs-2" | "unicodefeff" => {
                Self::Utf16Le
            }
            "utf-16be" | "unicodefffe" => Self::Utf16Be,
            "windows-1252" | "cp1252" | "x-cp1252" | "latin1" | "l1" | "csisolatin1" | "iso-8859-1"
            | "iso8859-1" | "iso88591" | "iso_8859-1" | "iso_8859-1:1987" | "iso-ir-100" | "ibm819"
            | "cp819" | "ascii" | "us-ascii" | "ansi_x3.4-1968" => Self::Windows1252,
            _ => return None,
        })
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Utf8 => "utf-8",
            Self::Utf16Le => "utf-16le",
            Self::Utf16Be => "utf-16be",
            Self::Windows1252 => "windows-1252",
        }
    }

    /// Bytes without a character at the end whose rest may follow.
    fn complete(self, bytes: &[u8]) -> usize {
        match self {
            Self::Utf8 => complete_utf8(bytes),
            Self::Utf16Le => complete_utf16(bytes, 1),
            Self::Utf16Be => complete_utf16(bytes, 2),
            Self::Windows1252 => bytes.len(),
        }
    }

    /// The decoded text. Invalid parts become U+FFFD, or make the whole fail.
    fn decode(self, bytes: &[u8], fatal: bool) -> Js<Option<Cow<'_, str>>> {
        if self == Self::Utf8
            && let Ok(text) = core::str::from_utf8(bytes)
        {
            return Ok(Some(text.into()));
        }
        let mut text = String::new();
        // No unit takes more than three bytes, and none is smaller than a byte.
        let room = bytes.len().checked_mul(3).ok_or_else(out_of_memory)?;
        text.try_reserve(room).map_err(|_| out_of_memory())?;
        let is_text = match self {
            Self::Utf8 => decode_utf8(bytes, &mut text),
            Self::Utf16Le => decode_utf16(bytes, u16::from_le_bytes, &mut text),
            Self::Utf16Be => decode_utf16(bytes, u16::from_be_bytes, &mut text),
            Self::Windows1252 => {
                text.extend(bytes.iter().copied().map(windows_1252));
                true
            }
        };
        Ok((is_text || !fatal).then_some(text.into()))
    }
}

/// The UTF-8 of a text.
pub(crate) fn encode(arguments: Arguments<'_>) -> Js<Value> {
    let text = arguments.get(0).text()?;
    Value::bytes(text.as_str().as_bytes())
}

/// Puts as much of a text as fits into a `Uint8Array`.
pub(crate) fn encode_into(arguments: Arguments<'_>) -> Js<Value> {
    let text = arguments.get(0).text()?;
    let mut target = arguments.get(1).clone();
    let is_bytes = target.typed_array() == Some(qjs::JSTypedArrayEnum_JS_TYPED_ARRAY_UINT8);
    if !is_bytes {
        return Err(Thrown::type_error("the target must be a Uint8Array"));
    }
    let Some(room) = target.as_bytes_mut() else {
        return Err(Thrown::type_error(
            "the target's buffer was taken away, is too small for it, or immutable",
        ));
    };
    let (mut read, mut written) = (0_u32, 0);
    for c in text.as_str().chars() {
        let Some(place) = room.get_mut(written..written + c.len_utf8()) else {
            break;
        };
        c.encode_utf8(place);
        written += place.len();
        read += if c.len_utf16() == 2 { 2 } else { 1 };
    }
    let result = Value::object()?;
    result.define("read", Value::number(read.into()))?;
    result.define("written", Value::number(u32::try_from(written).unwrap_or(u32::MAX).into()))?;
    Ok(result)
}

/// The name of the encoding with a label; `undefined` if there is none.
pub(crate) fn encoding(arguments: Arguments<'_>) -> Js<Value> {
    let label = arguments.get(0).text()?;
    Encoding::of(label.as_str()).map_or(Ok(Value::UNDEFINED), |encoding| Value::string(encoding.name()))
}

/// Arguments: encoding, bytes left of the last time, bytes, whether more follow, whether errors throw, whether a byte
/// order mark is text. The result has the text and the bytes that wait for more.
pub(crate) fn decode(arguments: Arguments<'_>) -> Js<Value> {
    let encoding = Encoding::of(arguments.get(0).text()?.as_str()).unwrap_or(Encoding::Utf8);
    let flag = |index| arguments.get(index).is_truthy();
    let (more_follows, fatal, keep_mark) = (flag(3), flag(4), flag(5));
    let mut bytes = Vec::new();
    for index in [1, 2] {
        let Some(part) = arguments.get(index).as_bytes() else {
            let message =
                "the bytes must be an ArrayBuffer or a view of one, which must not have been taken away";
            return Err(Thrown::type_error(message));
        };
        bytes.try_reserve(part.len()).map_err(|_| out_of_memory())?;
        bytes.extend_from_slice(part);
    }
    let used = if more_follows { encoding.complete(&bytes) } else { bytes.len() };
    let (now, rest) = bytes.split_at(used);
    let Some(text) = encoding.decode(now, fatal)? else {
        return Err(Thrown::type_error("the bytes are not text of this encoding"));
    };
    let text = if keep_mark { &*text } else { text.strip_prefix('\u{feff}').unwrap_or(&text) };
    let result = Value::object()?;
    result.define("text", Value::string(text)?)?;
    result.define("rest", Value::bytes(rest)?)?;
    Ok(result)
}

fn complete_utf8(bytes: &[u8]) -> usize {
    let tail = bytes.len().saturating_sub(3);
    let ends = (tail..bytes.len()).rev().find(|at| bytes.get(*at).is_some_and(|byte| *byte >= 0xc0));
    match ends.and_then(|at| Some((at, core::str::from_utf8(bytes.get(at..)?)))) {
        Some((at, Err(error))) if error.valid_up_to() == 0 && error.error_len().is_none() => at,
        _ => bytes.len(),
    }
}

/// `from_end` says which byte of a unit is its high one.
fn complete_utf16(bytes: &[u8], from_end: usize) -> usize {
    let even = bytes.len() & !1;
    let last = even.checked_sub(from_end).and_then(|at| bytes.get(at));
    if last.is_some_and(|high| (0xd8..0xdc).contains(high)) { even - 2 } else { even }
}

/// Returns true if everything was text.
fn decode_utf8(bytes: &[u8], text: &mut String) -> bool {
    let mut is_text = true;
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        if !chunk.invalid().is_empty() {
            text.push(char::REPLACEMENT_CHARACTER);
            is_text = false;
        }
    }
    is_text
}

/// The same.
fn decode_utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16, text: &mut String) -> bool {
    let (pairs, odd) = bytes.as_chunks::<2>();
    let mut is_text = odd.is_empty();
    for unit in char::decode_utf16(pairs.iter().map(|pair| unit(*pair))) {
        is_text &= unit.is_ok();
        text.push(unit.unwrap_or(char::REPLACEMENT_CHARACTER));
    }
    if !odd.is_empty() {
        text.push(char::REPLACEMENT_CHARACTER);
    }
    is_text
}

fn windows_1252(byte: u8) -> char {
    /// From 0x80 on; a byte without a character there stands for itself.
    const HIGH: [char; 32] = [
        '\u{20ac}', '\u{81}', '\u{201a}', '\u{192}', '\u{201e}', '\u{2026}', '\u{2020}', '\u{2021}',
        '\u{2c6}', '\u{2030}', '\u{160}', '\u{2039}', '\u{152}', '\u{8d}', '\u{17d}', '\u{8f}', '\u{90}',
        '\u{2018}', '\u{2019}', '\u{201c}', '\u{201d}', '\u{2022}', '\u{2013}', '\u{2014}', '\u{2dc}',
        '\u{2122}', '\u{161}', '\u{203a}', '\u{153}', '\u{9d}', '\u{17e}', '\u{178}',
    ];
    let place = usize::from(byte).checked_sub(0x80).and_then(|place| HIGH.get(place));
    place.copied().unwrap_or_else(|| byte.into())
}
