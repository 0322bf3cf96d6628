//! The C interface of the WebAssembly compiler: from a program to a guest of libhyperlight in one call.
//!
//! It is a library of its own, so that who runs no WebAssembly does not carry a compiler. `include/hyperlight_wasm.h` is
//! its header.

#![expect(non_camel_case_types, reason = "types have the names that the header gives them")]
#![expect(clippy::missing_safety_doc, reason = "the header holds the safety contract")]

use std::cell::RefCell;
use std::ffi::{CStr, c_char, c_void};
use std::ptr;
use std::slice;

use hyperlight_wasm_module::{
    hlwm_bytes, hlwm_code, hlwm_compile, hlwm_config, hlwm_free, hlwm_message, hlwm_options, hlwm_program,
    hlwm_status,
};

/// `hl_status` of libhyperlight.
type hl_status = i32;

const HL_OK: hl_status = 0;
const HL_ERR_INVALID_ARGUMENT: hl_status = -1;
const HL_ERR_INTERNAL: hl_status = -99;

const HL_READ: u32 = 1;
const HL_READ_EXECUTE: u32 = 3;

/// The statuses of [`hlwm_status`] that mean success and a bug.
const OK: i32 = 0;
const INTERNAL: i32 = 3;

/// The guest that runs programs.
const RUNTIME: &CStr = c"wasm";

unsafe extern "C" {
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

thread_local! {
    /// Why the last program of this thread could not be compiled.
    static MESSAGE: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// See the header.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hl_wasm_compile(
    wasm: hlwm_bytes,
    options: *const hlwm_options,
    out: *mut *mut c_void,
    err: *mut *mut c_void,
) -> hl_status {
    if out.is_null() {
        say(b"`out` is NULL");
        return HL_ERR_INVALID_ARGUMENT;
    }
    // SAFETY: passed on.
    let program = unsafe { hlwm_compile(wasm, options) };
    // SAFETY: the program was just made; the header says what `out` and `err` are.
    let status = unsafe { guest_of(program, out, err) };
    // SAFETY: nothing of it is used any more: libhyperlight has copied the payloads.
    unsafe { hlwm_free(program) };
    status
}

/// See the header.
#[unsafe(no_mangle)]
pub extern "C" fn hl_wasm_message() -> hlwm_bytes {
    MESSAGE.with_borrow(|message| hlwm_bytes::new(message))
}

/// Makes a guest of a program.
///
/// # Safety
///
/// `program` is alive, `out` can be written to, and so can `err` unless it is NULL.
unsafe fn guest_of(program: *const hlwm_program, out: *mut *mut c_void, err: *mut *mut c_void) -> hl_status {
    // SAFETY: the program is alive, here and below.
    let status = unsafe { hlwm_status(program) };
    if status != OK {
        // SAFETY: as above; the bytes live as long as the program, and a message is not empty.
        let message = unsafe { hlwm_message(program) };
        // SAFETY: as above.
        say(unsafe { slice::from_raw_parts(message.data(), message.len()) });
        return if status == INTERNAL { HL_ERR_INTERNAL } else { HL_ERR_INVALID_ARGUMENT };
    }
    say(b"");
    let mut runtime = ptr::null_mut();
    // SAFETY: libhyperlight's rules are kept: every pointer is valid or NULL where that is allowed, here and below.
    let status = unsafe { hl_guest_builtin(RUNTIME.as_ptr(), &raw mut runtime, err) };
    if status != HL_OK {
        return status;
    }
    let mut with_code = ptr::null_mut();
    // SAFETY: as above.
    let status = unsafe {
        hl_guest_with_payload(runtime, hlwm_code(program), HL_READ_EXECUTE, &raw mut with_code, err)
    };
    // SAFETY: as above; a guest may be freed when another one was made from it.
    unsafe { hl_guest_free(runtime) };
    if status != HL_OK {
        return status;
    }
    // SAFETY: as above.
    let status = unsafe { hl_guest_with_payload(with_code, hlwm_config(program), HL_READ, out, err) };
    // SAFETY: as above.
    unsafe { hl_guest_free(with_code) };
    status
}

fn say(message: &[u8]) {
    MESSAGE.set(message.to_vec());
}
