//! Conversion of the caller's options to the compiler's.

use std::num::{NonZeroU64, NonZeroUsize};
use std::time::Duration;

use libhyperlight_wasm_compiler::{Error, OptionError, Options};
use libhyperlight_wasm_interface::{Bytes, Options as Given};

/// Reads options.
///
/// # Safety
///
/// The pointer is null or valid, and so is all that it points to.
pub(crate) unsafe fn read(options: *const Given) -> Result<Options, Error> {
    // SAFETY: the caller's promise, here and below.
    let Some(given) = (unsafe { options.as_ref() }) else {
        return Ok(Options::new());
    };
    let refused = |error: OptionError| Error::Options(error.to_string());
    let mut options = Options::new();
    // SAFETY: as above.
    for argument in unsafe { given.arguments() } {
        // SAFETY: as above.
        options = options.argument(unsafe { text(*argument) }?).map_err(refused)?;
    }
    // SAFETY: as above.
    for variable in unsafe { given.environment() } {
        // SAFETY: as above.
        let (name, value) = unsafe { (text(variable.name)?, text(variable.value)?) };
        options = options.variable(name, value).map_err(refused)?;
    }
    // SAFETY: as above.
    for file in unsafe { given.files() } {
        // SAFETY: as above.
        let (path, contents) = unsafe { (text(file.name)?, file.value.as_slice()) };
        options = options.file(path, contents).map_err(refused)?;
    }
    if given.max_program_size != 0 {
        // A number too large for the type means all that there are.
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
/// As for [`Bytes::as_slice`].
unsafe fn text<'a>(given: Bytes) -> Result<&'a str, Error> {
    // SAFETY: the caller's promise.
    std::str::from_utf8(unsafe { given.as_slice() })
        .map_err(|_| Error::Options("texts in options are UTF-8".to_owned()))
}
