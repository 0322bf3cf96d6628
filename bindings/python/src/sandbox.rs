//! The class Sandbox. The engine's handle tracks its current user.

use std::fmt;
use std::sync::Arc;

use libhyperlight::handle::{Handle, Operation, Preparation, State};
use libhyperlight::{CallOptions, InterruptHandle, PooledSandbox, UninitializedSandbox};
use pyo3::exceptions::PyTypeError;
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyTuple};

use crate::call::call;
use crate::callbacks::{self, Callbacks};
use crate::errors::{contain, raise};
use crate::guest::Guest;
use crate::inside::{self, within};
use crate::logging;
use crate::options;
use crate::pool::Pool;
use crate::shortage;
use crate::signals;
use crate::signature::{self, Annotation};
use crate::snapshot::Snapshot;
use crate::stack;

/// One virtual machine that holds one guest. Any thread may use it, one at a time.
///
/// Args:
///     source: a Guest, the path of a guest program or its bytes, or a Snapshot to continue from.
///     options: its sizes and limits, such as heap_size and timeout; SandboxOptions has them all.
///     print: takes the text that the guest prints, in place of sys.stdout.write; what it returns is ignored.
///
/// Raises:
///     InvalidArgument: a size is above its maximum, or differs from the snapshot's.
#[pyclass(frozen, weakref, module = "libhyperlight")]
pub struct Sandbox {
    handle: Handle,
    callbacks: Arc<Callbacks>,
    /// The pool that holds the callbacks of a member.
    pool: Option<Py<Pool>>,
    functions: PyOnceLock<Py<PyAny>>,
}

#[pymethods]
impl Sandbox {
    #[new]
    #[pyo3(signature = (source, /, *, print=None, **options))]
    fn new(
        source: &Bound<'_, PyAny>,
        print: Option<&Bound<'_, PyAny>>,
        options: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Self> {
        contain(|| {
            let py = source.py();
            let options = options::read("a sandbox", options)?;
            let made = if let Ok(snapshot) = source.cast::<Snapshot>() {
                UninitializedSandbox::from_snapshot(&snapshot.get().snapshot, options)
            } else if let Ok(guest) = source.cast::<Guest>() {
                UninitializedSandbox::new(&guest.get().guest, options)
            } else {
                let guest = py.get_type::<Guest>().call1((source,))?;
                UninitializedSandbox::new(&guest.cast::<Guest>()?.get().guest, options)
            };
            let mut sandbox = made.map_err(|error| raise(py, error))?;
            sandbox.set_signal_hook(signals::hook);
            let callbacks = Arc::new(Callbacks::default());
            let (signature, function) = callbacks.host_print(print)?;
            let registered = sandbox.register_dynamic(libhyperlight::HOST_PRINT, signature, function);
            registered.map_err(|error| raise(py, error))?;
            // If nothing can stop a guest, Ctrl-C could not either.
            sandbox.interrupt_handle().map_err(|error| raise(py, error))?;
            Ok(Self::with(Handle::new(sandbox), callbacks, None))
        })
    }

    /// Registers a host function, before evolve. It replaces one of the same name. It runs on the thread that calls the
    /// sandbox.
    ///
    /// Args:
    ///     name: what the guest calls it.
    ///     function: any callable that is not `async`.
    ///     params, returns: its signature, by default that of its annotations.
    ///     open_arity: include parameters with defaults in the signature, so that guests must pass them. Otherwise they are the
    ///         host's.
    ///
    /// Raises:
    ///     TypeError: it cannot be called, is `async`, or its signature is not known.
    ///     SandboxStateError: the sandbox has started.
    #[pyo3(signature = (name, function, /, *, params=Annotation::LEFT_OUT, returns=Annotation::LEFT_OUT, open_arity=false))]
    fn register<'py>(
        &self,
        name: &str,
        function: &Bound<'py, PyAny>,
        params: Annotation<'py>,
        returns: Annotation<'py>,
        open_arity: bool,
    ) -> PyResult<()> {
        contain(|| {
            let py = function.py();
            within(py, &self.handle, Operation::Register, |inside| {
                let sandbox = inside.uninitialized().map_err(|error| raise(py, error))?;
                let (signature, call) =
                    self.callbacks.host_function(name, function, params, returns, open_arity)?;
                sandbox.register_dynamic(name, signature, call).map_err(|error| raise(py, error))
            })
        })
    }

    /// Removes a host function, before evolve; also HostPrint, which every sandbox starts with.
    ///
    /// Returns:
    ///     True if there was one of that name.
    ///
    /// Raises:
    ///     SandboxStateError: the sandbox has started.
    #[pyo3(signature = (name, /))]
    fn unregister(&self, py: Python<'_>, name: &str) -> PyResult<bool> {
        contain(|| {
            within(py, &self.handle, Operation::Register, |inside| {
                let removed = inside.uninitialized().and_then(|sandbox| sandbox.unregister(name));
                removed.map_err(|error| raise(py, error))
            })
        })
    }

