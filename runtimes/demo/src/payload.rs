//! What the host program has placed into the guest's image.

use alloc::vec::Vec;
use core::mem;

use libhyperlight_guest::{Error, Result, boot_info, guest_function, payload};

use crate::errors::WRONG_INPUT;

#[guest_function("PayloadCount")]
fn payload_count() -> u64 {
    boot_info().payload_count
}

#[guest_function("PayloadBytes")]
fn payload_bytes(index: u32) -> Result<Vec<u8>> {
    Ok(find(index)?.to_vec())
}

#[guest_function("PayloadAddress")]
fn payload_address(index: u32) -> Result<u64> {
    Ok(find(index)?.as_ptr().expose_provenance() as u64)
}

/// Calls a payload as a function without parameters.
#[guest_function("PayloadExecute")]
fn payload_execute(index: u32) -> Result<u64> {
    // SAFETY: none is claimed: the host asked for it. A payload that is not executable faults.
    let code = unsafe { mem::transmute::<*const u8, extern "C" fn() -> u64>(find(index)?.as_ptr()) };
    Ok(code())
}

/// Calls a payload as a function of one number.
#[guest_function("PayloadExecuteWith")]
fn payload_execute_with(index: u32, argument: u64) -> Result<u64> {
    // SAFETY: none is claimed, as above.
    let code = unsafe { mem::transmute::<*const u8, extern "C" fn(u64) -> u64>(find(index)?.as_ptr()) };
    Ok(code(argument))
}

fn find(index: u32) -> Result<&'static [u8]> {
    payload(index as usize)
        .ok_or_else(|| Error::new(WRONG_INPUT, alloc::format!("there is no payload number {index}")))
}
