//! The C interface of the WebAssembly compiler: from a program to a guest of libhyperlight in one call.
//!
//! It is a library of its own, so that who runs no WebAssembly does not carry a compiler. `include/hyperlight_wasm.h` is
//! its header.

#![expect(non_camel_case_types, reason = "types have the names that the header gives them")]
#![expect(clippy::missing_safety_doc, reason = "the header holds the safety contract")]

use std::ffi::{CStr, c_char, c_void};
use std::{mem, ptr};

use libhyperlight_wasm_compiler::Compiled;

// The same in both of the compiler's libraries; a dependency would export the functions of the other one here.
#[path = "../../module/src/interface.rs"]
mod interface;

use crate::interface::{OPTIONS, PROGRAM, TIMEOUT, hlwm_bytes, hlwm_options, hlwm_pair};

/// `hl_status` of libhyperlight.
type hl_status = i32;

const HL_OK: hl_status = 0;
const HL_ERR_INVALID_ARGUMENT: hl_status = -1;
const HL_ERR_GUEST_BINARY: hl_status = -3;
const HL_ERR_TIMEOUT: hl_status = -14;
const HL_ERR_INTERNAL: hl_status = -99;

const HL_READ: u32 = 1;
const HL_READ_EXECUTE: u32 = 3;

/// The guest that runs programs.
const RUNTIME: &CStr = c"wasm";

unsafe extern "C" {
    fn hl_error_new(code: hl_status, message: hlwm_bytes) -> *mut c_void;
    fn hl_guest_builtin(name: *const c_char, out: *mut *mut c_void, err: *mut *mut c_void) -> hl_status;
    fn hl_guest_with_payload(
        base: *const c_void,
        payload: hlwm_bytes,
        access: u32,
        out: *mut *mut c_void,
        err: *mut *mut c_void,
    ) -> hl_status;
    fn hl_guest_free(guest: *mut c_void);
}

/// See the header.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct hl_wasm_options {
    size: usize,
    arguments: *const hlwm_bytes,
    argument_count: usize,
    environment: *const hlwm_pair,
    variable_count: usize,
    files: *const hlwm_pair,
    file_count: usize,
    max_program_size: u64,
    compile_timeout_ns: u64,
    compile_threads: u64,
}

/// What was compiled, as bytes.
#[derive(Debug)]
pub struct hl_wasm_program {
    saved: Vec<u8>,
}

/// See the header.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hl_wasm_compile(
    wasm: hlwm_bytes,
    options: *const hl_wasm_options,
    out: *mut *mut c_void,
    err: *mut *mut c_void,
) -> hl_status {
    // SAFETY: passed on.
    let compiled = unsafe { made(options, out, err, |options| interface::compile(wasm, options)) };
    // SAFETY: the header says what `out` and `err` are.
    compiled.map_or_else(|status| status, |compiled| unsafe { guest_of(&compiled, out, err) })
}

/// See the header.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hl_wasm_load(
    saved: hlwm_bytes,
    options: *const hl_wasm_options,
    out: *mut *mut c_void,
    err: *mut *mut c_void,
) -> hl_status {
    // SAFETY: passed on.
    let compiled = unsafe { made(options, out, err, |options| interface::load(saved, options)) };
    // SAFETY: the header says what `out` and `err` are.
    compiled.map_or_else(|status| status, |compiled| unsafe { guest_of(&compiled, out, err) })
}

/// See the header.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hl_wasm_precompile(
    wasm: hlwm_bytes,
    options: *const hl_wasm_options,
    out: *mut *mut hl_wasm_program,
    err: *mut *mut c_void,
) -> hl_status {
    let saved = |options: Option<&hlwm_options>| {
        // SAFETY: passed on.
        unsafe { interface::compile(wasm, options) }.and_then(|compiled| interface::save(&compiled))
    };
    // SAFETY: passed on.
    match unsafe { made(options, out.cast(), err, saved) } {
        Ok(saved) => {
            // SAFETY: not NULL, which was asked, so, by the header's rules, a place of its type.
            unsafe { out.write(Box::into_raw(Box::new(hl_wasm_program { saved }))) };
            HL_OK
        }
        Err(status) => status,
    }
}

/// See the header.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hl_wasm_program_bytes(program: *const hl_wasm_program) -> hlwm_bytes {
    // SAFETY: the caller has it from `hl_wasm_precompile` and has not freed it, or it is NULL.
    hlwm_bytes::new(unsafe { program.as_ref() }.map_or(&[], |program| &program.saved))
}

/// See the header.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hl_wasm_program_free(program: *mut hl_wasm_program) {
    if !program.is_null() {
        // SAFETY: the caller gives back what `hl_wasm_precompile` has made.
        drop(unsafe { Box::from_raw(program) });
    }
}

