//! The engine's clock.
//!
//! The engine asks for the time when it is made, only to seed random numbers that nothing here uses. A guest that asks
//! the host for the time while it starts cannot share its memory with others. So the answer is the start of 1970 until
//! the engine is ready. The linker puts this function in the place of the C library's.

use core::cell::Cell;
use core::ffi::{c_int, c_void};

use crate::libc::single::Single;

static RUNNING: Single<Cell<bool>> = Single::new(Cell::new(false));

/// `struct timeval`
#[repr(C)]
struct Timeval {
    seconds: i64,
    microseconds: i64,
}

/// Switches to the host's time.
pub(crate) fn start() {
    RUNNING.set(true);
}

#[unsafe(no_mangle)]
unsafe extern "C" fn __wrap_gettimeofday(time: *mut Timeval, _zone: *mut c_void) -> c_int {
    let ns = if RUNNING.get() { sdk::time::wall_ns() } else { 0 };
    let (seconds, rest) = (ns / 1_000_000_000, ns % 1_000_000_000);
    // SAFETY: the engine gives room for it.
    unsafe {
        *time = Timeval { seconds: seconds.cast_signed(), microseconds: (rest / 1000).cast_signed() };
    }
    0
}
