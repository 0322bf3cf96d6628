//! Errors of compiling and loading.

use std::fmt;

use libhyperlight::ErrorCode;
use libhyperlight_wasm_interface::status;

/// Error for a missing program: the compiler refused it, or cannot be loaded.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Error {
    code: ErrorCode,
    message: String,
}

impl Error {
    /// Makes an error from the compiler's status and message.
    pub(crate) fn refused(status: i32, message: String) -> Self {
        let code = match status {
            status::PROGRAM => ErrorCode::GuestBinary,
            status::OPTIONS => ErrorCode::InvalidArgument,
            status::TIMEOUT => ErrorCode::Timeout,
            _ => ErrorCode::Internal,
        };
        Self { code, message }
    }

    /// Makes an error for a missing compiler.
    pub(crate) fn unavailable(message: String) -> Self {
        Self { code: ErrorCode::Io, message }
    }

    /// Returns the code: [`ErrorCode::GuestBinary`] for a program that cannot be run or is too large,
    /// [`ErrorCode::InvalidArgument`] for options, [`ErrorCode::Timeout`] if compiling took too long, [`ErrorCode::Io`]
    /// for a compiler that cannot be loaded.
    pub fn code(&self) -> ErrorCode {
        self.code
    }

    /// Returns the message, as [`fmt::Display`] writes it.
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}
