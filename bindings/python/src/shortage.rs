//! What garbage holds.
//!
//! A sandbox is a few descriptors and some memory of the kernel's, but to Python it is one small object: thousands that nobody
//! can reach, but that refer to themselves through their host functions, are no reason for a collection. So whoever cannot have
//! something of that for want of it collects them, and tries again. Machines are destroyed by threads of the engine's, which
//! may take a moment.

use std::thread;
use std::time::Duration;

use libhyperlight::{Error, ErrorCode};
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
    let mut shortage = Shortage::default();
    loop {
        match py.detach(&mut work) {
            Err(error) if shortage.has_mended(py, &error) => {}
            done => return done,
        }
    }
}

/// What was done so far for something that the host lacked.
#[derive(Debug, Default)]
pub struct Shortage {
    has_collected: bool,
    waits: usize,
}

impl Shortage {
    /// Whether there may be more of what was lacking than before.
    pub fn has_mended(&mut self, py: Python<'_>, error: &Error) -> bool {
        if !is_shortage(error) {
            return false;
        }
        if !self.has_collected && !has_collected(py) {
            return false;
        }
        self.has_collected = true;
        let Some(milliseconds) = PATIENCE.get(self.waits) else { return false };
        self.waits += 1;
        py.detach(|| thread::sleep(Duration::from_millis(*milliseconds)));
        true
    }
}

fn is_shortage(error: &Error) -> bool {
    let source = std::error::Error::source(error).and_then(|source| source.downcast_ref::<std::io::Error>());
    let number = source.and_then(std::io::Error::raw_os_error);
    error.code() == ErrorCode::Resource && number.is_some_and(|number| SHORTAGES.contains(&number))
}

/// Collects garbage. Whether there was any.
fn has_collected(py: Python<'_>) -> bool {
    let collected = py.import("gc").and_then(|gc| gc.call_method0("collect")?.extract::<usize>());
    collected.is_ok_and(|objects| objects > 0)
}
