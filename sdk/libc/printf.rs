//! The directives of `printf`, and the text form of values.
//!
//! `printf.c` fetches the arguments, because only C can, and calls these functions for everything else. All directives
//! of C17 are supported, except `%n`, which writes to memory, and wide characters (`%lc`, `%ls`). A format with one of
//! these is refused at that point, and the call returns -1. Floating-point numbers are rounded correctly at any
//! precision; `long double` has the precision of `double`.

mod float;

use core::ffi::{c_char, c_int};
use core::fmt::{self, Write as _};

use super::errno::{self, EINVAL, EOVERFLOW};
use super::stdio::{self, File};
use super::string::strnlen;
use super::text::{Cursor, bytes};

/// The target of text: a buffer of `capacity` bytes with its NUL, or a stream. The same in `printf.c`.
#[repr(C)]
pub struct Output {
    buffer: *mut u8,
    capacity: usize,
    /// Bytes written, or that a large enough buffer would have taken.
    length: usize,
    stream: *const File,
    failed: c_int,
}

impl Output {
    fn put(&mut self, text: &[u8]) {
        if !self.stream.is_null() {
            self.failed |= c_int::from(!stdio::collect(self.stream, text));
        } else if let Some(room) = self.capacity.checked_sub(1).and_then(|end| end.checked_sub(self.length)) {
            let used = text.len().min(room);
            // SAFETY: the program gave `capacity` writable bytes, of which `length` and one are spoken for.
            unsafe {
                core::ptr::copy_nonoverlapping(text.as_ptr(), self.buffer.wrapping_add(self.length), used);
            }
        }
        self.length = self.length.saturating_add(text.len());
    }

    fn repeat(&mut self, byte: u8, mut count: usize) {
        let run = [byte; 64];
        while count > 0 {
            let part = run.get(..count).unwrap_or(&run);
            self.put(part);
            count -= part.len();
        }
    }

    /// Refuses the format.
    fn refuse(&mut self, error: c_int) {
        errno::set(error);
        self.failed = 1;
    }
}

/// Flags of a directive.
const LEFT: u32 = 1;
const PLUS: u32 = 2;
const SPACE: u32 = 4;
const ALTERNATE: u32 = 8;
const ZERO: u32 = 16;

/// Bits of [`Directive::stars`].
const STAR_WIDTH: u8 = 1;
const STAR_PRECISION: u8 = 2;

/// The way in which an argument was passed. The same in `printf.c`.
#[derive(Clone, Copy)]
#[repr(u8)]
enum Argument {
    Word32,
    Word64,
    Double,
    LongDouble,
}

/// Length modifiers that change how a word is read; the others mean 64 bits.
const CHAR: u8 = 1;
const SHORT: u8 = 2;
const INT: u8 = 4;
const LONG: u8 = 8;
const LONG_DOUBLE: u8 = 16;

/// The part between a `%` and its letter. The same in `printf.c`.
#[repr(C)]
pub struct Directive {
    flags: u32,
    width: i32,
    /// The precision; negative if there is none.
    precision: i32,
    size: u8,
    letter: u8,
    argument: Argument,
    stars: u8,
}

impl Directive {
    const fn has(&self, flag: u32) -> bool {
        self.flags & flag != 0
    }

    fn precision(&self) -> Option<usize> {
        usize::try_from(self.precision).ok()
    }

    /// Returns the text before a number, by its sign and the flags.
    const fn sign(&self, negative: bool) -> &'static [u8] {
        if negative {
            b"-"
        } else if self.has(PLUS) {
            b"+"
        } else if self.has(SPACE) {
            b" "
        } else {
            b""
        }
    }

    /// Writes `parts` padded to the width. The first of them stays in front of padding by zeros.
    fn write(&self, output: &mut Output, zeros_allowed: bool, parts: &[Part<'_>]) {
        let len = parts.iter().fold(0_usize, |sum, part| sum.saturating_add(part.len()));
        let padding = usize::try_from(self.width).unwrap_or(0).saturating_sub(len);
        let zeros = zeros_allowed && self.has(ZERO) && !self.has(LEFT);
        if !zeros && !self.has(LEFT) {
            output.repeat(b' ', padding);
        }
        for (index, part) in parts.iter().enumerate() {
            match part {
                Part::Text(text) => output.put(text),
                Part::Zeros(count) => output.repeat(b'0', *count),
            }
            if index == 0 && zeros {
                output.repeat(b'0', padding);
            }
        }
        if self.has(LEFT) {
            output.repeat(b' ', padding);
        }
    }
}

/// A piece of a formatted value. Precisions may ask for more zeros than a buffer should hold.
enum Part<'a> {
    Text(&'a [u8]),
    Zeros(usize),
}

impl Part<'_> {
    const fn len(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Zeros(count) => *count,
        }
    }
}

