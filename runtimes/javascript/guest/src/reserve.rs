//! Memory that JavaScript cannot use up.
//!
//! A script that has filled the heap gets an error that it may catch. The guest's own code has no such way out: where
//! it finds no memory the guest is over. Therefore the SDK sets a block aside for it: for arguments and results, for
//! what host functions return, for messages.

use sdk::{boot_info, heap};

/// The bytes that messages, names and lists of this guest take besides arguments and results.
const OWN: u64 = 64 << 10;

/// Bytes that are kept: enough for the largest message in each direction, but no more than a quarter of the heap.
pub(crate) fn size() -> u64 {
    let boot = boot_info();
    (boot.input.size + boot.output.size + OWN).min(boot.heap.size / 4)
}

/// Sets the block aside. Where even that much is not free, the engine does not start either.
pub(crate) fn start() {
    let _ = usize::try_from(size()).is_ok_and(heap::set_aside);
}
