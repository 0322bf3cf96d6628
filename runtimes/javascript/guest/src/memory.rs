//! The engine's memory.
//!
//! A restore copies back every page that a call of a warmed script has written. So the small blocks, which the engine
//! makes in large numbers, lie side by side whatever their sizes are, and a call first takes the blocks that the one
//! before has freed. Memory that was freed while a script was loaded lies anywhere, and is used last ([`settle`]).
//!
//! Small blocks are cut from regions, one behind the other, each with its size in front, and go to a list of their size
//! when they are freed. When memory runs out, empty regions are found and returned to the heap. Large blocks are the
//! heap's.

use core::cell::UnsafeCell;
use core::ffi::c_void;
use core::ptr;

use rquickjs_sys as qjs;
use sdk::heap;

use crate::libc::single::Single;

/// Sizes are multiples of this, and blocks are aligned to it: as much as the engine needs.
const UNIT: usize = 8;

/// The most bytes of a small block. The engine's own allocator, which is switched off, has the same bound.
const MAX_SMALL: usize = 512;

/// One list for each size.
const LISTS: usize = MAX_SMALL / UNIT + 1;

/// Bytes of a region.
const REGION_SIZE: usize = 32 << 10;

/// The functions by which the engine gets memory.
pub(crate) const FUNCTIONS: qjs::JSMallocFunctions = qjs::JSMallocFunctions {
    js_calloc: Some(js_calloc),
    js_malloc: Some(js_malloc),
    js_free: Some(js_free),
    js_realloc: Some(js_realloc),
    js_malloc_usable_size: Some(js_malloc_usable_size),
};

/// The same for a `SharedArrayBuffer`, of which there is never a second owner, as there is only one agent.
pub(crate) const SHARED_FUNCTIONS: qjs::JSSharedArrayBufferFunctions = qjs::JSSharedArrayBufferFunctions {
    sab_alloc: Some(sab_alloc),
    sab_free: Some(js_free),
    sab_dup: Some(sab_dup),
    sab_opaque: ptr::null_mut(),
};

static BLOCKS: Single<UnsafeCell<Blocks>> = Single::new(UnsafeCell::new(Blocks {
    fresh: [ptr::null_mut(); LISTS],
    aside: [ptr::null_mut(); LISTS],
    next: ptr::null_mut(),
    room: 0,
    regions: ptr::null_mut(),
    freed: 0,
}));

/// Sets the present free memory aside: later allocations lie together.
pub(crate) fn settle() {
    with(Blocks::settle);
}

/// The header of each block: its bytes, without this. Those of small blocks are a multiple of [`UNIT`].
type Header = usize;

/// The mark of a free small block, added to its size.
const FREE: usize = 1;

/// A free small block.
#[repr(C)]
struct Free {
    next: *mut Self,
}

/// The header of a region, in front of its blocks.
#[repr(C)]
struct Region {
    /// The one before.
    next: *mut Self,
    /// Bytes of all its blocks. Of the newest region they are not known yet.
    used: usize,
}

struct Blocks {
    /// The blocks that were freed last, by size.
    fresh: [*mut Free; LISTS],
    /// The blocks that were free when things settled.
    aside: [*mut Free; LISTS],
    /// The place at which the next block is cut from the newest region, …
    next: *mut u8,
    /// … and bytes that are left there.
    room: usize,
    /// The newest first.
    regions: *mut Region,
    /// Bytes that were freed since it was last looked for empty regions.
    freed: usize,
}

impl Blocks {
    /// A small block of that size, a multiple of [`UNIT`].
    fn allocate(&mut self, size: usize) -> *mut u8 {
        let index = size / UNIT;
        if let Some(block) = pop(&mut self.fresh, index) {
            return block;
        }
        if self.room >= size + size_of::<Header>() {
            return self.cut(size);
        }
        self.allocate_elsewhere(size)
    }

