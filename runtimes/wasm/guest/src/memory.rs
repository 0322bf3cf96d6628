//! Linear memories: blocks of the guest's heap that never move.
//!
//! A memory gets its maximum size at once, as far as the heap allows, because it could not grow in place later. Unused
//! memory is not touched, so it costs the host nothing and is in no snapshot.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use core::sync::atomic::{AtomicU32, Ordering};

use libhyperlight_guest::{boot_info, heap};
use wasmtime::LinearMemory;

/// The part of the heap, as one of so many equal parts, that no memory takes beyond its minimum: it is for the runtime,
/// arguments and results.
const HEAP_PARTS: usize = 8;

/// The steps of the search for the largest free block.
const STEPS: usize = 64;

/// The size of a processor's page, to which memories are aligned.
const PAGE: usize = 4096;

/// Memories made so far.
static MADE: AtomicU32 = AtomicU32::new(0);

/// A memory of a program that has `count`.
pub(crate) fn new(
    count: u32,
    minimum: usize,
    maximum: Option<usize>,
) -> Result<Box<dyn LinearMemory>, String> {
    let made = MADE.fetch_add(1, Ordering::Relaxed);
    let still_to_come = usize::try_from(count.saturating_sub(made)).unwrap_or(1).max(1);
    let wanted = maximum.unwrap_or(usize::MAX);
    let share = (largest_block() / still_to_come).max(minimum).min(wanted);
    let start = heap::aligned_alloc(PAGE, share.max(1));
    if start.is_null() {
        let heap = boot_info().heap.size;
        return Err(format!(
            "a memory of {minimum} bytes does not fit the heap of {heap}: raise the heap size"
        ));
    }
    let mut memory = Block { start, size: 0, capacity: share };
    memory.grow(minimum);
    Ok(Box::new(memory))
}

/// The bytes that a memory could have now.
fn largest_block() -> usize {
    let heap = usize::try_from(boot_info().heap.size).unwrap_or(usize::MAX);
    let step = heap / STEPS;
    let most = heap - heap / HEAP_PARTS;
    (0..STEPS)
        .map(|steps| most.saturating_sub(steps * step))
        .find(|size| {
            // A block that is free, with the reserve beside it.
            let block = heap::malloc(size + heap / HEAP_PARTS / 2);
            // SAFETY: it came from there, or is null.
            unsafe { heap::free(block) };
            !block.is_null()
        })
        .unwrap_or(0)
}

/// A block of the heap.
struct Block {
    start: *mut u8,
    size: usize,
    capacity: usize,
}

// SAFETY: a guest has one thread.
unsafe impl Send for Block {}
// SAFETY: as above.
unsafe impl Sync for Block {}

impl Block {
    /// Takes more of the block into use. The caller stays below the capacity.
    fn grow(&mut self, size: usize) {
        // SAFETY: the block has `capacity` bytes, and those from `self.size` on have been given to nobody.
        unsafe { self.start.add(self.size).write_bytes(0, size - self.size) };
        self.size = size;
    }
}

// SAFETY: the block belongs to this value, is readable and writable, and stays where it is.
unsafe impl LinearMemory for Block {
    fn byte_size(&self) -> usize {
        self.size
    }

    fn byte_capacity(&self) -> usize {
        self.capacity
    }

    fn grow_to(&mut self, size: usize) -> wasmtime::Result<()> {
        if size > self.capacity {
            return Err(wasmtime::format_err!("the heap has no more than {} bytes for it", self.capacity));
        }
        if size > self.size {
            self.grow(size);
        }
        Ok(())
    }

    fn as_ptr(&self) -> *mut u8 {
        self.start
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        // SAFETY: the block came from there, and nobody can reach it any more.
        unsafe { heap::free(self.start) };
    }
}
