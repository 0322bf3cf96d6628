//! The search for dirty pages: those that the guest, or the host, has written since the memory was mapped.
//!
//! In a private mapping of a file a page that was written no longer belongs to the file, whether it is present, swapped
//! out, or under migration. The kernel reports such pages by `PAGEMAP_SCAN` (Linux 6.7), older kernels by the words of
//! `/proc/self/pagemap` (both: kernel documentation, *Examining process page tables*). Without both (no `/proc`, a
//! seccomp filter), KVM's own log is used (`dirty_log`). Without that, the dirty pages are unknown, and a restore drops
//! everything.

use std::error::Error as _;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::fd::AsRawFd;
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicU8, Ordering};

use super::memory::GuestMemory;
use crate::error::{Error, Result};
use crate::int::to_usize;
use crate::pages::{PAGE, PageSet};
use crate::process::PerProcess;

/// A way to find dirty pages.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(u8)]
pub(crate) enum Tracking {
    /// `PAGEMAP_SCAN`.
    Scan = 0,
    /// The words of `/proc/self/pagemap`.
    Words = 1,
    /// KVM's dirty log; see `dirty_log`.
    Log = 2,
    /// Not at all.
    None = 3,
}

impl Tracking {
    /// The best way that has not failed yet in this process.
    pub fn best() -> Self {
        match FORCED.load(Ordering::Relaxed) {
            0 => Self::Scan,
            1 => Self::Words,
            2 => Self::Log,
            _ => Self::None,
        }
    }

    fn next(self) -> Self {
        match self {
            Self::Scan => Self::Words,
            Self::Words => Self::Log,
            Self::Log | Self::None => Self::None,
        }
    }
}

/// The first way to try: a permanent failure moves it on.
static FORCED: AtomicU8 = AtomicU8::new(Tracking::Scan as u8);

/// The pages of `memory`, in a range of guest physical addresses, that no longer belong to its file. `None`: unknown.
///
/// The kernel's work grows with the pages that are present, so the caller leaves out ranges that nobody can write.
pub(crate) fn find(memory: &GuestMemory, within: &Range<u64>, found: &mut PageSet) -> Option<()> {
    let mut tracking = Tracking::best();
    loop {
        found.clear();
        let done = match tracking {
            Tracking::Scan => scan(memory, within, found),
            Tracking::Words => words(memory, within, found),
            Tracking::Log | Tracking::None => return None,
        };
        let Err(error) = done else {
            return Some(());
        };
        tracking = tracking.next();
        if is_lasting(&error) {
            FORCED.store(tracking as u8, Ordering::Relaxed);
        }
    }
}

/// Returns true if the next attempt will fail as well: the cause is not a shortage.
fn is_lasting(error: &Error) -> bool {
    let cause = error.source().and_then(|source| source.downcast_ref::<io::Error>());
    !matches!(
        cause.and_then(io::Error::raw_os_error),
        Some(libc::EAGAIN | libc::EINTR | libc::EMFILE | libc::ENFILE | libc::ENOMEM)
    )
}

/// Makes every restore of this process use that way, for tests of ways that this kernel does not need.
#[doc(hidden)]
pub fn force_tracking(way: u8) {
    FORCED.store(way.min(Tracking::None as u8), Ordering::Relaxed);
}

/// `struct pm_scan_arg`.
#[derive(Debug, Default)]
#[repr(C)]
struct ScanArgument {
    size: u64,
    flags: u64,
    start: u64,
    end: u64,
    walk_end: u64,
    vec: u64,
    vec_len: u64,
    max_pages: u64,
    category_inverted: u64,
    category_mask: u64,
    category_anyof_mask: u64,
    return_mask: u64,
}

/// `struct page_region`.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
struct PageRegion {
    start: u64,
    end: u64,
    categories: u64,
}

const PAGE_IS_FILE: u64 = 1 << 2;
const PAGE_IS_PRESENT: u64 = 1 << 3;
const PAGE_IS_SWAPPED: u64 = 1 << 4;
/// `_IOWR('f', 16, struct pm_scan_arg)`.
const PAGEMAP_SCAN: libc::c_ulong = 0xc060_6610;

