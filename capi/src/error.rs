//! Errors: a status for the program, a line for people, and what else is known.

use std::ffi::{CStr, c_char};

use libhyperlight::Error;

use crate::guard;
use crate::value::hl_bytes;

/// `HL_OK`, one of the `HL_ERR_*`, or, from a host function, a positive number of its own. New ones may appear: whatever
/// is not `HL_OK` is a failure.
pub type hl_status = i32;

/// Success.
pub const HL_OK: i32 = 0;
/// An argument that no sandbox could accept: NULL, an unknown kind, text that is not UTF-8. The sandbox is unchanged.
pub const HL_ERR_INVALID_ARGUMENT: i32 = -1;
/// There is no usable hypervisor; the message says why and what mends it.
pub const HL_ERR_HYPERVISOR_UNAVAILABLE: i32 = -2;
/// The guest program cannot be loaded.
pub const HL_ERR_GUEST_BINARY: i32 = -3;
/// The host lacks memory, file descriptors or virtual machines. The sandbox is unchanged, or poisoned if this struck
/// inside a call.
pub const HL_ERR_RESOURCE: i32 = -4;
/// The guest has no function of that name.
pub const HL_ERR_FUNCTION_NOT_FOUND: i32 = -5;
/// The arguments do not fit the function's signature.
pub const HL_ERR_SIGNATURE: i32 = -6;
/// A payload does not fit its buffer; the message names the option to raise.
pub const HL_ERR_TOO_LARGE: i32 = -7;
/// The guest function returned an error: its number is `hl_error_guest_code`, its text the message.
pub const HL_ERR_GUEST_ERROR: i32 = -8;
/// A host function failed, and the guest passed its error on. A positive status is `hl_error_guest_code`.
pub const HL_ERR_HOST_FUNCTION: i32 = -9;
/// The guest panicked or gave up. The sandbox is poisoned.
pub const HL_ERR_GUEST_ABORT: i32 = -10;
/// The guest did something that the processor forbids: see `hl_error_fault`. The sandbox is poisoned.
pub const HL_ERR_GUEST_FAULT: i32 = -11;
/// The guest used up its stack: see `hl_error_fault`. The sandbox is poisoned.
pub const HL_ERR_STACK_OVERFLOW: i32 = -12;
/// The guest used up its heap. The sandbox is poisoned.
pub const HL_ERR_GUEST_OUT_OF_MEMORY: i32 = -13;
/// The call took longer than it may. The sandbox is poisoned.
pub const HL_ERR_TIMEOUT: i32 = -14;
/// The call was interrupted. The sandbox is poisoned.
pub const HL_ERR_INTERRUPTED: i32 = -15;
/// An earlier call was stopped in the middle.
pub const HL_ERR_POISONED: i32 = -16;
/// The sandbox is in use: by another thread, or by the call that this came from. It is unchanged.
pub const HL_ERR_BUSY: i32 = -17;
/// The sandbox is in the wrong state for this, such as a call before evolve. It is unchanged.
pub const HL_ERR_STATE: i32 = -18;
/// A snapshot does not belong to this guest, or needs other host functions.
pub const HL_ERR_SNAPSHOT_MISMATCH: i32 = -19;
/// A snapshot file is damaged, or of another version or processor.
pub const HL_ERR_SNAPSHOT_FILE: i32 = -20;
/// Reading or writing a file failed.
pub const HL_ERR_IO: i32 = -21;
/// The guest broke the wire contract. The sandbox is poisoned.
pub const HL_ERR_PROTOCOL: i32 = -22;
/// The sandbox was freed during the call.
pub const HL_ERR_CLOSED: i32 = -23;
/// No member of the pool came free in time.
pub const HL_ERR_POOL_TIMEOUT: i32 = -24;
/// A bug of the library, contained. The sandbox is poisoned.
pub const HL_ERR_INTERNAL: i32 = -99;

/// What went wrong. Owned by whom it was given to.
#[derive(Debug)]
pub struct hl_error {
    status: hl_status,
    guest_code: i32,
    message: Text,
    details: Option<Text>,
    fault: Option<Fault>,
}

