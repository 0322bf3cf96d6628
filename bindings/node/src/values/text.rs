//! Texts between JavaScript and the values: one call of Node's for each, in the encoding that takes it least time.
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
            Self::Unicode(text) => text.encode_utf16().collect(),
            Self::Utf16(units) => units,
        };
        // SAFETY: as above.
        check(unsafe { sys::napi_create_string_utf16(env, units.as_ptr(), len(units.len()), &raw mut out) })?;
        Ok(out)
    }
}
