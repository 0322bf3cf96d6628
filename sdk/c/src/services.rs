//! The rest of `hyperlight_guest.h`: aborts, memory, random numbers, time, payloads, log records.

use core::ffi::{c_char, c_int, c_void};

use sdk::code;
use sdk::log::{self, Level, Metadata, Record};

use crate::arena;
use crate::failure::message;
use crate::libc::random::arc4random_buf;
use crate::libc::stdio;
use crate::value::HlBytes;

#[unsafe(no_mangle)]
unsafe extern "C" fn hl_guest_abort(code: i32, text: *const c_char) -> ! {
    stdio::flush();
    // SAFETY: the caller gives a string or NULL.
    sdk::abort(code, &unsafe { message(text) })
}

#[unsafe(no_mangle)]
pub extern "C" fn hl_guest_out_of_memory(size: usize) -> ! {
    arena::out_of_memory(size)
}

#[unsafe(no_mangle)]
extern "C" fn hl_guest_alloc(size: usize) -> *mut c_void {
    arena::allocate(size).cast()
}

#[unsafe(no_mangle)]
unsafe extern "C" fn hl_guest_random(buffer: *mut c_void, len: usize) {
    // SAFETY: the caller gives `len` writable bytes.
    unsafe { arc4random_buf(buffer, len) };
}

#[unsafe(no_mangle)]
extern "C" fn hl_guest_monotonic_ns() -> u64 {
    sdk::time::monotonic_ns()
}

#[unsafe(no_mangle)]
extern "C" fn hl_guest_sleep_ns(ns: u64) {
    stdio::flush();
    sdk::time::sleep(core::time::Duration::from_nanos(ns));
}

#[unsafe(no_mangle)]
unsafe extern "C" fn hl_guest_payload(index: usize, payload: *mut HlBytes) -> i32 {
    let Some(bytes) = sdk::payload(index) else {
        return code::INVALID_ARGUMENT;
    };
    // SAFETY: the caller gives room for it.
    unsafe { *payload = HlBytes::new(bytes) };
    0
}

/// Converts a level's number; a number past the last level counts as that.
const fn level(number: u32) -> Option<Level> {
    Some(match number {
        0 => return None,
        1 => Level::Error,
        2 => Level::Warn,
        3 => Level::Info,
        4 => Level::Debug,
        _ => Level::Trace,
    })
}

/// Returns true if a record is wanted. For `messages.c`.
#[unsafe(no_mangle)]
unsafe extern "C" fn hlc_log_enabled(number: u32, target: *const c_char) -> c_int {
    // SAFETY: the header's macro gives a string.
    let target = unsafe { message(target) };
    let enabled = |level| log::logger().enabled(&Metadata::builder().level(level).target(&target).build());
    level(number).is_some_and(enabled).into()
}

/// Writes a record. For `messages.c`.
#[unsafe(no_mangle)]
unsafe extern "C" fn hlc_log(
    number: u32,
    target: *const c_char,
    file: *const c_char,
    line: u32,
    text: *const c_char,
) {
    // SAFETY: the header's macro gives strings.
    let (target, file, text) = unsafe { (message(target), message(file), message(text)) };
    if let Some(level) = level(number) {
        log::logger().log(
            &Record::builder()
                .level(level)
                .target(&target)
                .file(Some(&file))
                .line(Some(line))
                .args(format_args!("{text}"))
                .build(),
        );
    }
}
