//! The ways a guest aborts: panics, failed allocations, explicit aborts.
//!
//! Nothing in here allocates: the heap may be full, or the panic may have started inside the allocator.

use core::cell::Cell;
use core::panic::PanicInfo;

use libhyperlight_abi::limits::MAX_MESSAGE_LEN;
use libhyperlight_abi::message::cut;
use libhyperlight_abi::{AbortReason, FrameKind, ValueRef};

use crate::single::Single;
use crate::text::Text;
use crate::{channel, heap};

/// The code of an abort without one of its own.
const NO_CODE: i32 = 0;

/// Bytes of an abort frame without its message.
const ABORT_FRAME_OVERHEAD: usize = 64;

static PANICKING: Single<Cell<bool>> = Single::new(Cell::new(false));

/// Ends the guest: the host's caller gets an abort with this code and message, and the sandbox must be restored
/// before it is called again.
pub fn abort(code: i32, message: &str) -> ! {
    give_up(AbortReason::Abort, code, message)
}

/// Reports the abort to the host and never returns.
pub(crate) fn give_up(reason: AbortReason, code: i32, message: &str) -> ! {
    if message.len() > MAX_MESSAGE_LEN {
        give_up_at_length(reason, code, message);
    }
    let room = channel::capacity().saturating_sub(ABORT_FRAME_OVERHEAD);
    let items = [ValueRef::U32(reason as u32), ValueRef::I32(code), ValueRef::String(cut(message, room))];
    // If not even this fits, a doorbell without a frame still tells the host of the failure.
    let _ = channel::post(FrameKind::Abort, &items, &[]);
    loop {
        channel::ring();
    }
}

/// Aborts with a shortened message. A separate function, because the smallest stack has little room for another copy.
#[cold]
#[inline(never)]
fn give_up_at_length(reason: AbortReason, code: i32, message: &str) -> ! {
    give_up(reason, code, Text::new(format_args!("{message}")).as_str())
}

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    if PANICKING.replace(true) {
        give_up(AbortReason::Panic, NO_CODE, "panicked while formatting the message of a panic");
    }
    let message = Text::new(format_args!("{}", info.message()));
    if let Some(size) = heap::failed_request() {
        // The text is that of the standard handler of allocation errors. A program's own panic at such a moment is an
        // ordinary panic, and so is one long after a failed request that the program survived.
        let standard = Text::new(format_args!("memory allocation of {size} bytes failed"));
        if message.as_str() == standard.as_str() {
            give_up(AbortReason::OutOfMemory, NO_CODE, message.as_str());
        }
    }
    let text = match info.location() {
        Some(place) => Text::new(format_args!("{} at {}:{}", message.as_str(), place.file(), place.line())),
        None => message,
    };
    give_up(AbortReason::Panic, NO_CODE, text.as_str())
}

/// Called by a compiler's stack protector when a function's canary has changed.
#[unsafe(no_mangle)]
extern "C" fn __stack_chk_fail() -> ! {
    give_up(AbortReason::Panic, NO_CODE, "stack smashing detected")
}
