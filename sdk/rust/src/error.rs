//! The error of a guest.
//!
//! One type for what a guest function reports, for what a host function reported to it, and for what the SDK finds
//! wrong itself. The failure of a host function keeps a token of the host's: an error that still carries it
//! when a guest function returns makes the host raise the original failure to its caller.
//!
//! An error's code is the guest's own, whatever its number. What the host is to know of an error besides stands elsewhere in
//! it, where only the SDK, or a runtime that says so, puts it.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use core::fmt;

use libhyperlight_abi::ErrorKind;

/// The result of guest code.
pub type Result<T> = core::result::Result<T, Error>;

/// Codes of the errors that the SDK makes itself; the numbers are those of the host's table.
pub mod code {
    /// A name or a signature that is not accepted.
    pub const INVALID_ARGUMENT: i32 = -1;
    /// There is no function of that name.
    pub const FUNCTION_NOT_FOUND: i32 = -5;
    /// The number or the kinds of values do not match the signature.
    pub const SIGNATURE: i32 = -6;
    /// A frame does not fit its buffer.
    pub const TOO_LARGE: i32 = -7;
    /// It is too late for what was asked for.
    pub const STATE: i32 = -18;
    /// The host broke the wire contract.
    pub const PROTOCOL: i32 = -22;
}

/// Why a guest function failed, or why a host function did.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Error {
    /// A number for programs: the guest's own, or the status that a host function gave.
    pub code: i32,
    /// A line for people.
    pub message: String,
    /// The host's name for the failure that this passes on, or was caused by; or 0.
    token: u64,
    /// What the host is to know of it.
    kind: ErrorKind,
    details: Option<Box<str>>,
}

impl Error {
    /// An error of the guest's own.
    pub fn new(code: i32, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), token: 0, kind: ErrorKind::Own, details: None }
    }

    /// For a runtime: its program has no function of the name that was called. The host's caller gets its own error for that.
    pub fn function_not_found(message: impl Into<String>) -> Self {
        Self { kind: ErrorKind::FunctionNotFound, ..Self::new(code::FUNCTION_NOT_FOUND, message) }
    }

    /// For a runtime: what is to be sent does not fit the buffer. The message names the option to raise, and the host's caller
    /// gets its own error for that.
    pub fn too_large(message: impl Into<String>) -> Self {
        Self { kind: ErrorKind::TooLarge, ..Self::new(code::TOO_LARGE, message) }
    }

    /// The failure of a host function.
    pub(crate) fn from_host(token: u64, status: i32, message: &str) -> Self {
        Self { token, ..Self::new(status, message) }
    }

    /// The same error with more about it for programs, JSON by convention: the host's caller gets it beside the message.
    /// What is longer than [`crate::limits::MAX_DETAILS_LEN`], or does not fit the buffer, is left out as a whole.
    #[must_use]
    pub fn with_details(self, details: impl Into<String>) -> Self {
        Self { details: Some(details.into().into_boxed_str()), ..self }
    }

    /// The same error as one of the guest's own, with the failure of a host function as its cause: the host's caller gets
    /// both. Any other error has no cause that the host knows of, and changes nothing.
    #[must_use]
    pub fn with_cause(self, cause: &Self) -> Self {
        if cause.token == 0 || self.token != 0 {
            return self;
        }
        Self { token: cause.token, kind: ErrorKind::Caused, ..self }
    }

    /// The same error with `what` in front of its message. It still passes on a host function's failure.
    #[must_use]
    pub fn context(self, what: impl fmt::Display) -> Self {
        Self { message: format!("{what}: {}", self.message), ..self }
    }

    /// Whether returning this error makes the host raise the failure of its own function.
    pub const fn is_from_host(&self) -> bool {
        self.token != 0 && matches!(self.kind, ErrorKind::Own)
    }

    /// See [`Self::with_details`].
    pub fn details(&self) -> Option<&str> {
        self.details.as_deref()
    }

    /// What the host is to know of it.
    pub(crate) const fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The host's name for the failure that this passes on, or was caused by; or 0.
    pub(crate) const fn token(&self) -> u64 {
        self.token
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl core::error::Error for Error {}

/// Adds what was being done to an error on its way up.
pub trait Context<T> {
    /// Puts `what` in front of the message; see [`Error::context`].
    fn context(self, what: impl fmt::Display) -> Result<T>;

    /// The same, where making the text costs something.
    fn with_context<D: fmt::Display>(self, what: impl FnOnce() -> D) -> Result<T>;
}

impl<T> Context<T> for Result<T> {
    fn context(self, what: impl fmt::Display) -> Self {
        self.map_err(|error| error.context(what))
    }

    fn with_context<D: fmt::Display>(self, what: impl FnOnce() -> D) -> Self {
        self.map_err(|error| error.context(what()))
    }
}

/// Returns from the function with an [`Error`] of that code and formatted message.
///
/// `bail!(7, "no entry for {key}")`
#[macro_export]
macro_rules! bail {
    ($code:expr, $($message:tt)+) => {
        return ::core::result::Result::Err($crate::Error::new($code, $crate::__private::format!($($message)+)))
    };
}

/// Returns from the function with an [`Error`] unless the condition holds.
///
/// `ensure!(len <= 64, 7, "{len} bytes are too many")`
#[macro_export]
macro_rules! ensure {
    ($condition:expr, $code:expr, $($message:tt)+) => {
        if !$condition {
            $crate::bail!($code, $($message)+);
        }
    };
}
