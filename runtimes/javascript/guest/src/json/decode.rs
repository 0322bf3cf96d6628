//! From text to values.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::ffi::CStr;

use rquickjs_sys as qjs;

use super::{BIG_INT, BYTES, MAX_DIGITS, NUMBER, Text, fits, is_bytes, too_deep, too_many_bits};
use crate::base64;
use crate::engine::{context, out_of_memory, terminate};
use crate::error::{Failure, Js, Thrown};
use crate::globals;
use crate::value::Value;

type Result<T> = core::result::Result<T, Failure>;

/// The value of a text, which is `what`. Adds the NUL that the engine requires behind it.
pub(crate) fn decode(text: &mut String, what: Text) -> Result<Value> {
    // An escape is one more level of the text, and none of the value.
    if depth(text) > what.levels() + 1 {
        return Err(too_deep(what));
    }
    // A key that starts with `$` may be written with an escape.
    let has_escapes = text.contains("\"$") || text.contains("\\u0024");
    let value = parse(text, c"<json>")?;
    if has_escapes { unescape(value, what) } else { Ok(value) }
}

/// The same without escapes and bounds. Errors say that the text has that name.
pub(crate) fn parse(text: &mut String, name: &CStr) -> Js<Value> {
    let len = text.len();
    terminate(text)?;
    // SAFETY: a NUL follows the text; the result is ours.
    let value = unsafe {
        Value::own(qjs::JS_ParseJSON(context(), text.as_ptr().cast(), len as qjs::size_t, name.as_ptr()))
    };
    text.truncate(len);
    value
}

/// The maximum depth of arrays and objects in a text, JSON or not.
fn depth(text: &str) -> usize {
    let (mut depth, mut most) = (0_usize, 0);
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'[' | b'{' => {
                depth += 1;
                most = most.max(depth);
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            b'"' => {
                while let Some(byte) = bytes.next().filter(|byte| *byte != b'"') {
                    if byte == b'\\' {
                        bytes.next();
                    }
                }
            }
            _ => {}
        }
    }
    most
}

/// Undoes the escapes in a value that was just parsed.
fn unescape(root: Value, what: Text) -> Result<Value> {
    let mut pending = Vec::new();
    let root = unescape_one(root, what, &mut pending)?;
    while let Some(container) = pending.pop() {
        for key in container.keys()?.iter() {
            let value = container.get_atom(&key)?;
            if value.is_object() {
                container.define_atom(&key, unescape_one(value, what, &mut pending)?)?;
            }
        }
    }
    Ok(root)
}

/// The value of a parsed object. An ordinary object must still be searched, and is added to `pending`.
fn unescape_one(value: Value, what: Text, pending: &mut Vec<Value>) -> Result<Value> {
    if !value.is_object() {
        return Ok(value);
    }
    let value = if value.is_array() { value } else { unwrap(value, what)? };
    if value.is_object() && !is_bytes(&value) {
        pending.try_reserve(1).map_err(|_| out_of_memory())?;
        pending.push(value.clone());
    }
    Ok(value)
}

/// The value of an object with an escape; any other object is returned unchanged.
fn unwrap(object: Value, what: Text) -> Result<Value> {
    let keys = object.keys()?;
    let (1, Some(key)) = (keys.len(), keys.get(0)) else {
        return Ok(object);
    };
    let name = key.text()?;
    let name = name.as_str();
    if let Some(rest) = name.strip_prefix('$').filter(|rest| rest.starts_with('$')) {
        let unescaped = Value::object()?;
        unescaped.define(rest, object.get_atom(&key)?)?;
        return Ok(unescaped);
    }
    if !matches!(name, BYTES | BIG_INT | NUMBER) {
        return Ok(object);
    }
    let value = object.get_atom(&key)?;
    let text = value.text()?;
    let text = text.as_str();
    let found = if !value.is_string() {
        None
    } else if name == BYTES {
        base64::decode(text).map(|bytes| Value::bytes(&bytes)).transpose()?
    } else if name == BIG_INT {
        big_int(text, what)?
    } else {
        match text {
            "NaN" => Some(Value::number(f64::NAN)),
            "Infinity" => Some(Value::number(f64::INFINITY)),
            "-Infinity" => Some(Value::number(f64::NEG_INFINITY)),
            "-0" => Some(Value::number(-0.0)),
            _ => None,
        }
    };
    let wrong = || Thrown::type_error(&format!("the value of \"{name}\" is not what it must be"));
    Ok(found.ok_or_else(wrong)?)
}

/// The `BigInt` of decimal digits.
fn big_int(text: &str, what: Text) -> Result<Option<Value>> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(None);
    }
    if let Ok(number) = text.parse() {
        return Ok(Some(Value::big_i64(number)?));
    }
    let digits = digits.trim_start_matches('0').len();
    if digits > MAX_DIGITS {
        return Err(too_many_bits(what));
    }
    let value = globals::big_int(&Value::string(text)?)?;
    // Only some of those with the most digits are too large.
    if digits == MAX_DIGITS && !fits(&value)? {
        return Err(too_many_bits(what));
    }
    Ok(Some(value))
}
