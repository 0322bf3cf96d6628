//! Errors: a status for the program, a message for people, and details where there are any.

use std::ffi::{CStr, c_char};

use libhyperlight::options::face::Face;
use libhyperlight::{Error, ErrorCode, FaultKind};

pub use crate::codes::*;
use crate::guard;
use crate::value::hl_bytes;

/// `HL_OK`, one of the `HL_ERR_*`, or a positive number of a host function's own. New codes may appear: treat every
/// status but `HL_OK` as a failure.
pub type hl_status = i32;

/// An error. The caller owns it.
#[derive(Debug)]
pub struct hl_error {
    status: hl_status,
    guest_code: i32,
    message: Text,
    details: Option<Text>,
    fault: Option<Fault>,
}

/// Place and reason of a fault. Addresses are the guest's own.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct hl_fault_info {
    /// The exception's number: 14 is a page fault, 6 an illegal instruction, 13 general protection, 0 a division.
    pub vector: u32,
    /// Kind of memory access: one of the `HL_ACCESS_*`.
    pub access: u32,
    /// Address of the instruction.
    pub instruction: u64,
    /// Address of the memory that the instruction accessed; 0 without a memory access.
    pub address: u64,
    /// Name of the function that contains the instruction; empty if the guest program has no symbols.
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

/// No fault.
pub const HL_FAULT_NONE: u32 = 0;
/// Memory near address 0, through a null pointer.
pub const HL_FAULT_NULL_ACCESS: u32 = 1;
/// Unmapped memory.
pub const HL_FAULT_UNMAPPED_ACCESS: u32 = 2;
/// A write to code or constant data.
pub const HL_FAULT_WRITE_TO_READ_ONLY: u32 = 3;
/// A jump into data.
pub const HL_FAULT_EXECUTE_OF_DATA: u32 = 4;
/// The engine's own pages, which guest code may not use.
pub const HL_FAULT_ENGINE_ACCESS: u32 = 5;
/// The stack was used up.
pub const HL_FAULT_STACK_OVERFLOW: u32 = 6;
/// Bytes that are no instruction of this processor.
pub const HL_FAULT_ILLEGAL_INSTRUCTION: u32 = 7;
/// An instruction, or a port, that guest code may not use.
pub const HL_FAULT_PRIVILEGED_INSTRUCTION: u32 = 8;
/// An address that cannot exist, a misaligned vector access, a bad segment.
pub const HL_FAULT_GENERAL_PROTECTION: u32 = 9;
/// A division by zero, or with a result too large.
pub const HL_FAULT_DIVISION: u32 = 10;
/// A floating-point exception that the guest has unmasked.
pub const HL_FAULT_FLOATING_POINT: u32 = 11;
/// A misaligned access with alignment checks turned on.
pub const HL_FAULT_ALIGNMENT: u32 = 12;
/// A breakpoint or single-step trap.
pub const HL_FAULT_BREAKPOINT: u32 = 13;
/// Any other exception.
pub const HL_FAULT_OTHER: u32 = 14;

#[derive(Debug)]
struct Fault {
    kind: u32,
    vector: u32,
    access: u32,
    instruction: u64,
    address: u64,
    function: Text,
}

/// The name of a status, such as `"HL_ERR_TIMEOUT"`, for logs. A positive or unknown status is `"HL_ERR_?"`. The text
/// is static.
#[unsafe(no_mangle)]
pub extern "C" fn hl_status_name(status: hl_status) -> *const c_char {
    name(status).as_ptr()
}

/// The status code of the call that failed. 0 for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hl_error_code(error: *const hl_error) -> i32 {
    // SAFETY: passed on.
    guard::plain(0, || unsafe { guard::deref(error, "error") }.map_or(0, |error| error.status))
}

/// The message: one line that says what was expected, what was found, and how to fix it. A NUL follows, which the
/// length does not count. Lives as long as the error. Empty for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hl_error_message(error: *const hl_error) -> hl_bytes {
    guard::plain(hl_bytes::EMPTY, || {
        // SAFETY: passed on.
        unsafe { guard::deref(error, "error") }.map_or(hl_bytes::EMPTY, |error| error.message.view())
    })
}

/// The number that the guest gave with its error or abort. With `HL_ERR_HOST_FUNCTION`, the host function's status if
/// it was positive. 0 where there is none, and for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hl_error_guest_code(error: *const hl_error) -> i32 {
    // SAFETY: passed on.
    guard::plain(0, || unsafe { guard::deref(error, "error") }.map_or(0, |error| error.guest_code))
}

/// The guest's details of its error, JSON by convention, such as the name and the stack of a script's exception. The
/// text is untrusted: valid UTF-8 of at most 64 KiB, unchanged otherwise. A NUL follows, which the length does not
/// count. Lives as long as the error. Empty, with `data` NULL, where there are none, and for NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hl_error_details(error: *const hl_error) -> hl_bytes {
    guard::plain(hl_bytes::EMPTY, || {
        // SAFETY: passed on.
        let details = unsafe { guard::deref(error, "error") }.map(|error| error.details.as_ref());
        details.ok().flatten().map_or(hl_bytes::EMPTY, Text::view)
    })
}

