//! `strtol`, `strtod` and their kin: numbers from C strings.

use core::ffi::{c_char, c_int};
use core::str::FromStr;

use super::errno::{self, EINVAL, ERANGE};
use super::text::Cursor;

/// The parts of an integer in text, from which `strtoll` and `strtoull` make their results.
struct Integer {
    negative: bool,
    /// The value without its sign; `None` if it has more than 64 bits.
    magnitude: Option<u64>,
}

/// Reads an integer as `strtol` does. The end is stored in `*end`; without a number it is the start. C23 adds a prefix
/// for `binary` numbers.
///
/// # Safety
/// `text` is a string; `end` is NULL or can be written.
unsafe fn integer(text: *const c_char, end: *mut *mut c_char, base: c_int, binary: bool) -> Integer {
    // SAFETY: the caller's promise.
    let mut place = unsafe { Cursor::new(text) };
    let mut found = text;
    let mut result = Integer { negative: false, magnitude: Some(0) };
    let radix = u32::try_from(base).unwrap_or(1);
    if radix == 1 || radix > 36 {
        errno::set(EINVAL);
    } else {
        place.skip_space();
        result.negative = sign(&mut place);
        let radix = prefix(&mut place, radix, binary);
        while let Some(digit) = char::from(place.peek()).to_digit(radix) {
            let wider = |value: u64| value.checked_mul(radix.into())?.checked_add(digit.into());
            result.magnitude = result.magnitude.and_then(wider);
            place.advance();
            found = place.as_ptr();
        }
    }
    if !end.is_null() {
        // SAFETY: the caller's promise.
        unsafe { *end = found.cast_mut() };
    }
    result
}

/// Reads a sign; true for a minus.
fn sign(place: &mut Cursor) -> bool {
    let negative = place.skip(b'-');
    if !negative {
        place.skip(b'+');
    }
    negative
}

/// Reads `0x`, `0b` or the `0` of an octal number if the radix allows it, and returns the radix.
fn prefix(place: &mut Cursor, radix: u32, binary: bool) -> u32 {
    for (letter, value, known) in [(b'x', 16, true), (b'b', 2, binary)] {
        let mut ahead = *place;
        let allowed = known && (radix == 0 || radix == value);
        // Without a digit after it, the prefix is a zero and a letter that does not belong to the number.
        if allowed && ahead.skip_word(&[b'0', letter]) && char::from(ahead.peek()).is_digit(value) {
            *place = ahead;
            return value;
        }
    }
    match radix {
        0 if place.peek() == b'0' => 8,
        0 => 10,
        radix => radix,
    }
}

/// # Safety
/// As for [`integer`].
unsafe fn signed(text: *const c_char, end: *mut *mut c_char, base: c_int, binary: bool) -> i64 {
    // SAFETY: the caller's promise.
    let Integer { negative, magnitude } = unsafe { integer(text, end, base, binary) };
    let value = magnitude.and_then(|magnitude| {
        if negative { 0_i64.checked_sub_unsigned(magnitude) } else { i64::try_from(magnitude).ok() }
    });
    value.unwrap_or_else(|| {
        errno::set(ERANGE);
        if negative { i64::MIN } else { i64::MAX }
    })
}

/// # Safety
/// As for [`integer`].
unsafe fn unsigned(text: *const c_char, end: *mut *mut c_char, base: c_int, binary: bool) -> u64 {
    // SAFETY: the caller's promise.
    let Integer { negative, magnitude } = unsafe { integer(text, end, base, binary) };
    match magnitude {
        // C wants a minus to mean the two's complement.
        Some(magnitude) if negative => magnitude.wrapping_neg(),
        Some(magnitude) => magnitude,
        None => {
            errno::set(ERANGE);
            u64::MAX
        }
    }
}

/// Defines functions that read an integer with end and base. `long`, `long long` and `intmax_t` are the same here, and
/// glibc's newer headers rename the functions for programs in newer dialects.
macro_rules! integers {
    ($($type:ty = $read:ident, $binary:literal: $($name:ident)*;)*) => {$($(
        #[unsafe(no_mangle)]
        unsafe extern "C" fn $name(text: *const c_char, end: *mut *mut c_char, base: c_int) -> $type {
            // SAFETY: the caller gives a string, and NULL or room for the end.
            unsafe { $read(text, end, base, $binary) }
        }
    )*)*};
}

