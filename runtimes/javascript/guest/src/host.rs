//! `host`: the functions of the host, by name.
//!
//! `host.NAME` is a function for every name; whether the host has it shows when it is called, or by `"NAME" in host`.
//! The host's signature says what the arguments must be, because the wall knows more kinds of numbers than JavaScript.
//! A function named `json:NAME` stands for one without a signature: it is given the arguments as the JSON of an array,
//! and returns JSON.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec::Vec;
use core::cell::RefCell;

use sdk::limits::MAX_NAME_LEN;
use sdk::{HostSignature, Kind, ValueRef, boot_info, host_call, host_signature};

use crate::error::{Failure, Js, Thrown};
use crate::json;
use crate::libc::single::Single;
use crate::native::{Arguments, function_with};
use crate::value::{Text, Value};

/// Names whose functions are known. A script can ask for any number of names, but only the host's functions are kept.
/// They cannot change: a snapshot continues only with a host that has at least the same functions.
static KNOWN: Single<RefCell<BTreeMap<String, Rc<Target>>>> = Single::new(RefCell::new(BTreeMap::new()));

/// The prefix of functions that take and return JSON.
const JSON: &str = "json:";

/// The largest whole number up to which every one is an exact `Number`.
const MAX_SAFE: f64 = 9_007_199_254_740_991.0;

/// The meaning of a name.
enum Target {
    /// A function of that name.
    Typed(HostSignature),
    /// A function of the name with [`JSON`] in front.
    Json,
}

/// A function that calls the host function of that name.
pub(crate) fn bind(name: &Value) -> Js<Value> {
    let bound = function_with(name, 0, call)?;
    bound.define_hidden("name", name.clone())?;
    Ok(bound)
}

/// Returns true if the host has a function of that name.
pub(crate) fn has(name: &Value) -> Js<Value> {
    let name = name.text()?;
    Ok(Value::bool(find(name.as_str())?.is_some()))
}

fn call(name: &Value, arguments: Arguments<'_>) -> Js<Value> {
    let name = name.text()?;
    let name = name.as_str();
    let target = find(name)?.ok_or_else(|| no_function(name))?;
    match &*target {
        Target::Typed(signature) => call_typed(name, signature, arguments.as_slice()),
        Target::Json => call_json(name, arguments.as_slice()),
    }
}

/// Finds the meaning of a name. The host is asked once for each of its functions.
fn find(name: &str) -> Js<Option<Rc<Target>>> {
    if let Some(known) = KNOWN.borrow().get(name) {
        return Ok(Some(Rc::clone(known)));
    }
    if name.is_empty() || name.len() > MAX_NAME_LEN - JSON.len() {
        return Ok(None);
    }
    let ask = |name: &str| host_signature(name).map_err(Thrown::host_error);
    let json = HostSignature { params: [Kind::String].into(), returns: Kind::String };
    let target = match ask(name)? {
        Some(signature) => Target::Typed(signature),
        None if ask(&format!("{JSON}{name}"))? == Some(json) => Target::Json,
        None => return Ok(None),
    };
    let target = Rc::new(target);
    KNOWN.borrow_mut().insert(name.into(), Rc::clone(&target));
    Ok(Some(target))
}

#[cold]
fn no_function(name: &str) -> Thrown {
    Thrown::type_error(&format!("the host has no function {name}"))
}

fn call_typed(name: &str, signature: &HostSignature, arguments: &[Value]) -> Js<Value> {
    let wanted = signature.params.len();
    if arguments.len() != wanted {
        let given = arguments.len();
        return Err(Thrown::type_error(&format!("host.{name} takes {wanted} arguments, not {given}")));
    }
    let mut texts: Vec<Option<Text>> = Vec::with_capacity(wanted);
    for (argument, kind) in arguments.iter().zip(&signature.params) {
        let is_text = *kind == Kind::String && argument.is_string();
        texts.push(if is_text { Some(argument.text()?) } else { None });
    }
    let mut values = Vec::with_capacity(wanted);
    // No JavaScript runs from here on, so the bytes stay in place.
    for (index, ((argument, kind), text)) in arguments.iter().zip(&signature.params).zip(&texts).enumerate() {
        match convert(argument, *kind, text.as_ref().map(Text::as_str)) {
            Ok(value) => values.push(value),
            Err(mismatch) => return Err(mismatch.into_thrown(name, index + 1, *kind)),
        }
    }
    let result = host_call(name, &values).map_err(Thrown::host_error)?;
    from_host(&result)
}