/// Where and why the processor stopped the guest. Addresses are the guest's own.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct hl_fault_info {
    /// The exception's number: 14 is a page fault, 6 an illegal instruction, 13 general protection, 0 a division.
    pub vector: u32,
    /// What the instruction did to the memory: one of the `HL_ACCESS_*`.
    pub access: u32,
    /// Address of the instruction.
    pub instruction: u64,
    /// Address of the memory that it wanted; 0 without a memory access.
    pub address: u64,
    /// The function that the instruction is in; empty if the guest program has no symbols.
    pub function: hl_bytes,
}

/// Not a memory fault.
pub const HL_ACCESS_NONE: u32 = 0;
/// Reading.
pub const HL_ACCESS_READ: u32 = 1;
/// Writing.
pub const HL_ACCESS_WRITE: u32 = 2;
/// Executing.
pub const HL_ACCESS_EXECUTE: u32 = 3;

#[derive(Debug)]
struct Fault {
    vector: u32,
    access: u32,
    instruction: u64,
    address: u64,
    function: Text,
}

/// The name of a status, `"HL_ERR_TIMEOUT"`, for logs. A positive status, or an unknown one, is `"HL_ERR_?"`. The text
/// lives for ever.
#[unsafe(no_mangle)]
pub extern "C" fn hl_status_name(status: hl_status) -> *const c_char {
    name(status).as_ptr()
}

/// The status that the function returned which gave the error. NULL is 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hl_error_code(error: *const hl_error) -> i32 {
    // SAFETY: passed on.
    guard::plain(0, || unsafe { guard::deref(error, "error") }.map_or(0, |error| error.status))
}

/// One line that says what was expected, what was found, and what mends it; followed by a NUL, which its length does not
/// count. Lives as long as the error. NULL is empty.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hl_error_message(error: *const hl_error) -> hl_bytes {
    guard::plain(hl_bytes::EMPTY, || {
        // SAFETY: passed on.
        unsafe { guard::deref(error, "error") }.map_or(hl_bytes::EMPTY, |error| error.message.view())
    })
}

/// The number that the guest gave with its error or abort; with `HL_ERR_HOST_FUNCTION` the host function's status, if that
/// was positive. 0 where there is none, and for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hl_error_guest_code(error: *const hl_error) -> i32 {
    // SAFETY: passed on.
    guard::plain(0, || unsafe { guard::deref(error, "error") }.map_or(0, |error| error.guest_code))
}

/// What the guest says about its error besides the message, JSON by convention, such as the name and the stack of what a script
/// threw. It is the guest's own text: valid UTF-8 of at most 64 KiB, and as it came, so that anything may be in it. Followed by a
/// NUL, which its length does not count. Lives as long as the error. Empty, with `data` NULL, where there is nothing, and for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hl_error_details(error: *const hl_error) -> hl_bytes {
    guard::plain(hl_bytes::EMPTY, || {
        // SAFETY: passed on.
        let details = unsafe { guard::deref(error, "error") }.map(|error| error.details.as_ref());
        details.ok().flatten().map_or(hl_bytes::EMPTY, Text::view)
    })
}

/// Where and why the processor stopped the guest: with `HL_ERR_GUEST_FAULT` and `HL_ERR_STACK_OVERFLOW`. Any other error
/// has none: `HL_ERR_INVALID_ARGUMENT`, and `*out` is all zeros. `out->function` lives as long as the error.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hl_error_fault(error: *const hl_error, out: *mut hl_fault_info) -> hl_status {
    let work = || {
        if out.is_null() {
            return Err(hl_error::null("out"));
        }
        // SAFETY: passed on.
        let fault = unsafe { guard::deref(error, "error") }.map(|error| error.fault.as_ref());
        let info = match &fault {
            Ok(Some(fault)) => fault.info(),
            _ => hl_fault_info {
                vector: 0,
                access: HL_ACCESS_NONE,
                instruction: 0,
                address: 0,
                function: hl_bytes::EMPTY,
            },
        };
        // SAFETY: not NULL, so, by the header's rules, a place of its type.
        unsafe { out.write(info) };
        fault?.map(|_| ()).ok_or_else(|| hl_error::invalid("the error is not a fault"))
    };
    // SAFETY: NULL is allowed.
    unsafe { guard::status(std::ptr::null_mut(), work) }
}

