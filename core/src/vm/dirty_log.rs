//! KVM's dirty log: what the guest has written since it was last asked.
//!
//! The way for systems where nothing tells of the process's own pages (`dirty_pages`). It knows the guest's writes alone
//! (KVM API, `KVM_GET_DIRTY_LOG`), so that the host's are kept beside it: pages that restores have copied in from snapshots.
//! Call buffers and log ring, to which both sides write, are given back whole at every restore. Each asking protects the
//! pages against writing once more, which costs the guest a fault a page: this way is slower, not weaker.

use std::ops::Range;

use kvm_bindings::{KVM_MEM_LOG_DIRTY_PAGES, kvm_userspace_memory_region};
use kvm_ioctls::VmFd;

use super::memory::GuestMemory;
use crate::error::{Error, Result};
use crate::image::layout::{Layout, Region};
use crate::int::to_usize;
use crate::pages::{PAGE, PageSet};

/// Whether the machine keeps a log, and what is not in it.
#[derive(Debug)]
pub(super) struct DirtyLog {
    is_on: bool,
    /// Pages outside the buffers that the host has written since the memory was mapped.
    by_host: PageSet,
}

impl DirtyLog {
    /// Gives the memory to the machine as its one memslot; the same again, with another flag, while it has it.
    pub fn set_slot(vm: &VmFd, memory: &GuestMemory, is_on: bool) -> Result<Self> {
        let slot = kvm_userspace_memory_region {
            slot: 0,
            flags: if is_on { KVM_MEM_LOG_DIRTY_PAGES } else { 0 },
            guest_phys_addr: 0,
            memory_size: memory.size(),
            userspace_addr: memory.host_address(),
        };
        // SAFETY: the range is the mapping that `memory` owns, which outlives the machine: a `Machine` drops its fields in
        // order. What the guest does to it, Rust code never sees but by copies.
        unsafe { vm.set_user_memory_region(slot) }
            .map_err(|error| Error::resource("KVM_SET_USER_MEMORY_REGION", error))?;
        Ok(Self { is_on, by_host: PageSet::default() })
    }

    /// Says that a restore copies these pages in.
    pub fn host_writes(&mut self, pages: &PageSet) {
        if self.is_on {
            self.by_host = self.by_host.union(pages);
        }
    }

    /// The memory is a fresh mapping.
    pub fn forget(&mut self) {
        self.by_host.clear();
    }

    /// Finds what was written since the last time and may have to be put back; the buffers are already. `None` without a
    /// log.
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
        let buffers: PageSet =
            [&layout.input, &layout.output, &layout.log_ring].map(Region::pages).into_iter().collect();
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