/// What `make` makes of the options; or a status, with the error where it belongs.
///
/// # Safety
///
/// As the header says: the pointers hold what the counts say, and can be written to unless they are NULL.
unsafe fn made<T>(
    options: *const hl_wasm_options,
    out: *mut *mut c_void,
    err: *mut *mut c_void,
    make: impl FnOnce(Option<&hlwm_options>) -> Result<T, (i32, String)>,
) -> Result<T, hl_status> {
    let fail = |status, message: &[u8]| {
        if !err.is_null() {
            // SAFETY: not NULL, so, by the header's rules, a place of its type; the message is a live slice.
            unsafe { err.write(hl_error_new(status, hlwm_bytes::new(message))) };
        }
        status
    };
    if out.is_null() {
        return Err(fail(HL_ERR_INVALID_ARGUMENT, b"`out` is NULL"));
    }
    // SAFETY: not NULL, so, by the header's rules, a place of its type.
    unsafe { out.write(ptr::null_mut()) };
    // SAFETY: passed on.
    let options = unsafe { known(options) };
    let options = options.map_err(|message| fail(HL_ERR_INVALID_ARGUMENT, message.as_bytes()))?;
    make(options.as_ref()).map_err(|(refused, message)| {
        let status = match refused {
            PROGRAM => HL_ERR_GUEST_BINARY,
            OPTIONS => HL_ERR_INVALID_ARGUMENT,
            TIMEOUT => HL_ERR_TIMEOUT,
            _ => HL_ERR_INTERNAL,
        };
        fail(status, message.as_bytes())
    })
}

/// The options as the compiler knows them. A shorter structure is an older program's; a longer one
/// is a newer program's, which must not set what is not known here.
///
/// # Safety
///
/// `options` is NULL, or a structure of as many bytes as its first member says.
unsafe fn known(options: *const hl_wasm_options) -> Result<Option<hlwm_options>, String> {
    /// More than any version will ever have: such a size is no size.
    const MAX: usize = 4096;
    const KNOWN: usize = size_of::<hl_wasm_options>();
    /// What the first version had: up to the limit on time.
    const FIRST: usize = mem::offset_of!(hl_wasm_options, compile_threads);

    if options.is_null() {
        return Ok(None);
    }
    // SAFETY: not NULL, so at least the first member can be read.
    let size = unsafe { options.cast::<usize>().read() };
    if !(FIRST..=MAX).contains(&size) {
        return Err(format!(
            "the `size` of hl_wasm_options is {size}; start from HL_WASM_OPTIONS_INIT, which sets it to {KNOWN}"
        ));
    }
    for offset in KNOWN..size {
        // SAFETY: inside the `size` bytes of the structure.
        if unsafe { options.cast::<u8>().add(offset).read() } != 0 {
            return Err(format!(
                "hl_wasm_options sets an option that this library does not know, at offset {offset}; use a newer library"
            ));
        }
    }
    // SAFETY: pointers may be NULL and numbers 0, which is what an option is that is not there.
    let mut given: hl_wasm_options = unsafe { mem::zeroed() };
    // SAFETY: both are at least as long as that, and do not overlap.
    unsafe {
        options.cast::<u8>().copy_to_nonoverlapping((&raw mut given).cast(), size.min(KNOWN));
    }
    let hl_wasm_options {
        size: _,
        arguments,
        argument_count,
        environment,
        variable_count,
        files,
        file_count,
        max_program_size,
        compile_timeout_ns,
        compile_threads,
    } = given;
    Ok(Some(hlwm_options {
        arguments,
        argument_count,
        environment,
        variable_count,
        files,
        file_count,
        max_program_size,
        compile_timeout_ns,
        compile_threads,
    }))
}

/// Makes a guest of a program.
///
/// # Safety
///
/// `out` can be written to, and so can `err` unless it is NULL.
unsafe fn guest_of(compiled: &Compiled, out: *mut *mut c_void, err: *mut *mut c_void) -> hl_status {
    let mut runtime = ptr::null_mut();
    // SAFETY: libhyperlight's rules are kept: every pointer is valid or NULL where that is allowed, here and below.
    let status = unsafe { hl_guest_builtin(RUNTIME.as_ptr(), &raw mut runtime, err) };
    if status != HL_OK {
        return status;
    }
    let mut with_code = ptr::null_mut();
    // SAFETY: as above.
    let status = unsafe {
        let code = hlwm_bytes::new(compiled.code());
        hl_guest_with_payload(runtime, code, HL_READ_EXECUTE, &raw mut with_code, err)
    };
    // SAFETY: as above; a guest may be freed when another one was made from it.
    unsafe { hl_guest_free(runtime) };
    if status != HL_OK {
        return status;
    }
    // SAFETY: as above.
    let status =
        unsafe { hl_guest_with_payload(with_code, hlwm_bytes::new(compiled.config()), HL_READ, out, err) };
    // SAFETY: as above.
    unsafe { hl_guest_free(with_code) };
    status
}

const _: () = assert!(size_of::<hl_wasm_options>() == 80);
