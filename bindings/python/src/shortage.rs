//! Garbage collection when resources are short.
//!
//! A sandbox has a few file descriptors and some kernel memory, but to Python it is one small object. So thousands of
//! unreachable sandboxes in reference cycles through their host functions do not trigger a collection. When an
//! operation fails for lack of these resources, the module collects garbage and tries again. Threads of the engine
//! destroy virtual machines, which may take a moment.

use std::thread;
use std::time::Duration;

use libhyperlight::{Error, ErrorCode};
use pyo3::prelude::*;

/// Error numbers of a shortage: `ENOMEM`, `ENFILE`, `EMFILE`.
const SHORTAGES: [i32; 3] = [12, 23, 24];

/// Waits for those threads, in milliseconds: a quarter of a second in all.
const PATIENCE: [u64; 9] = [0, 1, 2, 4, 8, 16, 32, 64, 128];

/// Runs `work` without the interpreter, and again after a collection if the host lacked resources.
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

/// Steps taken so far against a shortage.
#[derive(Debug, Default)]
pub struct Shortage {
    has_collected: bool,
    waits: usize,
}

impl Shortage {
    /// Returns true if more resources may be free than before.
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

/// Collects garbage. Returns true if there was any.
fn has_collected(py: Python<'_>) -> bool {
    let collected = py.import("gc").and_then(|gc| gc.call_method0("collect")?.extract::<usize>());
    collected.is_ok_and(|objects| objects > 0)
}
