//! The Python module `libhyperlight._libhyperlight`: the engine for Python, and nothing that Python itself says better.
//!
//! The classes here are the ones that programs use; exceptions, signatures, the pool's executor and the command line are
//! Python, beside this. Four rules hold everywhere: the interpreter is let go while the engine works; who is inside a
//! sandbox is the engine's handle to say, so that a second caller is told `SandboxBusy` and nobody ever waits for somebody
//! who needs the interpreter; nothing of Python's is touched outside an attached thread; and a thread that Python
//! would end in here waits for ever instead (`ending`).

mod call;
mod callbacks;
mod ending;
mod errors;
mod guest;
mod inside;
mod json;
mod logging;
mod options;
mod pool;
mod sandbox;
mod shortage;
mod signals;
mod signature;
mod snapshot;
mod stack;
mod value;
mod wasm;

use pyo3::exceptions::PyImportError;
use pyo3::ffi;
use pyo3::prelude::*;

/// The native part of the package `libhyperlight`.
#[pymodule(gil_used = false)]
mod _libhyperlight {
    #[pymodule_export]
    use super::guest::{Guest, guest_from_parts};
    #[pymodule_export]
    use super::json::{Type, all_of_script, all_to_script, of_script, to_script};
    #[pymodule_export]
    use super::options::{compile_bounds, refuse_option};
    #[pymodule_export]
    use super::pool::Pool;
    #[pymodule_export]
    use super::probe;
    #[pymodule_export]
    use super::sandbox::{Sandbox, prepare_by};
    #[pymodule_export]
    use super::snapshot::{Snapshot, snapshot_from_bytes};
    #[pymodule_export]
    use super::wasm::WasmProgram;

    /// The version of the library.
    #[pymodule_export]
    const VERSION: &str = env!("CARGO_PKG_VERSION");

    #[pymodule_init]
    fn init() -> pyo3::PyResult<()> {
        super::check_interpreter()?;
        super::logging::install();
        Ok(())
    }
}

/// Refuses subinterpreters: a guest's call of the host could not tell which interpreter it belongs to.
fn check_interpreter() -> PyResult<()> {
    #[expect(unsafe_code, reason = "PyO3 has no safe way to ask")]
    // SAFETY: the thread is attached, as it is wherever a module is initialised; the state is only asked for its number.
    let number = unsafe { ffi::PyInterpreterState_GetID(ffi::PyInterpreterState_Get()) };
    if number == 0 {
        return Ok(());
    }
    Err(PyImportError::new_err("subinterpreters are not supported"))
}

/// Confirms that sandboxes can be made here.
///
/// Raises:
///     HypervisorUnavailable: they cannot; the message says why, and what mends it.
///     ResourceError: the host lacks memory or file descriptors.
#[pyfunction]
fn probe(py: Python<'_>) -> PyResult<()> {
    errors::contain(|| py.detach(libhyperlight::probe).map_err(|error| errors::raise(py, error)))
}
