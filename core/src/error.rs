//! One error type for everything that can go wrong.
//!
//! An [`Error`] has a stable [`ErrorCode`], the same in every language, and one impersonal line that says what
//! was expected, what was found and what mends it. The cause stays reachable by
//! [`std::error::Error::source`]: the error of a host function comes back as the very object that it returned.

use std::error::Error as StdError;
use std::fmt;

use crate::fault::Fault;

/// The error that a host function, or a cause, is boxed as.
pub type BoxError = Box<dyn StdError + Send + Sync + 'static>;

/// The result of everything here.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What kind of thing went wrong. The numbers are those of the C interface and never change.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
#[repr(i32)]
pub enum ErrorCode {
    /// An argument that no sandbox could accept.
    InvalidArgument = -1,
    /// There is no usable hypervisor; the message says why and what mends it.
    HypervisorUnavailable = -2,
    /// The guest program cannot be loaded.
    GuestBinary = -3,
    /// The host lacks memory, file descriptors or virtual machines.
    Resource = -4,
    /// The guest has no function of that name.
    FunctionNotFound = -5,
    /// The arguments do not fit the function's signature.
    Signature = -6,
    /// A payload does not fit its buffer; the message names the option to raise.
    TooLarge = -7,
    /// The guest function returned an error.
    GuestError = -8,
    /// A host function failed, and the guest passed its error on. The source is the original error.
    HostFunction = -9,
    /// The guest panicked or gave up.
    GuestAbort = -10,
    /// The guest did something that the processor or the wall forbids.
    GuestFault = -11,
    /// The guest used up its stack.
    StackOverflow = -12,
    /// The guest used up its heap.
    GuestOutOfMemory = -13,
    /// The call took longer than it may.
    Timeout = -14,
    /// The call was interrupted.
    Interrupted = -15,
    /// An earlier call was stopped in the middle; only a restore mends the sandbox.
    Poisoned = -16,
    /// The sandbox is in use: by another thread, or by the call that this came from.
    Busy = -17,
    /// The sandbox is in the wrong state for this.
    State = -18,
    /// A snapshot does not belong to this guest, or needs other host functions.
    SnapshotMismatch = -19,
    /// A snapshot file is damaged, or of another version or processor.
    SnapshotFile = -20,
    /// Reading or writing a file failed.
    Io = -21,
    /// The guest broke the wire contract.
    Protocol = -22,
    /// The sandbox was closed.
    Closed = -23,
    /// No member of the pool came free in time.
    PoolTimeout = -24,
    /// A bug of this library, or a panic in a host function, contained.
    Internal = -99,
}

impl ErrorCode {
    /// The number of the C interface.
    pub const fn number(self) -> i32 {
        self as i32
    }

    /// The name of the C interface.
    pub const fn name(self) -> &'static str {
        match self {
            Self::InvalidArgument => "HL_ERR_INVALID_ARGUMENT",
            Self::HypervisorUnavailable => "HL_ERR_HYPERVISOR_UNAVAILABLE",
            Self::GuestBinary => "HL_ERR_GUEST_BINARY",
            Self::Resource => "HL_ERR_RESOURCE",
            Self::FunctionNotFound => "HL_ERR_FUNCTION_NOT_FOUND",
            Self::Signature => "HL_ERR_SIGNATURE",
            Self::TooLarge => "HL_ERR_TOO_LARGE",
            Self::GuestError => "HL_ERR_GUEST_ERROR",
            Self::HostFunction => "HL_ERR_HOST_FUNCTION",
            Self::GuestAbort => "HL_ERR_GUEST_ABORT",
            Self::GuestFault => "HL_ERR_GUEST_FAULT",
            Self::StackOverflow => "HL_ERR_STACK_OVERFLOW",
            Self::GuestOutOfMemory => "HL_ERR_GUEST_OUT_OF_MEMORY",
            Self::Timeout => "HL_ERR_TIMEOUT",
            Self::Interrupted => "HL_ERR_INTERRUPTED",
            Self::Poisoned => "HL_ERR_POISONED",
            Self::Busy => "HL_ERR_BUSY",
            Self::State => "HL_ERR_STATE",
            Self::SnapshotMismatch => "HL_ERR_SNAPSHOT_MISMATCH",
            Self::SnapshotFile => "HL_ERR_SNAPSHOT_FILE",
            Self::Io => "HL_ERR_IO",
            Self::Protocol => "HL_ERR_PROTOCOL",
            Self::Closed => "HL_ERR_CLOSED",
            Self::PoolTimeout => "HL_ERR_POOL_TIMEOUT",
            Self::Internal => "HL_ERR_INTERNAL",
        }
    }
}

/// What went wrong. One pointer wide.
pub struct Error(Box<Inner>);

struct Inner {
    code: ErrorCode,
    message: String,
    guest_code: i32,
    details: Option<Box<str>>,
    fault: Option<Fault>,
    source: Option<BoxError>,
}

impl Error {
    /// Makes an error, for crates that extend this one. The message is one impersonal line: what was expected, what was found,
    /// what mends it.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        let message = message.into();
        Self(Box::new(Inner { code, message, guest_code: 0, details: None, fault: None, source: None }))
    }

    pub(crate) fn invalid_argument(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::InvalidArgument, message)
    }

    pub(crate) fn guest_binary(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::GuestBinary, message)
    }

    pub(crate) fn protocol(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::Protocol, message)
    }

    /// A system call failed for lack of something.
    pub(crate) fn resource(what: &str, source: impl Into<std::io::Error>) -> Self {
        let source = source.into();
        Self::new(ErrorCode::Resource, format!("{what} failed: {source}")).with_source(source)
    }

    pub(crate) fn with_guest_code(mut self, code: i32) -> Self {
        self.0.guest_code = code;
        self
    }

    pub(crate) fn with_details(mut self, details: Option<&str>) -> Self {
        self.0.details = details.map(Box::from);
        self
    }

    pub(crate) fn with_fault(mut self, fault: Fault) -> Self {
        self.0.fault = Some(fault);
        self
    }

    pub(crate) fn with_source(mut self, source: impl Into<BoxError>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// What kind of thing went wrong.
    pub fn code(&self) -> ErrorCode {
        self.0.code
    }

    /// The line that [`fmt::Display`] writes.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The number that a guest error, a guest abort or a host function's status brought; else 0.
    pub fn guest_code(&self) -> i32 {
        self.0.guest_code
    }

    /// What the guest says about its error besides the message: JSON by convention, such as the name and the stack of what a
    /// script threw. It is the guest's own text, at most 64 KiB and as it came: anything may be in it, line breaks and control
    /// characters too.
    pub fn details(&self) -> Option<&str> {
        self.0.details.as_deref()
    }

    /// Where and why the processor stopped the guest; with [`ErrorCode::GuestFault`] and
    /// [`ErrorCode::StackOverflow`].
    pub fn fault(&self) -> Option<&Fault> {
        self.0.fault.as_ref()
    }

    /// The cause, by value: for callers that want to raise a host function's own error again.
    pub fn into_source(self) -> Option<BoxError> {
        self.0.source
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|source| source as &(dyn StdError + 'static))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("Error");
        out.field("code", &self.0.code).field("message", &self.0.message);
        if self.0.guest_code != 0 {
            out.field("guest_code", &self.0.guest_code);
        }
        if let Some(details) = &self.0.details {
            out.field("details", details);
        }
        if let Some(fault) = &self.0.fault {
            out.field("fault", fault);
        }
        if let Some(source) = &self.0.source {
            out.field("source", source);
        }
        out.finish()
    }
}
