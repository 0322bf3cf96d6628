//! Values as the guests' JSON.
//!
//! Both ways are linear in the text, and neither recurses: how deep a guest nests its values, and how deep the caller is in
//! Python's own stack, has nothing to do with each other. One number says how deep, for both ways. Scripts have more values
//! than JSON: an object with a single key that begins with `$` stands for what JSON has no word for, and a program's own
//! object of that form has the `$` doubled on its way.

mod base64;
mod read;
mod write;

use libhyperlight::ErrorCode;
use pyo3::prelude::*;
use pyo3::types::PyInt;

use crate::errors::{self, contain};

/// How many lists and objects may be around a value, and be one.
pub const MAX_DEPTH: usize = 512;

/// How many bits the magnitude of a whole number has at most, where whole numbers have no type that says it.
pub const MAX_BITS: usize = 65_536;

/// How many digits such a number has at most.
const MAX_DIGITS: usize = 19_729;

/// Integers up to here are exact as numbers of JavaScript's, which are binary64.
const SAFE: i64 = (1 << 53) - 1;

/// Whose JSON it is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Dialect {
    /// That of components: whole numbers are exact, the type says what a value is.
    Component,
    /// That of scripts: with escapes.
    Script,
}

impl Dialect {
    fn of(is_script: bool) -> Self {
        if is_script { Self::Script } else { Self::Component }
    }
}

/// The text of a value, which an error calls `what`. So many levels around it do not count.
#[pyfunction(name = "_encode_json")]
#[pyo3(signature = (value, what, /, *, is_script, around=0))]
pub fn encode(value: &Bound<'_, PyAny>, what: &str, is_script: bool, around: usize) -> PyResult<String> {
    contain(|| write::write(value, what, Dialect::of(is_script), MAX_DEPTH.saturating_add(around)))
}

/// The value of a text that a guest wrote: hostile, perhaps. So many levels around it do not count.
#[pyfunction(name = "_decode_json")]
#[pyo3(signature = (text, /, *, is_script, around=0))]
pub fn decode<'py>(
    py: Python<'py>,
    text: &str,
    is_script: bool,
    around: usize,
) -> PyResult<Bound<'py, PyAny>> {
    contain(|| read::read(py, text, Dialect::of(is_script), MAX_DEPTH.saturating_add(around)))
}

fn too_deep(py: Python<'_>, what: &str) -> PyErr {
    let found = MAX_DEPTH + 1;
    let text = format!(
        "{what} is nested {found} levels deep, or deeper; values cross the wall up to {MAX_DEPTH} levels deep"
    );
    errors::new(py, ErrorCode::TooLarge, text)
}

fn too_many_digits(py: Python<'_>, what: &str) -> PyErr {
    let text = format!(
        "{what} has a whole number beyond ±2**{MAX_BITS}; below that ({MAX_DIGITS} digits), they cross the wall"
    );
    errors::new(py, ErrorCode::TooLarge, text)
}

/// Whether a whole number is one that may cross.
fn is_in_bounds(number: &Bound<'_, PyAny>) -> PyResult<bool> {
    let bits: usize = number.py().get_type::<PyInt>().call_method1("bit_length", (number,))?.extract()?;
    Ok(bits <= MAX_BITS)
}