fn call_json(name: &str, arguments: &[Value]) -> Js<Value> {
    let list = Value::array()?;
    for (index, argument) in arguments.iter().enumerate() {
        list.define(&format!("{index}"), argument.clone())?;
    }
    let text =
        json::encode(&list, json::Text::Arguments, boot_info().output.size).map_err(Failure::into_thrown)?;
    let text = text.ok_or_else(|| Thrown::type_error("the arguments have no JSON"))?;
    let result = host_call(&format!("{JSON}{name}"), &[ValueRef::String(&text)]);
    drop(text);
    Ok(match result.map_err(Thrown::host_error)? {
        // As with the results of scripts, the empty string stands for `undefined`.
        sdk::Value::String(text) if text.is_empty() => Value::UNDEFINED,
        sdk::Value::String(mut text) => {
            json::decode(&mut text, json::Text::Result).map_err(Failure::into_thrown)?
        }
        other => from_host(&other)?,
    })
}

/// The reason why an argument does not fit.
enum Mismatch {
    /// Bytes whose buffer was taken away, or is too small for them now.
    Gone,
    /// Its type.
    Type,
    /// A number beyond what the parameter can hold, or between its values.
    Range,
}

impl Mismatch {
    fn into_thrown(self, name: &str, index: usize, kind: Kind) -> Thrown {
        let wanted = match kind {
            Kind::Bool => "a boolean",
            Kind::I32 => "a whole number of 32 bits",
            Kind::U32 => "a whole number of 32 bits that is not negative",
            Kind::I64 => "a bigint or a whole number of 64 bits",
            Kind::U64 => "a bigint or a whole number of 64 bits that is not negative",
            Kind::F32 | Kind::F64 => "a number",
            Kind::String => "a string",
            Kind::Bytes => "a Uint8Array, an ArrayBuffer or a DataView",
            _ => "nothing",
        };
        let message = format!("argument {index} of host.{name} must be {wanted}");
        match self {
            Self::Gone => Thrown::type_error(&format!("{message} whose buffer is there and large enough")),
            Self::Type => Thrown::type_error(&message),
            Self::Range => Thrown::range_error(&message),
        }
    }
}

/// An argument as its parameter requires it. `text` is the argument's, if it is a string.
fn convert<'a>(
    argument: &'a Value,
    kind: Kind,
    text: Option<&'a str>,
) -> core::result::Result<ValueRef<'a>, Mismatch> {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it is checked first that the number is whole and within the type's bounds"
    )]
    let value = match kind {
        Kind::Bool => ValueRef::Bool(argument.as_bool().ok_or(Mismatch::Type)?),
        Kind::I32 => ValueRef::I32(whole(argument, i32::MIN.into(), i32::MAX.into())? as i32),
        Kind::U32 => ValueRef::U32(whole(argument, 0.0, u32::MAX.into())? as u32),
        Kind::I64 => ValueRef::I64(match argument.is_big_int() {
            true => argument.as_i64().ok_or(Mismatch::Range)?,
            false => whole(argument, -MAX_SAFE, MAX_SAFE)? as i64,
        }),
        Kind::U64 => ValueRef::U64(match argument.is_big_int() {
            true => argument.as_u64().ok_or(Mismatch::Range)?,
            false => whole(argument, 0.0, MAX_SAFE)? as u64,
        }),
        Kind::F32 => {
            let number = argument.as_number().ok_or(Mismatch::Type)?;
            let short = number as f32;
            // Rounding is normal for a float; becoming infinite is not.
            if short.is_infinite() && number.is_finite() {
                return Err(Mismatch::Range);
            }
            ValueRef::F32(short)
        }
        Kind::F64 => ValueRef::F64(argument.as_number().ok_or(Mismatch::Type)?),
        Kind::String => ValueRef::String(text.ok_or(Mismatch::Type)?),
        Kind::Bytes if json::is_bytes(argument) => {
            ValueRef::Bytes(argument.as_bytes().ok_or(Mismatch::Gone)?)
        }
        _ => return Err(Mismatch::Type),
    };
    Ok(value)
}

/// A number that is whole and within bounds.
fn whole(argument: &Value, least: f64, most: f64) -> core::result::Result<f64, Mismatch> {
    let number = argument.as_number().ok_or(Mismatch::Type)?;
    if number >= least && number <= most && libm::trunc(number) == number {
        Ok(number)
    } else {
        Err(Mismatch::Range)
    }
}

/// The result of a host function, for the script.
fn from_host(value: &sdk::Value) -> Js<Value> {
    match value {
        sdk::Value::Bool(value) => Ok(Value::bool(*value)),
        sdk::Value::I32(value) => Ok(Value::number((*value).into())),
        sdk::Value::U32(value) => Ok(Value::number((*value).into())),
        sdk::Value::I64(value) => Value::big_i64(*value),
        sdk::Value::U64(value) => Value::big_u64(*value),
        sdk::Value::F32(value) => Ok(Value::number((*value).into())),
        sdk::Value::F64(value) => Ok(Value::number(*value)),
        sdk::Value::String(text) => Value::string(text),
        sdk::Value::Bytes(bytes) => Value::bytes(bytes),
        // `Void`; a guest is compiled with the kinds that it knows.
        _ => Ok(Value::UNDEFINED),
    }
}
