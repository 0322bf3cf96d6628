//! Who is inside a sandbox, and what it is at the moment.
//!
//! The lock of a room is tried, never waited for: whoever finds it taken is told `SandboxBusy`. The state stands beside the
//! lock, so that it can be asked at any time.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Mutex, MutexGuard, TryLockError};

use libhyperlight::{CallOptions, ErrorCode, Moment, PooledSandbox, UninitializedSandbox, ValueRef};
use pyo3::prelude::*;

use crate::errors::{self, raise};
use crate::{logging, shortage};

/// What a sandbox is made of.
pub enum Engine {
    Uninitialized(UninitializedSandbox, Preparation),
    Evolved(libhyperlight::Sandbox),
    Pooled(PooledSandbox),
    /// Its guest was stopped while it started.
    Broken,
    Closed,
}

/// Calls that belong to the start of a sandbox, such as the loading of a script: names of guest functions, and their arguments.
pub type Preparation = Vec<(String, Vec<String>)>;

/// What [`Room::state`] says, by number.
const STATES: [&str; 5] = ["uninitialized", "ready", "running", "poisoned", "closed"];
const UNINITIALIZED: u8 = 0;
const READY: u8 = 1;
const RUNNING: u8 = 2;
const POISONED: u8 = 3;
const CLOSED: u8 = 4;

/// The place of one sandbox.
pub struct Room {
    engine: Mutex<Engine>,
    state: AtomicU8,
    pid: u32,
}

impl Room {
    pub fn new(engine: Engine) -> Self {
        let state = match engine {
            Engine::Uninitialized(..) => UNINITIALIZED,
            Engine::Evolved(_) | Engine::Pooled(_) => READY,
            Engine::Broken => POISONED,
            Engine::Closed => CLOSED,
        };
        Self { engine: Mutex::new(engine), state: AtomicU8::new(state), pid: std::process::id() }
    }

    pub fn state(&self) -> &'static str {
        STATES.get(usize::from(self.state.load(Ordering::Acquire))).copied().unwrap_or("closed")
    }

    pub fn is_closed(&self) -> bool {
        self.state.load(Ordering::Acquire) == CLOSED
    }

    /// Lets go of the sandbox. Repeated, it does nothing.
    pub fn close(&self, py: Python<'_>) -> PyResult<()> {
        if self.is_closed() {
            return Ok(());
        }
        let mut inside = self.enter_any(py)?;
        let engine = std::mem::replace(&mut *inside.engine, Engine::Closed);
        self.state.store(CLOSED, Ordering::Release);
        drop(inside);
        py.detach(|| drop(engine));
        Ok(())
    }

    pub fn enter(&self, py: Python<'_>) -> PyResult<Inside<'_>> {
        let inside = self.enter_any(py)?;
        if matches!(*inside.engine, Engine::Closed) {
            return Err(closed(py));
        }
        Ok(inside)
    }

    fn enter_any(&self, py: Python<'_>) -> PyResult<Inside<'_>> {
        match self.engine.try_lock() {
            Ok(engine) => Ok(Inside { room: self, engine }),
            // A panic in there was contained, and the engine knows what it is worth.
            Err(TryLockError::Poisoned(engine)) => Ok(Inside { room: self, engine: engine.into_inner() }),
            Err(TryLockError::WouldBlock) => {
                self.check_process(py)?;
                Err(errors::new(
                    py,
                    ErrorCode::Busy,
                    "the sandbox is in use: by another thread, or by the call that this came from",
                ))
            }
        }
    }

    fn check_process(&self, py: Python<'_>) -> PyResult<()> {
        if std::process::id() == self.pid {
            return Ok(());
        }
        Err(errors::new(
            py,
            ErrorCode::State,
            "the sandbox belongs to the process that this one was forked from; make a new one here",
        ))
    }
}

/// Whoever is inside a sandbox.
pub struct Inside<'r> {
    room: &'r Room,
    engine: MutexGuard<'r, Engine>,
}

