//! The Python module `libhyperlight._libhyperlight`: the engine for Python, without anything that Python code does
//! better.
//!
//! Programs use the classes here directly. Exceptions, signatures, the pool's executor and the command line are Python
//! code beside this module. Four rules hold everywhere. The interpreter is released while the engine works. The
//! engine's handle tracks the current user of a sandbox: a second caller gets `SandboxBusy`, so nobody waits for a
//! thread that needs the interpreter. Python objects are used only on attached threads. A thread that Python would end
//! in here waits for ever instead (`ending`).

#![deny(unsafe_code)]

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

/// Refuses subinterpreters: a guest's call of the host would not know its interpreter.
fn check_interpreter() -> PyResult<()> {
    #[expect(unsafe_code, reason = "PyO3 has no safe way to ask")]
    // SAFETY: the thread is attached, as it is wherever a module is initialised; the state is only asked for its
    // number.
    let number = unsafe { ffi::PyInterpreterState_GetID(ffi::PyInterpreterState_Get()) };
    if number == 0 {
        return Ok(());
    }
    Err(PyImportError::new_err("subinterpreters are not supported"))
}

/// Checks that sandboxes can be made here.
///
/// Raises:
///     HypervisorUnavailable: they cannot; the message has the reason and the fix.
///     ResourceError: the host lacks memory or file descriptors.
#[pyfunction]
fn probe(py: Python<'_>) -> PyResult<()> {
    errors::contain(|| py.detach(libhyperlight::probe).map_err(|error| errors::raise(py, error)))
}
