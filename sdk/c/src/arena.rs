//! Memory that lives until the running guest function has returned and its result was sent.
//!
//! C code gets views of arguments and of results of host calls, and never has to free them.

use alloc::alloc::handle_alloc_error;
use alloc::vec::Vec;
use core::alloc::Layout;
use core::cell::RefCell;
use core::ffi::c_void;
use core::ptr;

use crate::libc::malloc::{free, malloc};
use crate::libc::single::Single;
use crate::value::HlBytes;

static BLOCKS: Single<RefCell<Vec<*mut c_void>>> = Single::new(RefCell::new(Vec::new()));

/// Allocates memory; aborts the guest if there is none.
pub fn allocate(size: usize) -> *mut u8 {
    let block = malloc(size);
    if block.is_null() {
        out_of_memory(size);
    }
    // No code that runs while the list is borrowed calls this.
    BLOCKS.borrow_mut().push(block);
    block.cast()
}

/// Copies bytes and appends a NUL, which the length does not count.
pub fn copy(bytes: &[u8]) -> HlBytes {
    let start = allocate(bytes.len() + 1);
    // SAFETY: the block has room for the bytes and the NUL, and nobody else has it.
    HlBytes::new(unsafe {
        ptr::copy_nonoverlapping(bytes.as_ptr(), start, bytes.len());
        start.wrapping_add(bytes.len()).write(0);
        core::slice::from_raw_parts(start, bytes.len())
    })
}

/// Frees everything.
pub fn release() {
    for block in BLOCKS.borrow_mut().drain(..) {
        // SAFETY: it came from `malloc`, and C code was told that it ends with the guest function.
        unsafe { free(block) };
    }
}

/// Aborts the guest because a request of this size failed.
///
/// The SDK reports only requests that really failed, so a request of that size is made to fail.
pub fn out_of_memory(size: usize) -> ! {
    let size = size.clamp(1, isize::MAX.unsigned_abs() / 2);
    loop {
        if sdk::heap::malloc(size).is_null() {
            handle_alloc_error(Layout::array::<u8>(size).unwrap_or(Layout::new::<u8>()));
        }
    }
}
