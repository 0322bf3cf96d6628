//! The heap, and memory in general.

use alloc::vec;
use alloc::vec::Vec;
use core::hint::black_box;
use core::ptr;
use core::slice;
use core::sync::atomic::{AtomicUsize, Ordering};

use libhyperlight_guest::{Result, bail, boot_info, ensure, guest_function, heap};

use crate::errors::WRONG_INPUT;

const PAGE: usize = 4096;

/// Address and length of what `AllocAndWritePattern` has left.
static PATTERN: (AtomicUsize, AtomicUsize) = (AtomicUsize::new(0), AtomicUsize::new(0));

/// Allocates and frees, and returns the size.
#[guest_function("CallMalloc")]
fn call_malloc(size: u64) -> u64 {
    black_box(Vec::<u8>::with_capacity(to_usize(size)));
    size
}

/// Allocates as C does, and returns the address: 0 without room. The memory is never freed.
#[guest_function("TestMalloc")]
fn test_malloc(size: u64) -> u64 {
    heap::malloc(to_usize(size)).expose_provenance() as u64
}

/// Allocates zeroed memory, frees it, and returns the size.
#[guest_function("MallocAndFree")]
fn malloc_and_free(size: u64) -> u64 {
    drop(black_box(vec![0_u8; to_usize(size)]));
    size
}

/// Allocates until the heap is exhausted.
#[guest_function("ExhaustHeap")]
fn exhaust_heap() {
    loop {
        black_box(Vec::<u8>::with_capacity(64 * 1024)).leak();
    }
}

/// Uses up the heap to the last byte.
pub fn fill_heap() {
    let mut size = to_usize(boot_info().heap.size);
    while size > 0 {
        if heap::malloc(size).is_null() {
            size /= 2;
        }
    }
}

/// Writes one word to each of this many pages of the heap.
#[guest_function("DirtyPages")]
fn dirty_pages(count: u32) -> Result<u32> {
    dirty(count, PAGE)
}

/// Writes one word to each of this many pages, with an untouched page between any two.
#[guest_function("DirtyEveryOtherPage")]
fn dirty_every_other_page(count: u32) -> Result<u32> {
    dirty(count, 2 * PAGE)
}

fn dirty(count: u32, stride: usize) -> Result<u32> {
    let mut memory = Vec::<u8>::new();
    let len = (count as usize).saturating_mul(stride);
    ensure!(memory.try_reserve_exact(len).is_ok(), WRONG_INPUT, "the heap has no room for {count} pages");
    for page in memory.spare_capacity_mut().chunks_mut(stride) {
        if let Some(byte) = page.first_mut() {
            // SAFETY: the byte belongs to `memory`, and any value will do.
            unsafe { byte.as_mut_ptr().write_volatile(1) };
        }
    }
    Ok(count)
}

#[guest_function("HeapSize")]
fn heap_size() -> u64 {
    boot_info().heap.size
}

/// Allocates memory that stays, fills it with a pattern and returns its address.
#[guest_function("AllocAndWritePattern")]
fn alloc_and_write_pattern(len: u32) -> u64 {
    let pattern = (0..len).map(pattern).collect::<Vec<u8>>().leak();
    let address = pattern.as_mut_ptr().expose_provenance();
    PATTERN.0.store(address, Ordering::Relaxed);
    PATTERN.1.store(pattern.len(), Ordering::Relaxed);
    address as u64
}

/// Returns true if the pattern is still there.
#[guest_function("ReadPattern")]
fn read_pattern() -> Result<bool> {
    let (address, len) = (PATTERN.0.load(Ordering::Relaxed), PATTERN.1.load(Ordering::Relaxed));
    if address == 0 {
        bail!(WRONG_INPUT, "no pattern was written");
    }
    // SAFETY: `AllocAndWritePattern` has leaked this slice.
    let found = unsafe { slice::from_raw_parts(ptr::with_exposed_provenance::<u8>(address), len) };
    Ok(found.iter().zip(0..).all(|(byte, index)| *byte == pattern(index)))
}

/// A copy of the memory at an address.
#[guest_function("ReadMemory")]
fn read_memory(address: u64, len: u32) -> Vec<u8> {
    let mut copy = vec![0; len as usize];
    // SAFETY: none is claimed: where the guest may not read, it faults, and the host deals with it.
    unsafe {
        core::arch::asm!(
            "rep movsb",
            inout("rdi") copy.as_mut_ptr() => _,
            inout("rsi") address => _,
            inout("rcx") copy.len() => _,
            options(nostack, preserves_flags),
        );
    }
    copy
}

/// Overwrites the memory at an address.
#[guest_function("WriteMemory")]
fn write_memory(address: u64, bytes: &[u8]) {
    // SAFETY: none is claimed, as above. Overwriting memory that the guest needs makes it misbehave.
    unsafe {
        core::arch::asm!(
            "rep movsb",
            inout("rdi") address => _,
            inout("rsi") bytes.as_ptr() => _,
            inout("rcx") bytes.len() => _,
            options(nostack, preserves_flags),
        );
    }
}

/// The addresses of things: `code`, `data`, `heap`, `stack`, `input`, `output`, `log_ring`, `doorbell`; the ends of
/// spans as `heap_end` and so on.
#[guest_function("AddressOf")]
fn address_of(what: &str) -> Result<u64> {
    let boot = boot_info();
    Ok(match what {
        "code" => (fill_heap as fn() as usize) as u64,
        "data" => (&raw const PATTERN).expose_provenance() as u64,
        "doorbell" => boot.doorbell,
        "heap" => boot.heap.address,
        "heap_end" => boot.heap.address + boot.heap.size,
        "input" => boot.input.address,
        "input_end" => boot.input.address + boot.input.size,
        "load_bias" => boot.load_bias,
        "log_ring" => boot.log_ring.address,
        "log_ring_end" => boot.log_ring.address + boot.log_ring.size,
        "output" => boot.output.address,
        "output_end" => boot.output.address + boot.output.size,
        "stack" => boot.stack.address,
        "stack_end" => boot.stack.address + boot.stack.size,
        _ => bail!(WRONG_INPUT, "`{what}` is nothing that has an address"),
    })
}

/// A size that can be requested: one larger than any allocation is too large for the heap as well.
fn to_usize(size: u64) -> usize {
    isize::try_from(size).unwrap_or(isize::MAX).unsigned_abs()
}

/// Byte `index` of the pattern.
const fn pattern(index: u32) -> u8 {
    let [low, high, _, _] = index.wrapping_mul(2_654_435_761).rotate_left(9).to_le_bytes();
    low ^ high
}
