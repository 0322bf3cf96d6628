//! From an exception to the error that the host's caller gets.
//!
//! A thrown error becomes one line: `Name: message`, then the stack, innermost function first. The failure of a host
//! function is thrown as a `HostError`; if a script lets it pass, or throws it again, the caller gets the host's own
//! error.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::cell::RefCell;
use core::ffi::c_int;

use rquickjs_sys as qjs;
use sdk::limits::MAX_MESSAGE_LEN;
use sdk::{Error, Result};

use crate::details::details;
use crate::engine::context;
use crate::inspect::{cut, inspect};
use crate::libc::single::Single;
use crate::value::Value;

/// The code of an error that a script threw.
pub(crate) const THROWN: i32 = 1;

/// The code of a promise that can never be settled, because nothing is left to run that could do it.
pub(crate) const UNSETTLED: i32 = 2;

/// The code of sizes that are too small for the engine itself.
pub(crate) const OUT_OF_MEMORY: i32 = 3;

/// Maximum number of failures of host functions that are kept in one call, the last ones: as many as the host keeps. A
/// script that catches more of them and throws an older one again gives its caller a plain error.
const REMEMBERED: usize = 64;

/// Maximum depth of causes that are searched for the failure of a host function.
const CAUSES: usize = 8;

/// Bytes of a kept failure's message: the host has the whole.
const REMEMBERED_MESSAGE: usize = 64;

/// The failure of something that runs JavaScript: an exception is waiting in the context.
#[derive(Debug)]
pub(crate) struct Thrown(());

/// The result of a function that may throw.
pub(crate) type Js<T> = core::result::Result<T, Thrown>;

/// An exception, or an error that the guest itself found.
#[derive(Debug)]
pub(crate) enum Failure {
    Guest(Error),
    Thrown(Thrown),
}

/// Failures of host functions in this call, and the objects that were thrown for them.
static FROM_HOST: Single<RefCell<Vec<(Value, Error)>>> = Single::new(RefCell::new(Vec::new()));

impl Thrown {
    /// From the engine's sign that it has thrown.
    ///
    /// # Safety
    /// An exception is waiting in the context.
    pub(crate) const unsafe fn from_raw(_sign: qjs::JSValue) -> Self {
        Self(())
    }

    /// Turns a negative result of the engine into a failure.
    pub(crate) const fn check(result: c_int) -> Js<c_int> {
        if result < 0 { Err(Self(())) } else { Ok(result) }
    }

    /// Throws a value.
    pub(crate) fn throw(value: Value) -> Self {
        // SAFETY: the context exists; the engine takes the value over.
        unsafe { Self::from_raw(qjs::JS_Throw(context(), value.into_raw())) }
    }

    /// Throws a `TypeError`.
    pub(crate) fn type_error(message: &str) -> Self {
        // SAFETY: the context exists; the format and what it takes are C strings.
        unsafe {
            let thrown = qjs::JS_ThrowTypeError(context(), c"%s".as_ptr(), c"".as_ptr());
            Self::from_raw(thrown).with_message(message)
        }
    }

    /// Throws a `SyntaxError`.
    pub(crate) fn syntax_error(message: &str) -> Self {
        // SAFETY: as above.
        unsafe {
            let thrown = qjs::JS_ThrowSyntaxError(context(), c"%s".as_ptr(), c"".as_ptr());
            Self::from_raw(thrown).with_message(message)
        }
    }

    /// Throws a `RangeError`.
    pub(crate) fn range_error(message: &str) -> Self {
        // SAFETY: as above.
        unsafe {
            let thrown = qjs::JS_ThrowRangeError(context(), c"%s".as_ptr(), c"".as_ptr());
            Self::from_raw(thrown).with_message(message)
        }
    }

    /// Throws the failure of a host function: an `Error` of the name `HostError`, with the host's status as `code`.
    pub(crate) fn host_error(mut error: Error) -> Self {
        // SAFETY: as above.
        let thrown = unsafe {
            Self::from_raw(qjs::JS_ThrowPlainError(context(), c"%s".as_ptr(), c"".as_ptr()))
                .with_message(&error.message)
        };
        let value = thrown.take();
        let describe = |value: &Value| {
            value.define_hidden("name", Value::string("HostError")?)?;
            value.define_hidden("code", Value::number(error.code.into()))
        };
        if value.is_error()
            && let Err(thrown) = describe(&value)
        {
            return thrown;
        }
        let mut remembered = FROM_HOST.borrow_mut();
        let forgotten = (remembered.len() == REMEMBERED).then(|| remembered.remove(0));
        error.message = cut(&error.message, REMEMBERED_MESSAGE).into();
        remembered.push((value.clone(), error));
        drop(remembered);
        drop(forgotten);
        Self::throw(value)
    }

