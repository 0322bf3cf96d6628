//! Snapshots: the state of sandboxes between two calls.

use std::io::Write;
use std::os::fd::AsRawFd;

use libhyperlight::{ErrorCode, LoadOptions};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};

use crate::errors::{self, contain, raise};
use crate::guest;
use crate::options;

/// The state of a sandbox, memory and processor. It is immutable, and sandboxes and threads may share it.
///
/// It holds all of the guest's memory, secrets included. It can be pickled; the pickle is as large as the file. A
/// snapshot is as trustworthy as its source: unpickle or load only snapshots that you trust.
#[pyclass(frozen, weakref, module = "libhyperlight")]
#[derive(Debug)]
pub struct Snapshot {
    pub snapshot: libhyperlight::Snapshot,
}

#[pymethods]
impl Snapshot {
    /// Writes the snapshot to a file, atomically. Only the owner can read the file. Only a regular file is replaced.
    ///
    /// Raises:
    ///     HyperlightIOError: it cannot be written.
    #[pyo3(signature = (path, /))]
    fn save(&self, path: &Bound<'_, PyAny>) -> PyResult<()> {
        contain(|| {
            let py = path.py();
            let path = required_path(path)?;
            py.detach(|| self.snapshot.save(path)).map_err(|error| raise(py, error))
        })
    }

    /// Reads a snapshot from a file, which is not needed afterwards.
    ///
    /// Args:
    ///     options: limits on the file, such as max_size; LoadOptions has them all.
    ///
    /// Raises:
    ///     HyperlightIOError: it cannot be read.
    ///     SnapshotFileError: it is damaged, of another version, larger than allowed, or needs a processor with other features.
    #[staticmethod]
    #[pyo3(signature = (path, /, **options))]
    fn load(path: &Bound<'_, PyAny>, options: Option<&Bound<'_, PyDict>>) -> PyResult<Self> {
        contain(|| {
            let py = path.py();
            let path = required_path(path)?;
            let options: LoadOptions = options::read("Snapshot.load", options)?;
            let snapshot = py
                .detach(|| libhyperlight::Snapshot::load_with(path, &options))
                .map_err(|error| raise(py, error))?;
            Ok(Self { snapshot })
        })
    }

    fn __repr__(&self) -> &'static str {
        "<Snapshot>"
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyAny>, (Bound<'py, PyBytes>,))> {
        contain(|| {
            let io = |error: std::io::Error| errors::new(py, ErrorCode::Io, format!("pickling: {error}"));
            let bytes = py.detach(|| {
                let directory = tempfile::tempdir();
                directory.map(|directory| {
                    let path = directory.path().join("snapshot");
                    self.snapshot.save(&path).map(|()| std::fs::read(&path))
                })
            });
            let bytes = bytes.map_err(io)?.map_err(|error| raise(py, error))?.map_err(io)?;
            let restore = py.import("libhyperlight._libhyperlight")?.getattr("_snapshot_from_bytes")?;
            Ok((restore, (PyBytes::new(py, &bytes),)))
        })
    }
}

/// Restores a pickled snapshot.
#[pyfunction(name = "_snapshot_from_bytes")]
pub fn snapshot_from_bytes(py: Python<'_>, data: &[u8]) -> PyResult<Snapshot> {
    contain(|| {
        let io = |error: std::io::Error| errors::new(py, ErrorCode::Io, format!("unpickling: {error}"));
        let loaded = py.detach(|| {
            let mut file = tempfile::tempfile()?;
            file.write_all(data)?;
            // Unpickling untrusted data is unsafe anyway: the only bounds are those of sandboxes.
            let options = LoadOptions::new().max_size(u64::MAX).max_heap_size(u64::MAX);
            // The file has no name; this path refers to it while it is open.
            let path = format!("/proc/self/fd/{}", file.as_raw_fd());
            Ok(libhyperlight::Snapshot::load_with(path, &options))
        });
        let snapshot = loaded.map_err(io)?.map_err(|error| raise(py, error))?;
        Ok(Snapshot { snapshot })
    })
}

fn required_path(object: &Bound<'_, PyAny>) -> PyResult<std::path::PathBuf> {
    guest::path(object)?.ok_or_else(|| {
        let found = object.get_type().name().map_or_else(|_| String::new(), |name| name.to_string());
        PyTypeError::new_err(format!("a path is str or os.PathLike, not {found}"))
    })
}
