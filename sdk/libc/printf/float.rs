//! Floating-point numbers: `%f`, `%e`, `%g` and `%a`.
//!
//! The digits come from `core::fmt`, which rounds correctly to any number of them. This module puts them into the forms
//! of C.

use core::fmt::Write as _;

use super::{ALTERNATE, Directive, Output, Part, Scratch};

/// Writes a floating-point argument.
#[unsafe(no_mangle)]
extern "C" fn hlc_double(output: &mut Output, directive: &Directive, number: f64) {
    let upper = directive.letter.is_ascii_uppercase();
    let sign = directive.sign(number.is_sign_negative());
    if !number.is_finite() {
        let text: &[u8] = match (number.is_nan(), upper) {
            (true, false) => b"nan",
            (true, true) => b"NAN",
            (false, false) => b"inf",
            (false, true) => b"INF",
        };
        return directive.write(output, false, &[Part::Text(sign), Part::Text(text)]);
    }
    let number = number.abs();
    match directive.letter.to_ascii_lowercase() {
        b'f' => fixed(output, directive, sign, number),
        b'e' => scientific(output, directive, sign, number),
        b'g' => general(output, directive, sign, number),
        _ => hexadecimal(output, directive, sign, number),
    }
}

/// Number of decimal digits after which every double has only zeros.
const DIGITS_MAX: usize = 1074;

/// The default precision of a directive.
const DEFAULT_PRECISION: usize = 6;

/// `%f`.
fn fixed(output: &mut Output, directive: &Directive, sign: &[u8], number: f64) {
    let precision = directive.precision().unwrap_or(DEFAULT_PRECISION);
    let exact = precision.min(DIGITS_MAX);
    let mut text = Scratch::<{ 310 + 1 + DIGITS_MAX }>::new();
    let _ = write!(text, "{number:.exact$}");
    let point: &[u8] = if precision == 0 && directive.has(ALTERNATE) { b"." } else { b"" };
    let parts =
        [Part::Text(sign), Part::Text(text.bytes()), Part::Text(point), Part::Zeros(precision - exact)];
    directive.write(output, true, &parts);
}

/// A number as `d.ddd` times a power of ten, rounded to some digits behind the point.
struct Scientific {
    text: Scratch<{ 2 + DIGITS_MAX + 5 }>,
    mantissa: usize,
    exponent: i32,
}

impl Scientific {
    fn new(number: f64, digits: usize) -> Self {
        let mut text = Scratch::new();
        let _ = write!(text, "{number:.digits$e}");
        let mantissa = text.bytes().iter().position(|byte| *byte == b'e').unwrap_or(0);
        let exponent = text.bytes().get(mantissa + 1..).and_then(|tail| core::str::from_utf8(tail).ok());
        let exponent = exponent.and_then(|text| text.parse().ok()).unwrap_or(0);
        Self { text, mantissa, exponent }
    }

    /// Returns the first digit, and those after the point.
    fn digits(&self) -> (&[u8], &[u8]) {
        let mantissa = self.text.bytes().get(..self.mantissa).unwrap_or_default();
        let (first, tail) = mantissa.split_at(1.min(mantissa.len()));
        (first, tail.get(1..).unwrap_or_default())
    }
}

/// Formats the letter, a sign, and at least two digits.
fn exponent(letter: u8, exponent: i32, digits: usize) -> Scratch<8> {
    let mut text = Scratch::new();
    let sign = if exponent < 0 { '-' } else { '+' };
    let _ = write!(text, "{}{sign}{:0digits$}", char::from(letter), exponent.unsigned_abs());
    text
}

/// `%e`.
fn scientific(output: &mut Output, directive: &Directive, sign: &[u8], number: f64) {
    let precision = directive.precision().unwrap_or(DEFAULT_PRECISION);
    let exact = precision.min(DIGITS_MAX);
    let number = Scientific::new(number, exact);
    let (first, tail) = number.digits();
    let point: &[u8] = if precision > 0 || directive.has(ALTERNATE) { b"." } else { b"" };
    let exponent = exponent(directive.letter, number.exponent, 2);
    let parts = [
        Part::Text(sign),
        Part::Text(first),
        Part::Text(point),
        Part::Text(tail),
        Part::Zeros(precision - exact),
        Part::Text(exponent.bytes()),
    ];
    directive.write(output, true, &parts);
}

