//! Interrupt handles: they stop a running call from any thread.

use std::fmt;
use std::ptr;

use libhyperlight::InterruptHandle;

use crate::guard;
use crate::sandbox::hl_sandbox;

/// Cancels the calls of one sandbox. It may outlive the sandbox. Any thread may use it, also from a signal handler.
pub struct hl_interrupt {
    handle: InterruptHandle,
}

impl fmt::Debug for hl_interrupt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("hl_interrupt")
    }
}

/// Makes a handle that cancels the sandbox's evolve and calls. Allowed at any time, also while a call runs. NULL for
/// NULL, and if the program ignores the wake-up signal (`SIGRTMIN + 9`).
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

/// Cancels the running call or evolve: it ends with `HL_ERR_INTERRUPTED`, and the sandbox is poisoned. Returns 1 if one
/// was running, else 0. A host function is not stopped: the call ends when it returns. Never blocks, and has no effect
/// on later calls. 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hl_interrupt_fire(interrupt: *const hl_interrupt) -> i32 {
    // SAFETY: by the header's rules a handle that is not NULL is alive. Nothing here may allocate or lock: it may be
    // called from a signal handler.
    let interrupt = unsafe { interrupt.as_ref() };
    interrupt.map_or(0, |interrupt| i32::from(interrupt.handle.interrupt()))
}

/// Frees a handle. NULL is allowed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hl_interrupt_free(interrupt: *mut hl_interrupt) {
    // SAFETY: passed on; `hl_sandbox_interrupt_handle` made it from a box.
    unsafe { guard::free(interrupt) };
}
