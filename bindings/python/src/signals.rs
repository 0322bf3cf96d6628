//! Ctrl-C, and Python's other signals, while the engine works.
//!
//! Python's handlers merely take note of a signal; what they stand for, `KeyboardInterrupt` first of all, happens when the
//! main thread asks for it. So the engine asks whenever a signal has interrupted a guest, and whoever waits for something
//! else looks up now and then.

use std::cell::OnceCell;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use libhyperlight::{ErrorCode, HostError};
use pyo3::prelude::*;

use crate::ending::Kept;
use crate::errors::{self, Raised};

/// How soon whoever waits hears a signal.
const LOOK_UP: Duration = Duration::from_millis(50);

/// What the engine is to ask when a signal has interrupted a guest.
pub fn hook() -> Result<(), HostError> {
    let _kept = Kept::new();
    Python::try_attach(|py| py.check_signals().map_err(|error| Raised::host_error(py, error)))
        .unwrap_or(Ok(()))
}

/// Does something that may wait for long and cannot be interrupted. On the main thread, which alone hears signals, another
/// thread does it, and its result is dropped if a signal's handler raises.
pub fn wait<T: Send + 'static>(py: Python<'_>, work: impl FnOnce() -> T + Send + 'static) -> PyResult<T> {
    if !is_main_thread(py)? {
        return Ok(py.detach(work));
    }
    let (sender, receiver) = mpsc::channel();
    let name = "hyperlight-wait".to_owned();
    let spawned = thread::Builder::new().name(name).spawn(move || {
        // Nobody may be there any more who wants it.
        let _ = sender.send(work());
    });
    if let Err(error) = spawned {
        let text = format!("no thread to wait on can be started: {error}");
        return Err(errors::new(py, ErrorCode::Resource, text));
    }
    // A receiver is for one thread, and so is this function.
    let receiver = Mutex::new(receiver);
    loop {
        py.check_signals()?;
        let received = py.detach(|| {
            let receiver = receiver.lock().unwrap_or_else(PoisonError::into_inner);
            receiver.recv_timeout(LOOK_UP)
        });
        match received {
            Ok(result) => return Ok(result),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => {
                return Err(errors::new(
                    py,
                    ErrorCode::Internal,
                    "internal error: the thread that waited panicked",
                ));
            }
        }
    }
}

/// Whether this is the thread on which Python hears signals.
fn is_main_thread(py: Python<'_>) -> PyResult<bool> {
    thread_local! {
        static IS_MAIN: OnceCell<bool> = const { OnceCell::new() };
    }
    if let Some(known) = IS_MAIN.with(|known| known.get().copied()) {
        return Ok(known);
    }
    let threading = py.import("threading")?;
    let main = threading.call_method0("main_thread")?.getattr("ident")?;
    let is_main = threading.call_method0("get_ident")?.eq(main)?;
    Ok(IS_MAIN.with(|known| *known.get_or_init(|| is_main)))
}
