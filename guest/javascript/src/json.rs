//! Values as text between the host and scripts: JSON, and four escapes so that nothing is lost.
//!
//! | value | text |
//! |---|---|
//! | a `Uint8Array` or an `ArrayBuffer` | `{"$bytes": "<base64>"}`; comes back as a `Uint8Array` |
//! | a `BigInt` | `{"$bigint": "<decimal>"}` |
//! | a number that JSON does not have | `{"$number": "NaN"}`, or `Infinity`, `-Infinity`, `-0` |
//! | an object whose only key starts with `$` | the same with one more `$` in front of the key |
//!
//! Everything else is as `JSON.stringify` and `JSON.parse` have it. What scripts do to the prototypes or to `JSON` changes
//! nothing here.

use alloc::string::String;
use alloc::vec::Vec;
use core::cell::OnceCell;
use core::ffi::CStr;

use rquickjs_sys as qjs;

use crate::base64;
use crate::engine::{context, out_of_memory};
use crate::error::{Js, Thrown};
use crate::libc::single::Single;
use crate::native::{Arguments, function};
use crate::value::{Text, Value};

const BYTES: &str = "$bytes";
const BIG_INT: &str = "$bigint";
const NUMBER: &str = "$number";

/// The function that `JSON.stringify` asks about each value.
static ESCAPE: Single<OnceCell<Value>> = Single::new(OnceCell::new());

/// Makes the functions that the engine calls.
pub(crate) fn start() -> Js<()> {
    let escape = function(c"", 2, escape)?;
    // Nothing sets it but this.
    let _ = ESCAPE.set(escape);
    Ok(())
}

/// The text of a value; `None` of what JSON leaves out: `undefined`, functions, symbols.
pub(crate) fn encode(value: &Value) -> Js<Option<Text>> {
    let escape = ESCAPE.get().unwrap_or_else(Value::undefined).raw();
    // SAFETY: both are alive; the result is ours.
    let text =
        unsafe { Value::own(qjs::JS_JSONStringify(context(), value.raw(), escape, qjs::JS_UNDEFINED)) }?;
    if text.is_undefined() { Ok(None) } else { text.text().map(Some) }
}

/// The value of a text. It gets the NUL that the engine wants behind it.
pub(crate) fn decode(text: &mut String) -> Js<Value> {
    // A key that starts with `$` may be written with an escape.
    let has_escapes = text.contains("\"$") || text.contains("\\u0024");
    let value = parse(text, c"<json>");
    if has_escapes { unescape(value?) } else { value }
}

/// The same without escapes. Errors say that the text has that name.
pub(crate) fn parse(text: &mut String, name: &CStr) -> Js<Value> {
    let len = text.len();
    text.push('\0');
    // SAFETY: a NUL follows the text; the result is ours.
    let value = unsafe {
        Value::own(qjs::JS_ParseJSON(context(), text.as_ptr().cast(), len as qjs::size_t, name.as_ptr()))
    };
    text.truncate(len);
    value
}

/// What is written instead of a value: called with the key and the value, after the value's own `toJSON`.
fn escape(arguments: Arguments<'_>) -> Js<Value> {
    let value = arguments.get(1);
    if let Some(number) = value.as_number() {
        return match number {
            _ if number.is_nan() => wrap(NUMBER, Value::string("NaN")?),
            f64::INFINITY => wrap(NUMBER, Value::string("Infinity")?),
            f64::NEG_INFINITY => wrap(NUMBER, Value::string("-Infinity")?),
            _ if number == 0.0 && number.is_sign_negative() => wrap(NUMBER, Value::string("-0")?),
            _ => Ok(value.clone()),
        };
    }
    if value.is_big_int() {
        return wrap(BIG_INT, Value::string(value.text()?.as_str())?);
    }
    if !value.is_object() || value.is_function() || value.is_array() {
        return Ok(value.clone());
    }
    if is_bytes(value)
        && let Some(bytes) = value.as_bytes()
    {
        let text = base64::encode(bytes).ok_or_else(out_of_memory)?;
        return wrap(BYTES, Value::string(&text)?);
    }
    let keys = value.keys()?;
    if keys.len() == 1
        && let Some(key) = keys.get(0)
    {
        let name = key.text()?;
        if name.as_str().starts_with('$') {
            let mut escaped = String::from("$");
            escaped.push_str(name.as_str());
            return wrap(&escaped, value.get_atom(&key)?);
        }
    }
    Ok(value.clone())
}

/// Whether a value crosses the wall as bytes.
pub(crate) fn is_bytes(value: &Value) -> bool {
    value.is_array_buffer() || value.typed_array() == Some(qjs::JSTypedArrayEnum_JS_TYPED_ARRAY_UINT8)
}

/// `{key: value}`
fn wrap(key: &str, value: Value) -> Js<Value> {
    let object = Value::object()?;
    object.define(key, value)?;
    Ok(object)
}

/// Undoes the escapes in a value that was just parsed. Text can nest deeper than the stack, so the places still to be
/// looked at are in a list.
fn unescape(root: Value) -> Js<Value> {
    let mut pending = Vec::new();
    let root = unescape_one(root, &mut pending)?;
    while let Some(container) = pending.pop() {
        for key in container.keys()?.iter() {
            let value = container.get_atom(&key)?;
            if value.is_object() {
                container.define_atom(&key, unescape_one(value, &mut pending)?)?;
            }
        }
    }
    Ok(root)
}

/// What a parsed object stands for. One that stands for itself must still be looked into, and comes to `pending`.
fn unescape_one(value: Value, pending: &mut Vec<Value>) -> Js<Value> {
    if !value.is_object() {
        return Ok(value);
    }
    let value = if value.is_array() { value } else { unwrap(value)? };
    if value.is_object() && !is_bytes(&value) {
        pending.try_reserve(1).map_err(|_| out_of_memory())?;
        pending.push(value.clone());
    }
    Ok(value)
}

/// What an object with an escape stands for; any other is what it is.
fn unwrap(object: Value) -> Js<Value> {
    let keys = object.keys()?;
    let (1, Some(key)) = (keys.len(), keys.get(0)) else {
        return Ok(object);
    };
    let name = key.text()?;
    let name = name.as_str();
    if let Some(rest) = name.strip_prefix('$').filter(|rest| rest.starts_with('$')) {
        return wrap(rest, object.get_atom(&key)?);
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
        big_int(text)?
    } else {
        match text {
            "NaN" => Some(Value::number(f64::NAN)),
            "Infinity" => Some(Value::number(f64::INFINITY)),
            "-Infinity" => Some(Value::number(f64::NEG_INFINITY)),
            "-0" => Some(Value::number(-0.0)),
            _ => None,
        }
    };
    found.ok_or_else(|| Thrown::type_error(&alloc::format!("the value of \"{name}\" is not what it must be")))
}

/// The `BigInt` of decimal digits.
fn big_int(text: &str) -> Js<Option<Value>> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(None);
    }
    if let Ok(number) = text.parse() {
        return Value::big_i64(number).map(Some);
    }
    crate::globals::big_int(&Value::string(text)?).map(Some)
}
