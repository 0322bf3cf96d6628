//! Three faults, whose calls must end cleanly and harm nothing else.

use core::arch::asm;

use libhyperlight_guest::guest_function;

/// Reads eight bytes at an address.
#[guest_function("ReadAddress")]
pub fn read_address(address: u64) -> u64 {
    let value;
    // SAFETY: none is claimed: where the guest may not read, it faults, and the host deals with it.
    unsafe { asm!("mov {}, [{}]", out(reg) value, in(reg) address, options(nostack, preserves_flags)) };
    value
}

/// Writes eight bytes to an address.
#[guest_function("WriteAddress")]
pub fn write_address(address: u64, value: u64) {
    // SAFETY: none is claimed, as above.
    unsafe { asm!("mov [{}], {}", in(reg) address, in(reg) value, options(nostack, preserves_flags)) };
}

/// Executes an invalid instruction.
#[guest_function("TriggerException")]
pub fn trigger_exception() {
    // SAFETY: the instruction only faults.
    unsafe { asm!("ud2", options(nomem, nostack)) };
}
