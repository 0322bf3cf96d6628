//! Signatures: annotations on the Python side (`libhyperlight._signature`), kinds on the engine's.

use libhyperlight::{Kind, Signature};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use crate::errors;

/// An optional argument `params` or `returns`. `None` cannot stand for its absence, because it is a kind.
#[derive(Debug)]
pub struct Annotation<'py>(pub Option<Bound<'py, PyAny>>);

impl<'py> FromPyObject<'_, 'py> for Annotation<'py> {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        let is_left_out = object.is(object.py().Ellipsis());
        Ok(Self((!is_left_out).then(|| object.to_owned())))
    }
}

impl<'py> Annotation<'py> {
    /// The omitted argument.
    pub const LEFT_OUT: Self = Self(None);

    /// Converts to Python: the argument, or `...` if omitted.
    pub fn into_object(self, py: Python<'py>) -> Bound<'py, PyAny> {
        self.0.unwrap_or_else(|| py.Ellipsis().into_bound(py))
    }
}

/// Finds the signature of a host function: the given one, or else that of its annotations.
pub fn of_function<'py>(
    function: &Bound<'py, PyAny>,
    params: Annotation<'py>,
    returns: Annotation<'py>,
    open_arity: bool,
) -> PyResult<Signature> {
    let py = function.py();
    let module = py.import("libhyperlight._signature")?;
    let (said, returns) = (params.into_object(py), returns.into_object(py));
    let (params, returns): (Vec<u32>, u32) =
        module.getattr("codes_of_function")?.call1((function, &said, returns, open_arity))?.extract()?;
    let left_out: Option<(usize, String)> =
        module.getattr("left_out")?.call1((function, said, open_arity))?.extract()?;
    let kind = |code| Kind::from_code(code).ok_or_else(|| PyTypeError::new_err("unknown kind"));
    let params = params.into_iter().map(kind).collect::<PyResult<Vec<_>>>()?;
    let signature = Signature::new(&params, kind(returns)?).map_err(|error| errors::raise(py, error))?;
    Ok(match left_out {
        Some((most, how)) => signature.leaving_out(most, &how),
        None => signature,
    })
}

/// Makes the Python object that describes a signature.
pub fn describe<'py>(py: Python<'py>, signature: &Signature) -> PyResult<Bound<'py, PyAny>> {
    let params = PyTuple::new(py, signature.params().iter().map(|kind| kind.code()))?;
    py.import("libhyperlight._signature")?.getattr("from_codes")?.call1((params, signature.returns().code()))
}
