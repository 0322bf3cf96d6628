//! A sandbox's memory, as the host sees it.
//!
//! A private (copy-on-write) mapping of the sealed image, given to KVM as a memslot. A second memslot, which cannot be
//! written, is the process's one mapping of a fixed part, if the guest has one. The host never makes a reference
//! into it, because the guest writes to it: bytes are copied in and out, and every access is checked against the
//! mapping's end. It is neither inherited by a forked child nor written to a core dump.

use std::fs::File;
use std::io;
use std::mem::ManuallyDrop;
use std::ops::Range;
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use kvm_bindings::{KVM_MEM_READONLY, kvm_userspace_memory_region};
use kvm_ioctls::VmFd;
use vm_memory::mmap::MmapRegion;
use vm_memory::{FileOffset, VolatileMemory, VolatileSlice};

use crate::error::{Error, ErrorCode, Result};
use crate::pages::PageSet;
use crate::placement::FixedPart;
use crate::process::Epoch;

/// The mapping. Offsets are guest physical addresses.
#[derive(Debug)]
pub(crate) struct GuestMemory {
    region: ManuallyDrop<MmapRegion>,
    epoch: Epoch,
}

impl GuestMemory {
    /// Maps the image `file`, which has `size` bytes.
    pub fn map(file: &Arc<File>, size: u64) -> Result<Self> {
        let size = usize::try_from(size).map_err(|_| Error::invalid_argument("the image is too large"))?;
        let region = MmapRegion::build(
            Some(FileOffset::from_arc(Arc::clone(file), 0)),
            size,
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_PRIVATE | libc::MAP_NORESERVE,
        )
        .map_err(|_| Error::resource("mapping guest memory", io::Error::last_os_error()))?;
        let memory = Self { region: ManuallyDrop::new(region), epoch: Epoch::current()? };
        memory.advise(0..memory.size(), libc::MADV_DONTFORK)?;
        memory.advise(0..memory.size(), libc::MADV_DONTDUMP)?;
        Ok(memory)
    }

    /// Maps another file of the same size in the place of this one.
    pub fn replace(&self, file: &Arc<File>) -> Result<()> {
        // SAFETY: the range is the mapping that `region` owns, and stays a mapping of that size.
        let address = unsafe {
            libc::mmap(
                self.region.as_ptr().cast(),
                self.region.size(),
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_PRIVATE | libc::MAP_NORESERVE | libc::MAP_FIXED,
                file.as_raw_fd(),
                0,
            )
        };
        if address == libc::MAP_FAILED {
            return Err(Error::resource("mapping guest memory", io::Error::last_os_error()));
        }
        self.advise(0..self.size(), libc::MADV_DONTFORK)?;
        self.advise(0..self.size(), libc::MADV_DONTDUMP)
    }

    /// Drops the contents of these whole pages: they are the file's again.
    pub fn discard(&self, range: Range<u64>) -> Result<()> {
        self.advise(range, libc::MADV_DONTNEED)
    }

    /// Makes private copies of these whole pages in advance of the guest's first writes. This must happen before the
    /// memory is read at all: the kernel notifies every virtual machine of the process of each page that a copy
    /// replaces, and here there is none to replace. Failure is harmless (`MADV_POPULATE_WRITE`: Linux 5.14).
    pub fn prepare(&self, pages: &PageSet) {
        for range in pages.iter() {
            if self.advise(range, libc::MADV_POPULATE_WRITE).is_err() {
                return;
            }
        }
    }

    /// The mapping's address in this process, for the memslot alone.
    pub fn host_address(&self) -> u64 {
        self.region.as_ptr() as u64
    }

    /// Returns true if the mapping exists here; a forked child does not inherit it.
    pub fn is_mapped(&self) -> bool {
        self.epoch.is_current()
    }

    pub fn size(&self) -> u64 {
        self.region.size() as u64
    }

