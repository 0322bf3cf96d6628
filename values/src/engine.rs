//! Errors of values as those of the engine, for hosts whose guests have such values.

use libhyperlight::{BoxError, ErrorCode, HostError};

use crate::Error;
use crate::error::Reason;

impl Reason {
    /// The code of such an error, the same in every language.
    pub const fn code(self) -> ErrorCode {
        match self {
            Self::Protocol => ErrorCode::Protocol,
            Self::TooLarge => ErrorCode::TooLarge,
            Self::Kind | Self::Range | Self::Name => ErrorCode::Signature,
            Self::Unicode | Self::Cycle | Self::NoValue => ErrorCode::InvalidArgument,
        }
    }
}

impl Error {
    /// The same as a host function's failure, with its code as the status that the guest sees.
    pub fn into_host_error(self) -> HostError {
        let status = self.reason().code().number();
        HostError::new(BoxError::from(self)).with_status(status)
    }
}

/// The error of a call, with this one as its source.
impl From<Error> for libhyperlight::Error {
    fn from(error: Error) -> Self {
        Self::new(error.reason().code(), error.message()).with_source(error)
    }
}
