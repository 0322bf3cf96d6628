//! The engine's description of the guest's memory.

use core::cell::OnceCell;
use core::ptr;
use core::slice;

use libhyperlight_abi::boot::{BootInfo, Span};

use crate::single::Single;

static BOOT: Single<OnceCell<BootInfo>> = Single::new(OnceCell::new());

/// Returns the description that the engine passed to the guest's entry point.
pub fn boot_info() -> &'static BootInfo {
    // No guest code runs before the entry point has stored it.
    BOOT.get_or_init(BootInfo::default)
}

/// Stores the description, as the entry point's first step.
pub(crate) fn install(boot: BootInfo) {
    // A second start would be the host's mistake; the first description stays valid.
    let _ = BOOT.set(boot);
}

/// Returns payload number `index` of the host program, counted from 0.
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

/// Returns the stack's span: the stack grows down from its end, and accesses below its start fault.
pub fn stack() -> Span {
    boot_info().stack
}
