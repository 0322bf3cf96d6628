//! The native half of `SandboxPool`; the executor around it is Python's.

use std::fmt;
use std::sync::{Arc, Mutex, TryLockError};
use std::time::Duration;

use libhyperlight::options::table::{Options, Setting};
use libhyperlight::{Error, ErrorCode, PoolOptions, PooledSandbox};
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use crate::call::call;
use crate::callbacks::Callbacks;
use crate::errors::{contain, raise};
use crate::logging;
use crate::options;
use crate::sandbox::Sandbox;
use crate::shortage;
use crate::signals;
use crate::signature::Annotation;
use crate::snapshot::Snapshot;
use crate::stack;

/// Time to wait for a member without checking for signals: most waits end sooner.
const PATIENCE: Duration = Duration::from_millis(50);

/// Sandboxes kept ready from one snapshot, the base of SandboxPool.
#[pyclass(frozen, weakref, module = "libhyperlight._libhyperlight", name = "_Pool")]
pub struct Pool {
    /// `None` when closed. The lock is held only briefly, by attached threads only.
    pool: Mutex<Option<Arc<libhyperlight::Pool>>>,
    pid: u32,
    acquire_timeout: Duration,
    callbacks: Arc<Callbacks>,
}

#[pymethods]
impl Pool {
    #[new]
    #[pyo3(signature = (snapshot, /, *, print=None, **options))]
    fn new(
        py: Python<'_>,
        snapshot: &Bound<'_, Snapshot>,
        print: Option<&Bound<'_, PyAny>>,
        options: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Self> {
        contain(|| {
            let options: PoolOptions = options::read("a pool", options)?;
            let acquire_timeout = options.setting("acquire_timeout").and_then(Setting::time);
            let acquire_timeout = acquire_timeout.unwrap_or(Duration::MAX);
            let pool = libhyperlight::Pool::new(&snapshot.get().snapshot, options);
            let pool = pool.map_err(|error| raise(py, error))?;
            let callbacks = Arc::new(Callbacks::default());
            let (signature, function) = callbacks.host_print(print)?;
            let registered = pool.register_dynamic(libhyperlight::HOST_PRINT, signature, function);
            registered.map_err(|error| raise(py, error))?;
            let pool = Mutex::new(Some(Arc::new(pool)));
            Ok(Self { pool, pid: std::process::id(), acquire_timeout, callbacks })
        })
    }

    /// Registers a host function for every member, before the first is acquired.
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
            let pool = self.open(py)?;
            let (signature, call) =
                self.callbacks.host_function(name, function, params, returns, open_arity)?;
            pool.register_dynamic(name, signature, call).map_err(|error| raise(py, error))
        })
    }

    /// Acquires a member, as a Sandbox.
    fn acquire(slf: &Bound<'_, Self>) -> PyResult<Sandbox> {
        contain(|| {
            let py = slf.py();
            let member = slf.get().take(py)?;
            Sandbox::pooled(py, slf.clone().unbind(), member)
        })
    }

    /// Calls a function in a member, and gives the member back.
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
            logging::sync_level(py)?;
            let limits = options::call(timeout, cpu_time)?;
            let mut member = self.take(py)?;
            member.set_signal_hook(signals::hook);
            let result = call(py, &mut member, function, args, &limits);
            py.detach(|| drop(member));
            result
        })
    }

    /// Raises the error for the use of a closed pool: the executor is closed before its members are.
    #[staticmethod]
    fn refuse_use(py: Python<'_>) -> PyResult<()> {
        contain(|| Err(raise(py, Error::pool_closed())))
    }

    /// Returns the statistics: in use, idle, created, replaced, waits, seconds waited.
    fn stats(&self, py: Python<'_>) -> PyResult<(u64, u64, u64, u64, u64, f64)> {
        contain(|| {
            let stats = self.open(py)?.statistics().map_err(|error| raise(py, error))?;
            let waited = stats.waited.as_secs_f64();
            Ok((stats.in_use, stats.idle, stats.created, stats.replaced, stats.waits, waited))
        })
    }

    /// Closes the pool. Waiting callers fail, and members in use are destroyed when they are given back.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        contain(|| {
            if let Some(pool) = self.with_slot(py, Option::take)? {
                py.detach(|| {
                    pool.close();
                    drop(pool);
                });
            }
            Ok(())
        })
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.callbacks.traverse(&visit)
    }

    fn __clear__(&self) {
        self.callbacks.clear();
    }
}

impl Pool {
    /// Acquires a member. Ctrl-C ends the wait promptly.
    fn take(&self, py: Python<'_>) -> PyResult<PooledSandbox> {
        let pool = self.open(py)?;
        let first = PATIENCE.min(self.acquire_timeout);
        let taken = match shortage::or_collect(py, || pool.acquire_within(first)) {
            Err(error) if error.code() == ErrorCode::PoolTimeout => {
                let left = self.acquire_timeout.saturating_sub(first);
                if left.is_zero() {
                    Err(error)
                } else {
                    signals::wait(py, move || pool.acquire_within(left))?
                }
            }
            taken => taken,
        };
        taken.map_err(|error| raise(py, error.of_whole_wait(self.acquire_timeout)))
    }

    fn open(&self, py: Python<'_>) -> PyResult<Arc<libhyperlight::Pool>> {
        self.with_slot(py, |slot| slot.clone())?.ok_or_else(|| raise(py, Error::pool_closed()))
    }

    fn with_slot<R>(
        &self,
        py: Python<'_>,
        work: impl FnOnce(&mut Option<Arc<libhyperlight::Pool>>) -> R,
    ) -> PyResult<R> {
        loop {
            match self.pool.try_lock() {
                Ok(mut slot) => return Ok(work(&mut slot)),
                Err(TryLockError::Poisoned(slot)) => return Ok(work(&mut slot.into_inner())),
                // In a forked child, the thread that would release it may be missing.
                Err(TryLockError::WouldBlock) if std::process::id() != self.pid => {
                    return Err(raise(py, Error::pool_of_parent()));
                }
                Err(TryLockError::WouldBlock) => std::thread::yield_now(),
            }
        }
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").finish_non_exhaustive()
    }
}
