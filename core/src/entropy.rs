//! Entropy for the guest, from the operating system.

use std::io;

use crate::error::{Error, Result};

/// Fresh bytes of the operating system's generator.
pub(crate) fn fresh<const N: usize>() -> Result<[u8; N]> {
    const { assert!(N <= 256) };
    let mut bytes = [0; N];
    // SAFETY: the kernel writes at most as many bytes as the array has.
    let got = unsafe { libc::getrandom(bytes.as_mut_ptr().cast(), bytes.len(), 0) };
    // Up to 256 bytes come whole or not at all (getrandom(2), *Interruption by a signal handler*).
    if usize::try_from(got) == Ok(bytes.len()) {
        Ok(bytes)
    } else {
        Err(Error::resource("getrandom", io::Error::last_os_error()))
    }
}
