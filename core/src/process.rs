//! The process in which this code runs. A forked child must not touch the virtual machines of its parent.
//!
//! Every entry asks this, so it may not cost a system call: a page that the kernel clears in a forked child
//! (`MADV_WIPEONFORK`, Linux 4.14) holds a number that a child does not find.

use std::io;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicPtr, AtomicU64, Ordering};

use crate::error::{Error, Message, Result};

/// The process in which something was made.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Epoch(u64);

impl Epoch {
    /// This process.
    pub fn current() -> Result<Self> {
        let word = word()?;
        let found = word.load(Ordering::Relaxed);
        if found != 0 {
            return Ok(Self(found));
        }
        // The first use in this process, or in this child. Two threads may both get here, with the same number.
        let pid = u64::from(std::process::id());
        word.store(pid, Ordering::Relaxed);
        Ok(Self(pid))
    }

    /// The process of that number, which came from [`Self::number`].
    pub const fn from_number(number: u64) -> Self {
        Self(number)
    }

    /// Its number, for an atomic word.
    pub const fn number(self) -> u64 {
        self.0
    }

    /// Returns true if this is still the same process.
    pub fn is_current(self) -> bool {
        word().is_ok_and(|word| word.load(Ordering::Relaxed) == self.0)
    }
}

/// The error for the use of a parent's sandbox in a forked child.
pub(crate) fn forked() -> Error {
    Message::OfParent.into()
}

/// One value for each process, made at its first use, never dropped. A forked child makes its own: threads are not
/// inherited, descriptors may refer to the parent, and locks may be held for ever.
pub(crate) struct PerProcess<T: 'static>(AtomicPtr<Entry<T>>);

struct Entry<T: 'static> {
    epoch: Epoch,
    value: T,
    /// The value of the process that this one was forked from: unused, but still referred to.
    _inherited: *const Self,
}

impl<T: Send + Sync> PerProcess<T> {
    pub const fn new() -> Self {
        Self(AtomicPtr::new(std::ptr::null_mut()))
    }

    /// The value, if this process has made it.
    pub fn get(&self) -> Option<&'static T> {
        let found = self.0.load(Ordering::Acquire);
        // SAFETY: the pointer is null or came from `Box::into_raw` below, and what is kept is never freed.
        let entry = unsafe { found.as_ref() }?;
        entry.epoch.is_current().then_some(&entry.value)
    }

    /// The value, made by `make` at the first use. If two threads come first at once, one of two values is dropped. A
    /// failure is not kept.
    pub fn get_or_try_make(&self, make: impl FnOnce() -> Result<T>) -> Result<&'static T> {
        if let Some(value) = self.get() {
            return Ok(value);
        }
        let found = self.0.load(Ordering::Acquire);
        let entry = Entry { epoch: Epoch::current()?, value: make()?, _inherited: found };
        let fresh = Box::into_raw(Box::new(entry));
        let kept = match self.0.compare_exchange(found, fresh, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => fresh,
            Err(first) => {
                // SAFETY: `fresh` came from `Box::into_raw` just now, and nobody else has seen it.
                drop(unsafe { Box::from_raw(fresh) });
                first
            }
        };
        // SAFETY: not null, and as above.
        Ok(&unsafe { &*kept }.value)
    }
}

fn word() -> Result<&'static AtomicU64> {
    static PAGE: OnceLock<usize> = OnceLock::new();
    let address = match PAGE.get() {
        Some(address) => *address,
        None => {
            let fresh =
                map().map_err(|source| Error::resource("mapping the page that detects a fork", source))?;
            // If two threads get here at once, one page is kept and the other stays mapped: one page, once.
            *PAGE.get_or_init(|| fresh)
        }
    };
    // SAFETY: `map` returned this page-aligned address of a readable and writable page, which is never unmapped, and
    // which is only ever accessed as this one atomic word.
    Ok(unsafe { &*(address as *const AtomicU64) })
}

fn map() -> io::Result<usize> {
    const LEN: usize = 4096;
    // SAFETY: a new anonymous mapping, which replaces nothing.
    let page = unsafe {
        libc::mmap(
            std::ptr::null_mut(),
            LEN,
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
            -1,
            0,
        )
    };
    if page == libc::MAP_FAILED {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the range is the mapping just made.
    if unsafe { libc::madvise(page, LEN, libc::MADV_WIPEONFORK) } != 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(page as usize)
}
