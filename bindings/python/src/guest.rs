//! Guests: programs to be run in sandboxes.

use std::ffi::OsStr;
use std::fs::File;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use libhyperlight::{MAX_GUEST_FILE, PayloadAccess};
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
    payloads: Vec<(Py<PyBytes>, bool)>,
}

/// What a guest is made of, for those that travel. Bytes stay the program's own objects, so that they are not held twice.
#[derive(Debug)]
enum Source {
    Builtin(String),
    File(PathBuf, Arc<[u8]>),
    Bytes(Py<PyBytes>),
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
                let source = Source::Bytes(bytes.clone().unbind());
                return Ok(Self { guest, source, payloads: Vec::new() });
            }
            let path = path(&source)?.ok_or_else(|| {
                let found = source.get_type().name().map_or_else(|_| String::new(), |name| name.to_string());
                PyTypeError::new_err(format!("a guest is a path or the bytes of an ELF file, not {found}"))
            })?;
            let (guest, bytes) = py.detach(|| load(&path)).map_err(|error| raise(py, error))?;
            Ok(Self { guest, source: Source::File(path, bytes), payloads: Vec::new() })
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
            let guest = libhyperlight::Guest::builtin(name).map_err(|error| raise(py, error))?;
            Ok(Self { guest, source: Source::Builtin(name.to_owned()), payloads: Vec::new() })
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
            let mut payloads: Vec<_> =
                self.payloads.iter().map(|(bytes, executable)| (bytes.clone_ref(py), *executable)).collect();
            payloads.push((data.unbind(), executable));
            Ok(Self { guest, source: self.source.clone_ref(py), payloads })
        })
    }

    fn __repr__(&self, py: Python<'_>) -> String {
        let name = match &self.source {
            Source::Builtin(name) => format!("builtin {name:?}"),
            Source::File(path, _) => format!("{path:?}"),
            Source::Bytes(bytes) => format!("of {} bytes", bytes.as_bytes(py).len()),
        };
        match self.payloads.len() {
            0 => format!("<Guest {name}>"),
            payloads => format!("<Guest {name} with {payloads} payloads>"),
        }
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyTuple>)> {
        contain(|| {
            let source = match &self.source {
                Source::Builtin(name) => PyString::new(py, name).into_any(),
                Source::File(_, bytes) => PyBytes::new(py, bytes).into_any(),
                Source::Bytes(bytes) => bytes.bind(py).clone().into_any(),
            };
            let payloads = self.payloads.iter().map(|(bytes, executable)| (bytes.bind(py), *executable));
            let arguments = (source, PyTuple::new(py, payloads)?).into_pyobject(py)?;
            Ok((py.import("libhyperlight._libhyperlight")?.getattr("_guest_from_parts")?, arguments))
        })
    }
}

impl Source {
    fn clone_ref(&self, py: Python<'_>) -> Self {
        match self {
            Self::Builtin(name) => Self::Builtin(name.clone()),
            Self::File(path, bytes) => Self::File(path.clone(), Arc::clone(bytes)),
            Self::Bytes(bytes) => Self::Bytes(bytes.clone_ref(py)),
        }
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

/// Loads a file, keeping its contents. Whatever is wrong with it the engine says best.
fn load(path: &Path) -> libhyperlight::Result<(libhyperlight::Guest, Arc<[u8]>)> {
    let is_plain = path.metadata().is_ok_and(|metadata| metadata.is_file());
    let mut bytes = Vec::new();
    let read = |bytes: &mut Vec<u8>| File::open(path)?.take(MAX_GUEST_FILE + 1).read_to_end(bytes);
    if !is_plain || read(&mut bytes).is_err() {
        return libhyperlight::Guest::from_file(path).map(|guest| (guest, bytes.into()));
    }
    Ok((libhyperlight::Guest::from_bytes(&bytes)?, bytes.into()))
}
