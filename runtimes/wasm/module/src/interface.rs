//! The structures of C that the compiler's libraries share, and what they ask for, done.
//!
//! Nothing here is exported: each library exports functions of its own, and those alone.

use std::num::{NonZeroU64, NonZeroUsize};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;
use std::{ptr, slice};

use libhyperlight_wasm_compiler::{Compiled, Error, OptionError, Options, precompile};

/// The program is no WebAssembly, or not valid, or not supported.
pub const PROGRAM: i32 = 1;
/// The options are not acceptable.
pub const OPTIONS: i32 = 2;
/// The compiler failed by a bug of its own, which was contained.
pub const INTERNAL: i32 = 3;

/// It was not done in its time.
pub const TIMEOUT: i32 = 4;

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
    /// Bytes of the program at most; 0 for the default.
    pub max_program_size: u64,
    /// Nanoseconds that compiling takes at most; 0 for the default.
    pub compile_timeout_ns: u64,
    /// Processors that compile at most; 0 for the default.
    pub compile_threads: u64,
}

/// Compiles; or a status, and why.
///
/// # Safety
///
/// As the header says: the pointers hold what the counts say, for the time of the call.
pub unsafe fn compile(wasm: hlwm_bytes, options: Option<&hlwm_options>) -> Result<Compiled, (i32, String)> {
    // SAFETY: the caller's promise.
    contain(|| precompile(unsafe { bytes(&wasm) }, &unsafe { read_options(options) }?))
}

/// Takes a program that was compiled before; or a status, and why.
///
/// # Safety
///
/// As for [`compile`].
pub unsafe fn load(saved: hlwm_bytes, options: Option<&hlwm_options>) -> Result<Compiled, (i32, String)> {
    // SAFETY: the caller's promise.
    contain(|| Compiled::from_bytes(unsafe { bytes(&saved) }, &unsafe { read_options(options) }?))
}

/// The bytes of a program; or a status, and why.
pub fn save(program: &Compiled) -> Result<Vec<u8>, (i32, String)> {
    contain(|| {
        program.to_bytes().ok_or_else(|| Error::Program("the program is too large to be saved".to_owned()))
    })
}

/// Does what may fail, also by a bug.
fn contain<T>(work: impl FnOnce() -> Result<T, Error>) -> Result<T, (i32, String)> {
    // What a panic leaves behind is not looked at again: the compiler keeps nothing but finished programs.
    catch_unwind(AssertUnwindSafe(work)).map_or_else(
        |_| Err((INTERNAL, "the compiler failed by a bug of its own".to_owned())),
        |outcome| {
            outcome.map_err(|error| match error {
                Error::Options(message) => (OPTIONS, message),
                Error::Timeout => (TIMEOUT, error.to_string()),
                error => (PROGRAM, error.to_string()),
            })
        },
    )
}

/// # Safety
///
/// As the header says: the pointers hold what the counts say, for the time of the call.
unsafe fn read_options(options: Option<&hlwm_options>) -> Result<Options, Error> {
    let Some(given) = options else {
        return Ok(Options::new());
    };
    let refused = |error: OptionError| Error::Options(error.to_string());
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
    if given.max_program_size != 0 {
        // More than there can be is all that there can be.
        options = options.max_program_size(given.max_program_size.try_into().unwrap_or(usize::MAX));
    }
    if given.compile_timeout_ns != 0 {
        options = options.compile_timeout(Duration::from_nanos(given.compile_timeout_ns));
    }
    if let Some(threads) = NonZeroU64::new(given.compile_threads) {
        options = options.compile_threads(threads.try_into().unwrap_or(NonZeroUsize::MAX));
    }
    Ok(options)
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
unsafe fn text<'a>(given: &hlwm_bytes) -> Result<&'a str, Error> {
    // SAFETY: the caller's promise.
    std::str::from_utf8(unsafe { bytes(given) })
        .map_err(|_| Error::Options("texts in options are UTF-8".to_owned()))
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
