//! The stack, and its exhaustion.

use core::hint::black_box;

use libhyperlight_guest::guest_function;

#[guest_function("InfiniteRecursion")]
fn infinite_recursion() {
    recurse(0);
}

/// Uses a little more than 8 KiB of stack this many times.
#[guest_function("StackOverflow")]
fn stack_overflow(depth: i32) -> i32 {
    if depth > 0 {
        let frame = black_box([0_u8; 0x2001]);
        stack_overflow(depth - 1);
        black_box(frame);
    }
    depth
}

/// A variable that fits.
#[guest_function("SmallVar")]
fn small_var() -> i32 {
    black_box([0_u8; 1024]);
    1024
}

/// A variable that is larger than any sensible stack, in one frame.
#[guest_function("LargeVar")]
fn large_var() -> i32 {
    const SIZE: i32 = 64 << 20;
    black_box([0_u8; SIZE.unsigned_abs() as usize]);
    SIZE
}

/// Copies as much of the text as fits into 17 bytes. Returns the number of bytes that are left, or missing.
#[guest_function("BufferOverrun")]
fn buffer_overrun(text: &str) -> i32 {
    let mut buffer = [0_u8; 17];
    for (place, byte) in buffer.iter_mut().zip(text.bytes()) {
        *place = byte;
    }
    black_box(buffer);
    i32::try_from(text.len()).map_or(i32::MIN, |len| 17 - len)
}

fn recurse(depth: u64) -> u64 {
    let frame = black_box([depth; 8]);
    // The condition always holds, but the compiler cannot know.
    if black_box(true) { recurse(depth + 1) + black_box(frame)[0] } else { 0 }
}
