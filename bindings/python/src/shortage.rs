//! What garbage holds.
//!
//! A sandbox is a few descriptors and some memory of the kernel's, but to Python it is one small object: thousands that nobody
//! can reach, but that refer to themselves through their host functions, are no reason for a collection. So whoever cannot have
//! something of that for want of it collects them, and tries again. Machines are destroyed by threads of the engine's, which
//! may take a moment.

use std::thread;
use std::time::Duration;

use libhyperlight::ErrorCode;
use pyo3::prelude::*;

/// `ENOMEM`, `ENFILE`, `EMFILE`.
const SHORTAGES: [i32; 3] = [12, 23, 24];

/// How long those threads are waited for, from one time to the next: a quarter of a second in all.
const PATIENCE: [u64; 9] = [0, 1, 2, 4, 8, 16, 32, 64, 128];

/// Does something without the interpreter: again after a collection, if the host lacked something the first time.
pub fn or_collect<R: Send>(
    py: Python<'_>,
    mut work: impl FnMut() -> libhyperlight::Result<R> + Send,
) -> libhyperlight::Result<R> {
    let mut done = py.detach(&mut work);
    if !is_shortage(&done) || !has_collected(py) {
        return done;
    }
    for milliseconds in PATIENCE {
        done = py.detach(|| {
            thread::sleep(Duration::from_millis(milliseconds));
            work()
        });
        if !is_shortage(&done) {
            break;
        }
    }
    done
}

fn is_shortage<R>(done: &libhyperlight::Result<R>) -> bool {
    let Err(error) = done else { return false };
    let source = std::error::Error::source(error).and_then(|source| source.downcast_ref::<std::io::Error>());
    let number = source.and_then(std::io::Error::raw_os_error);
    error.code() == ErrorCode::Resource && number.is_some_and(|number| SHORTAGES.contains(&number))
}

/// Collects garbage. Whether there was any.
fn has_collected(py: Python<'_>) -> bool {
    let collected = py.import("gc").and_then(|gc| gc.call_method0("collect")?.extract::<usize>());
    collected.is_ok_and(|objects| objects > 0)
}
