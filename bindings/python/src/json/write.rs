//! From the objects to the text.

use std::fmt::Write;
use std::vec;

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{
    PyBool, PyByteArray, PyBytes, PyDict, PyFloat, PyInt, PyList, PyMemoryView, PyString, PyTuple,
};

use super::{Dialect, SAFE, base64, is_in_bounds, too_deep, too_many_digits};
use crate::value;

/// The text of a value. So many lists and objects may be in each other.
pub fn write(value: &Bound<'_, PyAny>, what: &str, dialect: Dialect, limit: usize) -> PyResult<String> {
    let mut writer = Writer { what, dialect, limit, out: String::new(), open: Vec::new() };
    writer.document(value.clone())?;
    Ok(writer.out)
}

struct Writer<'py, 'w> {
    what: &'w str,
    dialect: Dialect,
    limit: usize,
    out: String,
    /// From the outermost to the innermost.
    open: Vec<Open<'py>>,
}

/// A list or object whose members are still to be written: as they were when it began.
struct Open<'py> {
    of: *mut ffi::PyObject,
    is_first: bool,
    members: Members<'py>,
}

enum Members<'py> {
    List(vec::IntoIter<Bound<'py, PyAny>>),
    /// With what is put before its keys.
    Object(vec::IntoIter<(Bound<'py, PyAny>, Bound<'py, PyAny>)>, &'static str),
}

impl<'py> Writer<'py, '_> {
    fn document(&mut self, value: Bound<'py, PyAny>) -> PyResult<()> {
        self.value(value)?;
        while let Some(open) = self.open.last_mut() {
            let (value, key) = match &mut open.members {
                Members::List(items) => (items.next(), None),
                Members::Object(items, prefix) => match items.next() {
                    Some((key, item)) => (Some(item), Some((key, *prefix))),
                    None => (None, None),
                },
            };
            let Some(value) = value else {
                self.out.push(if matches!(open.members, Members::List(_)) { ']' } else { '}' });
                self.open.pop();
                continue;
            };
            if !std::mem::take(&mut open.is_first) {
                self.out.push(',');
            }
            if let Some((key, prefix)) = key {
                self.key(&key, prefix)?;
            }
            self.value(value)?;
        }
        Ok(())
    }

    /// Writes a value, or how it begins.
    fn value(&mut self, value: Bound<'py, PyAny>) -> PyResult<()> {
        if value.is_none() {
            self.out.push_str("null");
        } else if let Ok(truth) = value.cast::<PyBool>() {
            self.out.push_str(if truth.is_true() { "true" } else { "false" });
        } else if let Ok(text) = value.cast::<PyString>() {
            self.text(text, "")?;
        } else if value.is_instance_of::<PyInt>() {
            self.integer(&value)?;
        } else if let Ok(float) = value.cast::<PyFloat>() {
            self.float(float.value());
        } else if value.is_instance_of::<PyList>() || value.is_instance_of::<PyTuple>() {
            let items = value.try_iter()?.collect::<PyResult<Vec<_>>>()?;
            self.begin(&value, '[', Members::List(items.into_iter()))?;
        } else if value.is_instance_of::<PyDict>() {
            self.object(&value)?;
        } else if is_bytes(&value) {
            self.bytes(value)?;
        } else {
            let found = value.get_type().name()?;
            return Err(self.no_value(&format!("found {found}")));
        }
        Ok(())
    }

    fn object(&mut self, value: &Bound<'py, PyAny>) -> PyResult<()> {
        // A class of its own may have another order.
        let items = value.call_method0("items")?.try_iter()?;
        let items = items.map(|item| item?.extract()).collect::<PyResult<Vec<(Bound<'_, PyAny>, _)>>>()?;
        let is_escape = |key: &Bound<'_, PyAny>| {
            key.cast::<PyString>().is_ok_and(|key| key.to_string_lossy().starts_with('$'))
        };
        let prefix = match &*items {
            [(key, _)] if self.dialect == Dialect::Script && is_escape(key) => "$",
            _ => "",
        };
        self.begin(value, '{', Members::Object(items.into_iter(), prefix))
    }

    fn begin(&mut self, of: &Bound<'py, PyAny>, start: char, members: Members<'py>) -> PyResult<()> {
        let of_ptr = of.as_ptr();
        if self.open.len() >= self.limit {
            if self.open.iter().any(|open| open.of == of_ptr) {
                return Err(PyValueError::new_err(format!("{} contains itself", self.what)));
            }
            return Err(too_deep(of.py(), self.what));
        }
        self.out.push(start);
        self.open.push(Open { of: of_ptr, is_first: true, members });
        Ok(())
    }

    fn key(&mut self, key: &Bound<'py, PyAny>, prefix: &str) -> PyResult<()> {
        let Ok(text) = key.cast::<PyString>() else {
            let found = key.get_type().name()?;
            return Err(self.no_value(&format!("the keys of a dict must be str, not {found}")));
        };
        self.text(text, prefix)?;
        self.out.push(':');
        Ok(())
    }

    fn integer(&mut self, value: &Bound<'py, PyAny>) -> PyResult<()> {
        let number = value.extract::<i64>().ok();
        match number {
            Some(number) if self.dialect == Dialect::Component || (-SAFE..=SAFE).contains(&number) => {
                self.display(number);
                return Ok(());
            }
            None if !is_in_bounds(value)? => return Err(too_many_digits(value.py(), self.what)),
            _ => {}
        }
        let digits: String = value
            .py()
            .import("libhyperlight._integers")?
            .getattr("to_decimal")?
            .call1((value,))?
            .extract()?;
        match self.dialect {
            Dialect::Component => self.out.push_str(&digits),
            Dialect::Script => self.escape("$bigint", &digits),
        }
        Ok(())
    }

    fn float(&mut self, value: f64) {
        let special = match value {
            _ if value.is_nan() => "NaN",
            f64::INFINITY => "Infinity",
            f64::NEG_INFINITY => "-Infinity",
            _ if self.dialect == Dialect::Script && value == 0.0 && value.is_sign_negative() => "-0",
            // The shortest text that is read as the same number.
            _ => return self.display(format_args!("{value:?}")),
        };
        match self.dialect {
            Dialect::Component => self.display(format_args!("\"{special}\"")),
            Dialect::Script => self.escape("$number", special),
        }
    }

    fn bytes(&mut self, value: Bound<'py, PyAny>) -> PyResult<()> {
        let settled = value::settle(value)?;
        let bytes = settled.cast::<PyBytes>()?.as_bytes();
        match self.dialect {
            Dialect::Component => {
                self.out.push('[');
                for (at, byte) in bytes.iter().enumerate() {
                    self.display(format_args!("{}{byte}", if at == 0 { "" } else { "," }));
                }
                self.out.push(']');
            }
            Dialect::Script => {
                self.out.push_str("{\"$bytes\":\"");
                base64::put(&mut self.out, bytes);
                self.out.push_str("\"}");
            }
        }
        Ok(())
    }

    fn text(&mut self, text: &Bound<'py, PyString>, prefix: &str) -> PyResult<()> {
        self.out.push('"');
        self.out.push_str(prefix);
        match text.to_str() {
            Ok(text) => text.chars().for_each(|character| self.character(character)),
            Err(error) if self.dialect == Dialect::Component => return Err(error),
            // Lone surrogates, which JavaScript's strings may have too, can only travel escaped.
            Err(_) => {
                let units = text.call_method1("encode", ("utf-16-le", "surrogatepass"))?;
                for unit in units.cast::<PyBytes>()?.as_bytes().chunks_exact(2) {
                    let unit = unit.iter().rev().fold(0_u32, |unit, byte| unit << 8 | u32::from(*byte));
                    match char::from_u32(unit) {
                        Some(character) => self.character(character),
                        None => self.display(format_args!("\\u{unit:04x}")),
                    }
                }
            }
        }
        self.out.push('"');
        Ok(())
    }

    fn character(&mut self, character: char) {
        match character {
            '"' | '\\' => self.out.extend(['\\', character]),
            '\n' => self.out.push_str("\\n"),
            ..' ' => self.display(format_args!("\\u{:04x}", u32::from(character))),
            _ => self.out.push(character),
        }
    }

    fn escape(&mut self, name: &str, text: &str) {
        self.display(format_args!("{{\"{name}\":\"{text}\"}}"));
    }

    fn display(&mut self, text: impl std::fmt::Display) {
        // Writing to a string does not fail.
        let _ = write!(self.out, "{text}");
    }

    fn no_value(&self, why: &str) -> PyErr {
        PyTypeError::new_err(format!("{} is no JSON value: {why}", self.what))
    }
}

fn is_bytes(value: &Bound<'_, PyAny>) -> bool {
    value.is_instance_of::<PyBytes>()
        || value.is_instance_of::<PyByteArray>()
        || value.is_instance_of::<PyMemoryView>()
}
