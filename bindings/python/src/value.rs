//! Conversion of values between Python and the guest, without loss.
//!
//! A kind accepts one Python type: `bool` is not an integer here, and an integer is not a `float`. A number out of
//! range is `OverflowError`. Text and bytes are borrowed from immutable Python objects during the call.

use libhyperlight::{Kind, Value, ValueRef};
use pyo3::IntoPyObjectExt;
use pyo3::exceptions::{PyOverflowError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyByteArray, PyBytes, PyFloat, PyInt, PyMemoryView, PyString};

/// Names a kind as Python's users know it.
pub fn name(kind: Kind) -> &'static str {
    match kind {
        Kind::Void => "None",
        Kind::String => "str",
        kind => kind.name(),
    }
}

/// Reason for refusing an object as a value of a kind.
#[derive(Debug)]
pub enum Unfit {
    /// It has another type.
    Type,
    /// It is an integer or a float that is out of range.
    Range,
    /// An exception of Python's own, for example for a lone surrogate.
    Other(PyErr),
}

impl Unfit {
    /// Makes the exception; `what` names the object.
    pub fn exception(self, what: &str, kind: Kind, object: &Bound<'_, PyAny>) -> PyErr {
        match self {
            Self::Type => PyTypeError::new_err(describe(what, kind, object)),
            Self::Range => PyOverflowError::new_err(format!("{what} does not fit {}", name(kind))),
            Self::Other(error) => error,
        }
    }
}

/// Describes a wrong type: "argument 1 of `Add` must be i32, not str".
pub fn describe(what: &str, kind: Kind, object: &Bound<'_, PyAny>) -> String {
    let found = object.get_type().name().map_or_else(|_| "another type".to_owned(), |name| name.to_string());
    let expected = match kind {
        Kind::Bool => "bool".to_owned(),
        Kind::F32 | Kind::F64 => format!("float ({})", kind.name()),
        Kind::String => "str".to_owned(),
        Kind::Bytes => "bytes, bytearray or memoryview".to_owned(),
        Kind::Void => "None".to_owned(),
        kind => format!("int ({})", kind.name()),
    };
    format!("{what} must be {expected}, not {found}")
}

/// Copies a bytes-like object to `bytes`; other objects are returned as they are. Only a copy cannot change during the
/// call.
pub fn settle<'py>(object: Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    if object.is_instance_of::<PyByteArray>() || object.is_instance_of::<PyMemoryView>() {
        return object.py().get_type::<PyBytes>().call1((object,));
    }
    Ok(object)
}

/// Converts an object to a value of a kind; text and bytes stay in the object.
pub fn borrow<'o>(object: &'o Bound<'_, PyAny>, kind: Kind) -> Result<ValueRef<'o>, Unfit> {
    Ok(match kind {
        Kind::Void if object.is_none() => ValueRef::Void,
        Kind::Bool => ValueRef::Bool(object.cast::<PyBool>().map_err(|_| Unfit::Type)?.is_true()),
        Kind::I32 => ValueRef::I32(integer(object)?),
        Kind::U32 => ValueRef::U32(integer(object)?),
        Kind::I64 => ValueRef::I64(integer(object)?),
        Kind::U64 => ValueRef::U64(integer(object)?),
        Kind::F32 => ValueRef::F32(narrow(float(object)?)?),
        Kind::F64 => ValueRef::F64(float(object)?),
        Kind::String => {
            let text = object.cast::<PyString>().map_err(|_| Unfit::Type)?;
            ValueRef::String(text.to_str().map_err(Unfit::Other)?)
        }
        Kind::Bytes => ValueRef::Bytes(object.cast::<PyBytes>().map_err(|_| Unfit::Type)?.as_bytes()),
        _ => return Err(Unfit::Type),
    })
}

/// Converts an object to a value of a kind, copied.
pub fn own(object: Bound<'_, PyAny>, kind: Kind) -> Result<Value, Unfit> {
    let object = settle(object).map_err(Unfit::Other)?;
    borrow(&object, kind).map(Value::from)
}

/// Converts a value to an object.
pub fn object<'py>(py: Python<'py>, value: ValueRef<'_>) -> PyResult<Bound<'py, PyAny>> {
    match value {
        ValueRef::Bool(value) => value.into_bound_py_any(py),
        ValueRef::I32(value) => value.into_bound_py_any(py),
        ValueRef::U32(value) => value.into_bound_py_any(py),
        ValueRef::I64(value) => value.into_bound_py_any(py),
        ValueRef::U64(value) => value.into_bound_py_any(py),
        ValueRef::F32(value) => widen(value).into_bound_py_any(py),
        ValueRef::F64(value) => value.into_bound_py_any(py),
        ValueRef::String(text) => Ok(PyString::new(py, text).into_any()),
        ValueRef::Bytes(bytes) => Ok(PyBytes::new(py, bytes).into_any()),
        // `Void`, and the kinds of a newer contract, which the engine does not let through.
        _ => Ok(py.None().into_bound(py)),
    }
}

fn integer<'py, T: for<'a> FromPyObject<'a, 'py, Error = PyErr>>(
    object: &Bound<'py, PyAny>,
) -> Result<T, Unfit> {
    if !object.is_instance_of::<PyInt>() || object.is_instance_of::<PyBool>() {
        return Err(Unfit::Type);
    }
    object.extract().map_err(|error: PyErr| {
        if error.is_instance_of::<PyOverflowError>(object.py()) { Unfit::Range } else { Unfit::Other(error) }
    })
}

fn float(object: &Bound<'_, PyAny>) -> Result<f64, Unfit> {
    object.cast::<PyFloat>().map(|float| float.value()).map_err(|_| Unfit::Type)
}

/// Number of payload bits that a binary64 NaN has more than a binary32 NaN.
const NAN_SHIFT: u32 = 29;

/// Narrows as `struct.pack("f", …)` does, but keeps those bits of a NaN that fit.
fn narrow(value: f64) -> Result<f32, Unfit> {
    let bits = value.to_bits();
    if value.is_nan() {
        let sign = bits >> 63 << 31;
        let payload = (bits >> NAN_SHIFT) & 0x7f_ffff;
        // Without any payload bits it would be an infinity.
        let payload = if payload == 0 { 0x40_0000 } else { payload };
        let narrow = sign | 0x7f80_0000 | payload;
        return u32::try_from(narrow).map(f32::from_bits).map_err(|_| Unfit::Range);
    }
    #[expect(clippy::cast_possible_truncation, reason = "rounding is what is asked for")]
    let narrow = value as f32;
    if narrow.is_infinite() && value.is_finite() {
        return Err(Unfit::Range);
    }
    Ok(narrow)
}

/// Widens exactly, also the bits of a NaN, which a conversion would change.
fn widen(value: f32) -> f64 {
    if !value.is_nan() {
        return f64::from(value);
    }
    let bits = u64::from(value.to_bits());
    f64::from_bits(bits >> 31 << 63 | 0x7ff << 52 | (bits & 0x7f_ffff) << NAN_SHIFT)
}