/// An error of a library that extends this one, to be given out like those of this library. `message` is copied; what is not
/// UTF-8 in it is replaced. Freed by `hl_error_free`.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hl_error_new(code: hl_status, message: hl_bytes) -> *mut hl_error {
    guard::plain(std::ptr::null_mut(), || {
        // SAFETY: passed on.
        let message = String::from_utf8_lossy(unsafe { message.as_slice() }.unwrap_or_default());
        Box::into_raw(Box::new(hl_error::new(code, message)))
    })
}

/// Frees an error. NULL is fine.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hl_error_free(error: *mut hl_error) {
    // SAFETY: passed on.
    unsafe { guard::free(error) };
}

impl hl_error {
    pub(crate) fn new(status: hl_status, message: impl Into<String>) -> Self {
        Self { status, guest_code: 0, message: Text::new(message.into()), details: None, fault: None }
    }

    /// An argument that no sandbox could accept.
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new(HL_ERR_INVALID_ARGUMENT, message)
    }

    /// The argument of that name is NULL.
    pub(crate) fn null(name: &str) -> Self {
        Self::invalid(format!("`{name}` is NULL"))
    }

    pub(crate) fn status(&self) -> hl_status {
        self.status
    }
}

impl From<Error> for hl_error {
    fn from(error: Error) -> Self {
        let fault = error.fault().map(|fault| Fault {
            vector: u32::from(fault.vector),
            access: fault.access as u32,
            instruction: fault.instruction,
            address: fault.address,
            function: Text::new(fault.function.clone().unwrap_or_default()),
        });
        Self {
            status: error.code().number(),
            guest_code: error.guest_code(),
            message: Text::new(error.message().to_owned()),
            details: error.details().map(|details| Text::new(details.to_owned())),
            fault,
        }
    }
}

impl Fault {
    fn info(&self) -> hl_fault_info {
        hl_fault_info {
            vector: self.vector,
            access: self.access,
            instruction: self.instruction,
            address: self.address,
            function: self.function.view(),
        }
    }
}

/// Text of ours, with the NUL that makes it a C string too.
#[derive(Debug)]
pub(crate) struct Text(String);

impl Text {
    pub fn new(mut text: String) -> Self {
        text.push('\0');
        Self(text)
    }

    pub fn as_str(&self) -> &str {
        self.0.strip_suffix('\0').unwrap_or(&self.0)
    }

    pub fn view(&self) -> hl_bytes {
        hl_bytes::of(self.as_str().as_bytes())
    }
}

