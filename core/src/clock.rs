//! The operating system's clocks.

/// A moment by the clock on the wall, and in the processor time of the thread that took it: where the limits of several
/// calls can begin together, see [`crate::CallOptions::since`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Moment {
    pub(crate) wall: u64,
    pub(crate) cpu: u64,
}

impl Moment {
    /// This one.
    pub fn now() -> Self {
        Self { wall: now(libc::CLOCK_MONOTONIC), cpu: now(libc::CLOCK_THREAD_CPUTIME_ID) }
    }
}

/// The time of that clock, in nanoseconds.
pub(crate) fn now(clock: libc::clockid_t) -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the kernel writes one timespec to the address given. It cannot fail for these clocks.
    unsafe { libc::clock_gettime(clock, &raw mut time) };
    u64::try_from(time.tv_sec).unwrap_or(0).saturating_mul(1_000_000_000)
        + u64::try_from(time.tv_nsec).unwrap_or(0)
}
