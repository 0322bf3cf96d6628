//! Values as the guests' JSON, which the crate `libhyperlight-values` reads and writes. This module defines Python's
//! part.

mod build;
mod read;
mod spelling;

use libhyperlight::ErrorCode;
use libhyperlight_values::error::Reason;
use libhyperlight_values::{self as values, ParseError, script};
use pyo3::exceptions::{PyOverflowError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use crate::errors::{self, contain};

/// Name of a guest's value in errors.
const WHAT: &str = "the guest's value";

/// Reads and makes Python's values.
struct Python3<'py> {
    py: Python<'py>,
    /// True if texts may have unpaired surrogates: JavaScript's strings may, and so may Python's.
    is_script: bool,
}

/// A failure here or in Python.
enum Failure {
    Python(PyErr),
    Values(values::Error),
}

/// A type of a WebAssembly program.
#[pyclass(frozen, name = "_Type", module = "libhyperlight")]
#[derive(Debug)]
pub struct Type {
    ty: values::Type,
}

#[pymethods]
impl Type {
    /// Parses a type from its text.
    #[staticmethod]
    fn parse(py: Python<'_>, text: &str) -> PyResult<Self> {
        contain(|| match values::Type::parse(text) {
            Ok(ty) => Ok(Self { ty }),
            Err(error @ ParseError::TooDeep) => {
                Err(errors::new(py, ErrorCode::GuestBinary, error.to_string()))
            }
            Err(error) => Err(errors::new(py, ErrorCode::Internal, error.to_string())),
        })
    }

    /// Returns true if its kind on the wire has more values than the type.
    #[getter]
    fn is_narrow(&self) -> bool {
        self.ty.is_narrow()
    }

    /// Encodes a value, which errors call `what`.
    #[pyo3(signature = (value, what, /))]
    fn encode(&self, value: Bound<'_, PyAny>, what: &str) -> PyResult<String> {
        let py = value.py();
        contain(|| {
            let mut python = Python3 { py, is_script: false };
            values::lower(&self.ty, value, what, &mut python).map_err(|failure| failure.raise(py))
        })
    }

    /// Decodes a guest's text; untrusted.
    #[pyo3(signature = (text, /))]
    fn decode<'py>(&self, py: Python<'py>, text: &str) -> PyResult<Bound<'py, PyAny>> {
        contain(|| {
            let mut python = Python3 { py, is_script: false };
            values::lift(&self.ty, text, WHAT, &mut python).map_err(|failure| failure.raise(py))
        })
    }

    /// Checks a value that a guest sent as a wider kind.
    #[pyo3(signature = (value, /))]
    fn take<'py>(&self, value: Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let py = value.py();
        contain(|| {
            let mut python = Python3 { py, is_script: false };
            let checked = values::check(&self.ty, value.clone(), WHAT, &mut python);
            checked.map(|()| value).map_err(|failure| failure.raise(py))
        })
    }

    fn __str__(&self) -> String {
        self.ty.to_string()
    }
}

/// Encodes a value for a script; errors call it `what`.
#[pyfunction(name = "_to_script")]
#[pyo3(signature = (value, what, /))]
pub fn to_script(value: Bound<'_, PyAny>, what: &str) -> PyResult<String> {
    let py = value.py();
    contain(|| {
        let mut python = Python3 { py, is_script: true };
        script::encode(value, what, &mut python).map_err(|failure| failure.raise(py))
    })
}

/// Encodes an array of values, each of which may be as deep as one alone.
#[pyfunction(name = "_all_to_script")]
#[pyo3(signature = (values, what, /))]
pub fn all_to_script(values: &Bound<'_, PyTuple>, what: &str) -> PyResult<String> {
    let py = values.py();
    contain(|| {
        let mut python = Python3 { py, is_script: true };
        script::encode_all(values.iter().collect(), what, &mut python).map_err(|failure| failure.raise(py))
    })
}

/// Decodes a guest's text; untrusted. An empty text is None.
#[pyfunction(name = "_of_script")]
#[pyo3(signature = (text, /))]
pub fn of_script<'py>(py: Python<'py>, text: &str) -> PyResult<Bound<'py, PyAny>> {
    contain(|| {
        let mut python = Python3 { py, is_script: true };
        let value = script::decode(text, WHAT, &mut python).map_err(|failure| failure.raise(py))?;
        Ok(value.unwrap_or_else(|| py.None().into_bound(py)))
    })
}

/// Decodes a guest's array of values, each of which may be as deep as one alone.
#[pyfunction(name = "_all_of_script")]
#[pyo3(signature = (text, /))]
pub fn all_of_script<'py>(py: Python<'py>, text: &str) -> PyResult<Bound<'py, PyAny>> {
    contain(|| {
        let mut python = Python3 { py, is_script: true };
        script::decode_all(text, WHAT, &mut python).map_err(|failure| failure.raise(py))
    })
}

impl Failure {
    fn raise(self, py: Python<'_>) -> PyErr {
        let error = match self {
            Self::Python(error) => return error,
            Self::Values(error) => error,
        };
        let message = error.message().to_owned();
        match error.reason() {
            // As Python itself refuses such values.
            Reason::Kind | Reason::NoValue => PyTypeError::new_err(message),
            Reason::Range => PyOverflowError::new_err(message),
            Reason::Cycle | Reason::Unicode => PyValueError::new_err(message),
            // Of the right type, so a `ValueError`, which this is and `SignatureError` is not.
            Reason::Name => errors::new(py, ErrorCode::InvalidArgument, message),
            reason => errors::new(py, reason.code(), message),
        }
    }
}

impl From<values::Error> for Failure {
    fn from(error: values::Error) -> Self {
        Self::Values(error)
    }
}

impl From<PyErr> for Failure {
    fn from(error: PyErr) -> Self {
        Self::Python(error)
    }
}