    /// The same, where neither was just freed nor is left in the region.
    #[cold]
    fn allocate_elsewhere(&mut self, size: usize) -> *mut u8 {
        let index = size / UNIT;
        if let Some(block) = pop(&mut self.aside, index) {
            return block;
        }
        if self.open_region(REGION_SIZE) {
            return self.cut(size);
        }
        if self.reclaim() {
            if let Some(block) = pop(&mut self.fresh, index) {
                return block;
            }
            if self.open_region(REGION_SIZE) {
                return self.cut(size);
            }
        }
        // The last bytes of the heap.
        if self.open_region(size_of::<Region>() + size_of::<Header>() + size) {
            return self.cut(size);
        }
        ptr::null_mut()
    }

    /// Cuts a block from the newest region, which has room for it.
    fn cut(&mut self, size: usize) -> *mut u8 {
        let whole = size + size_of::<Header>();
        // SAFETY: there are `room` bytes, which belong to nobody, and `whole` are not more. The region's start and all
        // sizes are multiples of a header's alignment.
        unsafe {
            let block = self.next.add(size_of::<Header>());
            header(block).write(size);
            self.next = self.next.add(whole);
            self.room -= whole;
            block
        }
    }

    /// Makes a region of so many bytes the newest.
    fn open_region(&mut self, size: usize) -> bool {
        let region: *mut Region = heap::malloc(size).cast();
        if region.is_null() {
            return false;
        }
        self.close_region();
        // SAFETY: the heap has just given so many bytes, aligned to more than a region needs.
        unsafe {
            region.write(Region { next: self.regions, used: 0 });
            self.next = region.add(1).cast();
        }
        self.room = size - size_of::<Region>();
        self.regions = region;
        true
    }

    /// Makes what is left of the newest region a block, and notes how much it holds.
    fn close_region(&mut self) {
        if self.regions.is_null() {
            return;
        }
        if self.room >= size_of::<Header>() + size_of::<Free>() {
            // It was too little for a small block of some size.
            let size = self.room - size_of::<Header>();
            let block = self.cut(size);
            // SAFETY: the block was just cut.
            unsafe { push(&mut self.aside, block) };
        }
        // SAFETY: the region is there, and `next` is a place in it.
        unsafe { (*self.regions).used = self.next.offset_from_unsigned(self.regions.add(1).cast()) };
    }

    /// Takes a small block back.
    ///
    /// # Safety
    /// It was allocated here and is not used any more.
    unsafe fn free(&mut self, block: *mut u8) {
        // SAFETY: the caller's promise.
        self.freed += unsafe { push(&mut self.fresh, block) };
    }

    /// Sets everything that is free aside.
    fn settle(&mut self) {
        for (fresh, aside) in self.fresh.iter_mut().zip(&mut self.aside) {
            let mut end: *mut *mut Free = fresh;
            // SAFETY: lists hold free blocks, and end with null.
            unsafe {
                while !(*end).is_null() {
                    end = &raw mut (**end).next;
                }
                *end = *aside;
            }
            *aside = core::mem::replace(fresh, ptr::null_mut());
        }
    }

    /// Returns unused regions to the heap. False if too little was freed since the last time.
    #[cold]
    fn reclaim(&mut self) -> bool {
        if self.freed < REGION_SIZE || self.regions.is_null() {
            return false;
        }
        self.freed = 0;
        self.fresh.fill(ptr::null_mut());
        self.aside.fill(ptr::null_mut());
        // SAFETY: the list holds the regions that were opened and not given back, the newest first, and each is full of
        // blocks, one behind the other, as far as it is used. One without a used block belongs to nobody.
        unsafe {
            let newest = self.regions;
            (*newest).used = self.next.offset_from_unsigned(newest.add(1).cast());
            self.collect(newest);
            let mut place: *mut *mut Region = &raw mut (*newest).next;
            while !(*place).is_null() {
                let region = *place;
                if blocks(region).all(|block| is_free(block)) {
                    *place = (*region).next;
                    heap::free(region.cast());
                } else {
                    self.collect(region);
                    place = &raw mut (*region).next;
                }
            }
        }
        true
    }

