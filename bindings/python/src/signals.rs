//! Handling of Ctrl-C, and of Python's other signals, while the engine works.
//!
//! Python's C handlers only record a signal. The Python handler, such as that of `KeyboardInterrupt`, runs when the
//! main thread checks for signals. So the engine checks whenever a signal has interrupted a guest, and other waits
//! check regularly.

use std::cell::OnceCell;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use libhyperlight::{ErrorCode, HostError};
use pyo3::prelude::*;

use crate::ending::Kept;
use crate::errors::{self, Raised};

/// Interval of the checks during a wait.
const LOOK_UP: Duration = Duration::from_millis(50);

/// Hook of the engine for a signal that has interrupted a guest.
pub fn hook() -> Result<(), HostError> {
    let _kept = Kept::new();
    Python::try_attach(|py| py.check_signals().map_err(|error| Raised::host_error(py, error)))
        .unwrap_or(Ok(()))
}

/// Runs `work`, which may wait for long and cannot be interrupted. On the main thread, the only one that receives
/// signals, another thread does the work. Its result is dropped if a signal's handler raises.
pub fn wait<T: Send + 'static>(py: Python<'_>, work: impl FnOnce() -> T + Send + 'static) -> PyResult<T> {
    if !is_main_thread(py)? {
        return Ok(py.detach(work));
    }
    let (sender, receiver) = mpsc::channel();
    let name = "hl-wait".to_owned();
    let spawned = thread::Builder::new().name(name).spawn(move || {
        // The waiting thread may be gone.
        let _ = sender.send(work());
    });
    if let Err(error) = spawned {
        let text = format!("no thread to wait on can be started: {error}");
        return Err(errors::new(py, ErrorCode::Resource, text));
    }
    // A receiver must not be shared between threads, and this function does not.
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

/// Returns true on the thread that receives Python's signals.
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
