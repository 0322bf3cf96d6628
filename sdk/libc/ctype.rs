//! `<ctype.h>` in the C locale: the functions, and the tables that glibc's header reads instead of calling them.

use core::ffi::c_int;

use super::text::is_space;

/// Number of table entries: byte values from -128 (a negative `char`) over -1 (`EOF`) to 255.
const ENTRIES: usize = 384;

/// Number of entries before the one for 0, which the header's pointer refers to.
const BELOW_ZERO: usize = 128;

/// A table, which is never written and so can be shared.
#[repr(transparent)]
struct Table<T>([T; ENTRIES]);

/// A pointer to the entry for 0 in a table.
#[repr(transparent)]
struct Middle<T>(*const T);

// SAFETY: it points into a constant.
unsafe impl<T> Sync for Middle<T> {}

static CLASSES: Table<u16> = classes();
static CLASSES_MIDDLE: Middle<u16> = Middle(CLASSES.0.as_ptr().wrapping_add(BELOW_ZERO));
static LOWER: Table<i32> = cases(false);
static LOWER_MIDDLE: Middle<i32> = Middle(LOWER.0.as_ptr().wrapping_add(BELOW_ZERO));
static UPPER: Table<i32> = cases(true);
static UPPER_MIDDLE: Middle<i32> = Middle(UPPER.0.as_ptr().wrapping_add(BELOW_ZERO));

/// glibc's header: classes of a character, one bit each.
#[unsafe(no_mangle)]
extern "C" fn __ctype_b_loc() -> *const *const u16 {
    &raw const CLASSES_MIDDLE.0
}

/// glibc's header: lower case of a character.
#[unsafe(no_mangle)]
extern "C" fn __ctype_tolower_loc() -> *const *const i32 {
    &raw const LOWER_MIDDLE.0
}

/// glibc's header: upper case of a character.
#[unsafe(no_mangle)]
extern "C" fn __ctype_toupper_loc() -> *const *const i32 {
    &raw const UPPER_MIDDLE.0
}

/// Defines functions that ask whether a character belongs to a class.
macro_rules! classes {
    ($($name:ident = $test:expr;)*) => {$(
        #[unsafe(no_mangle)]
        extern "C" fn $name(character: c_int) -> c_int {
            let test: fn(&u8) -> bool = $test;
            c_int::from(u8::try_from(character).is_ok_and(|byte| test(&byte)))
        }
    )*};
}

classes! {
    isalnum = u8::is_ascii_alphanumeric;
    isalpha = u8::is_ascii_alphabetic;
    isascii = u8::is_ascii;
    isblank = |byte| matches!(byte, b' ' | b'\t');
    iscntrl = u8::is_ascii_control;
    isdigit = u8::is_ascii_digit;
    isgraph = u8::is_ascii_graphic;
    islower = u8::is_ascii_lowercase;
    isprint = |byte| matches!(byte, b' '..=b'~');
    ispunct = u8::is_ascii_punctuation;
    isspace = |byte| is_space(*byte);
    isupper = u8::is_ascii_uppercase;
    isxdigit = u8::is_ascii_hexdigit;
}

#[unsafe(no_mangle)]
extern "C" fn tolower(character: c_int) -> c_int {
    u8::try_from(character).map_or(character, |byte| byte.to_ascii_lowercase().into())
}

#[unsafe(no_mangle)]
extern "C" fn toupper(character: c_int) -> c_int {
    u8::try_from(character).map_or(character, |byte| byte.to_ascii_uppercase().into())
}

#[unsafe(no_mangle)]
extern "C" fn toascii(character: c_int) -> c_int {
    character & 0x7f
}

/// The bits are those of glibc's header: its first eight classes stand in the high byte.
const fn classes() -> Table<u16> {
    const UPPER: u16 = 1 << 8;
    const LOWER: u16 = 1 << 9;
    const ALPHA: u16 = 1 << 10;
    const DIGIT: u16 = 1 << 11;
    const XDIGIT: u16 = 1 << 12;
    const SPACE: u16 = 1 << 13;
    const PRINT: u16 = 1 << 14;
    const GRAPH: u16 = 1 << 15;
    const BLANK: u16 = 1;
    const CNTRL: u16 = 1 << 1;
    const PUNCT: u16 = 1 << 2;
    const ALNUM: u16 = 1 << 3;

    let mut table = [0; ENTRIES];
    let mut byte = 0_u8;
    while byte < 0x80 {
        let mut bits = 0;
        if byte.is_ascii_uppercase() {
            bits |= UPPER | ALPHA | ALNUM;
        }
        if byte.is_ascii_lowercase() {
            bits |= LOWER | ALPHA | ALNUM;
        }
        if byte.is_ascii_digit() {
            bits |= DIGIT | ALNUM;
        }
        if byte.is_ascii_hexdigit() {
            bits |= XDIGIT;
        }
        if is_space(byte) {
            bits |= SPACE;
        }
        if byte.is_ascii_graphic() {
            bits |= GRAPH | PRINT;
        }
        if byte.is_ascii_punctuation() {
            bits |= PUNCT;
        }
        if byte.is_ascii_control() {
            bits |= CNTRL;
        }
        if byte == b' ' {
            bits |= PRINT;
        }
        if byte == b' ' || byte == b'\t' {
            bits |= BLANK;
        }
        table[BELOW_ZERO + byte as usize] = bits;
        byte += 1;
    }
    Table(table)
}

/// Maps each character to itself, a negative `char` to its byte; except for `EOF` and letters.
const fn cases(upper: bool) -> Table<i32> {
    let mut table = [0; ENTRIES];
    let mut byte = 0_u8;
    loop {
        table[BELOW_ZERO + byte as usize] = byte as i32;
        if byte >= 0x80 {
            table[BELOW_ZERO + byte as usize - 0x100] = byte as i32;
        }
        if byte == u8::MAX {
            break;
        }
        byte += 1;
    }
    table[BELOW_ZERO - 1] = -1;
    let mut letter = 0;
    while letter < 26 {
        let (from, to) = if upper { (b'a', b'A') } else { (b'A', b'a') };
        table[BELOW_ZERO + (from + letter) as usize] = (to + letter) as i32;
        letter += 1;
    }
    Table(table)
}
