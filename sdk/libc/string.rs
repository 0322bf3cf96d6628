//! `<string.h>` and `<strings.h>`.
//!
//! `memcpy`, `memmove`, `memset`, `memcmp`, `bcmp` and `strlen` come from the SDK, which needs them itself. Most
//! functions here measure first and then move bytes with those, so that they are as fast for long strings.

use core::cell::Cell;
use core::cmp::Ordering;
use core::ffi::{CStr, c_char, c_int, c_void};
use core::ptr;

use super::errno;
use super::malloc::malloc;
use super::single::Single;
use super::text::{Cursor, bytes};

/// The place at which `strtok` continues.
static TOKENS: Single<Cell<*mut c_char>> = Single::new(Cell::new(ptr::null_mut()));

/// Returns memory as a slice; C allows any pointer if the length is 0.
///
/// # Safety
/// `len` bytes can be read at `start`, and are not changed while the slice is in use.
unsafe fn memory<'a>(start: *const c_void, len: usize) -> &'a [u8] {
    if len == 0 {
        return &[];
    }
    // SAFETY: the caller's promise.
    unsafe { core::slice::from_raw_parts(start.cast(), len) }
}

/// Returns `start` plus `found`; mutable, as C functions return a pointer into a constant string.
fn at(start: *const c_void, found: Option<usize>) -> *mut c_void {
    found.map_or(ptr::null_mut(), |index| start.cast_mut().wrapping_byte_add(index))
}

/// Converts the `int` in which C passes a byte.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "C converts it to unsigned char")]
const fn byte(character: c_int) -> u8 {
    character as u8
}

/// Converts the result of a comparison to C's.
const fn sign(order: Ordering) -> c_int {
    order as c_int
}

/// Finds the offset of `needle` in `haystack`.
fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    let Some((first, tail)) = needle.split_first() else {
        return Some(0);
    };
    let last = haystack.len().checked_sub(needle.len())?;
    let mut from = 0;
    while let Some(place) = haystack.get(from..=last)?.iter().position(|byte| byte == first) {
        from += place + 1;
        if haystack.get(from..from + tail.len()) == Some(tail) {
            return Some(from - 1);
        }
    }
    None
}

// ---- memory ---------------------------------------------------------------------------------------------

#[unsafe(no_mangle)]
unsafe extern "C" fn memchr(start: *const c_void, character: c_int, len: usize) -> *mut c_void {
    let mut place = start.cast::<u8>();
    for _ in 0..len {
        // SAFETY: the caller gives `len` readable bytes, or fewer with the byte among them.
        if unsafe { *place } == byte(character) {
            return place.cast_mut().cast();
        }
        place = place.wrapping_add(1);
    }
    ptr::null_mut()
}

#[unsafe(no_mangle)]
unsafe extern "C" fn memrchr(start: *const c_void, character: c_int, len: usize) -> *mut c_void {
    // SAFETY: the caller gives `len` readable bytes.
    at(start, unsafe { memory(start, len) }.iter().rposition(|found| *found == byte(character)))
}

