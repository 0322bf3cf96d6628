//! Why there is no program.

use std::fmt;

use libhyperlight::ErrorCode;
use libhyperlight_wasm_interface::status;

/// Why there is no program: the compiler refused it, or cannot be loaded.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Error {
    code: ErrorCode,
    message: String,
}

impl Error {
    /// What the compiler said.
    pub(crate) fn refused(status: i32, message: String) -> Self {
        let code = match status {
            status::PROGRAM => ErrorCode::GuestBinary,
            status::OPTIONS => ErrorCode::InvalidArgument,
            status::TIMEOUT => ErrorCode::Timeout,
            _ => ErrorCode::Internal,
        };
        Self { code, message }
    }

    /// There is no compiler.
    pub(crate) fn unavailable(message: String) -> Self {
        Self { code: ErrorCode::Io, message }
    }

    /// [`ErrorCode::GuestBinary`] for a program that cannot be run or is too large, [`ErrorCode::InvalidArgument`] for options,
    /// [`ErrorCode::Timeout`] for what took too long, [`ErrorCode::Io`] for a compiler that cannot be loaded.
    pub fn code(&self) -> ErrorCode {
        self.code
    }

    /// The line that [`fmt::Display`] writes.
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
