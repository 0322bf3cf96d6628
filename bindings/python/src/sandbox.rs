//! Sandboxes, as programs see them. Who may work with one at the moment is `room`'s to say.

use std::fmt;
use std::sync::Arc;

use libhyperlight::{CallOptions, ErrorCode, InterruptHandle, PooledSandbox, UninitializedSandbox};
use pyo3::exceptions::PyTypeError;
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyTuple};

use crate::call::call;
use crate::callbacks::{self, Callbacks};
use crate::errors::{self, contain, raise};
use crate::guest::Guest;
use crate::options::{self, Seconds};
use crate::pool::Pool;
use crate::room::{Engine, Preparation, Room};
use crate::shortage;
use crate::signals;
use crate::signature::{self, Annotation};
use crate::snapshot::Snapshot;
use crate::stack;

/// One virtual machine that holds one guest. Usable from any thread, by one at a time.
///
/// Args:
///     source: a Guest, the path of a guest program or its bytes, or a Snapshot to go on from.
///     heap_size, stack_size: memory of the guest, in bytes (16 MiB, 1 MiB). Untouched memory costs nothing.
///     input_size, output_size: room for what crosses the wall, in bytes (1 MiB each).
///     timeout: seconds that evolve and each call may take (unlimited). A host function is not cut short: the call ends when
///         it returns.
///     cpu_time: seconds of processor time that they may use (unlimited).
///     max_host_calls, max_log_bytes, max_print_bytes: what one call may do (unlimited, 1 MiB, 16 MiB).
///     print: takes the text that the guest prints, in place of sys.stdout.write; what it returns is ignored.
///
/// Raises:
///     InvalidArgument: a size is above its maximum, or differs from the snapshot's.
#[pyclass(frozen, weakref, module = "libhyperlight")]
pub struct Sandbox {
    room: Room,
    interrupt: InterruptHandle,
    callbacks: Arc<Callbacks>,
    /// The pool that has the callbacks of a member.
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
            let options = options::sandbox(options)?;
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
            let interrupt = sandbox.interrupt_handle().map_err(|error| raise(py, error))?;
            let engine = Engine::Uninitialized(sandbox, Preparation::new());
            Ok(Self::with(engine, interrupt, callbacks, None))
        })
    }

    /// Registers a host function, before evolve, in place of one that has the name. It is called on the thread that calls
    /// the sandbox.
    ///
    /// Args:
    ///     name: what the guest calls it.
    ///     function: any callable that is not `async`.
    ///     params, returns: its signature; left out, that of its annotations.
    ///     open_arity: whether parameters with defaults belong to that, which guests then must give. Otherwise they are the
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
            let mut inside = self.room.enter(py)?;
            let sandbox = inside.uninitialized(py, "host functions are registered before evolve")?;
            let (signature, call) =
                self.callbacks.host_function(name, function, params, returns, open_arity)?;
            sandbox.register_dynamic(name, signature, call).map_err(|error| raise(py, error))
        })
    }

    /// Removes a host function, before evolve; also HostPrint, which every sandbox starts with.
    ///
    /// Raises:
    ///     FunctionNotFound: there is none of that name.
    ///     SandboxStateError: the sandbox has started.
    #[pyo3(signature = (name, /))]
    fn unregister(&self, py: Python<'_>, name: &str) -> PyResult<()> {
        contain(|| {
            let mut inside = self.room.enter(py)?;
            let sandbox = inside.uninitialized(py, "host functions are removed before evolve")?;
            if sandbox.unregister(name).map_err(|error| raise(py, error))? {
                return Ok(());
            }
            let text = format!("the sandbox has no host function {name:?}");
            Err(errors::new(py, ErrorCode::FunctionNotFound, text))
        })
    }

    /// The decorator that registers a function under its own name, or under `name`; see `register`.
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

    /// Starts the guest: makes the virtual machine, lets the guest initialise itself, learns its functions. Does nothing if
    /// it has started.
    ///
    /// Args:
    ///     timeout: seconds that this may take, in place of the sandbox's.
    ///     cpu_time: seconds of processor time that it may use, in place of the sandbox's.
    ///
    /// Raises:
    ///     HypervisorUnavailable, ResourceError: no virtual machine can be made.
    ///     SnapshotMismatch: it starts from a snapshot and lacks host functions that its source had; all are listed.
    ///     GuestTimeout, GuestAbort, GuestFault and others: the guest failed to start.
    #[pyo3(signature = (*, timeout=None, cpu_time=None))]
    fn evolve(&self, py: Python<'_>, timeout: Option<Seconds>, cpu_time: Option<Seconds>) -> PyResult<()> {
        contain(|| self.start(py, &options::call(timeout, cpu_time)))
    }

    /// Calls a guest function. The first call starts the guest, as evolve does; its limits are for both together.
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
        timeout: Option<Seconds>,
        cpu_time: Option<Seconds>,
    ) -> PyResult<Bound<'py, PyAny>> {
        contain(|| {
            stack::check()?;
            let mut inside = self.room.enter(py)?;
            let mut limits = options::call(timeout, cpu_time);
            if let Some(moment) = inside.evolve(py, &limits)? {
                limits = limits.since(moment);
            }
            inside.run(py, |sandbox| call(py, sandbox, function, args, &limits))
        })
    }

    /// Takes a snapshot. The sandbox must be ready, and stays as it is.
    ///
    /// Raises:
    ///     SandboxStateError: it has not started.
    ///     SandboxPoisoned, SandboxBusy, SandboxClosed, ResourceError.
    fn snapshot(&self, py: Python<'_>) -> PyResult<Snapshot> {
        contain(|| {
            let mut inside = self.room.enter(py)?;
            let sandbox = inside.evolved(py)?;
            let snapshot =
                shortage::or_collect(py, || sandbox.snapshot()).map_err(|error| raise(py, error))?;
            Ok(Snapshot { snapshot })
        })
    }

    /// Brings the guest back to where the snapshot was taken. A poisoned sandbox is ready again.
    ///
    /// Raises:
    ///     SnapshotMismatch: the snapshot is of another guest or other sizes, or needs other host functions.
    ///     SandboxStateError, SandboxBusy, SandboxClosed, ResourceError.
    #[pyo3(signature = (snapshot, /))]
    fn restore(&self, py: Python<'_>, snapshot: &Bound<'_, Snapshot>) -> PyResult<()> {
        contain(|| {
            let snapshot = &snapshot.get().snapshot;
            let mut inside = self.room.enter(py)?;
            inside.evolved(py)?;
            inside
                .run(py, |sandbox| py.detach(|| sandbox.restore(snapshot)).map_err(|error| raise(py, error)))
        })
    }

    /// Stops the call that is running now, from any thread: it raises Interrupted, and the sandbox is poisoned. A host
    /// function is not stopped; the call ends when it returns. Never kept for later.
    ///
    /// Returns:
    ///     Whether there was a call to stop.
    fn interrupt(&self) -> bool {
        self.interrupt.interrupt()
    }

    /// Destroys the virtual machine, or gives it back to its pool. May be repeated.
    ///
    /// Raises:
    ///     SandboxBusy: a call is running; interrupt it first.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        contain(|| self.room.close(py))
    }

    /// "uninitialized", "ready", "running", "poisoned" or "closed". May be asked at any time.
    #[getter]
    fn state(&self) -> &'static str {
        self.room.state()
    }

    /// The guest's functions, in its own order: a read-only mapping of names to Signatures.
    ///
    /// Raises:
    ///     SandboxStateError: the guest has not started.
    #[getter]
    fn functions<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        contain(|| {
            if !self.room.is_closed()
                && let Some(functions) = self.functions.get(py)
            {
                return Ok(functions.bind(py).clone());
            }
            let functions = PyDict::new(py);
            let mut inside = self.room.enter(py)?;
            for (name, signature) in inside.evolved(py)?.functions() {
                functions.set_item(name, signature::describe(py, signature)?)?;
            }
            let functions = py.import("types")?.getattr("MappingProxyType")?.call1((functions,))?;
            let _ = self.functions.set(py, functions.clone().unbind());
            Ok(functions)
        })
    }

    fn __enter__<'py>(slf: Bound<'py, Self>) -> PyResult<Bound<'py, Self>> {
        slf.get().start(slf.py(), &CallOptions::new())?;
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
    /// A member of a pool.
    pub fn pooled(py: Python<'_>, pool: Py<Pool>, mut sandbox: PooledSandbox) -> PyResult<Self> {
        let interrupt = sandbox.interrupt_handle().map_err(|error| raise(py, error))?;
        sandbox.set_signal_hook(signals::hook);
        Ok(Self::with(Engine::Pooled(sandbox), interrupt, Arc::default(), Some(pool)))
    }

    fn start(&self, py: Python<'_>, limits: &CallOptions) -> PyResult<()> {
        stack::check()?;
        self.room.enter(py)?.evolve(py, limits).map(drop)
    }

    fn with(
        engine: Engine,
        interrupt: InterruptHandle,
        callbacks: Arc<Callbacks>,
        pool: Option<Py<Pool>>,
    ) -> Self {
        Self { room: Room::new(engine), interrupt, callbacks, pool, functions: PyOnceLock::new() }
    }
}

/// Has the start of a sandbox call these functions, of these names and with these texts, under the same limits. If one fails,
/// the sandbox is closed.
#[pyfunction(name = "_prepare_by")]
pub fn prepare_by(py: Python<'_>, sandbox: &Bound<'_, Sandbox>, calls: Preparation) -> PyResult<()> {
    contain(|| {
        sandbox.get().room.enter(py)?.prepare_by(calls);
        Ok(())
    })
}

impl fmt::Debug for Sandbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sandbox").field("state", &self.state()).finish_non_exhaustive()
    }
}