/// Gets the place and reason of a fault, for `HL_ERR_GUEST_FAULT` and `HL_ERR_STACK_OVERFLOW`. For any other error it
/// returns `HL_ERR_INVALID_ARGUMENT`, and `*out` is all zeros. `out->function` lives as long as the error.
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

/// The kind of a fault, one of the `HL_FAULT_*`, for `HL_ERR_GUEST_FAULT` and `HL_ERR_STACK_OVERFLOW`. `HL_FAULT_NONE`
/// for any other error and for NULL. New kinds may appear.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hl_error_fault_kind(error: *const hl_error) -> u32 {
    guard::plain(HL_FAULT_NONE, || {
        // SAFETY: passed on.
        let fault = unsafe { guard::deref(error, "error") }.map(|error| error.fault.as_ref());
        fault.ok().flatten().map_or(HL_FAULT_NONE, |fault| fault.kind)
    })
}

/// Makes an error for a library that extends this one. `message` is copied; invalid UTF-8 in it is replaced. Free it
/// with `hl_error_free`.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hl_error_new(code: hl_status, message: hl_bytes) -> *mut hl_error {
    guard::plain(std::ptr::null_mut(), || {
        // SAFETY: passed on.
        let message = String::from_utf8_lossy(unsafe { message.as_slice() }.unwrap_or_default());
        Box::into_raw(Box::new(hl_error::new(code, message)))
    })
}

/// Frees an error. NULL is allowed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hl_error_free(error: *mut hl_error) {
    // SAFETY: passed on.
    unsafe { guard::free(error) };
}

impl hl_error {
    pub(crate) fn new(status: hl_status, message: impl Into<String>) -> Self {
        Self { status, guest_code: 0, message: Text::new(message.into()), details: None, fault: None }
    }

    /// Error for an argument that no sandbox could accept.
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new(HL_ERR_INVALID_ARGUMENT, message)
    }

    /// Error for an argument that is NULL.
    pub(crate) fn null(name: &str) -> Self {
        Self::invalid(format!("`{name}` is NULL"))
    }

    pub(crate) fn status(&self) -> hl_status {
        self.status
    }

    pub(crate) fn message(&self) -> &str {
        self.message.as_str()
    }
}

impl From<Error> for hl_error {
    fn from(error: Error) -> Self {
        let fault = error.fault().map(|fault| Fault {
            kind: fault.kind as u32,
            vector: u32::from(fault.vector),
            access: fault.access as u32,
            instruction: fault.instruction,
            address: fault.address,
            function: Text::new(fault.function.clone().unwrap_or_default()),
        });
        Self {
            status: error.code().number(),
            guest_code: error.guest_code(),
            message: Text::new(error.render(&Face::C)),
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

/// Text of this library, followed by a NUL so that it is a C string too.
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
    if status == HL_OK {
        return c"HL_OK";
    }
    let row = ErrorCode::table().iter().find(|row| row.code.number() == status);
    row.map_or(c"HL_ERR_?", |row| row.name)
}

const _: () = {
    assert!(size_of::<hl_fault_info>() == 40);
    assert!(std::mem::offset_of!(hl_fault_info, instruction) == 8);
    assert!(std::mem::offset_of!(hl_fault_info, function) == 24);
    assert!(HL_FAULT_NULL_ACCESS == FaultKind::NullAccess as u32);
    assert!(HL_FAULT_UNMAPPED_ACCESS == FaultKind::UnmappedAccess as u32);
    assert!(HL_FAULT_WRITE_TO_READ_ONLY == FaultKind::WriteToReadOnly as u32);
    assert!(HL_FAULT_EXECUTE_OF_DATA == FaultKind::ExecuteOfData as u32);
    assert!(HL_FAULT_ENGINE_ACCESS == FaultKind::EngineAccess as u32);
    assert!(HL_FAULT_STACK_OVERFLOW == FaultKind::StackOverflow as u32);
    assert!(HL_FAULT_ILLEGAL_INSTRUCTION == FaultKind::IllegalInstruction as u32);
    assert!(HL_FAULT_PRIVILEGED_INSTRUCTION == FaultKind::PrivilegedInstruction as u32);
    assert!(HL_FAULT_GENERAL_PROTECTION == FaultKind::GeneralProtection as u32);
    assert!(HL_FAULT_DIVISION == FaultKind::Division as u32);
    assert!(HL_FAULT_FLOATING_POINT == FaultKind::FloatingPoint as u32);
    assert!(HL_FAULT_ALIGNMENT == FaultKind::Alignment as u32);
    assert!(HL_FAULT_BREAKPOINT == FaultKind::Breakpoint as u32);
    assert!(HL_FAULT_OTHER == FaultKind::Other as u32);
};
