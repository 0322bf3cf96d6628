//! `<stdio.h>` without files: output to `stdout` or `stderr` goes to the host's `HostPrint`.
//!
//! Waking the host costs far more than formatting a line, so output is buffered. The buffer is sent when the guest
//! function returns, before any other host function is called (to keep the order of effects), when it is full, after a
//! write to `stderr`, and by `fflush`. `stdin` is always at its end.

use alloc::string::String;
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};
use core::ffi::{CStr, c_char, c_int, c_void};
use core::ptr;

use sdk::ValueRef;

use super::errno::{self, EBADF};
use super::single::Single;
use super::text::bytes;

/// The result for the end of a file, and for a failure.
const EOF: c_int = -1;

/// Size of the buffer in bytes.
const CAPACITY: usize = 4096;

/// A stream. The macros of some headers read its first words, which mean "nothing buffered, no error" while they are
/// zero. Otherwise only its address is used.
#[repr(C, align(16))]
pub(crate) struct File {
    words: [usize; 32],
}

/// A `FILE *` that never changes.
#[repr(transparent)]
struct Stream(*const File);

// SAFETY: it points to a static, of which only the address is used.
unsafe impl Sync for Stream {}

impl File {
    const fn new() -> Self {
        Self { words: [0; 32] }
    }
}

static INPUT: File = File::new();
static OUTPUT: File = File::new();
static ERRORS: File = File::new();

#[unsafe(no_mangle)]
static stdin: Stream = Stream(&INPUT);
#[unsafe(no_mangle)]
static stdout: Stream = Stream(&OUTPUT);
#[unsafe(no_mangle)]
static stderr: Stream = Stream(&ERRORS);

/// Output that has not been sent yet.
struct Buffer {
    /// Allocated at the first output: most programs that carry this print nothing.
    bytes: Vec<u8>,
}

static BUFFER: Single<RefCell<Buffer>> = Single::new(RefCell::new(Buffer { bytes: Vec::new() }));

/// True once the host has refused to print.
static FAILED: Single<Cell<bool>> = Single::new(Cell::new(false));

impl Buffer {
    /// Buffers `bytes`, and prints whenever the buffer is full.
    fn write(&mut self, mut bytes: &[u8]) -> Result<(), sdk::Error> {
        while !bytes.is_empty() {
            if self.bytes.len() == CAPACITY {
                self.print(false)?;
            }
            if self.bytes.capacity() == 0 && self.bytes.try_reserve_exact(CAPACITY).is_err() {
                return print_at_once(bytes);
            }
            let (head, tail) = bytes.split_at(bytes.len().min(CAPACITY - self.bytes.len()));
            self.bytes.extend_from_slice(head);
            bytes = tail;
        }
        Ok(())
    }

    /// Prints the buffer. Unless `all`, an incomplete character at the end stays in it.
    fn print(&mut self, all: bool) -> Result<(), sdk::Error> {
        let bytes = self.bytes.as_slice();
        let ready = match core::str::from_utf8(bytes) {
            Err(error) if !all && error.error_len().is_none() => {
                bytes.get(..error.valid_up_to()).unwrap_or_default()
            }
            _ => bytes,
        };
        let outcome = match core::str::from_utf8(ready) {
            Ok("") => return Ok(()),
            Ok(text) => host_print(text),
            Err(_) => host_print(&String::from_utf8_lossy(ready)),
        };
        let used = ready.len();
        self.bytes.drain(..used);
        outcome
    }
}

/// Prints without the buffer, when there is no memory for it.
fn print_at_once(bytes: &[u8]) -> Result<(), sdk::Error> {
    for chunk in bytes.utf8_chunks() {
        let mut rest = chunk.valid();
        while !rest.is_empty() {
            let mut end = rest.len().min(CAPACITY);
            while !rest.is_char_boundary(end) {
                end -= 1;
            }
            let (piece, tail) = rest.split_at(end);
            host_print(piece)?;
            rest = tail;
        }
        if !chunk.invalid().is_empty() {
            host_print("\u{fffd}")?;
        }
    }
    Ok(())
}

fn host_print(text: &str) -> Result<(), sdk::Error> {
    sdk::host_call("HostPrint", &[ValueRef::String(text)]).map(|_| ())
}

/// Writes to a stream; false if it cannot be written to or the host refused.
pub(crate) fn write(stream: *const File, bytes: &[u8]) -> bool {
    collect(stream, bytes) && settle(stream)
}

/// Writes a part of the output; [`settle`] follows the last part.
pub(crate) fn collect(stream: *const File, bytes: &[u8]) -> bool {
    if !ptr::eq(stream, &raw const OUTPUT) && !ptr::eq(stream, &raw const ERRORS) {
        errno::set(EBADF);
        return false;
    }
    // Nothing that runs inside calls this, so the buffer is never borrowed twice.
    let written = BUFFER.try_borrow_mut().is_ok_and(|mut buffer| buffer.write(bytes).is_ok());
    if !written {
        FAILED.set(true);
    }
    written
}

/// Prints output for `stderr` at once.
pub(crate) fn settle(stream: *const File) -> bool {
    !ptr::eq(stream, &raw const ERRORS) || flush()
}

