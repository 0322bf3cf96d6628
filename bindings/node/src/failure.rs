//! Failures, on their way to JavaScript, which makes instances of `HyperlightError` of them.
//!
//! The code and its name are the engine's, and so are the messages, with the names of JavaScript.

use std::fmt;

use libhyperlight::options::face::Face;
use libhyperlight::{Access, Error, ErrorCode, Fault};


/// What went wrong.
#[derive(Debug)]
pub struct Failure {
    pub code: ErrorCode,
    pub message: String,
    /// The number that the guest gave.
    pub guest_code: Option<i32>,
    pub fault: Option<Box<Fault>>,
    /// What the guest says besides the message.
    pub details: Option<String>,
    /// It is, or was caused by, what a host function threw: its number.
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

    /// What the compiler of WebAssembly says.
    pub fn of_compiler(code: ErrorCode, message: &str) -> Self {
        Self::new(code, message)
    }

    pub fn interrupted() -> Self {
        Self::new(ErrorCode::Interrupted, "the call was interrupted")
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
            // These end the call, so they are the reason whatever the engine calls it.
            HostFailure::Cancelled => *self = Self::interrupted(),
            HostFailure::TimedOut(limit) => {
                *self = Self::from(Error::timed_out(limit));
            }
        }
    }
}

/// What a host function threw: the number by which JavaScript knows it, and its text.
#[derive(Debug)]
pub struct Thrown {
    pub number: u32,
    pub text: String,
}

/// Why a host function has no result.
#[derive(Debug)]
pub(crate) enum HostFailure {
    /// It threw, or rejected.
    Thrown(Thrown),
    /// What it returned is not what its signature says.
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
            Self::Cancelled => f.write_str("the call was interrupted"),
            Self::TimedOut(_) => f.write_str("the call's time is up"),
        }
    }
}

impl std::error::Error for HostFailure {}

/// The names of the kinds of access in JavaScript.
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
