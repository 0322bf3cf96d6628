//! Version of the library, and the check for a usable hypervisor.

use std::ffi::c_char;

use crate::error::{hl_error, hl_status};
use crate::guard;

/// The version of the loaded library, encoded as `HL_VERSION` is in the header: major << 16 | minor << 8 | patch.
#[unsafe(no_mangle)]
pub extern "C" fn hl_version() -> u32 {
    const {
        number(env!("CARGO_PKG_VERSION_MAJOR")) << 16
            | number(env!("CARGO_PKG_VERSION_MINOR")) << 8
            | number(env!("CARGO_PKG_VERSION_PATCH"))
    }
}

/// The version of the loaded library as text, such as `"0.1.0"`. The text is static.
#[unsafe(no_mangle)]
pub extern "C" fn hl_version_string() -> *const c_char {
    concat!(env!("CARGO_PKG_VERSION"), "\0").as_ptr().cast()
}

/// Checks that sandboxes can be made here: `HL_OK`, or `HL_ERR_HYPERVISOR_UNAVAILABLE` with the exact reason and the
/// fix.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hl_probe(err: *mut *mut hl_error) -> hl_status {
    // SAFETY: passed on.
    unsafe { guard::status(err, || Ok(libhyperlight::probe()?)) }
}

/// A decimal number below 256, at compile time.
const fn number(digits: &str) -> u32 {
    let bytes = digits.as_bytes();
    let (mut value, mut i) = (0, 0);
    while i < bytes.len() {
        assert!(bytes[i].is_ascii_digit());
        value = value * 10 + (bytes[i] - b'0') as u32;
        i += 1;
    }
    assert!(value < 256);
    value
}
