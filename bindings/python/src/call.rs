//! Calls of guest functions: from Python's arguments to Python's result.

use libhyperlight::{CallOptions, ErrorCode, Kind, MAX_PARAMETERS, Sandbox, ValueRef};
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use crate::errors::{self, raise};
use crate::{signature, value};

/// Calls a guest function with Python's arguments.
pub fn call<'py>(
    py: Python<'py>,
    sandbox: &mut Sandbox,
    name: &str,
    arguments: &Bound<'py, PyTuple>,
    options: &CallOptions,
) -> PyResult<Bound<'py, PyAny>> {
    let mut objects = Vec::with_capacity(arguments.len());
    for argument in arguments.iter() {
        objects.push(value::settle(argument)?);
    }
    let mut values = [ValueRef::Void; MAX_PARAMETERS];
    let count = convert(py, sandbox, name, &objects, &mut values)?;
    let values = &values[..count];
    let result = py.detach(|| sandbox.call_ref_with(options, name, values));
    result.map_err(|error| raise(py, error)).and_then(|result| value::object(py, result))
}

/// Converts the arguments by the function's signature. For an unknown function the engine reports the error.
fn convert<'o>(
    py: Python<'_>,
    sandbox: &Sandbox,
    name: &str,
    objects: &'o [Bound<'_, PyAny>],
    values: &mut [ValueRef<'o>; MAX_PARAMETERS],
) -> PyResult<usize> {
    let Some((_, signature)) = sandbox.functions().find(|(found, _)| *found == name) else { return Ok(0) };
    let refuse = |text| Err(errors::new(py, ErrorCode::Signature, text));
    let params: &[Kind] = signature.params();
    if params.len() != objects.len() {
        let described = signature::describe(py, signature)?;
        let arguments = if params.len() == 1 { "argument" } else { "arguments" };
        return refuse(format!(
            "`{name}{described}` takes {} {arguments}, but {} were given",
            params.len(),
            objects.len()
        ));
    }
    for (at, ((object, kind), value)) in objects.iter().zip(params).zip(values.iter_mut()).enumerate() {
        *value = match value::borrow(object, *kind) {
            Ok(value) => value,
            Err(unfit) => {
                let what = format!("argument {} of `{name}`", at + 1);
                return match unfit {
                    value::Unfit::Type => refuse(value::describe(&what, *kind, object)),
                    unfit => Err(unfit.exception(&what, *kind, object)),
                };
            }
        };
    }
    Ok(params.len())
}