/// Prints the buffer; false if the host refused, in which case the output is lost.
pub fn flush() -> bool {
    let printed = BUFFER.try_borrow_mut().is_ok_and(|mut buffer| buffer.print(true).is_ok());
    if !printed {
        FAILED.set(true);
    }
    printed
}

/// The stream that `printf` writes to.
#[unsafe(no_mangle)]
extern "C" fn hlc_stdout() -> *const File {
    &raw const OUTPUT
}

#[unsafe(no_mangle)]
unsafe extern "C" fn fwrite(data: *const c_void, size: usize, count: usize, stream: *const File) -> usize {
    let len = size.saturating_mul(count);
    if len == 0 {
        return 0;
    }
    // SAFETY: the caller gives `count` elements of that size.
    if write(stream, unsafe { core::slice::from_raw_parts(data.cast(), len) }) { count } else { 0 }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn fputs(text: *const c_char, stream: *const File) -> c_int {
    // SAFETY: the caller gives a string.
    if write(stream, unsafe { bytes(text) }) { 1 } else { EOF }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn puts(text: *const c_char) -> c_int {
    // SAFETY: the caller gives a string.
    if write(&OUTPUT, unsafe { bytes(text) }) && write(&OUTPUT, b"\n") { 1 } else { EOF }
}

#[unsafe(no_mangle)]
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "C converts it to unsigned char")]
extern "C" fn fputc(character: c_int, stream: *const File) -> c_int {
    let byte = character as u8;
    if write(stream, &[byte]) { byte.into() } else { EOF }
}

/// Defines other names that headers use for `fputc`.
macro_rules! fputc {
    ($($name:ident)*) => {$(
        #[unsafe(no_mangle)]
        extern "C" fn $name(character: c_int, stream: *const File) -> c_int {
            fputc(character, stream)
        }
    )*};
}

fputc! { putc _IO_putc fputc_unlocked putc_unlocked }

#[unsafe(no_mangle)]
extern "C" fn putchar(character: c_int) -> c_int {
    fputc(character, &OUTPUT)
}

/// Called by `putc_unlocked` of some headers when a stream's own buffer is full; ours have none.
#[unsafe(no_mangle)]
extern "C" fn __overflow(stream: *const File, character: c_int) -> c_int {
    fputc(character, stream)
}

#[unsafe(no_mangle)]
extern "C" fn putchar_unlocked(character: c_int) -> c_int {
    fputc(character, &OUTPUT)
}

/// Prints now. Any stream and NULL stand for the one buffer.
#[unsafe(no_mangle)]
extern "C" fn fflush(_stream: *const File) -> c_int {
    if flush() { 0 } else { EOF }
}

/// True once the host has refused to print.
#[unsafe(no_mangle)]
extern "C" fn ferror(_stream: *const File) -> c_int {
    FAILED.get().into()
}

#[unsafe(no_mangle)]
extern "C" fn clearerr(_stream: *const File) {
    FAILED.set(false);
}

#[unsafe(no_mangle)]
extern "C" fn feof(stream: *const File) -> c_int {
    ptr::eq(stream, &raw const INPUT).into()
}

/// Returns the usual file descriptors of these streams.
#[unsafe(no_mangle)]
extern "C" fn fileno(stream: *const File) -> c_int {
    if ptr::eq(stream, &raw const INPUT) {
        0
    } else if ptr::eq(stream, &raw const OUTPUT) {
        1
    } else {
        2
    }
}

/// Always fails: the buffering of output cannot be changed. C allows that.
#[unsafe(no_mangle)]
extern "C" fn setvbuf(_stream: *mut File, _buffer: *mut c_char, _mode: c_int, _size: usize) -> c_int {
    EOF
}

#[unsafe(no_mangle)]
extern "C" fn setbuf(_stream: *mut File, _buffer: *mut c_char) {}

#[unsafe(no_mangle)]
unsafe extern "C" fn perror(what: *const c_char) {
    let text = errno::text(errno::get()).unwrap_or(c"Unknown error");
    // SAFETY: the caller gives a string or NULL.
    let what = if what.is_null() { &[][..] } else { unsafe { CStr::from_ptr(what) }.to_bytes() };
    let colon: &[u8] = if what.is_empty() { b"" } else { b": " };
    let mut line = Vec::with_capacity(what.len() + colon.len() + text.count_bytes() + 1);
    for part in [what, colon, text.to_bytes(), b"\n"] {
        line.extend_from_slice(part);
    }
    write(&ERRORS, &line);
}

// ---- reading: there is nothing to read ----------------------------------------------------------------------

#[unsafe(no_mangle)]
extern "C" fn fgetc(_stream: *mut File) -> c_int {
    EOF
}

#[unsafe(no_mangle)]
extern "C" fn getc(_stream: *mut File) -> c_int {
    EOF
}

#[unsafe(no_mangle)]
extern "C" fn getchar() -> c_int {
    EOF
}

#[unsafe(no_mangle)]
extern "C" fn fgets(_line: *mut c_char, _size: c_int, _stream: *mut File) -> *mut c_char {
    ptr::null_mut()
}

#[unsafe(no_mangle)]
extern "C" fn fread(_data: *mut c_void, _size: usize, _count: usize, _stream: *mut File) -> usize {
    0
}
