//! Measuring cost: processor time of the calling thread, and memory. The cost of hostile input must not exceed its
//! length.
//!
//! The time is processor time and not real time, so a busy machine changes little.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::time::Duration;

use crate::stop::processor_time;

/// Unoptimised code, beside other tests, may take so many times as long.
pub const PATIENCE: u32 = 10;

/// The time in which `bytes` of untrusted input must be loaded or refused: a second for each megabyte, and at least
/// one.
pub fn time_for(bytes: usize) -> Duration {
    Duration::from_micros(bytes.max(1_000_000) as u64)
}

/// Confirms that something takes at most so much processor time, by the measure of tests.
#[track_caller]
pub fn within<T>(limit: Duration, what: &str, work: impl FnOnce() -> T) -> T {
    at_most(limit * PATIENCE, what, work)
}

/// Confirms that something takes at most so much processor time.
#[track_caller]
pub fn at_most<T>(limit: Duration, what: &str, work: impl FnOnce() -> T) -> T {
    let before = processor_time();
    let result = work();
    let took = processor_time().saturating_sub(before);
    assert!(took <= limit, "{what} took {took:?} of processor time; at most {limit:?}");
    result
}

/// Bytes of memory that this process has ever had at once. Of use in a process of the test's own.
pub fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() << 10
}

/// Forgets the peak so far.
pub fn reset_peak() {
    fs::write("/proc/self/clear_refs", "5").unwrap();
}

/// Bytes of memory in the memory files that this process has open, mapped or not.
pub fn memory_files() -> u64 {
    let entries = fs::read_dir("/proc/self/fd").unwrap().map(|entry| entry.unwrap().path());
    let ours = entries.filter(|path| {
        fs::read_link(path).is_ok_and(|to| to.as_os_str().as_encoded_bytes().starts_with(b"/memfd:"))
    });
    ours.map(|path| fs::metadata(path).unwrap().blocks() * 512).sum()
}
