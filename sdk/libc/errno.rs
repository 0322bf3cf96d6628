//! `<errno.h>`: the one `errno` of a program that has one thread.

use core::cell::Cell;
use core::ffi::c_int;

use super::single::Single;

pub const ENOENT: c_int = 2;
pub const EBADF: c_int = 9;
pub const EAGAIN: c_int = 11;
pub const ENOMEM: c_int = 12;
pub const EBUSY: c_int = 16;
pub const EINVAL: c_int = 22;
pub const EDOM: c_int = 33;
pub const ERANGE: c_int = 34;
pub const EDEADLK: c_int = 35;
pub const EOVERFLOW: c_int = 75;
pub const EILSEQ: c_int = 84;
pub const ETIMEDOUT: c_int = 110;

static ERRNO: Single<Cell<c_int>> = Single::new(Cell::new(0));

/// Sets `errno`.
pub fn set(number: c_int) {
    ERRNO.set(number);
}

/// Returns the value of `errno`.
pub fn get() -> c_int {
    ERRNO.get()
}

/// The function that `errno` expands to.
#[unsafe(no_mangle)]
extern "C" fn __errno_location() -> *mut c_int {
    ERRNO.as_ptr()
}

/// Returns the text for an error number, for `strerror` and `perror`; `None` for a number that is never set here.
pub fn text(number: c_int) -> Option<&'static core::ffi::CStr> {
    Some(match number {
        0 => c"Success",
        ENOENT => c"No such file or directory",
        EBADF => c"Bad file descriptor",
        EAGAIN => c"Resource temporarily unavailable",
        ENOMEM => c"Cannot allocate memory",
        EBUSY => c"Device or resource busy",
        EINVAL => c"Invalid argument",
        EDOM => c"Numerical argument out of domain",
        ERANGE => c"Numerical result out of range",
        EDEADLK => c"Resource deadlock avoided",
        EOVERFLOW => c"Value too large for defined data type",
        EILSEQ => c"Invalid or incomplete multibyte or wide character",
        ETIMEDOUT => c"Connection timed out",
        _ => return None,
    })
}
