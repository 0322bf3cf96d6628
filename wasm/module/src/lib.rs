//! The WebAssembly compiler as a library that the bindings of other languages carry and load at first use.
//!
//! Bytes go in, two payloads for the `wasm` guest and a description come out. It knows nothing of sandboxes, so that it
//! depends on no other library of this project. `hyperlight_wasm_module.h` is its header.

#![expect(non_camel_case_types, reason = "types have the names that the header gives them")]
#![expect(clippy::missing_safety_doc, reason = "the header holds the safety contract")]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::{ptr, slice};

use hyperlight_wasm_compiler::{Compiled, Error, Options, precompile};

/// The interface's number; another one means another interface.
const VERSION: u32 = 1;

/// The program was compiled.
const OK: i32 = 0;
/// The program is no WebAssembly, or not valid, or not supported.
const PROGRAM: i32 = 1;
/// The options are not acceptable.
const OPTIONS: i32 = 2;
/// The compiler failed by a bug of its own, which was contained.
const INTERNAL: i32 = 3;

/// Bytes that belong to somebody else.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct hlwm_bytes {
    data: *const u8,
    len: usize,
}

impl hlwm_bytes {
    /// Bytes that live elsewhere.
    pub fn new(bytes: &[u8]) -> Self {
        // The pointer of an empty slice points nowhere.
        let data = if bytes.is_empty() { ptr::null() } else { bytes.as_ptr() };
        Self { data, len: bytes.len() }
    }

    /// Where they start; NULL if there are none.
    pub fn data(&self) -> *const u8 {
        self.data
    }

    /// How many there are.
    #[expect(clippy::len_without_is_empty, reason = "it is a pair of C, not a collection")]
    pub fn len(&self) -> usize {
        self.len
    }
}

/// Two texts or a text and bytes.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct hlwm_pair {
    name: hlwm_bytes,
    value: hlwm_bytes,
}

/// See the header.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct hlwm_options {
    /// The program's arguments, its name first.
    pub arguments: *const hlwm_bytes,
    /// How many.
    pub argument_count: usize,
    /// Variables of the environment.
    pub environment: *const hlwm_pair,
    /// How many.
    pub variable_count: usize,
    /// Files: path and contents.
    pub files: *const hlwm_pair,
    /// How many.
    pub file_count: usize,
}

/// What became of a program.
#[derive(Debug)]
pub struct hlwm_program {
    outcome: Result<Compiled, (i32, String)>,
}

/// See the header.
#[unsafe(no_mangle)]
pub extern "C" fn hlwm_version() -> u32 {
    VERSION
}

/// See the header.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hlwm_compile(wasm: hlwm_bytes, options: *const hlwm_options) -> *mut hlwm_program {
    // What a panic leaves behind is not looked at again: the compiler keeps nothing but finished programs.
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        // SAFETY: passed on.
        let options = unsafe { read_options(options) }.map_err(|message| (OPTIONS, message))?;
        // SAFETY: passed on.
        precompile(unsafe { bytes(&wasm) }, &options).map_err(|error| match error {
            Error::Options(message) => (OPTIONS, message),
            error => (PROGRAM, error.to_string()),
        })
    }))
    .unwrap_or_else(|_| Err((INTERNAL, "the compiler failed by a bug of its own".to_owned())));
    Box::into_raw(Box::new(hlwm_program { outcome }))
}

/// See the header.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hlwm_status(program: *const hlwm_program) -> i32 {
    // SAFETY: passed on.
    unsafe { outcome(program) }.map_or_else(|(status, _)| *status, |_| OK)
}

/// See the header.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hlwm_message(program: *const hlwm_program) -> hlwm_bytes {
    // SAFETY: passed on.
    hlwm_bytes::new(unsafe { outcome(program) }.map_or_else(|(_, message)| message.as_bytes(), |_| &[]))
}

/// See the header.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hlwm_code(program: *const hlwm_program) -> hlwm_bytes {
    // SAFETY: passed on.
    hlwm_bytes::new(unsafe { outcome(program) }.map_or(&[], |compiled| compiled.code()))
}

/// See the header.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hlwm_config(program: *const hlwm_program) -> hlwm_bytes {
    // SAFETY: passed on.
    hlwm_bytes::new(unsafe { outcome(program) }.map_or(&[], |compiled| compiled.config()))
}

/// See the header.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hlwm_description(program: *const hlwm_program) -> hlwm_bytes {
    // SAFETY: passed on.
    hlwm_bytes::new(unsafe { outcome(program) }.map_or(&[], |compiled| compiled.description().as_bytes()))
}

/// See the header.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hlwm_free(program: *mut hlwm_program) {
    if !program.is_null() {
        // SAFETY: the caller gives back what `hlwm_compile` has made.
        drop(unsafe { Box::from_raw(program) });
    }
}

/// # Safety
///
/// As the header says: the pointers hold what the counts say, for the time of the call.
unsafe fn read_options(options: *const hlwm_options) -> Result<Options, String> {
    // SAFETY: NULL or readable, by the header.
    let Some(given) = (unsafe { options.as_ref() }) else {
        return Ok(Options::new());
    };
    let refused = |error: hyperlight_wasm_compiler::OptionError| error.to_string();
    let mut options = Options::new();
    // SAFETY: the header's promise about arrays, here and below.
    for argument in unsafe { array(given.arguments, given.argument_count) } {
        // SAFETY: the header's promise about bytes, here and below.
        options = options.argument(unsafe { text(argument) }?).map_err(refused)?;
    }
    // SAFETY: as above.
    for variable in unsafe { array(given.environment, given.variable_count) } {
        // SAFETY: as above.
        let (name, value) = unsafe { (text(&variable.name)?, text(&variable.value)?) };
        options = options.variable(name, value).map_err(refused)?;
    }
    // SAFETY: as above.
    for file in unsafe { array(given.files, given.file_count) } {
        // SAFETY: as above.
        let (path, contents) = unsafe { (text(&file.name)?, bytes(&file.value)) };
        options = options.file(path, contents).map_err(refused)?;
    }
    Ok(options)
}

/// # Safety
///
/// `program` came from `hlwm_compile` and is not freed yet.
unsafe fn outcome<'a>(program: *const hlwm_program) -> Result<&'a Compiled, &'a (i32, String)> {
    // SAFETY: the caller's promise.
    unsafe { &*program }.outcome.as_ref()
}

/// # Safety
///
/// The bytes are readable, or there are none.
unsafe fn bytes<'a>(given: &hlwm_bytes) -> &'a [u8] {
    // SAFETY: the caller's promise.
    unsafe { array(given.data, given.len) }
}

/// # Safety
///
/// As for [`bytes`].
unsafe fn text<'a>(given: &hlwm_bytes) -> Result<&'a str, String> {
    // SAFETY: the caller's promise.
    std::str::from_utf8(unsafe { bytes(given) }).map_err(|_| "texts in options are UTF-8".to_owned())
}

/// # Safety
///
/// `start` holds `count` values, or `count` is 0.
unsafe fn array<'a, T>(start: *const T, count: usize) -> &'a [T] {
    if start.is_null() || count == 0 {
        return &[];
    }
    // SAFETY: the caller's promise.
    unsafe { slice::from_raw_parts(start, count) }
}
