//! Memory that JavaScript cannot use up.
//!
//! A script that has filled the heap gets an error that it may catch. The guest's own code has no such way out: where it
//! finds no memory the guest is over. Therefore a block is held while JavaScript runs, and given back when it is the
//! guest's turn: for arguments and results, for what host functions return, for messages.

use alloc::vec::Vec;
use core::cell::Cell;

use sdk::boot_info;

use crate::libc::single::Single;

/// What messages, names and lists of this guest take besides arguments and results.
const OWN: u64 = 64 << 10;

static BLOCK: Single<Cell<Option<Vec<u8>>>> = Single::new(Cell::new(None));

/// Bytes that are kept: enough for the largest message in each direction, but no more than a quarter of the heap.
pub(crate) fn size() -> u64 {
    let boot = boot_info();
    (boot.input.size + boot.output.size + OWN).min(boot.heap.size / 4)
}

/// Runs JavaScript with the block held. Where even that much is not free, it runs without.
pub(crate) fn hold<R>(work: impl FnOnce() -> R) -> R {
    take();
    let result = work();
    BLOCK.set(None);
    result
}

/// Runs code of the guest, called by JavaScript, with the block given back.
pub(crate) fn lend<R>(work: impl FnOnce() -> R) -> R {
    BLOCK.set(None);
    let result = work();
    take();
    result
}

fn take() {
    let mut block = Vec::new();
    if usize::try_from(size()).is_ok_and(|size| block.try_reserve_exact(size).is_ok()) {
        BLOCK.set(Some(block));
    }
}
