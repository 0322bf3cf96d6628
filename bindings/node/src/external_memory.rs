//! What V8 is told of memory that it cannot see, so that it looks for what was forgotten.
//!
//! To the garbage collector a sandbox is a few dozen bytes. Without more, a program that never closes any runs out of
//! file descriptors and machines long before anything is collected.

use std::cell::Cell;

use napi::Env;

/// What a live sandbox or snapshot counts: about what its machine, the kernel's part of it and the pages that it wrote
/// take, rounded up. Its sizes say nothing, since memory that was never written costs nothing. V8 starts to collect after
/// some dozens of MiB, and with it after some dozens of forgotten sandboxes.
const BYTES: i64 = 1 << 20;

/// The memory of one object.
#[derive(Debug, Default)]
pub(crate) struct ExternalMemory {
    is_told: Cell<bool>,
}

impl ExternalMemory {
    /// The object is there.
    pub fn report(env: Env) -> Self {
        // A hint: where it cannot be given, nothing is lost but the hint.
        Self { is_told: Cell::new(env.adjust_external_memory(BYTES).is_ok()) }
    }

    /// What it stands for is gone, though the object may still be there. Counts once.
    pub fn take_back(&self, env: Env) {
        if self.is_told.replace(false) {
            // The environment may be ending, and counts no more.
            let _ = env.adjust_external_memory(-BYTES);
        }
    }
}
