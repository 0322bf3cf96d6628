//! The heap: the allocator for the `alloc` crate, and the same in the form of C's functions.
//!
//! The allocator gets the whole span at once. It keeps its lists at the span's beginning and a mark at its end, and
//! otherwise touches only memory that it hands out. Memory that was never allocated costs the host nothing and is in no
//! snapshot.

use core::alloc::{GlobalAlloc, Layout};
use core::cell::{Cell, UnsafeCell};
use core::ptr::{self, NonNull};

use talc::base::Talc;
use talc::base::binning::DefaultBinning;
use talc::source::Manual;

use crate::boot::boot_info;
use crate::channel::to_usize;
use crate::single::Single;

type Allocator = Talc<Manual, DefaultBinning>;

#[global_allocator]
static GLOBAL: Global = Global;

static HEAP: Single<UnsafeCell<Allocator>> = Single::new(UnsafeCell::new(Talc::new(Manual)));

/// The reserve of [`set_aside`].
static RESERVE: Single<Cell<Reserve>> = Single::new(Cell::new(Reserve { block: None, layout: None }));

/// Size of the last failed request.
static FAILED: Single<Cell<Option<usize>>> = Single::new(Cell::new(None));

/// Memory reserved for Rust code.
#[derive(Clone, Copy)]
struct Reserve {
    /// The block; none while Rust code uses it.
    block: Option<NonNull<u8>>,
    /// The shape of the block; none before [`set_aside`].
    layout: Option<Layout>,
}

/// The header of a block for C code, which frees memory without its size.
#[derive(Clone, Copy)]
#[repr(C, align(16))]
struct Header {
    /// Requested size in bytes.
    size: usize,
    /// Bytes from the block's start to the memory.
    offset: usize,
}

/// Alignment of blocks for C code, and minimum alignment of their memory.
const C_ALIGN: usize = align_of::<Header>();

/// Allocates `size` bytes, 16-aligned; null if there is no memory. Like C's `malloc`.
pub fn malloc(size: usize) -> *mut u8 {
    aligned_alloc(C_ALIGN, size)
}

/// Allocates `count` objects of `size` bytes, zeroed; null if there is no memory. Like C's `calloc`.
pub fn calloc(count: usize, size: usize) -> *mut u8 {
    let Some(total) = count.checked_mul(size) else {
        return failed(usize::MAX);
    };
    let memory = malloc(total);
    if !memory.is_null() {
        // SAFETY: the allocator has just given that many bytes.
        unsafe { memory.write_bytes(0, total) };
    }
    memory
}

/// Allocates `size` bytes at a multiple of `align`, which must be a power of two; null if there is no memory. Like C's
/// `aligned_alloc`.
pub fn aligned_alloc(align: usize, size: usize) -> *mut u8 {
    if !align.is_power_of_two() {
        return ptr::null_mut();
    }
    // The header is directly before the memory; a larger alignment leaves a gap before the header.
    let offset = align.max(C_ALIGN);
    let Some(block) = size.checked_add(offset).and_then(|len| Layout::from_size_align(len, offset).ok())
    else {
        return failed(size);
    };
    if !has_reserve() {
        return failed(size);
    }
    let Some(start) = take(block) else {
        return failed(size);
    };
    // SAFETY: the block has `offset` bytes before the memory, which are at least a header, and `offset` is a multiple
    // of the header's alignment.
    unsafe {
        let memory = start.as_ptr().add(offset);
        memory.cast::<Header>().sub(1).write(Header { size, offset });
        memory
    }
}

/// Resizes memory, in place or by moving it; if there is no memory, returns null and changes nothing. Like C's
/// `realloc`, but a size of 0 is not special.
///
/// # Safety
///
/// `memory` is null or came from a function of this module and was not freed.
pub unsafe fn realloc(memory: *mut u8, size: usize) -> *mut u8 {
    if memory.is_null() {
        return malloc(size);
    }
    // SAFETY: the caller promises that a header lies before `memory`.
    let header = unsafe { memory.cast::<Header>().sub(1).read() };
    let grown = size.checked_add(header.offset).filter(|len| isize::try_from(*len).is_ok());
    // SAFETY: the header describes the block as it was allocated.
    let in_place = grown.filter(|_| size <= header.size || has_reserve()).is_some_and(|len| unsafe {
        let (start, layout) = block(memory, header);
        with(|heap| heap.try_realloc_in_place(start, layout, len))
    });
    if in_place {
        // SAFETY: as above; the header has not moved.
        unsafe { memory.cast::<Header>().sub(1).write(Header { size, ..header }) };
        return memory;
    }
    let moved = aligned_alloc(header.offset, size);
    if !moved.is_null() {
        // SAFETY: both have at least that many bytes, and they are different blocks.
        unsafe {
            moved.copy_from_nonoverlapping(memory, size.min(header.size));
            free(memory);
        }
    }
    moved
}

/// Frees memory. Like C's `free`.
///
/// # Safety
///
/// `memory` is null or came from a function of this module and was not freed.
pub unsafe fn free(memory: *mut u8) {
    if memory.is_null() {
        return;
    }
    // SAFETY: the caller promises that a header lies before `memory`; it describes the block as it was allocated.
    unsafe {
        let (start, layout) = block(memory, memory.cast::<Header>().sub(1).read());
        with(|heap| heap.deallocate(start, layout));
    }
}