/// Writes text up to the next directive that takes arguments, and reads that; 0 if there is none.
///
/// # Safety
/// `*format` is a string, and the others are what `printf.c` gives.
#[unsafe(no_mangle)]
unsafe extern "C" fn hlc_next(
    output: &mut Output,
    format: &mut *const c_char,
    directive: &mut Directive,
) -> c_int {
    if output.failed != 0 {
        return 0;
    }
    // SAFETY: the caller's promise.
    let mut place = unsafe { Cursor::new(*format) };
    loop {
        let start = place;
        while !matches!(place.peek(), 0 | b'%') {
            place.advance();
        }
        output.put(start.up_to(place));
        if place.next() == 0 {
            return 0;
        }
        match parse(&mut place) {
            Ok(None) => output.put(b"%"),
            Ok(Some(found)) => {
                *directive = found;
                *format = place.as_ptr();
                return 1;
            }
            Err(error) => {
                output.refuse(error);
                return 0;
            }
        }
    }
}

/// Reads the rest of a directive after `%`; `None` for `%%`.
fn parse(place: &mut Cursor) -> Result<Option<Directive>, c_int> {
    let mut flags = 0;
    loop {
        flags |= match place.peek() {
            b'-' => LEFT,
            b'+' => PLUS,
            b' ' => SPACE,
            b'#' => ALTERNATE,
            b'0' => ZERO,
            // The flag for grouping, which the C locale does not have.
            b'\'' => 0,
            _ => break,
        };
        place.advance();
    }
    let mut stars = 0;
    let mut number = |place: &mut Cursor, star: u8| {
        if place.skip(b'*') {
            stars |= star;
            return Ok::<_, c_int>(0);
        }
        let mut value = 0_i32;
        while place.peek().is_ascii_digit() {
            let digit = i32::from(place.next() - b'0');
            value = value.checked_mul(10).and_then(|value| value.checked_add(digit)).ok_or(EOVERFLOW)?;
        }
        Ok(value)
    };
    let width = number(place, STAR_WIDTH)?;
    let precision = if place.skip(b'.') { number(place, STAR_PRECISION)? } else { -1 };
    let size = size(place);
    let letter = place.next();
    let argument = match letter {
        b'%' => return Ok(None),
        b'c' | b's' if size != INT => return Err(EINVAL),
        b'c' => Argument::Word32,
        b's' | b'p' => Argument::Word64,
        b'd' | b'i' | b'o' | b'u' | b'x' | b'X' | b'b' | b'B' => {
            if size <= INT {
                Argument::Word32
            } else {
                Argument::Word64
            }
        }
        b'e' | b'E' | b'f' | b'F' | b'g' | b'G' | b'a' | b'A' => {
            if size == LONG_DOUBLE {
                Argument::LongDouble
            } else {
                Argument::Double
            }
        }
        _ => return Err(EINVAL),
    };
    Ok(Some(Directive { flags, width, precision, size, letter, argument, stars }))
}

/// Reads a length modifier. Their letters differ by case, which [`Cursor::skip`] does not.
fn size(place: &mut Cursor) -> u8 {
    let (size, twice) = match place.peek() {
        b'h' => (SHORT, Some((b'h', CHAR))),
        b'l' => (LONG, Some((b'l', LONG))),
        b'j' | b'z' | b't' => (LONG, None),
        b'L' => (LONG_DOUBLE, None),
        _ => return INT,
    };
    place.advance();
    match twice {
        Some((letter, size)) if place.peek() == letter => {
            place.advance();
            size
        }
        _ => size,
    }
}

/// Takes a width that was an argument; a negative one means padding on the right.
#[unsafe(no_mangle)]
extern "C" fn hlc_set_width(directive: &mut Directive, width: c_int) {
    if width < 0 {
        directive.flags |= LEFT;
    }
    directive.width = width.saturating_abs();
}

/// Takes a precision that was an argument; a negative one means none.
#[unsafe(no_mangle)]
extern "C" fn hlc_set_precision(directive: &mut Directive, precision: c_int) {
    directive.precision = precision;
}

/// Writes an argument that was passed in a word: an integer, a character, a string or a pointer.
///
/// # Safety
/// The arguments are what `printf.c` gives, and the word is what the directive asks for.
#[unsafe(no_mangle)]
unsafe extern "C" fn hlc_word(output: &mut Output, directive: &Directive, word: u64) {
    match directive.letter {
        b'c' => directive.write(output, false, &[Part::Text(&word.to_le_bytes()[..1])]),
        b's' => {
            let text = core::ptr::with_exposed_provenance(to_usize(word));
            // SAFETY: the caller's promise: NULL, or a string that the precision may cut.
            directive.write(output, false, &[Part::Text(unsafe { string(text, directive) })]);
        }
        b'p' if word == 0 => directive.write(output, false, &[Part::Text(b"(nil)")]),
        b'p' => unsigned(
            output,
            &Directive { flags: directive.flags | ALTERNATE, letter: b'x', ..*directive },
            word,
        ),
        b'd' | b'i' => {
            let number = narrow_signed(word, directive.size);
            integer(output, directive, directive.sign(number < 0), number.unsigned_abs());
        }
        _ => unsigned(output, directive, narrow_unsigned(word, directive.size)),
    }
}