    /// Returns a decorator that registers a function under its own name, or under `name`; see `register`.
    #[pyo3(signature = (function=None, /, *, name=None, params=Annotation::LEFT_OUT, returns=Annotation::LEFT_OUT, open_arity=false))]
    fn host_function<'py>(
        slf: &Bound<'py, Self>,
        function: Option<Bound<'py, PyAny>>,
        name: Option<String>,
        params: Annotation<'py>,
        returns: Annotation<'py>,
        open_arity: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        contain(|| {
            let Some(function) = function else {
                return callbacks::decorator(slf.as_any(), name, params, returns, open_arity);
            };
            let name = match name {
                Some(name) => name,
                None => function.getattr("__name__")?.extract()?,
            };
            slf.get().register(&name, &function, params, returns, open_arity)?;
            Ok(function)
        })
    }

    /// Starts the guest: makes the virtual machine, lets the guest initialise itself, and reads its list of functions.
    /// The first call does the same.
    ///
    /// Args:
    ///     timeout: seconds that this may take, in place of the sandbox's.
    ///     cpu_time: seconds of processor time that it may use, in place of the sandbox's.
    ///
    /// Raises:
    ///     SandboxStateError: it has started.
    ///     HypervisorUnavailable, ResourceError: no virtual machine can be made.
    ///     SnapshotMismatch: it starts from a snapshot and lacks host functions that its source had; all are listed.
    ///     GuestTimeout, GuestAbort, GuestFault and others: the guest failed to start, and the sandbox can only be closed.
    #[pyo3(signature = (*, timeout=None, cpu_time=None))]
    fn evolve(
        &self,
        py: Python<'_>,
        timeout: Option<&Bound<'_, PyAny>>,
        cpu_time: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        contain(|| {
            stack::check()?;
            logging::sync_level(py)?;
            let limits = options::call(timeout, cpu_time)?;
            within(py, &self.handle, Operation::Evolve, |inside| inside::evolve(py, inside, &limits))
        })
    }

    /// Calls a guest function. The first call also starts the guest, as evolve does; its limits cover both together.
    ///
    /// Args:
    ///     function: its name.
    ///     args: its arguments, of exactly the types of its signature; see `functions`.
    ///     timeout: seconds that this call may take, in place of the sandbox's.
    ///     cpu_time: seconds of processor time that it may use, in place of the sandbox's.
    ///
    /// Returns:
    ///     None, bool, int, float, str or bytes, as the signature says.
    ///
    /// Raises:
    ///     FunctionNotFound, SignatureError, OverflowError, UnicodeEncodeError: nothing was called.
    ///     PayloadTooLarge: arguments or result do not fit; the message names the option to raise.
    ///     GuestError: the function returned an error.
    ///     GuestTimeout, Interrupted, GuestAbort, GuestFault, GuestOutOfMemory, GuestProtocolError: the guest was stopped in
    ///         the middle, and the sandbox is poisoned.
    ///     SandboxPoisoned, SandboxBusy, SandboxClosed: the sandbox cannot be called.
    ///     Whatever a host function raised, if the guest passed it on.
    #[pyo3(signature = (function, /, *args, timeout=None, cpu_time=None))]
    fn call<'py>(
        &self,
        py: Python<'py>,
        function: &str,
        args: &Bound<'py, PyTuple>,
        timeout: Option<&Bound<'py, PyAny>>,
        cpu_time: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        contain(|| {
            stack::check()?;
            within(py, &self.handle, Operation::CallFromStart, |inside| {
                logging::sync_level(py)?;
                let limits = inside::ready(py, inside, options::call(timeout, cpu_time)?)?;
                // A signal that arrived before the guest runs interrupts no call, so it is checked here.
                py.check_signals()?;
                let sandbox = inside.sandbox().map_err(|error| raise(py, error))?;
                call(py, sandbox, function, args, &limits)
            })
        })
    }

    /// Takes a snapshot. The sandbox must be ready, and is unchanged.
    ///
    /// Raises:
    ///     SandboxStateError: it has not started.
    ///     SandboxPoisoned, SandboxBusy, SandboxClosed, ResourceError.
    fn snapshot(&self, py: Python<'_>) -> PyResult<Snapshot> {
        contain(|| {
            within(py, &self.handle, Operation::Snapshot, |inside| {
                let taken = shortage::or_collect(py, || inside.sandbox()?.snapshot());
                Ok(Snapshot { snapshot: taken.map_err(|error| raise(py, error))? })
            })
        })
    }

    /// Restores the guest to the snapshot. A poisoned sandbox is ready again.
    ///
    /// Raises:
    ///     SnapshotMismatch: the snapshot is of another guest or other sizes, or needs other host functions.
    ///     SandboxStateError, SandboxBusy, SandboxClosed, ResourceError.
    #[pyo3(signature = (snapshot, /))]
    fn restore(&self, py: Python<'_>, snapshot: &Bound<'_, Snapshot>) -> PyResult<()> {
        contain(|| {
            let snapshot = &snapshot.get().snapshot;
            within(py, &self.handle, Operation::Restore, |inside| {
                // As in a call.
                py.check_signals()?;
                let restored = py.detach(|| inside.sandbox()?.restore(snapshot));
                restored.map_err(|error| raise(py, error))
            })
        })
    }

    /// Cancels the running call, from any thread: it raises Interrupted, and the sandbox is poisoned. A host function
    /// is not stopped; the call ends when it returns. Has no effect on later calls.
    ///
    /// Returns:
    ///     True if a call was running.
    fn interrupt(&self) -> bool {
        self.handle.interrupt_handle().is_some_and(InterruptHandle::interrupt)
    }

    /// Destroys the virtual machine, or gives it back to its pool: now, or when the running call ends. May be repeated.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        contain(|| {
            inside::close(py, &self.handle);
            Ok(())
        })
    }

    /// The state: "uninitialized", "ready", "running", "poisoned" or "closed". May be read at any time.
    #[getter]
    fn state(&self) -> &'static str {
        self.handle.state().name()
    }

    /// The guest's functions, in its own order: a read-only mapping of names to Signatures.
    ///
    /// Raises:
    ///     SandboxStateError: the guest has not started.
    #[getter]
    fn functions<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        contain(|| {
            if self.handle.state() != State::Closed
                && let Some(functions) = self.functions.get(py)
            {
                return Ok(functions.bind(py).clone());
            }
            let functions = PyDict::new(py);
            within(py, &self.handle, Operation::Inspect, |inside| {
                for (name, signature) in inside.sandbox().map_err(|error| raise(py, error))?.functions() {
                    functions.set_item(name, signature::describe(py, signature)?)?;
                }
                Ok(())
            })?;
            let functions = py.import("types")?.getattr("MappingProxyType")?.call1((functions,))?;
            let _ = self.functions.set(py, functions.clone().unbind());
            Ok(functions)
        })
    }

    fn __enter__<'py>(slf: Bound<'py, Self>) -> PyResult<Bound<'py, Self>> {
        contain(|| slf.get().start(slf.py()))?;
        Ok(slf)
    }

    #[pyo3(signature = (exc_type, exc, traceback, /))]
    fn __exit__(
        &self,
        py: Python<'_>,
        exc_type: &Bound<'_, PyAny>,
        exc: &Bound<'_, PyAny>,
        traceback: &Bound<'_, PyAny>,
    ) -> PyResult<()> {
        let _ = (exc_type, exc, traceback);
        self.close(py)
    }

    fn __repr__(&self) -> String {
        format!("<Sandbox {}>", self.state())
    }

    fn __reduce__(&self) -> PyResult<()> {
        Err(PyTypeError::new_err(
            "a Sandbox is a virtual machine of this process and cannot be pickled or copied: pickle its Guest, or a \
             Snapshot of it, and make a Sandbox of that",
        ))
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        // The callbacks of a member are its pool's.
        match &self.pool {
            Some(pool) => visit.call(pool),
            None => self.callbacks.traverse(&visit),
        }
    }

    fn __clear__(&self) {
        if self.pool.is_none() {
            self.callbacks.clear();
        }
    }
}

