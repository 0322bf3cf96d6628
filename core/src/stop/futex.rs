//! Sleeping on an atomic word (futex(2)): until a deadline, until another thread changes the word and wakes this one,
//! or until a signal handler has run on this thread.

use std::io;
use std::ptr;
use std::sync::atomic::AtomicU64;

const NANOSECONDS: u64 = 1_000_000_000;

/// Sleeps while the word is `expected`, at most until `deadline` on the monotonic clock. The kernel compares the lower
/// half of the word, which is the one that changes. Returns true if a signal handler has run and ended the sleep.
pub(super) fn wait(word: &AtomicU64, expected: u64, deadline: u64) -> bool {
    let until = libc::timespec {
        tv_sec: i64::try_from(deadline / NANOSECONDS).unwrap_or(i64::MAX),
        tv_nsec: i64::try_from(deadline % NANOSECONDS).unwrap_or(0),
    };
    #[expect(clippy::cast_possible_truncation, reason = "the lower half is wanted")]
    let expected = expected as u32;
    // SAFETY: the kernel reads the four bytes at the address, which are the lower ones of a live word on a
    // little-endian processor, and one timespec. With a deadline, a handler always ends the sleep: it is not restarted
    // (signal(7)).
    let woken = unsafe {
        libc::syscall(
            libc::SYS_futex,
            word.as_ptr().cast::<u32>(),
            libc::FUTEX_WAIT_BITSET | libc::FUTEX_PRIVATE_FLAG,
            expected,
            &raw const until,
            ptr::null::<u32>(),
            libc::FUTEX_BITSET_MATCH_ANY,
        )
    };
    woken != 0 && io::Error::last_os_error().kind() == io::ErrorKind::Interrupted
}

/// Wakes all threads that sleep on the word. Async-signal-safe.
pub(super) fn wake(word: &AtomicU64) {
    // SAFETY: the kernel looks for sleepers by the address and reads nothing there.
    unsafe {
        libc::syscall(
            libc::SYS_futex,
            word.as_ptr().cast::<u32>(),
            libc::FUTEX_WAKE | libc::FUTEX_PRIVATE_FLAG,
            i32::MAX,
        )
    };
}
