//! Errors of compiling and loading.

use libhyperlight::{Error, ErrorCode};
use libhyperlight_wasm_interface::status;

/// Makes an error from the compiler's status and message.
pub(crate) fn refused(status: i32, message: String) -> Error {
    let code = match status {
        status::LARGE => return Error::large_program(message),
        status::HEAVY => return Error::heavy_program(message),
        status::TIMEOUT => return Error::compile_timed_out(),
        status::PROGRAM => ErrorCode::GuestBinary,
        status::OPTIONS => ErrorCode::InvalidArgument,
        _ => ErrorCode::Internal,
    };
    Error::new(code, message)
}

/// Makes an error for a missing compiler.
pub(crate) fn unavailable(message: String) -> Error {
    Error::new(ErrorCode::Io, message)
}