integers! {
    i64 = signed, false: strtol strtoll strtoimax;
    i64 = signed, true: __isoc23_strtol __isoc23_strtoll __isoc23_strtoimax;
    u64 = unsigned, false: strtoul strtoull strtoumax;
    u64 = unsigned, true: __isoc23_strtoul __isoc23_strtoull __isoc23_strtoumax;
}

#[unsafe(no_mangle)]
#[expect(clippy::cast_possible_truncation, reason = "what does not fit is undefined; this is what others do")]
unsafe extern "C" fn atoi(text: *const c_char) -> c_int {
    // SAFETY: the caller gives a string.
    unsafe { signed(text, core::ptr::null_mut(), 10, false) as c_int }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn atol(text: *const c_char) -> i64 {
    // SAFETY: the caller gives a string.
    unsafe { signed(text, core::ptr::null_mut(), 10, false) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn atoll(text: *const c_char) -> i64 {
    // SAFETY: the caller gives a string.
    unsafe { signed(text, core::ptr::null_mut(), 10, false) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn atof(text: *const c_char) -> f64 {
    // SAFETY: the caller gives a string.
    unsafe { floating(text, core::ptr::null_mut()) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn strtod(text: *const c_char, end: *mut *mut c_char) -> f64 {
    // SAFETY: the caller gives a string, and NULL or room for the end.
    unsafe { floating(text, end) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn strtof(text: *const c_char, end: *mut *mut c_char) -> f32 {
    // SAFETY: the caller gives a string, and NULL or room for the end.
    unsafe { floating(text, end) }
}

/// The two floating-point types, each rounded to from the text itself.
trait Float: FromStr + Copy {
    const INFINITY: Self;
    const NAN: Self;
    /// Bits of the significand, with the implied one.
    const PRECISION: i32;
    /// Exponent of the smallest normal number, as a power of two.
    const MIN_EXPONENT: i32;

    fn negate(self) -> Self;
    fn is_infinite(self) -> bool;
    /// Zero or subnormal.
    fn is_tiny(self) -> bool;
    /// A significand of at most `PRECISION` bits, times a power of two that makes it a number of this type.
    fn scale(significand: u64, exponent: i32) -> Self;
}

macro_rules! float {
    ($type:ty, $scale:path, $min:expr) => {
        impl Float for $type {
            const INFINITY: Self = <$type>::INFINITY;
            const NAN: Self = <$type>::NAN;
            const PRECISION: i32 = <$type>::MANTISSA_DIGITS.cast_signed();
            const MIN_EXPONENT: i32 = <$type>::MIN_EXP - 1;

            fn negate(self) -> Self {
                -self
            }

            fn is_infinite(self) -> bool {
                self.is_infinite()
            }

            fn is_tiny(self) -> bool {
                self.abs() < <$type>::MIN_POSITIVE
            }

            #[expect(clippy::cast_precision_loss, reason = "at most PRECISION bits are used")]
            fn scale(significand: u64, exponent: i32) -> Self {
                $scale(significand as $type, exponent)
            }
        }
    };
}

float!(f64, libm::scalbn, f64::MIN_EXP);
float!(f32, libm::scalbnf, f32::MIN_EXP);

/// Reads a number as `strtod` does. The end is stored in `*end`; without a number it is the start.
///
/// # Safety
/// `text` is a string; `end` is NULL or can be written.
unsafe fn floating<F: Float>(text: *const c_char, end: *mut *mut c_char) -> F {
    // SAFETY: the caller's promise.
    let mut place = unsafe { Cursor::new(text) };
    place.skip_space();
    let negative = sign(&mut place);
    let value = word(&mut place).or_else(|| hexadecimal(&mut place)).or_else(|| decimal(&mut place));
    let found = if value.is_some() { place.as_ptr() } else { text };
    if !end.is_null() {
        // SAFETY: the caller's promise.
        unsafe { *end = found.cast_mut() };
    }
    // Without a number the result is a positive zero.
    value.map_or_else(|| F::scale(0, 0), |value: F| if negative { value.negate() } else { value })
}

/// Infinity, or no number.
fn word<F: Float>(place: &mut Cursor) -> Option<F> {
    if place.skip_word(b"infinity") || place.skip_word(b"inf") {
        return Some(F::INFINITY);
    }
    if !place.skip_word(b"nan") {
        return None;
    }
    // The text in parentheses that may follow is ignored.
    let mut ahead = *place;
    if ahead.skip(b'(') {
        while ahead.peek().is_ascii_alphanumeric() || ahead.peek() == b'_' {
            ahead.advance();
        }
        if ahead.skip(b')') {
            *place = ahead;
        }
    }
    Some(F::NAN)
}

fn decimal<F: Float>(place: &mut Cursor) -> Option<F> {
    let start = *place;
    let mut ahead = start;
    let (mut digits, mut zero) = (0_usize, true);
    let mut run = |ahead: &mut Cursor| {
        while ahead.peek().is_ascii_digit() {
            zero &= ahead.next() == b'0';
            digits += 1;
        }
    };
    run(&mut ahead);
    if ahead.skip(b'.') {
        run(&mut ahead);
    }
    if digits == 0 {
        return None;
    }
    exponent(&mut ahead, b'e');
    let text = core::str::from_utf8(start.up_to(ahead)).ok()?;
    let value: F = text.parse().ok()?;
    *place = ahead;
    if value.is_infinite() || (value.is_tiny() && !zero) {
        errno::set(ERANGE);
    }
    Some(value)
}

/// `0x`, hexadecimal digits with or without a point, and a power of two.
fn hexadecimal<F: Float>(place: &mut Cursor) -> Option<F> {
    let mut ahead = *place;
    if !ahead.skip_word(b"0x") {
        return None;
    }
    // The first 60 bits after leading zeros, whether anything was cut off, and the power of two.
    let (mut bits, mut rest, mut power) = (0_u64, false, 0_i32);
    let (mut digits, mut point) = (0_usize, false);
    loop {
        if let Some(digit) = char::from(ahead.peek()).to_digit(16) {
            if bits >> 56 == 0 {
                bits = bits << 4 | u64::from(digit);
                power = power.saturating_sub(if point { 4 } else { 0 });
            } else {
                rest |= digit != 0;
                power = power.saturating_add(if point { 0 } else { 4 });
            }
            digits += 1;
        } else if ahead.peek() != b'.' || point {
            break;
        } else {
            point = true;
        }
        ahead.advance();
    }
    if digits == 0 {
        return None;
    }
    let power = power.saturating_add(exponent(&mut ahead, b'p'));
    *place = ahead;
    Some(round(bits, rest, power))
}

/// Reads the letter, a sign and digits; reads nothing if one of them is missing.
fn exponent(place: &mut Cursor, letter: u8) -> i32 {
    let mut ahead = *place;
    if !ahead.skip(letter) {
        return 0;
    }
    let negative = sign(&mut ahead);
    if !ahead.peek().is_ascii_digit() {
        return 0;
    }
    let mut value = 0_i32;
    while ahead.peek().is_ascii_digit() {
        value = value.saturating_mul(10).saturating_add((ahead.next() - b'0').into());
    }
    *place = ahead;
    if negative { -value } else { value }
}

/// `bits` and a little more if there is a `rest`, times two to the `power`: the nearest number, ties to even.
fn round<F: Float>(bits: u64, rest: bool, power: i32) -> F {
    if bits == 0 {
        return F::scale(0, 0);
    }
    let shift = bits.leading_zeros().cast_signed();
    let (bits, power) = (bits << shift, power.saturating_sub(shift));
    // Subnormal numbers have fewer bits, those far below them none.
    let missing = F::MIN_EXPONENT.saturating_sub(power.saturating_add(63)).max(0);
    let cut = 64 - F::PRECISION + missing.min(F::PRECISION + 1);
    let (kept, lost) = match cut {
        ..64 => (bits >> cut, bits << (64 - cut)),
        64 => (0, bits),
        _ => (0, 1),
    };
    const HALF: u64 = 1 << 63;
    let up = lost > HALF || (lost == HALF && (rest || kept & 1 == 1));
    let value = F::scale(kept + u64::from(up), power.saturating_add(cut));
    if value.is_infinite() || (missing > 0 && (lost != 0 || rest)) {
        errno::set(ERANGE);
    }
    value
}
