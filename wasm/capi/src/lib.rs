//! The C interface of the WebAssembly compiler: from a program to a guest of libhyperlight in one call.
//!
//! It is a library of its own, so that who runs no WebAssembly does not carry a compiler. `include/hyperlight_wasm.h` is
//! its header.

#![expect(non_camel_case_types, reason = "types have the names that the header gives them")]
#![expect(clippy::missing_safety_doc, reason = "the header holds the safety contract")]

use std::ffi::{CStr, c_char, c_void};
use std::ptr;

use hyperlight_wasm_compiler::Compiled;

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
}

/// See the header.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hl_wasm_compile(
    wasm: hlwm_bytes,
    options: *const hl_wasm_options,
    out: *mut *mut c_void,
    err: *mut *mut c_void,
) -> hl_status {
    let fail = |status, message: &[u8]| {
        if !err.is_null() {
            // SAFETY: not NULL, so, by the header's rules, a place of its type; the message is a live slice.
            unsafe { err.write(hl_error_new(status, hlwm_bytes::new(message))) };
        }
        status
    };
    if out.is_null() {
        return fail(HL_ERR_INVALID_ARGUMENT, b"`out` is NULL");
    }
    // SAFETY: not NULL, so, by the header's rules, a place of its type.
    unsafe { out.write(ptr::null_mut()) };
    // SAFETY: passed on.
    let options = match unsafe { known(options) } {
        Ok(options) => options,
        Err(message) => return fail(HL_ERR_INVALID_ARGUMENT, message.as_bytes()),
    };
    // SAFETY: passed on.
    match unsafe { interface::compile(wasm, options.as_ref()) } {
        // SAFETY: the header says what `out` and `err` are.
        Ok(compiled) => unsafe { guest_of(&compiled, out, err) },
        Err((refused, message)) => {
            let status = match refused {
                PROGRAM => HL_ERR_GUEST_BINARY,
                OPTIONS => HL_ERR_INVALID_ARGUMENT,
                TIMEOUT => HL_ERR_TIMEOUT,
                _ => HL_ERR_INTERNAL,
            };
            fail(status, message.as_bytes())
        }
    }
}

/// The options as the compiler knows them. A shorter structure is an older program's, of which there is none yet; a longer one
/// is a newer program's, which must not set what is not known here.
///
/// # Safety
///
/// `options` is NULL, or a structure of as many bytes as its first member says.
unsafe fn known(options: *const hl_wasm_options) -> Result<Option<hlwm_options>, String> {
    /// More than any version will ever have: such a size is no size.
    const MAX: usize = 4096;
    const KNOWN: usize = size_of::<hl_wasm_options>();

    if options.is_null() {
        return Ok(None);
    }
    // SAFETY: not NULL, so at least the first member can be read.
    let size = unsafe { options.cast::<usize>().read() };
    if !(KNOWN..=MAX).contains(&size) {
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
    // SAFETY: the structure is at least as long as the one that is known.
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
    } = unsafe { options.read() };
    Ok(Some(hlwm_options {
        arguments,
        argument_count,
        environment,
        variable_count,
        files,
        file_count,
        max_program_size,
        compile_timeout_ns,
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

const _: () = assert!(size_of::<hl_wasm_options>() == 72);