/// Returns the requested size. Like `malloc_usable_size`.
///
/// # Safety
///
/// `memory` is null or came from a function of this module and was not freed.
pub unsafe fn usable_size(memory: *const u8) -> usize {
    if memory.is_null() {
        return 0;
    }
    // SAFETY: the caller promises that a header lies before `memory`.
    unsafe { memory.cast::<Header>().sub(1).read().size }
}

/// Reserves memory for Rust code, out of reach of [`malloc`] and its kin. Returns true if there was enough.
///
/// Rust code cannot continue without memory, but C code may, such as the engine of a language whose scripts can catch
/// that error. Rust code gets this block when nothing else is left. Until the reserve is whole again, C code gets no
/// memory.
pub fn set_aside(size: usize) -> bool {
    give_back_reserve();
    let layout = Layout::from_size_align(size, C_ALIGN).ok().filter(|layout| layout.size() != 0);
    RESERVE.set(Reserve { block: layout.and_then(take), layout });
    let is_there = RESERVE.get().block.is_some();
    if !is_there {
        RESERVE.set(Reserve { block: None, layout: None });
    }
    is_there
}

/// Gives the allocator its memory, before the first allocation.
pub(crate) fn install() {
    let heap = boot_info().heap;
    let start = ptr::with_exposed_provenance_mut(to_usize(heap.address));
    // SAFETY: the engine mapped the span there, writable, and it belongs to the allocator alone.
    let claimed = with(|allocator| unsafe { allocator.claim(start, to_usize(heap.size)) });
    // A heap too small even for the lists is one in which every request fails.
    let _ = claimed;
}

/// Returns the size of the last failed request, if there was one.
pub(crate) fn failed_request() -> Option<usize> {
    FAILED.get()
}

/// The allocator of Rust code.
struct Global;

// SAFETY: the allocator keeps this contract; blocks do not move or overlap, and the heap's span belongs to it alone.
unsafe impl GlobalAlloc for Global {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        allocate_rust(layout).map_or_else(|| failed(layout.size()), NonNull::as_ptr)
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: the caller promises that `memory` was allocated with this layout.
        with(|heap| unsafe { heap.deallocate(memory, layout) });
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: the caller promises that `memory` was allocated with this layout, and that the new size is one
        // that a layout can have.
        if with(|heap| unsafe { heap.try_realloc_in_place(memory, layout, size) }) {
            return memory;
        }
        let Some(moved) = Layout::from_size_align(size, layout.align()).ok().and_then(allocate_rust) else {
            return failed(size);
        };
        // SAFETY: both have at least that many bytes, and they are different blocks.
        unsafe {
            moved.as_ptr().copy_from_nonoverlapping(memory, size.min(layout.size()));
            self.dealloc(memory, layout);
        }
        moved.as_ptr()
    }
}

/// Allocates a block for Rust code, from the reserve if necessary.
fn allocate_rust(layout: Layout) -> Option<NonNull<u8>> {
    take(layout).or_else(|| if give_back_reserve() { take(layout) } else { None })
}

/// Refills the reserve if possible. Returns true if it is whole.
fn has_reserve() -> bool {
    let Reserve { block: None, layout: Some(layout) } = RESERVE.get() else {
        return true;
    };
    let block = take(layout);
    RESERVE.set(Reserve { block, layout: Some(layout) });
    block.is_some()
}

/// Frees the reserve. Returns true if there was one.
fn give_back_reserve() -> bool {
    let Reserve { block: Some(block), layout: Some(layout) } = RESERVE.get() else {
        return false;
    };
    RESERVE.set(Reserve { block: None, layout: Some(layout) });
    // SAFETY: the block was allocated with this layout, and nobody was given it.
    with(|heap| unsafe { heap.deallocate(block.as_ptr(), layout) });
    true
}

/// Allocates a block of a layout.
fn take(layout: Layout) -> Option<NonNull<u8>> {
    if layout.size() == 0 {
        return None;
    }
    // SAFETY: the allocator asks for a size that is not 0.
    with(|heap| unsafe { heap.allocate(layout) })
}

/// Returns the block that contains memory of C code, as it was allocated.
///
/// # Safety
///
/// `header` is the header before `memory`.
unsafe fn block(memory: *mut u8, header: Header) -> (*mut u8, Layout) {
    // SAFETY: `aligned_alloc` has checked this layout, and the block starts so far before the memory.
    unsafe {
        let layout = Layout::from_size_align_unchecked(header.size + header.offset, header.offset);
        (memory.sub(header.offset), layout)
    }
}

/// Runs one operation of the allocator.
fn with<R>(operation: impl FnOnce(&mut Allocator) -> R) -> R {
    // SAFETY: a guest has one thread, and no operation of the allocator calls back into this module: there is
    // only this one reference.
    operation(unsafe { &mut *HEAP.get() })
}

/// Records a failed request.
#[cold]
fn failed(size: usize) -> *mut u8 {
    FAILED.set(Some(size));
    ptr::null_mut()
}
