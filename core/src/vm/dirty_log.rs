//! KVM's dirty log: the pages that the guest has written since the last query.
//!
//! This is the way for systems that do not report the process's own dirty pages (`dirty_pages`). The log contains only
//! the guest's writes (KVM API, `KVM_GET_DIRTY_LOG`). The host's own writes, pages that restores have copied from
//! snapshots, are kept beside it. Call buffers and log ring, which both sides write, are dropped as a whole at every
//! restore. Each query write-protects the pages again, which costs the guest a fault for each page: this way is slower,
//! not weaker.

use std::ops::Range;

use kvm_bindings::{KVM_MEM_LOG_DIRTY_PAGES, kvm_userspace_memory_region};
use kvm_ioctls::VmFd;

use super::memory::GuestMemory;
use crate::error::{Error, Result};
use crate::image::layout::{Layout, Region};
use crate::int::to_usize;
use crate::pages::{PAGE, PageSet};

/// The machine's log of dirty pages, if it keeps one, and the dirty pages that are not in it.
#[derive(Debug)]
pub(super) struct DirtyLog {
    is_on: bool,
    /// Pages outside the buffers that the host has written since the memory was mapped.
    by_host: PageSet,
}

impl DirtyLog {
    /// Gives the memory to the machine as its one writable memslot, or changes that memslot's flags.
    pub fn set_slot(vm: &VmFd, memory: &GuestMemory, is_on: bool) -> Result<Self> {
        let slot = kvm_userspace_memory_region {
            slot: 0,
            flags: if is_on { KVM_MEM_LOG_DIRTY_PAGES } else { 0 },
            guest_phys_addr: 0,
            memory_size: memory.size(),
            userspace_addr: memory.host_address(),
        };
        // SAFETY: the range is the mapping that `memory` owns, which outlives the machine: a `Machine` drops its fields
        // in order. Rust code sees the guest's writes only in copies.
        unsafe { vm.set_user_memory_region(slot) }
            .map_err(|error| Error::resource("KVM_SET_USER_MEMORY_REGION", error))?;
        Ok(Self { is_on, by_host: PageSet::default() })
    }

    /// Notes the pages that a restore copies in.
    pub fn host_writes(&mut self, pages: &PageSet) {
        if self.is_on {
            self.by_host = self.by_host.union(pages);
        }
    }

    /// Notes that the memory is a fresh mapping.
    pub fn forget(&mut self) {
        self.by_host.clear();
    }

    /// The pages that were written since the last query and may have to be restored; the buffers already are. `None`
    /// without a log.
    pub fn find(
        &mut self,
        vm: &VmFd,
        memory: &GuestMemory,
        layout: &Layout,
        found: &mut PageSet,
    ) -> Option<()> {
        if !self.is_on {
            return None;
        }
        let log = vm.get_dirty_log(0, to_usize(memory.size())).ok()?;
        let by_guest: PageSet = pages(&log, &layout.written).collect();
        let buffers: PageSet = layout.shared_pages().map(Region::pages).collect();
        for range in buffers.iter() {
            memory.discard(range).ok()?;
        }
        *found = by_guest.union(&self.by_host).difference(&buffers);
        Some(())
    }
}

/// The pages whose bits are set, inside a range of guest physical addresses.
fn pages<'l>(log: &'l [u64], within: &'l Range<u64>) -> impl Iterator<Item = Range<u64>> + 'l {
    (0_u64..)
        .step_by(64)
        .zip(log)
        .filter(|(_, word)| **word != 0)
        .flat_map(|(first, word)| (0..64).filter(move |bit| word >> bit & 1 != 0).map(move |bit| first + bit))
        .map(|page| page * PAGE..(page + 1) * PAGE)
        .filter(|page| within.contains(&page.start))
}
