//! Guest programs.

use std::ffi::{OsStr, c_char};
use std::os::unix::ffi::OsStrExt;

use libhyperlight::{Guest, PayloadAccess};

use crate::error::{hl_error, hl_status};
use crate::guard;
use crate::value::hl_bytes;

/// A guest program, loaded and checked once. Any number of sandboxes and threads may share it. It may be freed before
/// the sandboxes made from it.
#[derive(Debug)]
pub struct hl_guest {
    pub(crate) guest: Guest,
}

/// A payload that is data.
pub const HL_READ: u32 = 1;
/// A payload that is code, which can also be read.
pub const HL_READ_EXECUTE: u32 = 3;

/// Loads a guest program from a file, which is not needed afterwards. `HL_ERR_IO` if it cannot be read,
/// `HL_ERR_GUEST_BINARY` if it is not a guest program.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hl_guest_from_file(
    path: *const c_char,
    out: *mut *mut hl_guest,
    err: *mut *mut hl_error,
) -> hl_status {
    let work = || {
        // SAFETY: passed on.
        let path = unsafe { guard::c_str(path, "path") }?;
        Ok(hl_guest { guest: Guest::from_file(OsStr::from_bytes(path.to_bytes()))? })
    };
    // SAFETY: passed on.
    unsafe { guard::create(out, err, work) }
}

/// Loads a guest program from memory. `elf` is copied.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hl_guest_from_bytes(
    elf: hl_bytes,
    out: *mut *mut hl_guest,
    err: *mut *mut hl_error,
) -> hl_status {
    let work = || {
        // SAFETY: passed on.
        let elf = unsafe { elf.as_slice() }.ok_or_else(|| hl_error::null("elf.data"))?;
        Ok(hl_guest { guest: Guest::from_bytes(elf)? })
    };
    // SAFETY: passed on.
    unsafe { guard::create(out, err, work) }
}

/// Loads a guest program that the library carries: `"demo"`, `"javascript"` (its functions: docs/runtimes.md), or
/// `"wasm"` (the runtime without a module; see `hl_wasm_compile`). Any other name is `HL_ERR_INVALID_ARGUMENT`.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hl_guest_builtin(
    name: *const c_char,
    out: *mut *mut hl_guest,
    err: *mut *mut hl_error,
) -> hl_status {
    let work = || {
        // SAFETY: passed on.
        let name = unsafe { guard::text(name, "name") }?;
        Ok(hl_guest { guest: libhyperlight_builtin::by_name(name)? })
    };
    // SAFETY: passed on.
    unsafe { guard::create(out, err, work) }
}

/// Makes a copy of a guest with a payload added to its image: data (`HL_READ`) or code compiled for it
/// (`HL_READ_EXECUTE`). The guest finds payloads by their index, counted from 0 in the order of addition. It cannot
/// write to them. `payload` is copied; `base` is not changed.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hl_guest_with_payload(
    base: *const hl_guest,
    payload: hl_bytes,
    access: u32,
    out: *mut *mut hl_guest,
    err: *mut *mut hl_error,
) -> hl_status {
    let work = || {
        // SAFETY: passed on.
        let base = unsafe { guard::deref(base, "base") }?;
        // SAFETY: passed on.
        let payload = unsafe { payload.as_slice() }.ok_or_else(|| hl_error::null("payload.data"))?;
        let access = match access {
            HL_READ => PayloadAccess::Read,
            HL_READ_EXECUTE => PayloadAccess::ReadExecute,
            other => {
                return Err(hl_error::invalid(format!(
                    "`access` is HL_READ (1) or HL_READ_EXECUTE (3), found {other}"
                )));
            }
        };
        Ok(hl_guest { guest: base.guest.with_payload(payload, access)? })
    };
    // SAFETY: passed on.
    unsafe { guard::create(out, err, work) }
}

/// Frees a guest. NULL is allowed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hl_guest_free(guest: *mut hl_guest) {
    // SAFETY: passed on.
    unsafe { guard::free(guest) };
}

/// A `const hl_guest *` is shared between threads.
const _: fn() = || {
    fn is_shareable<T: Send + Sync>() {}
    is_shareable::<hl_guest>();
};
