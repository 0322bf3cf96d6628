//! The checked functions of `_FORTIFY_SOURCE`, a default of some distributions: functions that write to memory, with
//! the size of the target if the compiler knows it. Those with formats are in `printf.c`.

use core::ffi::{c_char, c_int, c_void};
use core::ptr;

use super::stdio;
use super::string::{explicit_bzero, mempcpy, stpcpy, stpncpy, strcat, strcpy, strncat, strncpy, strnlen};
use super::text::bytes;

/// The abort code of a detected overflow: a shell shows it for SIGABRT.
const OVERFLOW: c_int = 134;

/// Ends the guest before memory is damaged.
#[unsafe(no_mangle)]
#[cold]
extern "C" fn hlc_overflow() -> ! {
    stdio::flush();
    sdk::abort(OVERFLOW, "buffer overflow detected")
}

#[unsafe(no_mangle)]
extern "C" fn __chk_fail() -> ! {
    hlc_overflow()
}

/// Checks that `len` bytes fit into `room`; `usize::MAX` stands for "not known".
fn check(len: usize, room: usize) {
    if len > room {
        hlc_overflow();
    }
}

/// Defines the checked variants of functions that write a given number of bytes.
macro_rules! counted {
    ($($name:ident($target:ident: $type:ty $(, $argument:ident: $argument_type:ty)*) = $call:expr;)*) => {$(
        #[unsafe(no_mangle)]
        unsafe extern "C" fn $name(
            $target: *mut $type
            $(, $argument: $argument_type)*
            , len: usize,
            room: usize,
        ) -> *mut $type {
            check(len, room);
            let call: unsafe fn(*mut $type $(, $argument_type)*, usize) -> *mut $type = $call;
            // SAFETY: the caller's promise to the function behind.
            unsafe { call($target $(, $argument)*, len) }
        }
    )*};
}

counted! {
    __memcpy_chk(target: c_void, source: *const c_void) = |target, source, len| {
        // SAFETY: the caller gives two pieces of `len` bytes that do not overlap.
        unsafe { mempcpy(target, source, len) };
        target
    };
    __memmove_chk(target: c_void, source: *const c_void) = |target, source, len| {
        // SAFETY: the caller gives two pieces of `len` bytes; they may overlap.
        unsafe { ptr::copy(source.cast::<u8>(), target.cast(), len) };
        target
    };
    __mempcpy_chk(target: c_void, source: *const c_void) = |target, source, len| {
        // SAFETY: the caller gives two pieces of `len` bytes that do not overlap.
        unsafe { mempcpy(target, source, len) }
    };
    __memset_chk(target: c_void, character: c_int) = |target, character, len| {
        // SAFETY: the caller gives `len` writable bytes.
        unsafe { ptr::write_bytes(target.cast::<u8>(), character.to_le_bytes()[0], len) };
        target
    };
    __strncpy_chk(target: c_char, source: *const c_char) = |target, source, len| {
        // SAFETY: the caller gives a string or `len` bytes, and room for `len` bytes.
        unsafe { strncpy(target, source, len) }
    };
    __stpncpy_chk(target: c_char, source: *const c_char) = |target, source, len| {
        // SAFETY: as for `strncpy`.
        unsafe { stpncpy(target, source, len) }
    };
}

#[unsafe(no_mangle)]
unsafe extern "C" fn __explicit_bzero_chk(start: *mut c_void, len: usize, room: usize) {
    check(len, room);
    // SAFETY: the caller gives `len` writable bytes.
    unsafe { explicit_bzero(start, len) };
}

#[unsafe(no_mangle)]
unsafe extern "C" fn __stpcpy_chk(target: *mut c_char, source: *const c_char, room: usize) -> *mut c_char {
    // SAFETY: the caller gives a string; the room for it has been checked.
    unsafe {
        check(bytes(source).len() + 1, room);
        stpcpy(target, source)
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn __strcpy_chk(target: *mut c_char, source: *const c_char, room: usize) -> *mut c_char {
    // SAFETY: the caller gives a string; the room for it has been checked.
    unsafe {
        check(bytes(source).len() + 1, room);
        strcpy(target, source)
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn __strcat_chk(target: *mut c_char, source: *const c_char, room: usize) -> *mut c_char {
    // SAFETY: the caller gives two strings; the room for both has been checked.
    unsafe {
        check(bytes(target).len() + bytes(source).len() + 1, room);
        strcat(target, source)
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn __strncat_chk(
    target: *mut c_char,
    source: *const c_char,
    len: usize,
    room: usize,
) -> *mut c_char {
    // SAFETY: the caller gives two strings, the second perhaps cut off by `len`; the room has been checked.
    unsafe {
        check(bytes(target).len() + strnlen(source, len) + 1, room);
        strncat(target, source, len)
    }
}