    /// Puts the free blocks of a region into the lists, which do not have them.
    ///
    /// # Safety
    /// It is a region, and says how much of it is used.
    unsafe fn collect(&mut self, region: *mut Region) {
        // SAFETY: the caller's promise. A free block is nobody's, and the step to the next one has been made already.
        unsafe {
            for block in blocks(region).filter(|block| is_free(*block)) {
                header(block).write(header(block).read() - FREE);
                push(&mut self.fresh, block);
            }
        }
    }
}

/// Takes a block from a list.
fn pop(lists: &mut [*mut Free; LISTS], index: usize) -> Option<*mut u8> {
    let list = lists.get_mut(index)?;
    let block = *list;
    if block.is_null() {
        return None;
    }
    // SAFETY: lists hold free blocks.
    unsafe {
        *list = (*block).next;
        let block: *mut u8 = block.cast();
        header(block).write(index * UNIT);
        Some(block)
    }
}

/// Puts a block into the list of its size, which is the result.
///
/// # Safety
/// It is a small block that nobody uses and that is in no list.
unsafe fn push(lists: &mut [*mut Free; LISTS], block: *mut u8) -> usize {
    // SAFETY: the caller's promise; every block has room for a pointer.
    unsafe {
        let size = header(block).read();
        if let Some(list) = lists.get_mut(size / UNIT) {
            header(block).write(size + FREE);
            block.cast::<Free>().write(Free { next: *list });
            *list = block.cast();
        }
        size
    }
}

/// The address of a block's header.
fn header(block: *mut u8) -> *mut Header {
    block.cast::<Header>().wrapping_sub(1)
}

/// Returns true if nobody has a small block.
///
/// # Safety
/// It is a small block.
unsafe fn is_free(block: *mut u8) -> bool {
    // SAFETY: the caller's promise.
    unsafe { header(block).read() & FREE != 0 }
}

/// The blocks of a region.
///
/// # Safety
/// It is a region, and says how much of it is used, as long as the result is.
unsafe fn blocks(region: *mut Region) -> impl Iterator<Item = *mut u8> {
    let mut next = region.wrapping_add(1).cast::<u8>();
    // SAFETY: the caller's promise.
    let end = next.wrapping_add(unsafe { (*region).used });
    core::iter::from_fn(move || {
        if next == end {
            return None;
        }
        let block = next.wrapping_add(size_of::<Header>());
        // SAFETY: blocks lie one behind the other up to the end.
        next = block.wrapping_add(unsafe { header(block).read() } & !FREE);
        Some(block)
    })
}

/// Runs one operation of the allocator.
fn with<R>(operation: impl FnOnce(&mut Blocks) -> R) -> R {
    // SAFETY: a guest has one thread, and no operation of the allocator calls the engine: there is only this one
    // reference.
    operation(unsafe { &mut *BLOCKS.get() })
}

/// A block of any size.
fn allocate(size: usize, large: fn(usize) -> *mut u8) -> *mut u8 {
    if size <= MAX_SMALL {
        let size = size.max(UNIT).next_multiple_of(UNIT);
        return with(|blocks| blocks.allocate(size));
    }
    let Some(whole) = size.checked_add(size_of::<Header>()) else {
        return ptr::null_mut();
    };
    let mut start = large(whole);
    if start.is_null() && with(Blocks::reclaim) {
        start = large(whole);
    }
    if start.is_null() {
        return start;
    }
    let block = start.wrapping_add(size_of::<Header>());
    // SAFETY: the heap has just given so many bytes, and one header more.
    unsafe { header(block).write(size) };
    block
}

/// Zeroed memory of the heap.
fn zeroed(size: usize) -> *mut u8 {
    heap::calloc(size, 1)
}

