//! The functions that the host calls.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::cell::RefCell;

use sdk::{Error, Result, boot_info, code, guest_function};

use crate::engine::{self, Goal, globals, out_of_memory};
use crate::error::{self, Failure, Js, Thrown, finish};
use crate::libc::single::Single;
use crate::value::Value;
use crate::{jobs, json, modules};

/// Functions that read a global variable, by its name: `let` and `const` of a script are no properties of the global
/// object.
static READERS: Single<RefCell<BTreeMap<String, Value>>> = Single::new(RefCell::new(BTreeMap::new()));

/// Maximum number of names in [`READERS`]; then it is emptied.
const MAX_READERS: usize = 256;

#[guest_function("load")]
fn load(name: String, source: String) -> Result<()> {
    run_source(&name, source)
}

#[guest_function("module")]
fn module(name: String, source: String) -> Result<()> {
    modules::add(&name, &source)
}

#[guest_function("eval")]
fn eval(source: String) -> Result<String> {
    enter(|| text(&modules::evaluate(source)?))
}

#[guest_function("call")]
fn call_function(function: String, arguments: String) -> Result<String> {
    enter(|| {
        let arguments = list(arguments)?;
        let (this, callee) = find(&function)?;
        text(&jobs::resolve(callee.call(&this, &arguments)?)?)
    })
}

/// Runs a source, and everything that it leaves to run.
pub(crate) fn run_source(name: &str, source: String) -> Result<()> {
    let result = enter(|| modules::load_source(name, source));
    // Only calls follow.
    engine::settle();
    result
}

/// Runs JavaScript, and converts its outcome for the host.
fn enter<T>(work: impl FnOnce() -> core::result::Result<T, Failure>) -> Result<T> {
    engine::begin();
    // Leftovers of a failed call must not reach the next one.
    let outcome = match work() {
        Err(Failure::Thrown(thrown)) => {
            let thrown = thrown.take();
            // The first error is the one to report, whatever comes after it.
            let _ = jobs::drain();
            Err(Thrown::throw(thrown).into())
        }
        outcome => {
            let _ = jobs::drain();
            outcome
        }
    };
    let result = finish(outcome);
    jobs::report_unhandled();
    error::forget_host_errors();
    result
}

/// JSON for the host; the empty string for a value without JSON.
fn text(value: &Value) -> core::result::Result<String, Failure> {
    let text = json::encode(value, json::Text::Result, boot_info().output.size)?;
    Ok(text.unwrap_or_default())
}

/// The arguments of a call.
fn list(mut text: String) -> core::result::Result<Vec<Value>, Failure> {
    let mut arguments = Vec::new();
    if text.is_empty() {
        return Ok(arguments);
    }
    let wrong = |why: &str| {
        Failure::from(Error::new(
            code::INVALID_ARGUMENT,
            format!("the arguments are not the JSON of an array{why}"),
        ))
    };
    let parsed = match json::decode(&mut text, json::Text::Arguments) {
        Ok(parsed) => parsed,
        Err(Failure::Thrown(thrown)) => return Err(wrong(&format!(": {}", error::describe(&thrown.take())))),
        Err(failure) => return Err(failure),
    };
    drop(text);
    if !parsed.is_array() {
        return Err(wrong(""));
    }
    let len = parsed.get("length")?.as_number().unwrap_or(0.0);
    let mut index = 0;
    while f64::from(index) < len {
        arguments.try_reserve(1).map_err(|_| out_of_memory())?;
        arguments.push(parsed.get_index(index)?);
        index += 1;
    }
    Ok(arguments)
}

/// The function with that name, and its `this`: the value of the part before the last dot.
fn find(path: &str) -> core::result::Result<(Value, Value), Failure> {
    let mut parts = path.split('.');
    let first = parts.next().unwrap_or_default();
    let mut this = Value::UNDEFINED;
    let mut found = match modules::exporting(first)? {
        Some(namespace) => namespace.get(first)?,
        None => global(first)?,
    };
    for part in parts {
        if found.is_undefined() || found.is_null() {
            break;
        }
        let next = found.get(part)?;
        this = core::mem::replace(&mut found, next);
    }
    if found.is_function() {
        return Ok((this, found));
    }
    let message = format!("the script has no function `{path}`, neither exported by a module nor global");
    Err(Error::function_not_found(message).into())
}

/// The value of a global variable, or of a property of the global object.
fn global(name: &str) -> Js<Value> {
    if let Some(reader) = READERS.borrow().get(name).cloned() {
        return reader.call(Value::undefined(), &[]);
    }
    let is_name = |c: char| c == '_' || c == '$' || c.is_alphanumeric();
    if name.is_empty() || name.starts_with(char::is_numeric) || !name.chars().all(is_name) {
        return globals().get(name);
    }
    let mut source = format!("() => typeof {name} === 'undefined' ? undefined : {name}");
    let reader = match engine::compile(&mut source, "<call>", Goal::Script) {
        Ok(code) => engine::run(code)?,
        Err(thrown) => {
            // A word of the language.
            thrown.forget();
            return Ok(Value::UNDEFINED);
        }
    };
    let value = reader.call(Value::undefined(), &[])?;
    let mut readers = READERS.borrow_mut();
    let old = if readers.len() >= MAX_READERS { core::mem::take(&mut *readers) } else { BTreeMap::new() };
    readers.insert(name.into(), reader);
    drop(readers);
    drop(old);
    Ok(value)
}