fn name(status: hl_status) -> &'static CStr {
    match status {
        HL_OK => c"HL_OK",
        HL_ERR_INVALID_ARGUMENT => c"HL_ERR_INVALID_ARGUMENT",
        HL_ERR_HYPERVISOR_UNAVAILABLE => c"HL_ERR_HYPERVISOR_UNAVAILABLE",
        HL_ERR_GUEST_BINARY => c"HL_ERR_GUEST_BINARY",
        HL_ERR_RESOURCE => c"HL_ERR_RESOURCE",
        HL_ERR_FUNCTION_NOT_FOUND => c"HL_ERR_FUNCTION_NOT_FOUND",
        HL_ERR_SIGNATURE => c"HL_ERR_SIGNATURE",
        HL_ERR_TOO_LARGE => c"HL_ERR_TOO_LARGE",
        HL_ERR_GUEST_ERROR => c"HL_ERR_GUEST_ERROR",
        HL_ERR_HOST_FUNCTION => c"HL_ERR_HOST_FUNCTION",
        HL_ERR_GUEST_ABORT => c"HL_ERR_GUEST_ABORT",
        HL_ERR_GUEST_FAULT => c"HL_ERR_GUEST_FAULT",
        HL_ERR_STACK_OVERFLOW => c"HL_ERR_STACK_OVERFLOW",
        HL_ERR_GUEST_OUT_OF_MEMORY => c"HL_ERR_GUEST_OUT_OF_MEMORY",
        HL_ERR_TIMEOUT => c"HL_ERR_TIMEOUT",
        HL_ERR_INTERRUPTED => c"HL_ERR_INTERRUPTED",
        HL_ERR_POISONED => c"HL_ERR_POISONED",
        HL_ERR_BUSY => c"HL_ERR_BUSY",
        HL_ERR_STATE => c"HL_ERR_STATE",
        HL_ERR_SNAPSHOT_MISMATCH => c"HL_ERR_SNAPSHOT_MISMATCH",
        HL_ERR_SNAPSHOT_FILE => c"HL_ERR_SNAPSHOT_FILE",
        HL_ERR_IO => c"HL_ERR_IO",
        HL_ERR_PROTOCOL => c"HL_ERR_PROTOCOL",
        HL_ERR_CLOSED => c"HL_ERR_CLOSED",
        HL_ERR_POOL_TIMEOUT => c"HL_ERR_POOL_TIMEOUT",
        HL_ERR_INTERNAL => c"HL_ERR_INTERNAL",
        _ => c"HL_ERR_?",
    }
}

const _: () = {
    assert!(size_of::<hl_fault_info>() == 40);
    assert!(std::mem::offset_of!(hl_fault_info, instruction) == 8);
    assert!(std::mem::offset_of!(hl_fault_info, function) == 24);
};

#[cfg(test)]
mod tests {
    use libhyperlight::ErrorCode;

    use super::*;

    #[test]
    fn numbers_and_names_are_those_of_the_engine() {
        let all = [
            (HL_ERR_INVALID_ARGUMENT, ErrorCode::InvalidArgument),
            (HL_ERR_HYPERVISOR_UNAVAILABLE, ErrorCode::HypervisorUnavailable),
            (HL_ERR_GUEST_BINARY, ErrorCode::GuestBinary),
            (HL_ERR_RESOURCE, ErrorCode::Resource),
            (HL_ERR_FUNCTION_NOT_FOUND, ErrorCode::FunctionNotFound),
            (HL_ERR_SIGNATURE, ErrorCode::Signature),
            (HL_ERR_TOO_LARGE, ErrorCode::TooLarge),
            (HL_ERR_GUEST_ERROR, ErrorCode::GuestError),
            (HL_ERR_HOST_FUNCTION, ErrorCode::HostFunction),
            (HL_ERR_GUEST_ABORT, ErrorCode::GuestAbort),
            (HL_ERR_GUEST_FAULT, ErrorCode::GuestFault),
            (HL_ERR_STACK_OVERFLOW, ErrorCode::StackOverflow),
            (HL_ERR_GUEST_OUT_OF_MEMORY, ErrorCode::GuestOutOfMemory),
            (HL_ERR_TIMEOUT, ErrorCode::Timeout),
            (HL_ERR_INTERRUPTED, ErrorCode::Interrupted),
            (HL_ERR_POISONED, ErrorCode::Poisoned),
            (HL_ERR_BUSY, ErrorCode::Busy),
            (HL_ERR_STATE, ErrorCode::State),
            (HL_ERR_SNAPSHOT_MISMATCH, ErrorCode::SnapshotMismatch),
            (HL_ERR_SNAPSHOT_FILE, ErrorCode::SnapshotFile),
            (HL_ERR_IO, ErrorCode::Io),
            (HL_ERR_PROTOCOL, ErrorCode::Protocol),
            (HL_ERR_CLOSED, ErrorCode::Closed),
            (HL_ERR_POOL_TIMEOUT, ErrorCode::PoolTimeout),
            (HL_ERR_INTERNAL, ErrorCode::Internal),
        ];
        for (status, code) in all {
            assert_eq!(status, code.number());
            assert_eq!(name(status).to_str(), Ok(code.name()));
        }
    }
}
