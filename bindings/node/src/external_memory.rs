//! Reports external memory to V8, so that it collects forgotten sandboxes.
//!
//! To the garbage collector a sandbox is a few dozen bytes. Without this report, a program that never closes its
//! sandboxes runs out of file descriptors and virtual machines long before anything is collected.

use std::cell::Cell;

use napi::Env;

/// Reported size of a live sandbox or snapshot: a rounded-up estimate of its virtual machine, the kernel's data for it
/// and its dirty pages. The configured sizes are no measure, since memory that was never written costs nothing. V8
/// starts to collect after some dozens of MiB, which means after some dozens of forgotten sandboxes.
const BYTES: i64 = 1 << 20;

/// The reported memory of one object.
#[derive(Debug, Default)]
pub(crate) struct ExternalMemory {
    is_told: Cell<bool>,
}

impl ExternalMemory {
    /// Reports the memory of a new object.
    pub fn report(env: Env) -> Self {
        // A hint: without it, everything still works.
        Self { is_told: Cell::new(env.adjust_external_memory(BYTES).is_ok()) }
    }

    /// Withdraws the report once the resource is gone, though the object may still exist. Only the first call counts.
    pub fn take_back(&self, env: Env) {
        if self.is_told.replace(false) {
            // The environment may be ending, and no longer counts.
            let _ = env.adjust_external_memory(-BYTES);
        }
    }
}
