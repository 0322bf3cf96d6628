//! How a guest gives up: panics, failed allocations, explicit aborts.
//!
//! Nothing in here allocates: the heap may be full, or the panic may have come from inside the allocator.

use core::cell::Cell;
use core::panic::PanicInfo;

use libhyperlight_abi::limits::MAX_MESSAGE_LEN;
use libhyperlight_abi::message::cut;
use libhyperlight_abi::{AbortReason, FrameKind, ValueRef};

use crate::single::Single;
use crate::text::Text;
use crate::{channel, heap};

/// The code of an abort that nobody gave one.
const NO_CODE: i32 = 0;

/// Bytes of an abort frame besides its message.
const ABORT_FRAME_OVERHEAD: usize = 64;

static PANICKING: Single<Cell<bool>> = Single::new(Cell::new(false));

/// Ends the guest: the host's caller gets an abort with this code and message, and the sandbox must be restored
/// before it is called again.
pub fn abort(code: i32, message: &str) -> ! {
    give_up(AbortReason::Abort, code, message)
}

/// Tells the host that it is over, and never runs on.
pub(crate) fn give_up(reason: AbortReason, code: i32, message: &str) -> ! {
    if message.len() > MAX_MESSAGE_LEN {
        give_up_at_length(reason, code, message);
    }
    let room = channel::capacity().saturating_sub(ABORT_FRAME_OVERHEAD);
    let items = [ValueRef::U32(reason as u32), ValueRef::I32(code), ValueRef::String(cut(message, room))];
    // If not even this fits, ringing without a frame tells the host as much as can be told.
    let _ = channel::post(FrameKind::Abort, &items, &[]);
    loop {
        channel::ring();
    }
}

/// The same with a message that must be cut. Apart, because the smallest stack has little room for another copy of it.
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
        // The text of the standard handler of allocation errors. What a program says itself at such a moment is
        // an ordinary panic, and so is one long after a failed request that it could live with.
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

/// What a compiler's stack protector calls when a function's canary has changed.
#[unsafe(no_mangle)]
extern "C" fn __stack_chk_fail() -> ! {
    give_up(AbortReason::Panic, NO_CODE, "stack smashing detected")
}