/// `%g`: the shorter of `%e` and `%f`, without zeros at the end.
fn general(output: &mut Output, directive: &Directive, sign: &[u8], number: f64) {
    let precision = directive.precision().unwrap_or(DEFAULT_PRECISION).max(1);
    let exact = precision.min(DIGITS_MAX);
    let number = Scientific::new(number, exact - 1);
    let (first, mut tail) = number.digits();
    let mut zeros = precision - exact;
    if !directive.has(ALTERNATE) {
        zeros = 0;
        while let [head @ .., b'0'] = tail {
            tail = head;
        }
    }
    let empty = tail.is_empty() && zeros == 0 && !directive.has(ALTERNATE);
    let point: &[u8] = if empty { b"" } else { b"." };
    match usize::try_from(number.exponent) {
        // The point moves to the right, possibly past the last remaining digit.
        Ok(exponent) if exponent < precision => {
            let (whole, fraction) = tail.split_at(exponent.min(tail.len()));
            let missing = exponent - whole.len();
            let point: &[u8] = if fraction.is_empty() && !directive.has(ALTERNATE) { b"" } else { point };
            let parts = [
                Part::Text(sign),
                Part::Text(first),
                Part::Text(whole),
                Part::Zeros(missing),
                Part::Text(point),
                Part::Text(fraction),
                Part::Zeros(zeros.saturating_sub(missing)),
            ];
            directive.write(output, true, &parts);
        }
        Err(_) if number.exponent >= -4 => {
            let leading = usize::try_from(number.exponent.unsigned_abs()).unwrap_or(1) - 1;
            let parts = [
                Part::Text(sign),
                Part::Text(b"0."),
                Part::Zeros(leading),
                Part::Text(first),
                Part::Text(tail),
                Part::Zeros(zeros),
            ];
            directive.write(output, true, &parts);
        }
        _ => {
            let letter = if directive.letter == b'G' { b'E' } else { b'e' };
            let exponent = exponent(letter, number.exponent, 2);
            let parts = [
                Part::Text(sign),
                Part::Text(first),
                Part::Text(point),
                Part::Text(tail),
                Part::Zeros(zeros),
                Part::Text(exponent.bytes()),
            ];
            directive.write(output, true, &parts);
        }
    }
}

/// `%a`: hexadecimal digits, and a power of two.
fn hexadecimal(output: &mut Output, directive: &Directive, sign: &[u8], number: f64) {
    /// Number of hexadecimal digits after a double's point.
    const DIGITS: usize = 13;
    const FRACTION: u64 = (1 << 52) - 1;
    let bits = number.to_bits();
    let biased = i32::try_from(bits >> 52).unwrap_or(0);
    let implied = u64::from(biased != 0);
    let power = if bits == 0 { 0 } else { biased.max(1) - 1023 };
    let mut significand = implied << 52 | bits & FRACTION;
    let precision = directive.precision().unwrap_or(usize::MAX);
    if precision < DIGITS {
        // Ties to even.
        let lost = 4 * (DIGITS - precision);
        let half = 1_u64 << (lost - 1);
        let up = half - 1 + (significand >> lost & 1);
        significand = (significand + up) >> lost << lost;
    }
    let mut text = Scratch::<DIGITS>::new();
    let fraction = significand & FRACTION;
    let upper = directive.letter == b'A';
    let _ = if upper { write!(text, "{fraction:013X}") } else { write!(text, "{fraction:013x}") };
    let mut tail = text.bytes().get(..precision.min(DIGITS)).unwrap_or_default();
    let mut zeros = precision - tail.len();
    if directive.precision < 0 {
        zeros = 0;
        while let [head @ .., b'0'] = tail {
            tail = head;
        }
    }
    let first = exponent_free(significand >> 52);
    let mut prefix = Scratch::<3>::new();
    let _ = write!(prefix, "{}0{}", sign.escape_ascii(), if upper { 'X' } else { 'x' });
    let point: &[u8] = if tail.is_empty() && zeros == 0 && !directive.has(ALTERNATE) { b"" } else { b"." };
    let exponent = exponent(if upper { b'P' } else { b'p' }, power, 1);
    let parts = [
        Part::Text(prefix.bytes()),
        Part::Text(&first),
        Part::Text(point),
        Part::Text(tail),
        Part::Zeros(zeros),
        Part::Text(exponent.bytes()),
    ];
    directive.write(output, true, &parts);
}

/// Returns the digit before the point: 0, 1, or 2 if rounding carried.
fn exponent_free(digit: u64) -> [u8; 1] {
    [b'0' + u8::try_from(digit).unwrap_or(0)]
}
