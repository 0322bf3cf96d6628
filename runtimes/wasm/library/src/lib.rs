//! The WebAssembly compiler as a shared library, which the C library and the packages of other languages load at first
//! use.
//!
//! It turns bytes into two payloads for the `wasm` guest and a description. It knows nothing of sandboxes, so it
//! depends on no other library of this project. The interface is a crate that it shares with the loader.

mod options;

use std::panic::{AssertUnwindSafe, catch_unwind};

use libhyperlight_wasm_compiler::{Compiled, Error, precompile};
use libhyperlight_wasm_interface::{Bytes, Entry, Interface, NUMBER, Options, Program, RELEASE, status};

/// The library's functions.
static INTERFACE: Interface = Interface {
    number: NUMBER,
    release: Bytes::of(RELEASE.as_bytes()),
    compile,
    load,
    with_options,
    status: status_of,
    message,
    code,
    config,
    description,
    save,
    free_bytes,
    free,
};

/// The exported function, which the loader finds by its name.
#[unsafe(no_mangle)]
pub extern "C" fn hlwm_interface() -> *const Interface {
    &raw const INTERFACE
}

const _: Entry = hlwm_interface;

/// The content of a [`Program`].
struct Outcome(Result<Compiled, Refusal>);

/// Reason for a missing program: a status and a text.
struct Refusal(i32, String);

unsafe extern "C" fn compile(wasm: Bytes, options: *const Options) -> *mut Program {
    // SAFETY: the caller's promise about pointers, which the interface states.
    outcome(|| precompile(unsafe { wasm.as_slice() }, &unsafe { options::read(options) }?))
}

unsafe extern "C" fn load(saved: Bytes, options: *const Options) -> *mut Program {
    // SAFETY: as above.
    outcome(|| Compiled::from_bytes(unsafe { saved.as_slice() }, &unsafe { options::read(options) }?))
}

unsafe extern "C" fn with_options(program: *const Program, options: *const Options) -> *mut Program {
    // SAFETY: as above, here and below.
    match unsafe { of(program) } {
        // SAFETY: as above.
        Ok(compiled) => outcome(|| compiled.with_options(&unsafe { options::read(options) }?)),
        Err(Refusal(status, message)) => given(Err(Refusal(*status, message.clone()))),
    }
}

unsafe extern "C" fn status_of(program: *const Program) -> i32 {
    // SAFETY: as above.
    unsafe { of(program) }.map_or_else(|Refusal(status, _)| *status, |_| status::OK)
}

unsafe extern "C" fn message(program: *const Program) -> Bytes {
    // SAFETY: as above.
    unsafe { of(program) }.map_or_else(|Refusal(_, message)| Bytes::of(message.as_bytes()), |_| Bytes::NONE)
}

unsafe extern "C" fn code(program: *const Program) -> Bytes {
    // SAFETY: as above.
    unsafe { of(program) }.map_or(Bytes::NONE, |compiled| Bytes::of(compiled.code()))
}

unsafe extern "C" fn config(program: *const Program) -> Bytes {
    // SAFETY: as above.
    unsafe { of(program) }.map_or(Bytes::NONE, |compiled| Bytes::of(compiled.config()))
}

unsafe extern "C" fn description(program: *const Program) -> Bytes {
    // SAFETY: as above.
    unsafe { of(program) }.map_or(Bytes::NONE, |compiled| Bytes::of(compiled.described()))
}

unsafe extern "C" fn save(program: *const Program) -> Bytes {
    // SAFETY: as above.
    let saved = unsafe { of(program) }.ok().and_then(Compiled::to_bytes).unwrap_or_default();
    // Not empty: there is always a digest.
    if saved.is_empty() { Bytes::NONE } else { Bytes::of(Box::leak(saved.into_boxed_slice())) }
}

unsafe extern "C" fn free_bytes(bytes: Bytes) {
    if !bytes.data.is_null() {
        let slice = std::ptr::slice_from_raw_parts_mut(bytes.data.cast_mut(), bytes.len);
        // SAFETY: the caller gives back what `save` gave, a box of these bytes.
        drop(unsafe { Box::from_raw(slice) });
    }
}

unsafe extern "C" fn free(program: *mut Program) {
    if !program.is_null() {
        // SAFETY: the caller gives back what `given` has made.
        drop(unsafe { Box::from_raw(program.cast::<Outcome>()) });
    }
}

/// Runs work that may fail, also by a panic.
fn outcome(work: impl FnOnce() -> Result<Compiled, Error>) -> *mut Program {
    // State after a panic is not used again: the compiler keeps nothing but finished programs.
    let outcome = catch_unwind(AssertUnwindSafe(work));
    given(match outcome {
        Ok(Ok(compiled)) => Ok(compiled),
        Ok(Err(error)) => Err(Refusal(error.status(), error.said().to_owned())),
        Err(_) => Err(Refusal(status::INTERNAL, "the compiler failed by a bug of its own".to_owned())),
    })
}

fn given(outcome: Result<Compiled, Refusal>) -> *mut Program {
    Box::into_raw(Box::new(Outcome(outcome))).cast()
}

/// # Safety
///
/// The program came from [`given`] and is not freed yet.
unsafe fn of<'a>(program: *const Program) -> Result<&'a Compiled, &'a Refusal> {
    // SAFETY: the caller's promise.
    unsafe { &*program.cast::<Outcome>() }.0.as_ref()
}