impl Inside<'_> {
    pub fn uninitialized(&mut self, py: Python<'_>, what: &str) -> PyResult<&mut UninitializedSandbox> {
        match &mut *self.engine {
            Engine::Uninitialized(sandbox, _) => Ok(sandbox),
            Engine::Broken => Err(broken(py)),
            _ => Err(errors::new(py, ErrorCode::State, format!("{what}; the sandbox has started"))),
        }
    }

    pub fn evolved(&mut self, py: Python<'_>) -> PyResult<&mut libhyperlight::Sandbox> {
        match &mut *self.engine {
            Engine::Evolved(sandbox) => Ok(sandbox),
            Engine::Pooled(sandbox) => Ok(sandbox),
            Engine::Uninitialized(..) => {
                Err(errors::new(py, ErrorCode::State, "the sandbox has not started: call evolve() first"))
            }
            Engine::Broken => Err(broken(py)),
            Engine::Closed => Err(closed(py)),
        }
    }

    /// What is to be called when the guest starts. Nothing may have started it yet.
    pub fn prepare_by(&mut self, calls: Preparation) {
        if let Engine::Uninitialized(_, preparation) = &mut *self.engine {
            *preparation = calls;
        }
    }

    /// Starts the guest, unless it has started. All of that has one limit, which began at the moment that is returned: the rest
    /// of it is for the call that the guest was started for.
    pub fn evolve(&mut self, py: Python<'_>, limits: &CallOptions) -> PyResult<Option<Moment>> {
        logging::sync_level(py)?;
        let (sandbox, preparation) = match &mut *self.engine {
            Engine::Uninitialized(sandbox, preparation) => (sandbox, preparation),
            Engine::Broken => return Err(broken(py)),
            _ => return Ok(None),
        };
        self.room.check_process(py)?;
        // One that has come before the guest runs interrupts nothing.
        py.check_signals()?;
        self.room.state.store(RUNNING, Ordering::Release);
        let moment = Moment::now();
        let limits = limits.clone().since(moment);
        let evolved = shortage::or_collect(py, || sandbox.try_evolve_with(&limits));
        match evolved {
            Ok(evolved) => {
                let preparation = std::mem::take(preparation);
                *self.engine = Engine::Evolved(evolved);
                self.run(py, |sandbox| prepare(py, sandbox, &limits, &preparation)).inspect_err(|_| {
                    // Half a program is worse than none.
                    let engine = std::mem::replace(&mut *self.engine, Engine::Closed);
                    self.room.state.store(CLOSED, Ordering::Release);
                    py.detach(|| drop(engine));
                })?;
                Ok(Some(moment))
            }
            Err(error) if is_before_the_guest(error.code()) => {
                // It can be tried again.
                self.room.state.store(UNINITIALIZED, Ordering::Release);
                Err(raise(py, error))
            }
            Err(error) => {
                *self.engine = Engine::Broken;
                self.room.state.store(POISONED, Ordering::Release);
                Err(raise(py, error))
            }
        }
    }

    /// Does something that lets the guest run, or changes what it can do next.
    pub fn run<R>(
        &mut self,
        py: Python<'_>,
        work: impl FnOnce(&mut libhyperlight::Sandbox) -> PyResult<R>,
    ) -> PyResult<R> {
        let state = &self.room.state;
        let sandbox = match &mut *self.engine {
            Engine::Evolved(sandbox) => sandbox,
            Engine::Pooled(sandbox) => sandbox,
            _ => return Err(closed(py)),
        };
        // As in evolve.
        py.check_signals()?;
        state.store(RUNNING, Ordering::Release);
        // Also when a panic passes through here.
        let after = After { state, sandbox };
        work(after.sandbox)
    }
}

fn prepare(
    py: Python<'_>,
    sandbox: &mut libhyperlight::Sandbox,
    limits: &CallOptions,
    preparation: &Preparation,
) -> PyResult<()> {
    for (name, arguments) in preparation {
        // As before every call.
        py.check_signals()?;
        let arguments: Vec<_> = arguments.iter().map(|text| ValueRef::String(text)).collect();
        let called = py.detach(|| sandbox.call_ref_with(limits, name, &arguments).map(|_| ()));
        called.map_err(|error| raise(py, error))?;
    }
    Ok(())
}

/// Whether nothing of the guest can have run yet when starting it failed like this.
fn is_before_the_guest(code: ErrorCode) -> bool {
    matches!(
        code,
        ErrorCode::InvalidArgument
            | ErrorCode::HypervisorUnavailable
            | ErrorCode::GuestBinary
            | ErrorCode::Resource
            | ErrorCode::Busy
            | ErrorCode::State
            | ErrorCode::SnapshotMismatch
            | ErrorCode::SnapshotFile
            | ErrorCode::Io
    )
}

fn closed(py: Python<'_>) -> PyErr {
    errors::new(py, ErrorCode::Closed, "the sandbox was closed")
}

fn broken(py: Python<'_>) -> PyErr {
    errors::new(py, ErrorCode::Poisoned, "the guest was stopped while it started; make a new sandbox")
}

/// Writes down, when the guest has stopped, what the sandbox can do next.
struct After<'a> {
    state: &'a AtomicU8,
    sandbox: &'a mut libhyperlight::Sandbox,
}

impl Drop for After<'_> {
    fn drop(&mut self) {
        let is_ready = self.sandbox.state() == libhyperlight::State::Ready;
        self.state.store(if is_ready { READY } else { POISONED }, Ordering::Release);
    }
}
