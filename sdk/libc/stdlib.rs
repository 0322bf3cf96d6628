//! `<stdlib.h>` but for memory, numbers, sorting and random numbers, and `<assert.h>`.
//!
//! A guest has no process to end: `exit`, `abort` and a failed assertion abort the guest, and the host's caller gets
//! the code.

use alloc::format;
use alloc::string::String;
use core::ffi::{c_char, c_int, c_long, c_uint};
use core::ptr;

use super::stdio;
use super::text::bytes;

/// The abort code of `abort`: a shell shows it for SIGABRT.
const ABORTED: c_int = 134;

/// Prints the remaining output and aborts the guest.
fn give_up(code: c_int, message: &str) -> ! {
    stdio::flush();
    sdk::abort(code, message)
}

#[unsafe(no_mangle)]
extern "C" fn abort() -> ! {
    give_up(ABORTED, "abort() was called")
}

#[unsafe(no_mangle)]
extern "C" fn exit(code: c_int) -> ! {
    give_up(code, &format!("exit({code}) was called"))
}

#[unsafe(no_mangle)]
extern "C" fn _Exit(code: c_int) -> ! {
    sdk::abort(code, &format!("_Exit({code}) was called"))
}

#[unsafe(no_mangle)]
extern "C" fn _exit(code: c_int) -> ! {
    _Exit(code)
}

/// The function that a failing `assert` calls where `NDEBUG` is not defined.
#[unsafe(no_mangle)]
unsafe extern "C" fn __assert_fail(
    expression: *const c_char,
    file: *const c_char,
    line: c_uint,
    function: *const c_char,
) -> ! {
    let text = |text: *const c_char| {
        if text.is_null() {
            return "?".into();
        }
        // SAFETY: `assert` gives strings.
        String::from_utf8_lossy(unsafe { bytes(text) })
    };
    let (expression, file, function) = (text(expression), text(file), text(function));
    give_up(ABORTED, &format!("assertion `{expression}` failed in {function} at {file}:{line}"))
}

/// Always returns NULL: there is no environment.
#[unsafe(no_mangle)]
extern "C" fn getenv(_name: *const c_char) -> *mut c_char {
    ptr::null_mut()
}

/// The result of `div` and its kin.
#[repr(C)]
struct Division<T> {
    quotient: T,
    remainder: T,
}

macro_rules! arithmetic {
    ($($type:ty: $abs:ident $div:ident;)*) => {$(
        #[unsafe(no_mangle)]
        extern "C" fn $abs(number: $type) -> $type {
            number.wrapping_abs()
        }

        #[unsafe(no_mangle)]
        extern "C" fn $div(left: $type, right: $type) -> Division<$type> {
            // Dividing by zero is undefined in C; here it ends the guest.
            match right {
                0 => give_up(ABORTED, concat!(stringify!($div), "() by zero")),
                right => Division { quotient: left.wrapping_div(right), remainder: left.wrapping_rem(right) },
            }
        }
    )*};
}

arithmetic! {
    c_int: abs div;
    c_long: labs ldiv;
    i64: llabs lldiv;
    isize: imaxabs imaxdiv;
}