impl Sandbox {
    /// Wraps a member of a pool.
    pub fn pooled(py: Python<'_>, pool: Py<Pool>, mut sandbox: PooledSandbox) -> PyResult<Self> {
        sandbox.interrupt_handle().map_err(|error| raise(py, error))?;
        sandbox.set_signal_hook(signals::hook);
        Ok(Self::with(Handle::pooled(sandbox), Arc::default(), Some(pool)))
    }

    /// Starts the guest, unless it has started.
    fn start(&self, py: Python<'_>) -> PyResult<()> {
        if self.handle.state() != State::Uninitialized {
            return within(py, &self.handle, Operation::Inspect, |_| Ok(()));
        }
        stack::check()?;
        logging::sync_level(py)?;
        within(py, &self.handle, Operation::CallFromStart, |inside| {
            inside::ready(py, inside, CallOptions::new()).map(drop)
        })
    }

    fn with(handle: Handle, callbacks: Arc<Callbacks>, pool: Option<Py<Pool>>) -> Self {
        Self { handle, callbacks, pool, functions: PyOnceLock::new() }
    }
}

/// Sets functions for the start of a sandbox to call, given as names and texts, under the same limits. If one fails,
/// the sandbox is closed.
#[pyfunction(name = "_prepare_by")]
pub fn prepare_by(py: Python<'_>, sandbox: &Bound<'_, Sandbox>, calls: Preparation) -> PyResult<()> {
    contain(|| {
        within(py, &sandbox.get().handle, Operation::Register, |inside| {
            inside.prepare_by(calls).map_err(|error| raise(py, error))
        })
    })
}

impl fmt::Debug for Sandbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sandbox").field("state", &self.state()).finish_non_exhaustive()
    }
}
