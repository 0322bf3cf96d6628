//! Machine code for a guest to execute: a code payload of the demo guest.

use libhyperlight::{ErrorCode, Fault, PayloadAccess, Result, Sandbox};

use crate::{demo, poisons, sandbox};

/// A sandbox whose guest executes this code, as a function, when it is [`run`].
pub fn with_code(code: &[u8]) -> Sandbox {
    sandbox(&demo().with_payload(code, PayloadAccess::ReadExecute).unwrap())
}

/// Runs the code; its result is what it leaves in `rax`.
pub fn run(sandbox: &mut Sandbox) -> Result<u64> {
    sandbox.call("PayloadExecute", (0_u32,))
}

/// The fault of code that must fault.
#[track_caller]
pub fn fault_of(code: &[u8]) -> Fault {
    let error = poisons(&mut with_code(code), ErrorCode::GuestFault, run);
    error.fault().unwrap().clone()
}
