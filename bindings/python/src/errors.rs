//! Conversion of the engine's errors to Python's exceptions, and back for those that pass through the guest.
//!
//! The classes are Python's own (`libhyperlight._errors`), named after the engine's codes. An exception of a host
//! function travels as the cause of the engine's error and is raised again as the same object.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use libhyperlight::options::face::Face;
use libhyperlight::{Access, BoxError, Error, ErrorCode, Fault, HostError};
use pyo3::exceptions::PyException;
use pyo3::prelude::*;

use crate::ending::Kept;

/// An exception on its way through the engine.
pub struct Raised {
    error: PyErr,
    /// The text for the guest. Made while this thread is attached to the interpreter.
    text: String,
}

impl Raised {
    /// Makes the error of a host function that raised. An exception that is not an `Exception`, such as
    /// `KeyboardInterrupt`, ends the call: the guest cannot handle it.
    pub fn host_error(py: Python<'_>, error: PyErr) -> HostError {
        // The program's own code makes the text, and a keyboard interrupt may strike there, too.
        let error = match error.value(py).str() {
            Ok(said) => {
                let name = error.get_type(py).qualname();
                let name =
                    name.map_or_else(|_| "Exception".to_owned(), |name| name.to_string_lossy().into_owned());
                let text = format!("{name}: {}", said.to_string_lossy());
                return Self { text, error }.into_host_error(py);
            }
            Err(other) if !other.is_instance_of::<PyException>(py) => other,
            Err(_) => error,
        };
        Self { text: error.to_string(), error }.into_host_error(py)
    }

    fn into_host_error(self, py: Python<'_>) -> HostError {
        let is_fatal = !self.error.is_instance_of::<PyException>(py);
        let host_error = HostError::new(self);
        if is_fatal { host_error.fatal() } else { host_error }
    }
}

impl fmt::Display for Raised {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Raised {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Raised").field(&self.text).finish()
    }
}

impl std::error::Error for Raised {}

/// Makes the exception for an error.
pub fn raise(py: Python<'_>, error: Error) -> PyErr {
    let code = error.code();
    let description = Description {
        message: error.render(&Face::Python),
        guest_code: error.guest_code(),
        details: error.details().map(str::to_owned),
        fault: error.fault().cloned(),
    };
    let Some(source) = error.into_source() else {
        return description.exception(py, code, None);
    };
    match (code, source.downcast::<Raised>()) {
        (ErrorCode::HostFunction | ErrorCode::Interrupted, Ok(raised)) => raised.error,
        (_, Ok(raised)) => {
            let exception = description.exception(py, code, None);
            exception.set_cause(py, Some(raised.error));
            exception
        }
        // The engine failed in the host function's place.
        (ErrorCode::HostFunction, Err(source)) => match source.downcast::<Error>() {
            Ok(error) => raise(py, *error),
            Err(source) => description.exception(py, code, Some(source)),
        },
        (_, Err(source)) => description.exception(py, code, Some(source)),
    }
}

/// Makes an exception with an error code.
pub fn new(py: Python<'_>, code: ErrorCode, message: impl Into<String>) -> PyErr {
    let description = Description { message: message.into(), guest_code: 0, details: None, fault: None };
    description.exception(py, code, None)
}

/// Runs `work`; a panic becomes an exception that `except Exception` catches. Every call from Python goes through here.
pub fn contain<R>(work: impl FnOnce() -> PyResult<R>) -> PyResult<R> {
    let _kept = Kept::new();
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|payload| {
        let text = payload
            .downcast_ref::<&str>()
            .map(|text| (*text).to_owned())
            .or_else(|| payload.downcast_ref::<String>().cloned())
            .unwrap_or_default();
        Err(Python::attach(|py| new(py, ErrorCode::Internal, format!("internal error: {text}"))))
    })
}

struct Description {
    message: String,
    guest_code: i32,
    /// The guest's details of the error; untrusted.
    details: Option<String>,
    fault: Option<Fault>,
}

impl Description {
    fn exception(self, py: Python<'_>, code: ErrorCode, source: Option<BoxError>) -> PyErr {
        self.try_exception(py, code, source).unwrap_or_else(|error| error)
    }

    fn try_exception(self, py: Python<'_>, code: ErrorCode, source: Option<BoxError>) -> PyResult<PyErr> {
        let class = py.import("libhyperlight._errors")?.getattr(class_of(code))?;
        let errno = source
            .as_deref()
            .and_then(|source| source.downcast_ref::<std::io::Error>())
            .and_then(std::io::Error::raw_os_error);
        let exception = match (code, errno) {
            // The arguments of `OSError`: the number becomes `errno`.
            (ErrorCode::Io, Some(errno)) => class.call1((errno, self.message))?,
            _ => class.call1((self.message,))?,
        };
        match code {
            ErrorCode::GuestError | ErrorCode::GuestAbort => {
                exception.setattr("guest_code", self.guest_code)?;
            }
            _ => {}
        }
        if code == ErrorCode::GuestError
            && let Some(details) = self.details
        {
            py.import("libhyperlight._details")?.call_method1("fill", (&exception, details))?;
        }
        if let Some(fault) = self.fault {
            exception.setattr("kind", fault.kind.name())?;
            exception.setattr("vector", fault.vector)?;
            exception.setattr("instruction", fault.instruction)?;
            exception.setattr("address", fault.address)?;
            exception.setattr("access", access(fault.access))?;
            exception.setattr("function", fault.function)?;
        }
        Ok(PyErr::from_value(exception))
    }
}

fn access(access: Access) -> Option<&'static str> {
    match access {
        Access::Read => Some("read"),
        Access::Write => Some("write"),
        Access::Execute => Some("execute"),
        _ => None,
    }
}

/// Names the exception class of a code.
fn class_of(code: ErrorCode) -> &'static str {
    let row = ErrorCode::table().iter().find(|row| row.code == code);
    row.map_or("HyperlightError", |row| row.python)
}
