//! Options as Python spells them: sizes in bytes, durations in seconds.

use std::time::Duration;

use libhyperlight::{CallOptions, ErrorCode, SandboxOptions};
use pyo3::exceptions::{PyOverflowError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyFloat, PyInt};

use crate::ending::Kept;
use crate::errors;

/// A number of seconds.
#[derive(Clone, Copy, Debug)]
pub struct Seconds(pub Duration);

impl<'py> FromPyObject<'_, 'py> for Seconds {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        let is_number = object.is_instance_of::<PyFloat>() || object.is_instance_of::<PyInt>();
        if !is_number || object.is_instance_of::<PyBool>() {
            let found = object.get_type().name()?;
            return Err(PyTypeError::new_err(format!("must be a number of seconds, not {found}")));
        }
        // Numbers of other classes may be asked for it.
        let _kept = Kept::new();
        let seconds = match object.extract::<f64>() {
            // A whole number that no `float` is near.
            Err(error) if error.is_instance_of::<PyOverflowError>(object.py()) => {
                if object.lt(0)? {
                    f64::NEG_INFINITY
                } else {
                    f64::INFINITY
                }
            }
            seconds => seconds?,
        };
        if seconds.is_nan() || seconds < 0.0 {
            let text = format!("a time is 0 seconds or more, found {seconds}");
            return Err(errors::new(object.py(), ErrorCode::InvalidArgument, text));
        }
        // What exceeds the type, infinity first of all, is no limit.
        Ok(Self(Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)))
    }
}

/// What one call does differently.
pub fn call(timeout: Option<Seconds>, cpu_time: Option<Seconds>) -> CallOptions {
    let mut options = CallOptions::new();
    if let Some(Seconds(timeout)) = timeout {
        options = options.timeout(timeout);
    }
    if let Some(Seconds(cpu_time)) = cpu_time {
        options = options.cpu_time(cpu_time);
    }
    options
}

/// The options of a sandbox, or of a pool's members, from keyword arguments.
pub fn sandbox(keywords: Option<&Bound<'_, PyDict>>) -> PyResult<SandboxOptions> {
    let mut options = SandboxOptions::new();
    for (name, value) in keywords.into_iter().flatten() {
        if value.is_none() {
            continue;
        }
        let name: String = name.extract()?;
        let named = |error: PyErr| {
            let py = value.py();
            if error.is_instance_of::<PyTypeError>(py) {
                return PyTypeError::new_err(format!("{name}: {}", error.value(py)));
            }
            error
        };
        let size = || match value.extract::<u64>() {
            Ok(_) if value.is_instance_of::<PyBool>() => {
                Err(PyTypeError::new_err(format!("{name}: must be an integer, not bool")))
            }
            Err(error) if error.is_instance_of::<PyOverflowError>(value.py()) => {
                Err(PyOverflowError::new_err(format!("{name} is from 0 to 2**64 - 1, found {value}")))
            }
            size => size.map_err(named),
        };
        let seconds = || value.extract().map(|Seconds(time)| time).map_err(named);
        options = match &*name {
            "heap_size" => options.heap_size(size()?),
            "stack_size" => options.stack_size(size()?),
            "input_size" => options.input_size(size()?),
            "output_size" => options.output_size(size()?),
            "max_host_calls" => options.max_host_calls(size()?),
            "max_log_bytes" => options.max_log_bytes(size()?),
            "max_print_bytes" => options.max_print_bytes(size()?),
            "timeout" => options.timeout(seconds()?),
            "cpu_time" => options.cpu_time(seconds()?),
            _ => return Err(PyTypeError::new_err(format!("there is no option `{name}`"))),
        };
    }
    Ok(options)
}
