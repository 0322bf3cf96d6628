//! Guests: programs that run in sandboxes.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use libhyperlight::PayloadAccess;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString, PyTuple};

use crate::errors::{contain, raise};
use crate::value;

/// A guest program, loaded and checked once. Any number of sandboxes and threads may share it.
///
/// Args:
///     source: the path of an ELF file, or its bytes.
///
/// Raises:
///     HyperlightIOError: the file cannot be read.
///     GuestBinaryError: it is not a guest program.
///
/// Can be pickled, together with the whole program. Unpickle only data that you trust.
#[pyclass(frozen, weakref, module = "libhyperlight")]
#[derive(Debug)]
pub struct Guest {
    pub guest: libhyperlight::Guest,
    source: Source,
}

/// The source of a guest. Pickling a guest that is not built in needs its file, which the engine keeps.
#[derive(Clone, Debug)]
enum Source {
    Builtin(String),
    File(PathBuf),
    Bytes,
}

#[pymethods]
impl Guest {
    #[new]
    #[pyo3(signature = (source, /))]
    fn new(source: &Bound<'_, PyAny>) -> PyResult<Self> {
        contain(|| {
            let source = value::settle(source.clone())?;
            let py = source.py();
            if let Ok(bytes) = source.cast::<PyBytes>() {
                let file = bytes.as_bytes();
                let guest = py.detach(|| libhyperlight::Guest::from_bytes(file)).map_err(|e| raise(py, e))?;
                return Ok(Self { guest, source: Source::Bytes });
            }
            let path = path(&source)?.ok_or_else(|| {
                let found = source.get_type().name().map_or_else(|_| String::new(), |name| name.to_string());
                PyTypeError::new_err(format!("a guest is a path or the bytes of an ELF file, not {found}"))
            })?;
            let guest =
                py.detach(|| libhyperlight::Guest::from_file(&path)).map_err(|error| raise(py, error))?;
            Ok(Self { guest, source: Source::File(path) })
        })
    }

    /// Loads a guest program that the library carries: "demo", "javascript", or "wasm". JavaScript and Wasm run on the
    /// last two.
    ///
    /// Raises:
    ///     InvalidArgument: there is none of that name.
    #[staticmethod]
    #[pyo3(signature = (name, /))]
    fn builtin(py: Python<'_>, name: &str) -> PyResult<Self> {
        contain(|| {
            let guest = libhyperlight_builtin::by_name(name).map_err(|error| raise(py, error))?;
            Ok(Self { guest, source: Source::Builtin(name.to_owned()) })
        })
    }

    /// Makes a copy of the guest with a payload added to its image: data, or with `executable` code compiled for it.
    /// The guest finds payloads by their index, counted from 0 in the order of addition.
    ///
    /// Raises:
    ///     InvalidArgument: it has as many as a guest may have.
    ///     PayloadTooLarge: they are too large together.
    #[pyo3(signature = (data, /, *, executable=false))]
    fn with_payload(&self, data: &Bound<'_, PyAny>, executable: bool) -> PyResult<Self> {
        contain(|| {
            let py = data.py();
            let data = value::settle(data.clone())?;
            let data = data.cast_into::<PyBytes>()?;
            let bytes = data.as_bytes();
            let access = if executable { PayloadAccess::ReadExecute } else { PayloadAccess::Read };
            let guest =
                py.detach(|| self.guest.with_payload(bytes, access)).map_err(|error| raise(py, error))?;
            Ok(Self { guest, source: self.source.clone() })
        })
    }

    fn __repr__(&self) -> String {
        let name = match &self.source {
            Source::Builtin(name) => format!("builtin {name:?}"),
            Source::File(path) => format!("{path:?}"),
            Source::Bytes => format!("of {} bytes", self.guest.file().len()),
        };
        match self.guest.payloads().count() {
            0 => format!("<Guest {name}>"),
            payloads => format!("<Guest {name} with {payloads} payloads>"),
        }
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyTuple>)> {
        contain(|| {
            let source = match &self.source {
                Source::Builtin(name) => PyString::new(py, name).into_any(),
                Source::File(_) | Source::Bytes => PyBytes::new(py, self.guest.file()).into_any(),
            };
            let payloads = self.guest.payloads();
            let payloads = payloads
                .map(|(bytes, access)| (PyBytes::new(py, bytes), access == PayloadAccess::ReadExecute));
            let payloads: Vec<_> = payloads.collect();
            let arguments = (source, PyTuple::new(py, payloads)?).into_pyobject(py)?;
            Ok((py.import("libhyperlight._libhyperlight")?.getattr("_guest_from_parts")?, arguments))
        })
    }
}

/// Restores a pickled guest.
#[pyfunction(name = "_guest_from_parts")]
pub fn guest_from_parts(
    source: &Bound<'_, PyAny>,
    payloads: Vec<(Bound<'_, PyBytes>, bool)>,
) -> PyResult<Guest> {
    let mut guest = match source.cast::<PyString>() {
        Ok(name) => Guest::builtin(source.py(), name.to_str()?)?,
        Err(_) => Guest::new(source)?,
    };
    for (data, executable) in payloads {
        guest = guest.with_payload(&data, executable)?;
    }
    Ok(guest)
}

/// Converts an object to a path by the rules of `os.fspath`, except for bytes, which are contents here.
pub fn path(object: &Bound<'_, PyAny>) -> PyResult<Option<PathBuf>> {
    let py = object.py();
    if !object.is_instance_of::<PyString>() && !object.hasattr("__fspath__")? {
        return Ok(None);
    }
    let bytes = py.import("os")?.call_method1("fsencode", (object,))?;
    Ok(Some(OsStr::from_bytes(bytes.cast::<PyBytes>()?.as_bytes()).into()))
}
