//! Failures of guest functions: their own errors, and those of host functions.
//!
//! C functions return a number, so the rest of the error is kept here until the function has returned it.

use alloc::format;
use alloc::string::String;
use core::cell::RefCell;
use core::ffi::c_char;

use sdk::{Error, Result};

use crate::host;
use crate::libc::single::Single;
use crate::libc::text::bytes;

/// The status of an error whose code is 0, which for C would mean success.
const UNNUMBERED: i32 = i32::MIN;

/// The error about to be returned, and its status.
static PENDING: Single<RefCell<Option<(i32, Error)>>> = Single::new(RefCell::new(None));

/// Sets the error; returns the status to return.
fn pending(error: Error) -> i32 {
    let status = if error.code == 0 { UNNUMBERED } else { error.code };
    PENDING.replace(Some((status, error)));
    status
}

/// Converts the status that a guest function returned.
pub fn outcome(status: i32) -> Result<()> {
    match PENDING.take() {
        _ if status == 0 => Ok(()),
        Some((expected, error)) if expected == status => Err(error),
        // There is no message for this number.
        _ => Err(Error::new(status, format!("the guest function returned {status}"))),
    }
}

/// Reads text from C code; invalid UTF-8 in it is replaced.
///
/// # Safety
/// `text` is NULL or a string.
pub unsafe fn message<'a>(text: *const c_char) -> alloc::borrow::Cow<'a, str> {
    if text.is_null() {
        return "".into();
    }
    // SAFETY: the caller's promise.
    String::from_utf8_lossy(unsafe { bytes(text) })
}

#[unsafe(no_mangle)]
unsafe extern "C" fn hl_guest_fail(code: i32, text: *const c_char) -> i32 {
    // SAFETY: the caller gives a string or NULL.
    pending(Error::new(code, unsafe { message(text) }))
}

/// `hl_guest_fail`, for the formatting in `messages.c`.
#[unsafe(no_mangle)]
unsafe extern "C" fn hlc_fail(code: i32, text: *const c_char) -> i32 {
    // SAFETY: as above.
    unsafe { hl_guest_fail(code, text) }
}

#[unsafe(no_mangle)]
extern "C" fn hl_guest_pass_error() -> i32 {
    pending(host::last_error())
}
