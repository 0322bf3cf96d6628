//! Reading the guest's code, as the processor that runs it would.

use super::memory::GuestMemory;
use crate::image::layout::Layout;
use crate::int::to_usize;

/// Copies out code from a guest virtual address on, until `to` is full, or the next byte is none that guest code can
/// execute. Returns the number of bytes. The guest may have changed it since it ran.
pub(super) fn read(layout: &Layout, memory: &GuestMemory, address: u64, to: &mut [u8]) -> usize {
    let mut done = 0;
    while let Some(rest) = to.get_mut(done..).filter(|rest| !rest.is_empty()) {
        let virt = address.wrapping_add(done as u64);
        let Some(region) = layout.region_at(virt) else {
            break;
        };
        let offset = virt - region.virt;
        let len = rest.len().min(to_usize(region.size - offset));
        let (phys, rest) = (region.phys + offset, &mut rest[..len]);
        if !region.permissions.user
            || !region.permissions.execute
            || copy(layout, memory, phys, rest).is_none()
        {
            break;
        }
        done += len;
    }
    done
}

fn copy(layout: &Layout, memory: &GuestMemory, phys: u64, to: &mut [u8]) -> Option<()> {
    let Some(shape) = layout.placement.as_ref().filter(|_| phys >= layout.fixed_phys()) else {
        return memory.read(phys, to);
    };
    let start = to_usize(phys - layout.fixed_phys());
    to.copy_from_slice(shape.fixed.pages().get(start..)?.get(..to.len())?);
    Some(())
}
