//! `malloc` and its kin, on the heap of the SDK.
//!
//! A header of 16 bytes before each block keeps its size for `malloc_usable_size`, and a tag that depends on the
//! address. A double free, or a free of a foreign pointer, ends the guest with a message instead of damaging the heap.

use core::ffi::{c_int, c_void};
use core::ptr;

use sdk::heap;

use super::errno::{self, EINVAL, ENOMEM};

/// The default alignment, and the header's size.
const ALIGNMENT: usize = size_of::<Header>();

/// The abort code of a corrupt heap: a shell shows it for SIGABRT.
const CORRUPT: c_int = 134;

#[repr(C, align(16))]
struct Header {
    /// Requested size in bytes.
    size: usize,
    /// Alignment of the block, and distance from its start to the memory.
    alignment: u32,
    tag: u32,
}

/// Computes the tag of a block from its address.
#[expect(clippy::cast_possible_truncation, reason = "the low bits are the ones that differ")]
fn tag(block: *mut c_void) -> u32 {
    block.addr() as u32 ^ 0x6d61_6c6c
}

/// Allocates a block, or returns NULL. `from` is called with a size that includes the header.
fn allocate(size: usize, alignment: usize, from: impl FnOnce(usize) -> *mut u8) -> *mut c_void {
    let stored = u32::try_from(alignment).ok();
    let start = match (stored, size.checked_add(alignment)) {
        (Some(_), Some(whole)) => from(whole),
        _ => ptr::null_mut(),
    };
    if start.is_null() {
        errno::set(ENOMEM);
        return ptr::null_mut();
    }
    let block = start.wrapping_add(alignment).cast();
    let header = Header { size, alignment: stored.unwrap_or(0), tag: tag(block) };
    // SAFETY: the block starts `alignment` bytes, at least a header's, behind what the heap gave.
    unsafe { place(block).write(header) };
    block
}

/// Returns the address of a block's header.
fn place(block: *mut c_void) -> *mut Header {
    block.cast::<Header>().wrapping_sub(1)
}

/// Returns the start and the size of a block. Ends the guest if it is not a block.
///
/// # Safety
/// There are bytes in front of `block` that can be read.
unsafe fn find(block: *mut c_void) -> (*mut u8, usize) {
    if !block.addr().is_multiple_of(ALIGNMENT) {
        corrupt();
    }
    // SAFETY: the caller's promise.
    let header = unsafe { &*place(block) };
    if header.tag != tag(block) {
        corrupt();
    }
    (block.cast::<u8>().wrapping_sub(header.alignment as usize), header.size)
}

#[cold]
fn corrupt() -> ! {
    sdk::abort(CORRUPT, "free() or realloc() of a pointer that malloc() did not give, or took back")
}

/// Allocates `size` bytes; NULL if there is no memory.
#[unsafe(no_mangle)]
pub extern "C" fn malloc(size: usize) -> *mut c_void {
    allocate(size, ALIGNMENT, heap::malloc)
}

#[unsafe(no_mangle)]
extern "C" fn calloc(count: usize, size: usize) -> *mut c_void {
    let Some(bytes) = count.checked_mul(size) else {
        errno::set(ENOMEM);
        return ptr::null_mut();
    };
    allocate(bytes, ALIGNMENT, |whole| heap::calloc(whole, 1))
}

/// Frees a block.
///
/// # Safety
/// `block` is null, or came from this module and is not used any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn free(block: *mut c_void) {
    if block.is_null() {
        return;
    }
    // SAFETY: the caller gives a block of ours, which is not used again; `find` has checked what can be.
    unsafe {
        let (start, _) = find(block);
        (*place(block)).tag = 0;
        heap::free(start);
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn realloc(block: *mut c_void, size: usize) -> *mut c_void {
    if block.is_null() {
        return malloc(size);
    }
    // SAFETY: the caller gives a block of ours.
    let (start, old_size) = unsafe { find(block) };
    if start.addr() + ALIGNMENT != block.addr() {
        // The heap would not keep a larger alignment: a new block does, and C promises no more than this.
        let new = malloc(size);
        if !new.is_null() {
            // SAFETY: both blocks have as many bytes, and the old one is not used again.
            unsafe {
                ptr::copy_nonoverlapping(block.cast::<u8>(), new.cast(), old_size.min(size));
                free(block);
            }
        }
        return new;
    }
    let Some(whole) = size.checked_add(ALIGNMENT) else {
        errno::set(ENOMEM);
        return ptr::null_mut();
    };
    // SAFETY: `find` gave the start of a block that the heap knows. It is gone if this succeeds, and as it was
    // if it does not.
    let moved = unsafe {
        (*place(block)).tag = 0;
        heap::realloc(start, whole)
    };
    let (kept, size) = if moved.is_null() { (start, old_size) } else { (moved, size) };
    let kept = kept.wrapping_add(ALIGNMENT).cast();
    // SAFETY: the heap has moved the header along.
    unsafe {
        (*place(kept)).size = size;
        (*place(kept)).tag = tag(kept);
    }
    if moved.is_null() {
        errno::set(ENOMEM);
        return ptr::null_mut();
    }
    kept
}

/// `realloc` with a multiplication that cannot overflow.
#[unsafe(no_mangle)]
unsafe extern "C" fn reallocarray(block: *mut c_void, count: usize, size: usize) -> *mut c_void {
    let Some(bytes) = count.checked_mul(size) else {
        errno::set(ENOMEM);
        return ptr::null_mut();
    };
    // SAFETY: the caller gives a block of ours, or NULL.
    unsafe { realloc(block, bytes) }
}

#[unsafe(no_mangle)]
extern "C" fn aligned_alloc(alignment: usize, size: usize) -> *mut c_void {
    if !alignment.is_power_of_two() {
        errno::set(EINVAL);
        return ptr::null_mut();
    }
    let alignment = alignment.max(ALIGNMENT);
    allocate(size, alignment, |whole| heap::aligned_alloc(alignment, whole))
}

#[unsafe(no_mangle)]
extern "C" fn memalign(alignment: usize, size: usize) -> *mut c_void {
    aligned_alloc(alignment, size)
}

#[unsafe(no_mangle)]
unsafe extern "C" fn posix_memalign(block: *mut *mut c_void, alignment: usize, size: usize) -> c_int {
    if !alignment.is_power_of_two() || alignment < size_of::<*mut c_void>() {
        return EINVAL;
    }
    let new = aligned_alloc(alignment, size);
    if new.is_null() {
        return ENOMEM;
    }
    // SAFETY: the caller gives room for the pointer.
    unsafe { *block = new };
    0
}

#[unsafe(no_mangle)]
unsafe extern "C" fn malloc_usable_size(block: *mut c_void) -> usize {
    if block.is_null() {
        return 0;
    }
    // SAFETY: the caller gives a block of ours.
    let (_, size) = unsafe { find(block) };
    size
}
