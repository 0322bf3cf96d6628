//! Memory that JavaScript cannot use up.
//!
//! A script that has filled the heap gets an error that it may catch. The guest's own code cannot: without memory the
//! guest ends. Therefore the SDK reserves a block for it: for arguments and results, for results of host functions, for
//! messages.

use sdk::{boot_info, heap};

/// The bytes that messages, names and lists of this guest take besides arguments and results.
const OWN: u64 = 64 << 10;

/// Bytes of the reserve: enough for the largest message in each direction, but no more than a quarter of the heap.
pub(crate) fn size() -> u64 {
    let boot = boot_info();
    (boot.input.size + boot.output.size + OWN).min(boot.heap.size / 4)
}

/// Makes the reserve. If even that much is not free, the engine does not start either.
pub(crate) fn start() {
    let _ = usize::try_from(size()).is_ok_and(heap::set_aside);
}