    /// `len` bytes from a guest physical address on; `None` unless all are inside.
    pub fn slice(&self, phys: u64, len: u64) -> Option<VolatileSlice<'_>> {
        let (phys, len) = (usize::try_from(phys).ok()?, usize::try_from(len).ok()?);
        self.region.get_slice(phys, len).ok()
    }

    /// Copies out as many bytes as `to` holds.
    pub fn read(&self, phys: u64, to: &mut [u8]) -> Option<()> {
        self.slice(phys, to.len() as u64)?.copy_to(to);
        Some(())
    }

    /// Copies out `len` bytes into `to`, replacing what it held. The caller has bounded `len`.
    pub fn read_into(&self, phys: u64, len: usize, to: &mut Vec<u8>) -> Option<()> {
        let from = self.slice(phys, len as u64)?;
        to.clear();
        to.reserve(len);
        let place = to.spare_capacity_mut().get_mut(..len)?;
        // SAFETY: `from` is `len` readable bytes of a live mapping, `place` as many writable ones of a Vec, and a
        // mapping and the heap cannot overlap. The bytes may change meanwhile only if the vCPU runs, which it
        // does not: it runs inside `Vm::run` alone, on `&mut self` of the sandbox that owns this memory.
        unsafe {
            std::ptr::copy_nonoverlapping(from.ptr_guard().as_ptr(), place.as_mut_ptr().cast::<u8>(), len);
        }
        // SAFETY: the copy above has initialised the first `len` bytes.
        unsafe { to.set_len(len) };
        Some(())
    }

    /// The 8-aligned word at `phys`, after everything the guest wrote before it.
    pub fn load(&self, phys: u64) -> Option<u64> {
        let phys = usize::try_from(phys).ok()?;
        Some(self.region.get_atomic_ref::<AtomicU64>(phys).ok()?.load(Ordering::Acquire))
    }

    /// Stores the 8-aligned word at `phys`, after everything the host wrote before it.
    pub fn store(&self, phys: u64, word: u64) -> Option<()> {
        let phys = usize::try_from(phys).ok()?;
        self.region.get_atomic_ref::<AtomicU64>(phys).ok()?.store(word, Ordering::Release);
        Some(())
    }
}

/// Gives a fixed part to a machine, in a memslot that cannot be written. The caller keeps the part for as long as the
/// machine exists.
pub(super) fn set_fixed_slot(vm: &VmFd, fixed: &FixedPart, phys: u64) -> Result<()> {
    let slot = kvm_userspace_memory_region {
        slot: 1,
        flags: KVM_MEM_READONLY,
        guest_phys_addr: phys,
        memory_size: fixed.size(),
        userspace_addr: fixed.host_address(),
    };
    // SAFETY: the range is the mapping that the part owns, which outlives the machine, as the caller promises. It is
    // read-only, and KVM does not write to such a memslot.
    unsafe { vm.set_user_memory_region(slot) }
        .map_err(|error| Error::resource("KVM_SET_USER_MEMORY_REGION", error))
}

impl GuestMemory {
    fn advise(&self, range: Range<u64>, advice: libc::c_int) -> Result<()> {
        let slice = self
            .slice(range.start, range.end - range.start)
            .ok_or_else(|| Error::new(ErrorCode::Internal, "a range outside the guest's memory"))?;
        // SAFETY: the range is inside the mapping, which holds nothing that Rust refers to.
        if unsafe { libc::madvise(slice.ptr_guard_mut().as_ptr().cast(), slice.len(), advice) } != 0 {
            return Err(Error::resource("madvise on guest memory", io::Error::last_os_error()));
        }
        Ok(())
    }
}

impl Drop for GuestMemory {
    fn drop(&mut self) {
        // A forked child has no such mapping; another one may lie at its address there.
        if self.is_mapped() {
            // SAFETY: nothing uses the region after this; it is dropped once, here.
            unsafe { ManuallyDrop::drop(&mut self.region) };
        }
    }
}
