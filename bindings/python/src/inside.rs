//! Use of a sandbox. The engine's handle tracks the current user. This module adds Python's part: it releases the
//! interpreter where the engine may take time, checks for signals between the steps of a start, and collects garbage
//! when resources are short.

use libhyperlight::handle::{Handle, Inside, Operation, Remains, Starter};
use libhyperlight::{CallOptions, Error};
use pyo3::prelude::*;

use crate::ending::Kept;
use crate::errors::raise;
use crate::shortage::Shortage;

/// Enters a sandbox, runs `work` in it, and leaves.
pub fn within<R>(
    py: Python<'_>,
    handle: &Handle,
    operation: Operation,
    work: impl FnOnce(&mut Inside) -> PyResult<R>,
) -> PyResult<R> {
    let mut inside = handle.enter(operation).map_err(|error| raise(py, error))?;
    let done = work(&mut inside);
    take_away(py, inside.leave());
    done
}

/// Closes a sandbox: now, or when its user leaves.
pub fn close(py: Python<'_>, handle: &Handle) {
    take_away(py, handle.close());
}

/// Starts and prepares the guest, unless it has started. Returns the remaining limits for the call.
pub fn ready(py: Python<'_>, inside: &mut Inside, limits: CallOptions) -> PyResult<CallOptions> {
    if !inside.is_uninitialized() {
        return Ok(limits);
    }
    py.detach(|| inside.ready(limits, &mut Start::default())).map_err(|failed| failed.exception(py))
}

/// Starts and prepares the guest.
pub fn evolve(py: Python<'_>, inside: &mut Inside, limits: &CallOptions) -> PyResult<()> {
    let started = py.detach(|| inside.evolve(limits, &mut Start::default()).map(drop));
    started.map_err(|failed| failed.exception(py))
}

fn take_away(py: Python<'_>, remains: Option<Remains>) {
    if remains.is_some() {
        py.detach(|| drop(remains));
    }
}

/// Python's part in a start.
#[derive(Debug, Default)]
struct Start {
    shortage: Shortage,
}

/// Reason for a failed start.
#[derive(Debug)]
enum Failed {
    Engine(Error),
    /// A signal handler's exception.
    Signal(PyErr),
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self::Engine(error)
    }
}

impl Failed {
    fn exception(self, py: Python<'_>) -> PyErr {
        match self {
            Self::Engine(error) => raise(py, error),
            Self::Signal(raised) => raised,
        }
    }
}

impl Starter for Start {
    type Error = Failed;

    /// A signal that arrived before the guest runs interrupts no call, so it is checked here.
    fn go_on(&mut self) -> Result<(), Failed> {
        let _kept = Kept::new();
        Python::try_attach(|py| py.check_signals().map_err(Failed::Signal)).unwrap_or(Ok(()))
    }

    fn has_mended(&mut self, error: &Error) -> bool {
        let _kept = Kept::new();
        Python::try_attach(|py| self.shortage.has_mended(py, error)).unwrap_or(false)
    }
}
