//! `strftime` in the C locale.

use core::ffi::{c_char, c_int};
use core::fmt::{self, Write as _};

use super::text::{Cursor, bytes};
use super::time::{Tm, seconds_of};

const DAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// The program's buffer.
struct Buffer {
    start: *mut u8,
    size: usize,
    len: usize,
}

impl fmt::Write for Buffer {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.put(text.as_bytes())
    }
}

impl Buffer {
    fn put(&mut self, text: &[u8]) -> fmt::Result {
        // One byte stays for the NUL.
        if text.len() >= self.size.saturating_sub(self.len) {
            return Err(fmt::Error);
        }
        // SAFETY: the program gave `size` writable bytes.
        unsafe {
            core::ptr::copy_nonoverlapping(text.as_ptr(), self.start.wrapping_add(self.len), text.len())
        };
        self.len += text.len();
        Ok(())
    }
}

/// Writes a date in a format. Returns its length; 0 if it does not fit, in which case the buffer's content is
/// unspecified.
#[unsafe(no_mangle)]
unsafe extern "C" fn strftime(
    buffer: *mut c_char,
    size: usize,
    format: *const c_char,
    date: *const Tm,
) -> usize {
    let mut output = Buffer { start: buffer.cast(), size, len: 0 };
    // SAFETY: the caller gives a format and a date.
    let (format, date) = unsafe { (Cursor::new(format), &*date) };
    if write(&mut output, format, date).is_err() {
        return 0;
    }
    if output.len < size {
        // SAFETY: the caller gives `size` writable bytes.
        unsafe { *output.start.wrapping_add(output.len) = 0 };
    }
    output.len
}

fn write(output: &mut Buffer, mut format: Cursor, date: &Tm) -> fmt::Result {
    loop {
        let start = format;
        while !matches!(format.peek(), 0 | b'%') {
            format.advance();
        }
        output.put(start.up_to(format))?;
        if format.peek() == 0 {
            return Ok(());
        }
        let directive = format;
        format.advance();
        // Other eras and other digits are those of other locales.
        if matches!(format.peek(), b'E' | b'O') {
            format.advance();
        }
        if !field(output, format.next(), date)? {
            output.put(directive.up_to(format))?;
        }
    }
}

/// Writes the field for a letter; false for an unknown letter.
fn field(output: &mut Buffer, letter: u8, date: &Tm) -> Result<bool, fmt::Error> {
    let year = i64::from(date.year) + 1900;
    let hour12 = (date.hour + 11).rem_euclid(12) + 1;
    let day = name(&DAYS, date.wday);
    let month = name(&MONTHS, date.mon);
    let (week_year, week) = iso_week(year, date);
    match letter {
        b'a' => output.write_str(short(day)),
        b'A' => output.write_str(day),
        b'b' | b'h' => output.write_str(short(month)),
        b'B' => output.write_str(month),
        b'c' => several(output, b"a b e T Y", b' ', date),
        b'C' => write!(output, "{:02}", year.div_euclid(100)),
        b'd' => write!(output, "{:02}", date.mday),
        b'D' | b'x' => several(output, b"m/d/y", b'/', date),
        b'e' => write!(output, "{:2}", date.mday),
        b'F' => several(output, b"Y-m-d", b'-', date),
        b'g' => write!(output, "{:02}", week_year.rem_euclid(100)),
        b'G' => write!(output, "{week_year}"),
        b'H' => write!(output, "{:02}", date.hour),
        b'I' => write!(output, "{hour12:02}"),
        b'j' => write!(output, "{:03}", date.yday + 1),
        b'k' => write!(output, "{:2}", date.hour),
        b'l' => write!(output, "{hour12:2}"),
        b'm' => write!(output, "{:02}", date.mon + 1),
        b'M' => write!(output, "{:02}", date.min),
        b'n' => output.put(b"\n"),
        b'p' => output.write_str(if date.hour < 12 { "AM" } else { "PM" }),
        b'P' => output.write_str(if date.hour < 12 { "am" } else { "pm" }),
        b'r' => {
            several(output, b"I:M:S", b':', date)?;
            several(output, b" p", b' ', date)
        }
        b'R' => several(output, b"H:M", b':', date),
        b's' => write!(output, "{}", seconds_of(date)),
        b'S' => write!(output, "{:02}", date.sec),
        b't' => output.put(b"\t"),
        b'T' | b'X' => several(output, b"H:M:S", b':', date),
        b'u' => write!(output, "{}", (date.wday + 6).rem_euclid(7) + 1),
        b'U' => write!(output, "{:02}", (date.yday + 7 - date.wday).div_euclid(7)),
        b'V' => write!(output, "{week:02}"),
        b'w' => write!(output, "{}", date.wday),
        b'W' => write!(output, "{:02}", (date.yday + 7 - (date.wday + 6).rem_euclid(7)).div_euclid(7)),
        b'y' => write!(output, "{:02}", year.rem_euclid(100)),
        b'Y' => write!(output, "{year}"),
        b'z' => {
            let (sign, minutes) = (if date.gmtoff < 0 { '-' } else { '+' }, date.gmtoff.unsigned_abs() / 60);
            write!(output, "{sign}{:02}{:02}", minutes / 60, minutes % 60)
        }
        // SAFETY: a date's zone is a string, or NULL where the program has not set it.
        b'Z' if !date.zone.is_null() => output.put(unsafe { bytes(date.zone) }),
        b'Z' => Ok(()),
        b'%' => output.put(b"%"),
        _ => return Ok(false),
    }
    .map(|()| true)
}

/// Writes fields with `between` as separator.
fn several(output: &mut Buffer, pattern: &[u8], between: u8, date: &Tm) -> fmt::Result {
    for part in pattern {
        if *part == between {
            output.put(&[between])?;
        } else {
            field(output, *part, date)?;
        }
    }
    Ok(())
}

fn name(names: &[&'static str], index: c_int) -> &'static str {
    usize::try_from(index).ok().and_then(|index| names.get(index)).copied().unwrap_or("?")
}

fn short(name: &'static str) -> &'static str {
    name.get(..3).unwrap_or(name)
}

/// Returns year and week by ISO 8601: weeks start on Monday, and the first of a year is the one with its first
/// Thursday.
fn iso_week(year: i64, date: &Tm) -> (i64, i64) {
    let weekday = (i64::from(date.wday) + 6).rem_euclid(7);
    let yday = i64::from(date.yday);
    // The day of the year on which this week's Thursday falls.
    let thursday = yday - weekday + 3;
    let days = |year: i64| if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) { 366 } else { 365 };
    if thursday < 0 {
        (year - 1, (thursday + days(year - 1)) / 7 + 1)
    } else if thursday >= days(year) {
        (year + 1, (thursday - days(year)) / 7 + 1)
    } else {
        (year, thursday / 7 + 1)
    }
}
