//! Options from Python: keyword arguments, with times in seconds. The engine decides the allowed values.

use std::fmt;

use libhyperlight::options::CompileOptions;
use libhyperlight::options::face::{self, Face, Given, Refusal, Why};
use libhyperlight::options::table::{Options, Setting};
use libhyperlight::{CallOptions, ErrorCode};
use pyo3::exceptions::{PyOverflowError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyFloat};

use crate::errors;

/// Reads options from keyword arguments. None is the same as an omitted option.
pub fn read<O: Options>(what: &str, keywords: Option<&Bound<'_, PyDict>>) -> PyResult<O> {
    let mut options = O::default();
    for (name, value) in keywords.into_iter().flatten() {
        let name: String = name.extract()?;
        set(&mut options, what, &name, &value)?;
    }
    Ok(options)
}

/// Makes the options of one call.
pub fn call(
    timeout: Option<&Bound<'_, PyAny>>,
    cpu_time: Option<&Bound<'_, PyAny>>,
) -> PyResult<CallOptions> {
    let mut options = CallOptions::new();
    for (name, value) in [("timeout", timeout), ("cpu_time", cpu_time)] {
        if let Some(value) = value {
            set(&mut options, "a call", name, value)?;
        }
    }
    Ok(options)
}

/// Refuses an unknown option name; `known` lists the known ones.
#[pyfunction(name = "_refuse_option")]
pub fn refuse_option(py: Python<'_>, what: &str, name: &str, known: Vec<String>) -> PyResult<()> {
    let known = known.iter().map(String::as_str);
    Err(exception(py, face::unknown(Face::Python, what, name, known)))
}

/// Reads the limits of the compiler: bytes, nanoseconds, and processors, of which 0 means all.
#[pyfunction(name = "_compile_bounds")]
#[pyo3(signature = (**options))]
pub fn compile_bounds(options: Option<&Bound<'_, PyDict>>) -> PyResult<(u64, u64, u64)> {
    errors::contain(|| {
        let options: CompileOptions = read("the compiler", options)?;
        let bound = |name| options.setting(name).map_or(0, Setting::or_default);
        Ok((bound("max_program_size"), bound("compile_timeout"), bound("compile_threads")))
    })
}

fn set<O: Options>(options: &mut O, what: &str, name: &str, value: &Bound<'_, PyAny>) -> PyResult<()> {
    let py = value.py();
    let Some(row) = face::find::<O>(Face::Python, name) else {
        let rows = O::rows();
        let known: Vec<_> = rows.iter().map(|row| Face::Python.name(row)).collect();
        let refusal = face::unknown(Face::Python, what, name, known.iter().map(AsRef::as_ref));
        return Err(exception(py, refusal));
    };
    if value.is_none() {
        return Ok(());
    }
    let given = given(value)?;
    face::set(options, Face::Python, row, given, Shown(value, given))
        .map_err(|refusal| exception(py, refusal))
}

/// Classifies a value.
fn given(value: &Bound<'_, PyAny>) -> PyResult<Given> {
    if value.is_instance_of::<PyBool>() {
        return Ok(Given::Other);
    }
    if let Ok(number) = value.cast::<PyFloat>() {
        return Ok(Given::Number(number.extract()?));
    }
    match value.extract::<u64>() {
        Ok(number) => Ok(Given::Whole(number.into())),
        Err(error) if error.is_instance_of::<PyOverflowError>(value.py()) => {
            Ok(Given::Whole(if value.lt(0)? { i128::MIN } else { i128::MAX }))
        }
        Err(error) if error.is_instance_of::<PyTypeError>(value.py()) => fraction(value),
        Err(error) => Err(error),
    }
}

/// Reads a number that is not a whole one, such as a `Decimal`.
fn fraction(value: &Bound<'_, PyAny>) -> PyResult<Given> {
    match value.extract::<f64>() {
        Ok(number) => Ok(Given::Number(number)),
        Err(error) if error.is_instance_of::<PyTypeError>(value.py()) => Ok(Given::Other),
        Err(error) => Err(error),
    }
}

/// Makes the exception for a refused option.
fn exception(py: Python<'_>, refusal: Refusal) -> PyErr {
    match refusal.why {
        Why::OutOfRange => errors::new(py, ErrorCode::InvalidArgument, refusal.message),
        Why::TooLarge => PyOverflowError::new_err(refusal.message),
        _ => PyTypeError::new_err(refusal.message),
    }
}

/// Shows a number as it is, other values by their type.
struct Shown<'a, 'py>(&'a Bound<'py, PyAny>, Given);

impl fmt::Display for Shown<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(value, given) = self;
        match given {
            Given::Other => match value.get_type().name() {
                Ok(name) => fmt::Display::fmt(&name, f),
                Err(_) => f.write_str("something else"),
            },
            Given::Number(_) | Given::Whole(_) => value.fmt(f),
        }
    }
}
