//! Classification of Python's objects.

use std::borrow::Cow;

use libhyperlight_values::error::Spelling;
use libhyperlight_values::host::{Read, View};
use libhyperlight_values::limits::{MAX_BITS, MAX_SHOWN};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{
    PyBool, PyByteArray, PyBytes, PyDict, PyFloat, PyInt, PyList, PyMemoryView, PyString, PyTuple,
};

use super::{Failure, Python3, spelling};
use crate::value;

impl<'py> Read for Python3<'py> {
    type Value = Bound<'py, PyAny>;
    type Error = Failure;
    const OBJECTS_ARE_MAPS: bool = true;

    fn view<'v>(&mut self, value: &'v Bound<'py, PyAny>) -> Result<View<'v, Bound<'py, PyAny>>, Failure> {
        Ok(if value.is_none() {
            View::Null
        } else if let Ok(truth) = value.cast::<PyBool>() {
            View::Bool(truth.is_true())
        } else if let Ok(text) = value.cast::<PyString>() {
            self.text(text)?
        } else if value.is_instance_of::<PyInt>() {
            integer(value)?
        } else if let Ok(float) = value.cast::<PyFloat>() {
            View::Float(float.value())
        } else if value.is_instance_of::<PyList>() || value.is_instance_of::<PyTuple>() {
            View::List(value.try_iter()?.collect::<PyResult<_>>()?)
        } else if value.is_instance_of::<PyDict>() {
            // A subclass may have another order.
            let items = value.call_method0("items")?.try_iter()?;
            View::Object(items.map(|item| item?.extract()).collect::<PyResult<_>>()?)
        } else if let Ok(bytes) = value.cast::<PyBytes>() {
            View::Bytes(Cow::Borrowed(bytes.as_bytes()))
        } else if value.is_instance_of::<PyByteArray>() || value.is_instance_of::<PyMemoryView>() {
            let settled = value::settle(value.clone())?;
            View::Bytes(Cow::Owned(settled.cast::<PyBytes>().map_err(PyErr::from)?.as_bytes().to_vec()))
        } else {
            View::Other
        })
    }

    fn is_nothing(&mut self, value: &Bound<'py, PyAny>) -> bool {
        value.is_none()
    }

    fn set(&mut self, value: &Bound<'py, PyAny>) -> Result<Option<Vec<Bound<'py, PyAny>>>, Failure> {
        if value.is_instance_of::<PyString>() || value.is_instance_of::<PyBytes>() {
            return Ok(None);
        }
        match value.try_iter() {
            Ok(items) => Ok(Some(items.collect::<PyResult<_>>()?)),
            Err(error) if error.is_instance_of::<PyTypeError>(self.py) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    fn describe(&mut self, value: &Bound<'py, PyAny>) -> String {
        value.get_type().name().map_or_else(|_| "another type".to_owned(), |name| name.to_string())
    }

    /// The text may be of any length, or missing.
    fn show(&mut self, value: &Bound<'py, PyAny>) -> String {
        let Ok(text) = value.repr() else { return format!("a {}", self.describe(value)) };
        let text = text.to_string_lossy();
        let mut shown: String = text.chars().take(MAX_SHOWN).collect();
        if shown.len() < text.len() {
            shown.push('…');
        }
        shown
    }

    fn is_same(&self, one: &Bound<'py, PyAny>, other: &Bound<'py, PyAny>) -> bool {
        one.is(other)
    }

    fn spelling(&self) -> &dyn Spelling {
        &spelling::Python
    }
}

impl<'py> Python3<'py> {
    fn text<'v>(&self, text: &'v Bound<'py, PyString>) -> Result<View<'v, Bound<'py, PyAny>>, Failure> {
        match text.to_str() {
            Ok(text) => Ok(View::Text(Cow::Borrowed(text))),
            Err(_) if self.is_script => {
                let units = text.call_method1("encode", ("utf-16-le", "surrogatepass"))?;
                let units = units.cast::<PyBytes>().map_err(PyErr::from)?.as_bytes().chunks_exact(2);
                let unit =
                    |pair: &[u8]| pair.iter().rev().fold(0_u16, |unit, byte| unit << 8 | u16::from(*byte));
                Ok(View::Utf16(units.map(unit).collect()))
            }
            Err(error) => Err(error.into()),
        }
    }
}

fn integer<'v, 'py>(value: &'v Bound<'py, PyAny>) -> Result<View<'v, Bound<'py, PyAny>>, Failure> {
    if let Ok(number) = value.extract::<i64>() {
        return Ok(View::Integer(number.into()));
    }
    let py = value.py();
    let bits: usize = py.get_type::<PyInt>().call_method1("bit_length", (value,))?.extract()?;
    if bits > MAX_BITS {
        return Ok(View::LongInteger(None));
    }
    let digits: String =
        py.import("libhyperlight._integers")?.getattr("to_decimal")?.call1((value,))?.extract()?;
    Ok(digits.parse().map_or(View::LongInteger(Some(digits)), View::Integer))
}
