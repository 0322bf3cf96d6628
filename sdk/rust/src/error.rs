//! Errors of guest code.
//!
//! One type serves for errors of guest functions, of host functions, and of the SDK itself. The failure of a host
//! function keeps a token of the host's. If a guest function returns an error with this token, the host raises the
//! original failure to its caller.
//!
//! The guest chooses an error's code freely. The kind, the token and the details are stored separately; only the SDK,
//! or a runtime on purpose, sets them.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use core::fmt;

use libhyperlight_abi::ErrorKind;

/// The result of guest code.
pub type Result<T> = core::result::Result<T, Error>;

/// Codes of the errors that the SDK makes itself; they equal the host's codes.
pub mod code {
    /// A name or a signature that is not accepted.
    pub const INVALID_ARGUMENT: i32 = -1;
    /// There is no function of that name.
    pub const FUNCTION_NOT_FOUND: i32 = -5;
    /// The number or the kinds of values do not match the signature.
    pub const SIGNATURE: i32 = -6;
    /// A frame does not fit its buffer.
    pub const TOO_LARGE: i32 = -7;
    /// The operation is no longer allowed.
    pub const STATE: i32 = -18;
    /// The host broke the wire contract.
    pub const PROTOCOL: i32 = -22;
}

/// The failure of a guest function, or of a host function.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Error {
    /// A number for programs: the guest's own, or the status that a host function gave.
    pub code: i32,
    /// A message of one line.
    pub message: String,
    /// The host's token for the failure that this error passes on, or was caused by; or 0.
    token: u64,
    /// The error's kind for the engine.
    kind: ErrorKind,
    details: Option<Box<str>>,
}

impl Error {
    /// Makes an error of the guest's own.
    pub fn new(code: i32, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), token: 0, kind: ErrorKind::Own, details: None }
    }

    /// Makes an error for a runtime whose program has no function of the called name. The host's caller gets its own
    /// error for that.
    pub fn function_not_found(message: impl Into<String>) -> Self {
        Self { kind: ErrorKind::FunctionNotFound, ..Self::new(code::FUNCTION_NOT_FOUND, message) }
    }

    /// Makes an error for a runtime whose data does not fit the buffer. The message names the option to raise, and the
    /// host's caller gets its own error for that.
    pub fn too_large(message: impl Into<String>) -> Self {
        Self { kind: ErrorKind::TooLarge, ..Self::new(code::TOO_LARGE, message) }
    }

    /// Makes an error from the failure of a host function.
    pub(crate) fn from_host(token: u64, status: i32, message: &str) -> Self {
        Self { token, ..Self::new(status, message) }
    }

    /// Adds details for programs, JSON by convention: the host's caller gets them beside the message. Details longer
    /// than [`crate::limits::MAX_DETAILS_LEN`], or too long for the buffer, are left out as a whole.
    #[must_use]
    pub fn with_details(self, details: impl Into<String>) -> Self {
        Self { details: Some(details.into().into_boxed_str()), ..self }
    }

    /// Makes an error of the guest's own whose cause is a host function's failure: the host's caller gets both. Any
    /// other `cause` is unknown to the host, and changes nothing.
    #[must_use]
    pub fn with_cause(self, cause: &Self) -> Self {
        if cause.token == 0 || self.token != 0 {
            return self;
        }
        Self { token: cause.token, kind: ErrorKind::Caused, ..self }
    }

    /// Puts `what` in front of the message. The error still passes on a host function's failure.
    #[must_use]
    pub fn context(self, what: impl fmt::Display) -> Self {
        Self { message: format!("{what}: {}", self.message), ..self }
    }

    /// Returns true if returning this error makes the host raise the failure of its own function.
    pub const fn is_from_host(&self) -> bool {
        self.token != 0 && matches!(self.kind, ErrorKind::Own)
    }

    /// Returns the details; see [`Self::with_details`].
    pub fn details(&self) -> Option<&str> {
        self.details.as_deref()
    }

    /// The error's kind for the engine.
    pub(crate) const fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The host's token for the failure that this error passes on, or was caused by; or 0.
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

/// Adds context to an error on its way up.
pub trait Context<T> {
    /// Puts `what` in front of the message; see [`Error::context`].
    fn context(self, what: impl fmt::Display) -> Result<T>;

    /// Does the same as [`Context::context`], but makes the text only for an error.
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
