//! The state of the process that no guest may change.

use std::fs;
use std::mem::MaybeUninit;
use std::os::fd::RawFd;
use std::thread;
use std::time::{Duration, Instant};

/// The state of the process and of the calling thread, as far as a library may not change it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Host {
    /// The open file descriptors.
    pub files: Vec<String>,
    /// The number of mappings of the process.
    pub mappings: usize,
    /// The names of its threads. KVM has one of its own in each process with virtual machines, which is not listed.
    pub threads: Vec<String>,
    /// The thread's signal mask.
    pub mask: Vec<bool>,
    /// The handler and flags of each signal.
    pub signals: Vec<(usize, i32)>,
    /// Control word of the SSE unit: rounding and exceptions, without the sticky flags that any computation sets.
    pub mxcsr: u32,
    /// Control word of the x87 unit.
    pub x87: u16,
}

impl Host {
    /// The state now.
    pub fn now() -> Self {
        Self {
            files: sorted(files().into_iter().map(|(_, file)| file)),
            mappings: fs::read_to_string("/proc/self/maps").expect("/proc").lines().count(),
            threads: threads(),
            mask: mask(),
            signals: (1..=64).map(disposition).collect(),
            mxcsr: mxcsr() & !0x3f,
            x87: x87(),
        }
    }
}

/// Bytes of the process's private memory.
pub fn resident() -> u64 {
    let pages = fs::read_to_string("/proc/self/statm").expect("/proc");
    let pages: u64 = pages.split(' ').nth(1).and_then(|pages| pages.parse().ok()).expect("a number of pages");
    pages * 4096
}

/// Waits until that is so. Dropped virtual machines are destroyed in the background.
#[track_caller]
pub fn wait_until(is_so: impl Fn() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < Duration::from_secs(60), "it never came to be");
        thread::yield_now();
    }
}

/// Bytes that the sandboxes of this process have for themselves, beyond what their images hold.
pub fn anonymous() -> u64 {
    let maps = fs::read_to_string("/proc/self/smaps").unwrap();
    let of_sandboxes = maps.split("VmFlags").filter(|map| map.contains("memfd:hyperlight"));
    let kib = of_sandboxes.map(|map| {
        let line = map.lines().find_map(|line| line.strip_prefix("Anonymous:")).unwrap();
        line.trim().strip_suffix(" kB").unwrap().parse::<u64>().unwrap()
    });
    kib.sum::<u64>() << 10
}

/// Returns true if the number is an address at which this process has memory.
pub fn is_host_address(number: u64) -> bool {
    /// A mapping of so many bytes is no memory, but what a sanitizer has reserved: half of all addresses.
    const RESERVED: u64 = 1 << 40;
    /// And its table of the lowest addresses, which begins here.
    const SHADOW: u64 = 0x7fff_8000;
    let maps = fs::read_to_string("/proc/self/maps").expect("/proc");
    maps.lines().any(|line| {
        let range = line.split(' ').next().and_then(|range| range.split_once('-'));
        let parsed = |text: &str| u64::from_str_radix(text, 16).unwrap_or(0);
        range.is_some_and(|(start, end)| {
            let range = parsed(start)..parsed(end);
            range.contains(&number) && range.end - range.start < RESERVED && range.start != SHADOW
        })
    })
}

/// Every open file descriptor and what it is.
pub fn files() -> Vec<(RawFd, String)> {
    let entries = fs::read_dir("/proc/self/fd").expect("/proc").flatten();
    let links = entries.filter_map(|entry| {
        let number = entry.file_name().to_str()?.parse().ok()?;
        Some((number, fs::read_link(entry.path()).ok()?.display().to_string()))
    });
    // The directory that is being read is not one of them.
    sorted(links.filter(|(_, file)| !file.starts_with("/proc/")))
}

/// The number of open file descriptors of that kind.
pub fn count_files(kind: &str) -> usize {
    files().iter().filter(|(_, file)| file.contains(kind)).count()
}

fn sorted<T: Ord>(items: impl Iterator<Item = T>) -> Vec<T> {
    let mut items: Vec<_> = items.collect();
    items.sort_unstable();
    items
}

fn threads() -> Vec<String> {
    let tasks = fs::read_dir("/proc/self/task").expect("/proc").flatten();
    let names = tasks.filter_map(|task| fs::read_to_string(task.path().join("comm")).ok());
    sorted(names.filter(|name| !name.starts_with("kvm-")))
}

fn mask() -> Vec<bool> {
    let mut set = MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: without a new mask the call only writes the old one, to the set given.
    let failed = unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, std::ptr::null(), set.as_mut_ptr()) };
    assert_eq!(failed, 0);
    // SAFETY: the call has succeeded, so the set is written.
    let set = unsafe { set.assume_init() };
    // SAFETY: the set is initialised and the number is one of a signal.
    (1..=64).map(|signal| unsafe { libc::sigismember(&raw const set, signal) } == 1).collect()
}

fn disposition(signal: i32) -> (usize, i32) {
    let mut action = MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: without a new action the call only writes the old one. It refuses the two signals that the C library
    // keeps for itself, and then leaves the zeros.
    unsafe { libc::sigaction(signal, std::ptr::null(), action.as_mut_ptr()) };
    // SAFETY: an action is plain data, for which zeros are valid.
    let action = unsafe { action.assume_init() };
    (action.sa_sigaction, action.sa_flags)
}

fn mxcsr() -> u32 {
    let mut value = 0_u32;
    // SAFETY: the instruction writes the variable only.
    unsafe { std::arch::asm!("stmxcsr [{}]", in(reg) &raw mut value, options(nostack)) };
    value
}

fn x87() -> u16 {
    let mut value = 0_u16;
    // SAFETY: the instruction writes the variable only.
    unsafe { std::arch::asm!("fnstcw [{}]", in(reg) &raw mut value, options(nostack)) };
    value
}
