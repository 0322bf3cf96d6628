//! What the engine told the guest about its memory.

use core::cell::OnceCell;
use core::ptr;
use core::slice;

use libhyperlight_abi::boot::{BootInfo, Span};

use crate::single::Single;

static BOOT: Single<OnceCell<BootInfo>> = Single::new(OnceCell::new());

/// What the engine told the guest when it started it.
pub fn boot_info() -> &'static BootInfo {
    // Nothing of the guest runs before the entry point has stored it.
    BOOT.get_or_init(BootInfo::default)
}

/// Stores the information; the entry point does so first of all.
pub(crate) fn install(boot: BootInfo) {
    // A second start would be the host's mistake, and the first information still holds.
    let _ = BOOT.set(boot);
}

/// The payload that the host program added as number `index`, counted from 0.
pub fn payload(index: usize) -> Option<&'static [u8]> {
    let boot = boot_info();
    let used = usize::try_from(boot.payload_count).ok()?;
    let span = boot.payloads.get(..used)?.get(index)?.span;
    let (address, size) = (usize::try_from(span.address).ok()?, usize::try_from(span.size).ok()?);
    if size == 0 {
        return Some(&[]);
    }
    // SAFETY: the engine mapped the payload there, readable and never written, for as long as the guest lives.
    Some(unsafe { slice::from_raw_parts(ptr::with_exposed_provenance(address), size) })
}

/// The stack: it grows down from the span's end, and what lies below its start faults.
pub fn stack() -> Span {
    boot_info().stack
}
