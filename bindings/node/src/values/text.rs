//! Texts between JavaScript and the values: one call of Node's for each, and none that converts character by character.
#![expect(
    unsafe_code,
    reason = "reads and makes JavaScript strings, which the safe wrappers do in more calls"
)]

use std::ptr;

use napi::bindgen_prelude::{FromNapiValue, ToNapiValue};
use napi::sys;

use crate::value::{check, utf8, utf16};

/// A string's UTF-16 units.
#[derive(Debug)]
pub struct Units(pub Vec<u16>);

/// A string without unpaired surrogates.
#[derive(Debug)]
pub struct Unicode(pub String);

/// A text for JavaScript.
#[derive(Debug)]
pub enum Text {
    Unicode(String),
    Utf16(Vec<u16>),
}

impl FromNapiValue for Units {
    unsafe fn from_napi_value(env: sys::napi_env, value: sys::napi_value) -> napi::Result<Self> {
        // SAFETY: the caller's promise is passed on.
        unsafe { utf16(env, value) }.map(Self)
    }
}

impl FromNapiValue for Unicode {
    unsafe fn from_napi_value(env: sys::napi_env, value: sys::napi_value) -> napi::Result<Self> {
        // SAFETY: the caller's promise is passed on.
        unsafe { utf8(env, value) }.map(Self)
    }
}

impl ToNapiValue for Text {
    unsafe fn to_napi_value(env: sys::napi_env, this: Self) -> napi::Result<sys::napi_value> {
        let mut out = ptr::null_mut();
        let len = |len: usize| isize::try_from(len).unwrap_or(isize::MAX);
        let units = match this {
            Self::Unicode(text) if text.is_ascii() => {
                // SAFETY: the caller promises a live environment; the text comes with its address and length. ASCII is
                // a part of Latin-1, of which Node makes a string by a copy.
                check(unsafe {
                    sys::napi_create_string_latin1(env, text.as_ptr().cast(), len(text.len()), &raw mut out)
                })?;
                return Ok(out);
            }
            // From UTF-16, Node makes strings many times as fast as from UTF-8.
            Self::Unicode(text) => utf16_of(&text),
            Self::Utf16(units) => units,
        };
        // SAFETY: as above.
        check(unsafe { sys::napi_create_string_utf16(env, units.as_ptr(), len(units.len()), &raw mut out) })?;
        Ok(out)
    }
}

/// Encodes a text. The library's own iterator takes several times as long.
fn utf16_of(text: &str) -> Vec<u16> {
    // No text has more units than bytes.
    let mut units = Vec::with_capacity(text.len());
    for character in text.chars() {
        match u16::try_from(u32::from(character)) {
            Ok(unit) => units.push(unit),
            Err(_) => units.extend_from_slice(character.encode_utf16(&mut [0; 2])),
        }
    }
    units
}

/// Decodes UTF-16 units, if they are Unicode. The library's own function takes several times as long.
pub(super) fn utf8_of(units: &[u16]) -> Option<String> {
    // Room for all: growing takes longer than writing.
    let mut bytes =
        Vec::with_capacity(if is_ascii(units) { units.len() } else { units.len().saturating_mul(3) });
    let mut rest = units.iter();
    while let Some(unit) = rest.next() {
        let [high, low] = unit.to_be_bytes();
        match unit {
            0..0x80 => bytes.push(low),
            0x80..0x800 => bytes.extend_from_slice(&[0xc0 | high << 2 | low >> 6, 0x80 | low & 0x3f]),
            0xd800..0xdc00 => {
                let next = rest.next().filter(|next| (0xdc00..0xe000).contains(*next))?;
                let code = 0x1_0000 + (u32::from(unit & 0x3ff) << 10 | u32::from(next & 0x3ff));
                bytes.extend_from_slice(char::from_u32(code)?.encode_utf8(&mut [0; 4]).as_bytes());
            }
            0xdc00..0xe000 => return None,
            _ => bytes.extend_from_slice(&[
                0xe0 | high >> 4,
                0x80 | (high << 2 | low >> 6) & 0x3f,
                0x80 | low & 0x3f,
            ]),
        }
    }
    String::from_utf8(bytes).ok()
}

fn is_ascii(units: &[u16]) -> bool {
    units.iter().fold(0, |all, unit| all | unit) < 0x80
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_converted_as_the_library_does() {
        let all: String = (0..=0x10_ffff).filter_map(char::from_u32).collect();
        for text in ["", "abc", "aé漢🐁z", "\0\u{7f}\u{80}\u{7ff}\u{800}\u{ffff}\u{10000}", &all] {
            let units: Vec<u16> = text.encode_utf16().collect();
            assert!(utf16_of(text) == units);
            assert!(utf8_of(&units).as_deref() == Some(text));
        }
        for units in [&[0xd800][..], &[0xdc00], &[0xd800, 0x61], &[0xd800, 0xd800, 0xdc00], &[0x61, 0xdbff]] {
            assert_eq!(utf8_of(units), None, "{units:x?}");
        }
    }
}
