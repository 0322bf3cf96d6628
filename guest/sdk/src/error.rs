//! The error of a guest.
//!
//! One type for what a guest function reports, for what a host function reported to it, and for what the SDK finds
//! wrong itself. The failure of a host function keeps a token of the host's: an error that still carries it
//! when a guest function returns makes the host raise the original failure to its caller.

use alloc::format;
use alloc::string::String;
use core::fmt;

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
    /// The host's name for the failure that this passes on, or 0.
    token: u64,
}

impl Error {
    /// An error of the guest's own.
    pub fn new(code: i32, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), token: 0 }
    }

    /// The failure of a host function.
    pub(crate) fn from_host(token: u64, status: i32, message: &str) -> Self {
        Self { code: status, message: message.into(), token }
    }

    /// The same error with `what` in front of its message. It still passes on a host function's failure.
    #[must_use]
    pub fn context(self, what: impl fmt::Display) -> Self {
        Self { message: format!("{what}: {}", self.message), ..self }
    }

    /// Whether returning this error makes the host raise the failure of its own function.
    pub const fn is_from_host(&self) -> bool {
        self.token != 0
    }

    /// See [`Self::is_from_host`].
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