/// The size of a block.
///
/// # Safety
/// It was allocated here.
unsafe fn size_of_block(block: *const u8) -> usize {
    // SAFETY: the caller's promise.
    unsafe { header(block.cast_mut()).read() }
}

// ---- what the engine calls ----------------------------------------------------------------------------------

/// A size as Rust counts. The engine's type is as wide.
const fn bytes(size: qjs::size_t) -> usize {
    const { assert!(size_of::<usize>() == size_of::<qjs::size_t>()) };
    #[expect(clippy::cast_possible_truncation, reason = "the two types have the same size, asserted above")]
    {
        size as usize
    }
}

unsafe extern "C" fn js_malloc(_: *mut c_void, size: qjs::size_t) -> *mut c_void {
    allocate(bytes(size), heap::malloc).cast()
}

unsafe extern "C" fn js_calloc(_: *mut c_void, count: qjs::size_t, size: qjs::size_t) -> *mut c_void {
    let Some(size) = bytes(count).checked_mul(bytes(size)) else {
        return ptr::null_mut();
    };
    let block = allocate(size, zeroed);
    if size <= MAX_SMALL && !block.is_null() {
        // SAFETY: the block has so many bytes.
        unsafe { block.write_bytes(0, size) };
    }
    block.cast()
}

unsafe extern "C" fn js_free(_: *mut c_void, block: *mut c_void) {
    let block: *mut u8 = block.cast();
    if block.is_null() {
        return;
    }
    // SAFETY: the engine gives a block that came from here and that it no longer uses.
    unsafe {
        if size_of_block(block) <= MAX_SMALL {
            with(|blocks| blocks.free(block));
        } else {
            heap::free(header(block).cast());
        }
    }
}

unsafe extern "C" fn js_realloc(opaque: *mut c_void, block: *mut c_void, size: qjs::size_t) -> *mut c_void {
    // SAFETY: the engine gives a block that came from here, or null.
    unsafe {
        if block.is_null() {
            return js_malloc(opaque, size);
        }
        let (wanted, old): (usize, *mut u8) = (bytes(size), block.cast());
        let old_size = size_of_block(old);
        if old_size > MAX_SMALL && wanted > MAX_SMALL {
            return resize(old, wanted).cast();
        }
        if old_size <= MAX_SMALL && wanted <= old_size {
            return block;
        }
        let new = js_malloc(opaque, size);
        if !new.is_null() {
            new.cast::<u8>().copy_from_nonoverlapping(old, wanted.min(old_size));
            js_free(opaque, block);
        }
        new
    }
}

/// A large block with another large size.
///
/// # Safety
/// It was allocated here and is large.
unsafe fn resize(block: *mut u8, size: usize) -> *mut u8 {
    let Some(whole) = size.checked_add(size_of::<Header>()) else {
        return ptr::null_mut();
    };
    // SAFETY: the heap gave the block, with a header in front.
    let resized = || unsafe { heap::realloc(header(block).cast(), whole) };
    let mut start = resized();
    if start.is_null() && with(Blocks::reclaim) {
        start = resized();
    }
    if start.is_null() {
        return start;
    }
    let block = start.wrapping_add(size_of::<Header>());
    // SAFETY: as above.
    unsafe { header(block).write(size) };
    block
}

unsafe extern "C" fn js_malloc_usable_size(block: *const c_void) -> qjs::size_t {
    if block.is_null() {
        return 0;
    }
    // SAFETY: the engine gives a block that came from here.
    unsafe { size_of_block(block.cast()) as qjs::size_t }
}

unsafe extern "C" fn sab_alloc(opaque: *mut c_void, size: qjs::size_t) -> *mut c_void {
    // SAFETY: as for any other memory.
    unsafe { js_calloc(opaque, 1, size) }
}

unsafe extern "C" fn sab_dup(_: *mut c_void, _block: *mut c_void) {}
