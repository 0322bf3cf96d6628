//! Failures on their way to JavaScript, which turns them into instances of `HyperlightError`.
//!
//! The codes, their names and the messages are the engine's; messages use JavaScript's names.

use std::fmt;

use libhyperlight::options::face::Face;
use libhyperlight::{Access, Error, ErrorCode, Fault};

/// A failure as data.
#[derive(Debug)]
pub struct Failure {
    pub code: ErrorCode,
    pub message: String,
    /// The number that the guest gave.
    pub guest_code: Option<i32>,
    pub fault: Option<Box<Fault>>,
    /// The guest's details besides the message.
    pub details: Option<String>,
    /// Number of the host function's exception that this is, or was caused by.
    pub thrown: Option<u32>,
    pub cause: Option<Box<Self>>,
}

impl Failure {
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            guest_code: None,
            fault: None,
            details: None,
            thrown: None,
            cause: None,
        }
    }

    pub fn invalid_argument(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::InvalidArgument, message)
    }

    pub fn state(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::State, message)
    }

    pub fn interrupted() -> Self {
        Error::interrupted().into()
    }

    /// The name of the code.
    pub fn code_name(&self) -> String {
        format!("ERR_HL_{}", self.code.name().trim_start_matches("HL_ERR_"))
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let code = error.code();
        let mut failure = Self::new(code, error.render(&Face::JavaScript));
        failure.fault = error.fault().cloned().map(Box::new);
        failure.details = error.details().map(str::to_owned);
        failure.guest_code = match code {
            ErrorCode::GuestAbort | ErrorCode::GuestError | ErrorCode::GuestOutOfMemory => {
                Some(error.guest_code())
            }
            _ => None,
        };
        match error.into_source().map(|source| source.downcast::<HostFailure>()) {
            Some(Ok(host)) => failure.add_source(*host),
            Some(Err(source)) => {
                if let Ok(inner) = source.downcast::<Error>() {
                    failure.cause = Some(Box::new(Self::from(*inner)));
                }
            }
            None => (),
        }
        failure
    }
}

impl Failure {
    fn add_source(&mut self, source: HostFailure) {
        match source {
            HostFailure::Thrown(thrown) => self.thrown = Some(thrown.number),
            HostFailure::Wrong(wrong) => self.cause = Some(wrong),
            // These end the call, so they are the reason, whatever code the engine gives.
            HostFailure::Cancelled => *self = Self::interrupted(),
            HostFailure::TimedOut(limit) => {
                *self = Self::from(Error::timed_out(limit));
            }
        }
    }
}

/// An exception of a host function: its number in JavaScript, and its text.
#[derive(Debug)]
pub struct Thrown {
    pub number: u32,
    pub text: String,
}

/// Reasons for a missing result of a host function.
#[derive(Debug)]
pub(crate) enum HostFailure {
    /// It threw, or rejected.
    Thrown(Thrown),
    /// Its result does not fit its signature.
    Wrong(Box<Failure>),
    /// The call was cancelled while it waited.
    Cancelled,
    /// The call's time was up while it waited.
    TimedOut(std::time::Duration),
}

impl fmt::Display for HostFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Thrown(thrown) => f.write_str(&thrown.text),
            Self::Wrong(failure) => f.write_str(&failure.message),
            Self::Cancelled => f.write_str(&Failure::interrupted().message),
            Self::TimedOut(limit) => f.write_str(&Failure::from(Error::timed_out(*limit)).message),
        }
    }
}

impl std::error::Error for HostFailure {}

/// Names the kind of an access in JavaScript.
pub(crate) fn access(access: Access) -> &'static str {
    match access {
        Access::Read => "read",
        Access::Write => "write",
        Access::Execute => "execute",
        _ => "none",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_have_the_names_of_the_contract() {
        assert_eq!(Failure::new(ErrorCode::Poisoned, "").code_name(), "ERR_HL_POISONED");
        assert_eq!(Failure::new(ErrorCode::Io, "").code_name(), "ERR_HL_IO");
    }
}
