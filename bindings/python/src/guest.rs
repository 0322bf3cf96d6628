//! Guests: programs to be run in sandboxes.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use libhyperlight::PayloadAccess;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString, PyTuple};

use crate::errors::{contain, raise};
use crate::value;

/// A guest program, loaded and checked once; shared by any number of sandboxes and threads.
///
/// Args:
///     source: the path of an ELF file, or its bytes.
///
/// Raises:
///     HyperlightIOError: the file cannot be read.
///     GuestBinaryError: it is no guest program.
///
/// Can be pickled: the whole program travels. Unpickle only what you trust.
#[pyclass(frozen, weakref, module = "libhyperlight")]
#[derive(Debug)]
pub struct Guest {
    pub guest: libhyperlight::Guest,
    source: Source,
}

/// Where a guest is from. One that travels and is not built in takes its file along, which the engine has kept.
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

    /// A guest program that the library carries: "demo", "javascript", or "wasm", which are what JavaScript and Wasm run on.
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

    /// The same guest with bytes added to its image: data, or with `executable` code compiled for it. The guest finds them
    /// by their number, counted from 0 in the order in which they were added.
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

/// A pickled guest.
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

/// The path that an object is, by the rules of `os.fspath`, but for bytes, which are contents here.
pub fn path(object: &Bound<'_, PyAny>) -> PyResult<Option<PathBuf>> {
    let py = object.py();
    if !object.is_instance_of::<PyString>() && !object.hasattr("__fspath__")? {
        return Ok(None);
    }
    let bytes = py.import("os")?.call_method1("fsencode", (object,))?;
    Ok(Some(OsStr::from_bytes(bytes.cast::<PyBytes>()?.as_bytes()).into()))
}
