//! `rand` and its kin, and the functions that give random bytes fit for keys.
//!
//! A program that calls `srand` wants the same numbers each time and gets them. One that does not gets numbers
//! from the SDK's generator, which the host reseeds after a restore and in a clone: two clones never draw the same.

use core::cell::Cell;
use core::ffi::{c_int, c_long, c_uint, c_void};

use super::errno::{self, EINVAL};
use super::single::Single;

/// The largest result, `RAND_MAX` in the headers.
const MAX: u64 = 0x7fff_ffff;

/// The most that `getentropy` gives at once.
const ENTROPY_MAX: usize = 256;

/// The state that `srand` set.
static SEQUENCE: Single<Cell<Option<u64>>> = Single::new(Cell::new(None));

/// Returns the next number of a SplitMix64 sequence.
const fn step(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

fn fresh() -> u64 {
    let mut bytes = [0; 8];
    sdk::random::fill(&mut bytes);
    u64::from_le_bytes(bytes)
}

/// Returns a number from 0 to `RAND_MAX`.
fn draw() -> u32 {
    let number = match SEQUENCE.get() {
        Some(mut state) => {
            let number = step(&mut state);
            SEQUENCE.set(Some(state));
            number
        }
        None => fresh(),
    };
    small(number)
}

const fn small(number: u64) -> u32 {
    ((number >> 32) & MAX) as u32
}

#[unsafe(no_mangle)]
extern "C" fn rand() -> c_int {
    draw().cast_signed()
}

#[unsafe(no_mangle)]
extern "C" fn srand(seed: c_uint) {
    SEQUENCE.set(Some(seed.into()));
}

/// The state is the caller's, and one word only.
#[unsafe(no_mangle)]
unsafe extern "C" fn rand_r(seed: *mut c_uint) -> c_int {
    // SAFETY: the caller gives its own state.
    let seed = unsafe { &mut *seed };
    *seed = seed.wrapping_add(0x9e37_79b9);
    small(step(&mut u64::from(*seed))).cast_signed()
}

#[unsafe(no_mangle)]
extern "C" fn random() -> c_long {
    draw().into()
}

#[unsafe(no_mangle)]
extern "C" fn srandom(seed: c_uint) {
    srand(seed);
}

#[unsafe(no_mangle)]
#[expect(clippy::cast_possible_truncation, reason = "half of the bits are enough")]
extern "C" fn arc4random() -> u32 {
    fresh() as u32
}

/// Fills memory with numbers that are fit for keys.
///
/// # Safety
/// `len` bytes can be written at `buffer`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn arc4random_buf(buffer: *mut c_void, len: usize) {
    if len > 0 {
        // SAFETY: the caller gives `len` writable bytes; what they held is not looked at.
        sdk::random::fill(unsafe {
            core::ptr::write_bytes(buffer.cast::<u8>(), 0, len);
            core::slice::from_raw_parts_mut(buffer.cast(), len)
        });
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn getentropy(buffer: *mut c_void, len: usize) -> c_int {
    if len > ENTROPY_MAX {
        errno::set(EINVAL);
        return -1;
    }
    // SAFETY: the caller gives `len` writable bytes.
    unsafe { arc4random_buf(buffer, len) };
    0
}

#[unsafe(no_mangle)]
unsafe extern "C" fn getrandom(buffer: *mut c_void, len: usize, _flags: c_uint) -> isize {
    // SAFETY: the caller gives `len` writable bytes.
    unsafe { arc4random_buf(buffer, len) };
    len.cast_signed()
}