/// Pointers and lengths have the width of a word on the one architecture there is.
const fn to_usize(word: u64) -> usize {
    const { assert!(usize::BITS == u64::BITS) };
    #[expect(clippy::cast_possible_truncation, reason = "asserted above")]
    {
        word as usize
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the length modifiers ask for it")]
const fn narrow_signed(word: u64, size: u8) -> i64 {
    match size {
        CHAR => (word as u8).cast_signed() as i64,
        SHORT => (word as u16).cast_signed() as i64,
        INT => (word as u32).cast_signed() as i64,
        _ => word.cast_signed(),
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the length modifiers ask for it")]
const fn narrow_unsigned(word: u64, size: u8) -> u64 {
    match size {
        CHAR => word as u8 as u64,
        SHORT => word as u16 as u64,
        INT => word as u32 as u64,
        _ => word,
    }
}

/// Returns the text for `%s`.
///
/// # Safety
/// `text` is NULL, a string, or has at least as many bytes as the precision says.
unsafe fn string<'a>(text: *const c_char, directive: &Directive) -> &'a [u8] {
    match directive.precision() {
        None if text.is_null() => b"(null)",
        // Half of the word would be misleading.
        Some(max) if text.is_null() => {
            if max < 6 {
                b""
            } else {
                b"(null)"
            }
        }
        // SAFETY: the caller's promise.
        None => unsafe { bytes(text) },
        // SAFETY: the caller's promise; `strnlen` stops at the NUL or at `max`.
        Some(max) => unsafe { core::slice::from_raw_parts(text.cast(), strnlen(text, max)) },
    }
}

fn unsigned(output: &mut Output, directive: &Directive, number: u64) {
    let prefix: &[u8] = match directive.letter {
        b'x' if directive.has(ALTERNATE) && number != 0 => b"0x",
        b'X' if directive.has(ALTERNATE) && number != 0 => b"0X",
        b'b' if directive.has(ALTERNATE) && number != 0 => b"0b",
        b'B' if directive.has(ALTERNATE) && number != 0 => b"0B",
        _ => b"",
    };
    integer(output, directive, prefix, number);
}

fn integer(output: &mut Output, directive: &Directive, prefix: &[u8], number: u64) {
    let mut text = Scratch::<64>::new();
    // The scratch has room for 64 binary digits.
    let _ = match directive.letter {
        b'o' => write!(text, "{number:o}"),
        b'x' => write!(text, "{number:x}"),
        b'X' => write!(text, "{number:X}"),
        b'b' | b'B' => write!(text, "{number:b}"),
        _ => write!(text, "{number}"),
    };
    let mut digits = text.bytes();
    if number == 0 && directive.precision == 0 {
        digits = b"";
    }
    let mut zeros = directive.precision().unwrap_or(1).saturating_sub(digits.len());
    if directive.letter == b'o' && directive.has(ALTERNATE) && zeros == 0 && digits != b"0" {
        zeros = 1;
    }
    let parts = [Part::Text(prefix), Part::Zeros(zeros), Part::Text(digits)];
    directive.write(output, directive.precision().is_none(), &parts);
}

/// Ends the output: a NUL for a buffer, and the result of the whole call.
#[unsafe(no_mangle)]
extern "C" fn hlc_finish(output: &mut Output) -> c_int {
    if !output.stream.is_null() {
        output.failed |= c_int::from(!stdio::settle(output.stream));
    }
    if output.stream.is_null() && output.capacity > 0 {
        let end = output.length.min(output.capacity - 1);
        // SAFETY: the program gave `capacity` writable bytes.
        unsafe { *output.buffer.wrapping_add(end) = 0 };
    }
    if output.failed != 0 {
        return -1;
    }
    c_int::try_from(output.length).unwrap_or_else(|_| {
        errno::set(EOVERFLOW);
        -1
    })
}

/// Buffer for a formatted number. Text that does not fit is a bug here, and cut off.
struct Scratch<const N: usize> {
    bytes: [u8; N],
    len: usize,
}

impl<const N: usize> Scratch<N> {
    const fn new() -> Self {
        Self { bytes: [0; N], len: 0 }
    }

    fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }
}

impl<const N: usize> fmt::Write for Scratch<N> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let end = self.len + text.len();
        self.bytes.get_mut(self.len..end).ok_or(fmt::Error)?.copy_from_slice(text.as_bytes());
        self.len = end;
        Ok(())
    }
}
