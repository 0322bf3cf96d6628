//! The WebAssembly compiler as a library that the bindings of other languages carry and load at first use.
//!
//! Bytes go in, two payloads for the `wasm` guest and a description come out. It knows nothing of sandboxes, so that it
//! depends on no other library of this project. `hyperlight_wasm_module.h` is its header.

#![expect(non_camel_case_types, reason = "types have the names that the header gives them")]
#![expect(clippy::missing_safety_doc, reason = "the header holds the safety contract")]

mod interface;

use std::sync::OnceLock;

use libhyperlight_wasm_compiler::Compiled;

use crate::interface::{compile, hlwm_bytes, hlwm_options, load, save};

/// The interface's number; another one means another interface.
const VERSION: u32 = 3;

/// The program was compiled.
const OK: i32 = 0;

/// What became of a program.
#[derive(Debug)]
pub struct hlwm_program {
    outcome: Result<Compiled, (i32, String)>,
    /// What it is as bytes, when somebody has asked.
    saved: OnceLock<Vec<u8>>,
}

/// See the header.
#[unsafe(no_mangle)]
pub extern "C" fn hlwm_version() -> u32 {
    VERSION
}

/// See the header.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hlwm_compile(wasm: hlwm_bytes, options: *const hlwm_options) -> *mut hlwm_program {
    // SAFETY: NULL or readable, by the header, which makes the other promises too.
    let outcome = unsafe { compile(wasm, options.as_ref()) };
    Box::into_raw(Box::new(hlwm_program { outcome, saved: OnceLock::new() }))
}

/// See the header.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hlwm_load(saved: hlwm_bytes, options: *const hlwm_options) -> *mut hlwm_program {
    // SAFETY: as for `hlwm_compile`.
    let outcome = unsafe { load(saved, options.as_ref()) };
    Box::into_raw(Box::new(hlwm_program { outcome, saved: OnceLock::new() }))
}

/// See the header.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hlwm_saved(program: *const hlwm_program) -> hlwm_bytes {
    // SAFETY: the caller has it from `hlwm_compile` or `hlwm_load` and has not freed it.
    let program = unsafe { &*program };
    let saved = program.saved.get_or_init(|| {
        program.outcome.as_ref().ok().and_then(|compiled| save(compiled).ok()).unwrap_or_default()
    });
    hlwm_bytes::new(saved)
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
/// `program` came from `hlwm_compile` and is not freed yet.
unsafe fn outcome<'a>(program: *const hlwm_program) -> Result<&'a Compiled, &'a (i32, String)> {
    // SAFETY: the caller's promise.
    unsafe { &*program }.outcome.as_ref()
}
