//! Interrupt handles: they stop a running call from any thread.

use std::fmt;
use std::ptr;

use libhyperlight::InterruptHandle;

use crate::guard;
use crate::sandbox::hl_sandbox;

/// Stops the calls of one sandbox. May outlive it, and may be used by any thread, also from a signal handler.
pub struct hl_interrupt {
    handle: InterruptHandle,
}

impl fmt::Debug for hl_interrupt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("hl_interrupt")
    }
}

/// A handle that stops the sandbox's evolve and calls. May be asked for at any time, also while a call runs. NULL for NULL,
/// and if the program ignores the signal that stops guests (`SIGRTMIN + 9`).
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hl_sandbox_interrupt_handle(sandbox: *const hl_sandbox) -> *mut hl_interrupt {
    guard::plain(ptr::null_mut(), || {
        // SAFETY: passed on.
        let sandbox = unsafe { guard::deref(sandbox, "sandbox") };
        let handle = sandbox.ok().and_then(hl_sandbox::interrupt);
        handle.map_or(ptr::null_mut(), |handle| Box::into_raw(Box::new(hl_interrupt { handle })))
    })
}

/// Stops the call, or the evolve, that runs now: it ends with `HL_ERR_INTERRUPTED`, and the sandbox is poisoned. 1 if there
/// was one, else 0. A host function is not stopped: the call ends when it returns. Never blocks, and is never kept for later.
/// NULL is 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hl_interrupt_fire(interrupt: *const hl_interrupt) -> i32 {
    // SAFETY: by the header's rules a handle that is not NULL is alive. Nothing here may allocate or lock: it may be called
    // from a signal handler.
    let interrupt = unsafe { interrupt.as_ref() };
    interrupt.map_or(0, |interrupt| i32::from(interrupt.handle.interrupt()))
}

/// Frees a handle. NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hl_interrupt_free(interrupt: *mut hl_interrupt) {
    // SAFETY: passed on; `hl_sandbox_interrupt_handle` made it from a box.
    unsafe { guard::free(interrupt) };
}