/// Like `memchr`, for a byte known to be there.
#[unsafe(no_mangle)]
unsafe extern "C" fn rawmemchr(start: *const c_void, character: c_int) -> *mut c_void {
    // SAFETY: the caller knows that the byte comes before the end of the memory.
    unsafe { memchr(start, character, usize::MAX) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn memmem(
    haystack: *const c_void,
    haystack_len: usize,
    needle: *const c_void,
    needle_len: usize,
) -> *mut c_void {
    // SAFETY: the caller gives both lengths.
    at(haystack, unsafe { find(memory(haystack, haystack_len), memory(needle, needle_len)) })
}

/// Copies and returns the end of the copy.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mempcpy(target: *mut c_void, source: *const c_void, len: usize) -> *mut c_void {
    // SAFETY: the caller gives two pieces of `len` bytes that do not overlap.
    unsafe { ptr::copy_nonoverlapping(source.cast::<u8>(), target.cast(), len) };
    target.wrapping_byte_add(len)
}

/// Copies up to the byte and returns the end of the copy, or NULL if the byte is not among the first `len`.
#[unsafe(no_mangle)]
unsafe extern "C" fn memccpy(
    target: *mut c_void,
    source: *const c_void,
    character: c_int,
    len: usize,
) -> *mut c_void {
    // SAFETY: the caller gives `len` readable bytes, or fewer with the byte among them.
    let found = unsafe { memchr(source, character, len) };
    if found.is_null() {
        // SAFETY: the byte is not there: all `len` bytes can be read, and written.
        unsafe { mempcpy(target, source, len) };
        return found;
    }
    // SAFETY: the target takes as much as it is given, at most `len`.
    unsafe { mempcpy(target, source, found.addr() - source.addr() + 1) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn bcopy(source: *const c_void, target: *mut c_void, len: usize) {
    // SAFETY: the caller gives two pieces of `len` bytes; they may overlap.
    unsafe { ptr::copy(source.cast::<u8>(), target.cast(), len) };
}

#[unsafe(no_mangle)]
unsafe extern "C" fn bzero(start: *mut c_void, len: usize) {
    // SAFETY: the caller gives `len` writable bytes.
    unsafe { ptr::write_bytes(start.cast::<u8>(), 0, len) };
}

/// `bzero` that no optimiser removes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn explicit_bzero(start: *mut c_void, len: usize) {
    for index in 0..len {
        // SAFETY: the caller gives `len` writable bytes.
        unsafe { start.cast::<u8>().add(index).write_volatile(0) };
    }
}

// ---- lengths and copies -----------------------------------------------------------------------------------

#[unsafe(no_mangle)]
pub unsafe extern "C" fn strnlen(text: *const c_char, max: usize) -> usize {
    // SAFETY: the caller gives `max` readable bytes, or fewer with a NUL among them.
    let end = unsafe { memchr(text.cast(), 0, max) };
    if end.is_null() { max } else { end.addr() - text.addr() }
}

/// Copies a string and returns the place of the copy's NUL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stpcpy(target: *mut c_char, source: *const c_char) -> *mut c_char {
    // SAFETY: the caller gives a string, and room for it and its NUL.
    unsafe {
        let source = CStr::from_ptr(source).to_bytes_with_nul();
        ptr::copy_nonoverlapping(source.as_ptr().cast(), target, source.len());
        target.wrapping_add(source.len() - 1)
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn strcpy(target: *mut c_char, source: *const c_char) -> *mut c_char {
    // SAFETY: as for `stpcpy`.
    unsafe { stpcpy(target, source) };
    target
}

/// Copies at most `len` bytes of a string, fills up with NULs, and returns the place of the first one, or the end.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn stpncpy(target: *mut c_char, source: *const c_char, len: usize) -> *mut c_char {
    // SAFETY: the caller gives a string or `len` bytes, and room for `len` bytes.
    unsafe {
        let used = strnlen(source, len);
        ptr::copy_nonoverlapping(source, target, used);
        let end = target.wrapping_add(used);
        ptr::write_bytes(end, 0, len - used);
        end
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn strncpy(target: *mut c_char, source: *const c_char, len: usize) -> *mut c_char {
    // SAFETY: as for `stpncpy`.
    unsafe { stpncpy(target, source, len) };
    target
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn strcat(target: *mut c_char, source: *const c_char) -> *mut c_char {
    // SAFETY: the caller gives two strings, and room behind the first.
    unsafe { stpcpy(target.wrapping_add(bytes(target).len()), source) };
    target
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn strncat(target: *mut c_char, source: *const c_char, len: usize) -> *mut c_char {
    // SAFETY: the caller gives two strings, the second perhaps cut off by `len`, and room behind the first.
    unsafe {
        let used = strnlen(source, len);
        let end = target.wrapping_add(bytes(target).len());
        ptr::copy_nonoverlapping(source, end, used);
        *end.wrapping_add(used) = 0;
    }
    target
}

/// Copies as much as fits into `size` bytes with the NUL, and returns the length of the source.
#[unsafe(no_mangle)]
unsafe extern "C" fn strlcpy(target: *mut c_char, source: *const c_char, size: usize) -> usize {
    // SAFETY: the caller gives a string, and `size` writable bytes.
    unsafe {
        let len = bytes(source).len();
        if let Some(room) = size.checked_sub(1) {
            let used = len.min(room);
            ptr::copy_nonoverlapping(source, target, used);
            *target.wrapping_add(used) = 0;
        }
        len
    }
}

/// Appends as much as fits into `size` bytes with the NUL, and returns the length of the whole result.
#[unsafe(no_mangle)]
unsafe extern "C" fn strlcat(target: *mut c_char, source: *const c_char, size: usize) -> usize {
    // SAFETY: the caller gives two strings, the first in `size` bytes.
    unsafe {
        let used = strnlen(target, size);
        used + strlcpy(target.wrapping_add(used), source, size - used)
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn strndup(text: *const c_char, max: usize) -> *mut c_char {
    // SAFETY: the caller gives a string or `max` bytes; `malloc` gives room for as many and a NUL, or NULL.
    unsafe {
        let len = strnlen(text, max);
        let copy: *mut c_char = malloc(len + 1).cast();
        if !copy.is_null() {
            ptr::copy_nonoverlapping(text, copy, len);
            *copy.wrapping_add(len) = 0;
        }
        copy
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn strdup(text: *const c_char) -> *mut c_char {
    // SAFETY: the caller gives a string.
    unsafe { strndup(text, bytes(text).len()) }
}

/// The name that older headers expand `strdup` to.
#[unsafe(no_mangle)]
unsafe extern "C" fn __strdup(text: *const c_char) -> *mut c_char {
    // SAFETY: the caller gives a string.
    unsafe { strdup(text) }
}

// ---- comparisons ------------------------------------------------------------------------------------------

/// Compares two strings, at most `max` bytes of them, after `fold` was applied to each byte.
///
/// # Safety
/// Each is a string, or has `max` bytes.
unsafe fn compare(left: *const c_char, right: *const c_char, max: usize, fold: fn(u8) -> u8) -> c_int {
    for index in 0..max {
        // SAFETY: the caller's promise; the loop ends at the first NUL.
        let (left, right) = unsafe { (*left.cast::<u8>().add(index), *right.cast::<u8>().add(index)) };
        let order = fold(left).cmp(&fold(right));
        if order.is_ne() {
            return sign(order);
        }
        if left == 0 {
            break;
        }
    }
    0
}

#[unsafe(no_mangle)]
unsafe extern "C" fn strcmp(left: *const c_char, right: *const c_char) -> c_int {
    // SAFETY: the caller gives two strings.
    unsafe { compare(left, right, usize::MAX, core::convert::identity) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn strncmp(left: *const c_char, right: *const c_char, max: usize) -> c_int {
    // SAFETY: the caller gives two strings or `max` bytes.
    unsafe { compare(left, right, max, core::convert::identity) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn strcasecmp(left: *const c_char, right: *const c_char) -> c_int {
    // SAFETY: the caller gives two strings.
    unsafe { compare(left, right, usize::MAX, |byte| byte.to_ascii_lowercase()) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn strncasecmp(left: *const c_char, right: *const c_char, max: usize) -> c_int {
    // SAFETY: the caller gives two strings or `max` bytes.
    unsafe { compare(left, right, max, |byte| byte.to_ascii_lowercase()) }
}

/// `strcmp`, because there is one locale.
#[unsafe(no_mangle)]
unsafe extern "C" fn strcoll(left: *const c_char, right: *const c_char) -> c_int {
    // SAFETY: the caller gives two strings.
    unsafe { strcmp(left, right) }
}

/// `strlcpy`, because there is one locale.
#[unsafe(no_mangle)]
unsafe extern "C" fn strxfrm(target: *mut c_char, source: *const c_char, size: usize) -> usize {
    // SAFETY: the caller gives a string, and `size` writable bytes.
    unsafe { strlcpy(target, source, size) }
}

// ---- searches ---------------------------------------------------------------------------------------------

/// Returns the address of the byte, or else of the string's NUL.
#[unsafe(no_mangle)]
unsafe extern "C" fn strchrnul(text: *const c_char, character: c_int) -> *mut c_char {
    // SAFETY: the caller gives a string.
    let mut place = unsafe { Cursor::new(text) };
    while place.peek() != 0 && place.peek() != byte(character) {
        place.advance();
    }
    place.as_ptr().cast_mut()
}

#[unsafe(no_mangle)]
unsafe extern "C" fn strchr(text: *const c_char, character: c_int) -> *mut c_char {
    // SAFETY: the caller gives a string; what `strchrnul` returns lies in it.
    unsafe {
        let found = strchrnul(text, character);
        if *found.cast::<u8>() == byte(character) { found } else { ptr::null_mut() }
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn strrchr(text: *const c_char, character: c_int) -> *mut c_char {
    // SAFETY: the caller gives a string; its NUL can be searched for as well.
    let all = unsafe { CStr::from_ptr(text) }.to_bytes_with_nul();
    at(text.cast(), all.iter().rposition(|found| *found == byte(character))).cast()
}

#[unsafe(no_mangle)]
unsafe extern "C" fn index(text: *const c_char, character: c_int) -> *mut c_char {
    // SAFETY: the caller gives a string.
    unsafe { strchr(text, character) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn rindex(text: *const c_char, character: c_int) -> *mut c_char {
    // SAFETY: the caller gives a string.
    unsafe { strrchr(text, character) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn strstr(haystack: *const c_char, needle: *const c_char) -> *mut c_char {
    // SAFETY: the caller gives two strings.
    at(haystack.cast(), unsafe { find(bytes(haystack), bytes(needle)) }).cast()
}

#[unsafe(no_mangle)]
unsafe extern "C" fn strcasestr(haystack: *const c_char, needle: *const c_char) -> *mut c_char {
    // SAFETY: the caller gives two strings.
    let (all, needle) = unsafe { (bytes(haystack), bytes(needle)) };
    let found = if needle.is_empty() {
        Some(0)
    } else {
        all.windows(needle.len()).position(|window| window.eq_ignore_ascii_case(needle))
    };
    at(haystack.cast(), found).cast()
}

/// Returns the number of bytes at the start of `text` that are in `set`, or are not.
///
/// # Safety
/// Both are strings.
unsafe fn span(text: *const c_char, set: *const c_char, inside: bool) -> usize {
    let mut member = [false; 256];
    // SAFETY: the caller's promise.
    let (text, set) = unsafe { (bytes(text), bytes(set)) };
    for byte in set {
        member[usize::from(*byte)] = true;
    }
    text.iter().position(|byte| member[usize::from(*byte)] != inside).unwrap_or(text.len())
}

#[unsafe(no_mangle)]
unsafe extern "C" fn strspn(text: *const c_char, set: *const c_char) -> usize {
    // SAFETY: the caller gives two strings.
    unsafe { span(text, set, true) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn strcspn(text: *const c_char, set: *const c_char) -> usize {
    // SAFETY: the caller gives two strings.
    unsafe { span(text, set, false) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn strpbrk(text: *const c_char, set: *const c_char) -> *mut c_char {
    // SAFETY: the caller gives two strings; what `span` counts lies in the first.
    unsafe {
        let found = text.wrapping_add(span(text, set, false)).cast_mut();
        if *found == 0 { ptr::null_mut() } else { found }
    }
}

// ---- tokens -----------------------------------------------------------------------------------------------

/// Cuts the next token, which may be empty, off `*rest`.
#[unsafe(no_mangle)]
unsafe extern "C" fn strsep(rest: *mut *mut c_char, separators: *const c_char) -> *mut c_char {
    // SAFETY: the caller gives two strings, the first writable, or NULL in place of the first.
    unsafe {
        let token = *rest;
        if !token.is_null() {
            let end = token.wrapping_add(span(token, separators, false));
            *rest = if *end == 0 { ptr::null_mut() } else { end.wrapping_add(1) };
            *end = 0;
        }
        token
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn strtok_r(
    text: *mut c_char,
    separators: *const c_char,
    rest: *mut *mut c_char,
) -> *mut c_char {
    // SAFETY: the caller gives a writable string, or NULL and what an earlier call left in `rest`.
    unsafe {
        if !text.is_null() {
            *rest = text;
        }
        if (*rest).is_null() {
            return ptr::null_mut();
        }
        let start = (*rest).wrapping_add(span(*rest, separators, true));
        if *start == 0 {
            *rest = ptr::null_mut();
            return ptr::null_mut();
        }
        *rest = start;
        strsep(rest, separators)
    }
}

/// The name that older headers expand `strtok_r` to.
#[unsafe(no_mangle)]
unsafe extern "C" fn __strtok_r(
    text: *mut c_char,
    separators: *const c_char,
    rest: *mut *mut c_char,
) -> *mut c_char {
    // SAFETY: as for `strtok_r`.
    unsafe { strtok_r(text, separators, rest) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn strtok(text: *mut c_char, separators: *const c_char) -> *mut c_char {
    // SAFETY: as for `strtok_r`.
    unsafe { strtok_r(text, separators, TOKENS.as_ptr()) }
}

// ---- errors -----------------------------------------------------------------------------------------------

#[unsafe(no_mangle)]
extern "C" fn strerror(number: c_int) -> *const c_char {
    errno::text(number).unwrap_or(c"Unknown error").as_ptr()
}