    /// Takes the exception out of the context.
    pub(crate) fn take(self) -> Value {
        // SAFETY: the context exists; the result is ours.
        unsafe { Value::adopt(qjs::JS_GetException(context())) }
    }

    /// Drops the exception.
    pub(crate) fn forget(self) {
        drop(self.take());
    }

    /// Leaves the exception where it is, for a caller in the engine.
    pub(crate) const fn keep(self) {}

    /// Sets the message of the error that was just thrown: the engine's own way cuts it.
    fn with_message(self, message: &str) -> Self {
        let value = self.take();
        let set = |value: &Value| value.define_hidden("message", Value::string(message)?);
        // Without memory it may be something else than an error by now.
        if value.is_error()
            && let Err(thrown) = set(&value)
        {
            return thrown;
        }
        Self::throw(value)
    }
}

impl From<Thrown> for Failure {
    fn from(thrown: Thrown) -> Self {
        Self::Thrown(thrown)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Guest(error)
    }
}

impl Failure {
    /// The exception for a script. The guest's own errors here are about a value's size: each becomes a `RangeError`.
    pub(crate) fn into_thrown(self) -> Thrown {
        match self {
            Self::Guest(error) => Thrown::range_error(&error.message),
            Self::Thrown(thrown) => thrown,
        }
    }

    /// The error that the host's caller gets.
    pub(crate) fn into_error(self) -> Error {
        let value = match self {
            Self::Guest(error) => return error,
            Self::Thrown(thrown) => thrown.take(),
        };
        let details = details(&value);
        let with_details = |error: Error| match details {
            Some(details) => error.with_details(details),
            None => error,
        };
        if let Some(error) = from_host(&value) {
            return with_details(error);
        }
        let error = Error::new(THROWN, describe(&value));
        with_details(match cause_from_host(value) {
            Some(cause) => error.with_cause(&cause),
            None => error,
        })
    }
}

/// The failure of a host function that this object was thrown for.
fn from_host(thrown: &Value) -> Option<Error> {
    let remembered = FROM_HOST.borrow();
    let (_, error) = remembered.iter().find(|(known, _)| known.is_same_object(thrown))?;
    Some(error.clone())
}

/// The failure of a host function among the causes of an error.
fn cause_from_host(thrown: Value) -> Option<Error> {
    let mut error = thrown;
    for _ in 0..CAUSES {
        if !error.is_error() {
            break;
        }
        error = error.get("cause").map_err(Thrown::forget).ok()?;
        if let Some(cause) = from_host(&error) {
            return Some(cause);
        }
    }
    None
}

/// Ends a call: forgets its failures.
pub(crate) fn forget_host_errors() {
    let forgotten = core::mem::take(&mut *FROM_HOST.borrow_mut());
    drop(forgotten);
}

/// An exception as one line, and no longer than a message may be.
pub(crate) fn describe(thrown: &Value) -> String {
    let mut text = if thrown.is_error() {
        let part = |name| {
            text_of(thrown, name, MAX_MESSAGE_LEN).unwrap_or_else(|thrown| {
                thrown.forget();
                String::new()
            })
        };
        let (name, message, stack) = (part("name"), part("message"), part("stack"));
        let mut text = match (&*name, &*message) {
            // An error always has a text.
            ("", "") => "an error with neither a name nor a message".into(),
            ("", message) => message.into(),
            (name, "") => name.into(),
            (name, message) => format!("{name}: {message}"),
        };
        for line in stack.lines() {
            if text.len() > MAX_MESSAGE_LEN {
                break;
            }
            text.push(' ');
            text.push_str(line.trim());
        }
        text
    } else {
        format!("Uncaught {}", inspect(thrown))
    };
    text.truncate(cut(&text, MAX_MESSAGE_LEN).len());
    text
}

/// The beginning of a property as text; anything else than a string is none. It may be a getter of the script's, which
/// may throw.
pub(crate) fn text_of(thrown: &Value, name: &str, max: usize) -> Js<String> {
    let value = thrown.get(name)?;
    Ok(if value.is_string() { cut(value.text()?.as_str(), max).into() } else { String::new() })
}

/// Either half of [`Failure`] as the result of a call.
pub(crate) fn finish<T>(outcome: core::result::Result<T, Failure>) -> Result<T> {
    outcome.map_err(Failure::into_error)
}