fn scan(memory: &GuestMemory, within: &Range<u64>, found: &mut PageSet) -> Result<()> {
    let file = pagemap()?;
    let base = memory.host_address();
    let end = base + within.end;
    let mut regions = [PageRegion::default(); 128];
    let mut start = base + within.start;
    while start < end {
        let mut argument = ScanArgument {
            size: size_of::<ScanArgument>() as u64,
            start,
            end,
            vec: regions.as_mut_ptr() as u64,
            vec_len: regions.len() as u64,
            // Not of the file, and somewhere.
            category_inverted: PAGE_IS_FILE,
            category_mask: PAGE_IS_FILE,
            category_anyof_mask: PAGE_IS_PRESENT | PAGE_IS_SWAPPED,
            return_mask: PAGE_IS_PRESENT | PAGE_IS_SWAPPED,
            ..ScanArgument::default()
        };
        // SAFETY: the kernel reads and writes the argument, and writes at most `vec_len` regions where `vec` says.
        let count = unsafe { libc::ioctl(file.as_raw_fd(), PAGEMAP_SCAN, &raw mut argument) };
        let Ok(count) = usize::try_from(count) else {
            return Err(Error::resource("PAGEMAP_SCAN", io::Error::last_os_error()));
        };
        for region in regions.iter().take(count) {
            found.append(region.start - base..region.end - base);
        }
        if argument.walk_end <= start {
            return Err(Error::resource("PAGEMAP_SCAN", io::Error::other("the walk does not advance")));
        }
        start = argument.walk_end;
    }
    Ok(())
}

/// Returns true if a word of `/proc/self/pagemap` describes a page that exists (bit 63: present; bit 62: swapped out,
/// or under migration) and is not the file's (bit 61).
fn is_written(word: u64) -> bool {
    const FILE: u64 = 1 << 61;
    const SWAPPED: u64 = 1 << 62;
    const PRESENT: u64 = 1 << 63;
    word & (PRESENT | SWAPPED) != 0 && word & FILE == 0
}

fn words(memory: &GuestMemory, within: &Range<u64>, found: &mut PageSet) -> Result<()> {
    const COUNT: u64 = 4096;
    let file = pagemap()?;
    let first = memory.host_address() / PAGE;
    let end = within.end / PAGE;
    let mut bytes = vec![0; to_usize(COUNT * 8)];
    let mut at = within.start / PAGE;
    while at < end {
        let count = COUNT.min(end - at);
        let bytes = &mut bytes[..to_usize(count * 8)];
        file.read_exact_at(bytes, (first + at) * 8)
            .map_err(|source| Error::resource("reading /proc/self/pagemap", source))?;
        let (words, _) = bytes.as_chunks();
        for (page, word) in (at..).zip(words) {
            if is_written(u64::from_le_bytes(*word)) {
                found.append(page * PAGE..(page + 1) * PAGE);
            }
        }
        at += count;
    }
    Ok(())
}

fn pagemap() -> Result<&'static File> {
    // The file describes the process that opened it, so a forked child opens its own.
    static FILE: PerProcess<File> = PerProcess::new();
    FILE.get_or_try_make(|| {
        File::open("/proc/self/pagemap")
            .map_err(|source| Error::resource("opening /proc/self/pagemap", source))
    })
}

#[cfg(test)]
mod tests {
    use super::is_written;

    #[test]
    fn a_word_of_the_page_map_says_whether_its_page_was_written() {
        const PRESENT: u64 = 1 << 63;
        const SWAPPED: u64 = 1 << 62;
        const FILE: u64 = 1 << 61;
        // Guard region, write-protected by userfaultfd, mapped by nobody else, soft-dirty: irrelevant.
        const OTHERS: [u64; 4] = [1 << 58, 1 << 57, 1 << 56, 1 << 55];
        // A page frame; a swap device and an offset on it; zero, for readers without the privilege.
        const PLACES: [u64; 3] = [0x1234_5678, 31 | 0x7_ffff_ffff << 5, 0];
        for (kind, expected) in [
            (PRESENT, true),
            (SWAPPED, true),
            (PRESENT | FILE, false),
            // The file's own, under migration. A swapped-out page of the file has no word at all.
            (SWAPPED | FILE, false),
            (FILE, false),
            (0, false),
        ] {
            for place in PLACES {
                assert_eq!(is_written(kind | place), expected, "{:#x}", kind | place);
                for other in OTHERS {
                    assert_eq!(is_written(kind | other | place), expected, "{:#x}", kind | other | place);
                }
            }
        }
    }
}
