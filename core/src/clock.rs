//! Time and entropy for the guest, from the operating system.

use std::io;

use crate::error::{Error, Result};

/// The time of that clock, in nanoseconds.
pub(crate) fn now(clock: libc::clockid_t) -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the kernel writes one timespec to the address given. It cannot fail for these clocks.
    unsafe { libc::clock_gettime(clock, &raw mut time) };
    u64::try_from(time.tv_sec).unwrap_or(0).saturating_mul(1_000_000_000)
        + u64::try_from(time.tv_nsec).unwrap_or(0)
}

/// Fresh bytes of the operating system's generator.
pub(crate) fn entropy<const N: usize>() -> Result<[u8; N]> {
    const { assert!(N <= 256) };
    let mut bytes = [0; N];
    // SAFETY: the kernel writes at most as many bytes as the array has.
    let got = unsafe { libc::getrandom(bytes.as_mut_ptr().cast(), bytes.len(), 0) };
    // Up to 256 bytes arrive whole or not at all (getrandom(2), *Interruption by a signal handler*).
    if usize::try_from(got) == Ok(bytes.len()) {
        Ok(bytes)
    } else {
        Err(Error::resource("getrandom", io::Error::last_os_error()))
    }
}
