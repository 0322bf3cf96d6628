//! One error type for everything that can go wrong.
//!
//! An [`Error`] has a stable [`ErrorCode`], the same in every language, and one impersonal line: what was expected,
//! what was found, what mends it. The line is kept as a template with its subjects (`message.rs`) and written with the
//! names of the reader's language (`spelling.rs`). [`std::error::Error::source`] gives the cause: the error of a host
//! function comes back as the object that the function returned.

mod code;
mod message;
mod noticed;
pub mod spelling;

use std::error::Error as StdError;
use std::fmt;
use std::sync::OnceLock;

pub use code::{CodeRow, ErrorCode};
pub(crate) use message::{
    Count, Difference, HostMismatch, Message, Name, Number, Opt, OtherSignal, Size, Text, Time,
};
use spelling::{Spelling, Subject, Words};

use crate::fault::Fault;
use crate::options::face::{Face, Refusal};
use crate::text::said;

/// The boxed error of a host function, or a cause.
pub type BoxError = Box<dyn StdError + Send + Sync + 'static>;

/// The result type of this library.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An error of this library. One pointer wide.
pub struct Error(Box<Inner>);

struct Inner {
    message: Message,
    /// The message with Rust's names, once somebody has asked for it.
    line: OnceLock<String>,
    guest_code: i32,
    details: Option<Box<str>>,
    source: Option<BoxError>,
}

impl Error {
    /// Makes an error whose line is the same in every language, for crates that extend this one. The line is
    /// impersonal: what was expected, what was found, what mends it.
    pub fn new(code: ErrorCode, text: impl Into<String>) -> Self {
        Self::from(Message::Text { code, text: text.into() })
    }

    /// The error of a host function, which may be one of the engine's.
    pub(crate) fn host_function(status: i32, source: BoxError) -> Self {
        let is_ours = source.is::<Self>();
        let said = (!is_ours)
            .then(|| said(&source.to_string(), || format!("a host function failed with status {status}")));
        Self::from(Message::HostFailed { said }).with_guest_code(status).with_source(source)
    }

    pub(crate) fn invalid_argument(text: impl Into<String>) -> Self {
        Self::new(ErrorCode::InvalidArgument, text)
    }

    pub(crate) fn guest_binary(text: impl Into<String>) -> Self {
        Self::new(ErrorCode::GuestBinary, text)
    }

    pub(crate) fn protocol(text: impl Into<String>) -> Self {
        Self::new(ErrorCode::Protocol, text)
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

    /// Sets the cause.
    pub fn with_source(mut self, source: impl Into<BoxError>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// The kind of the failure.
    pub fn code(&self) -> ErrorCode {
        self.0.message.code()
    }

    /// The line that [`fmt::Display`] writes: with Rust's names.
    pub fn message(&self) -> &str {
        self.0.line.get_or_init(|| self.render(&Face::Rust))
    }

    /// The line with the names of another language, for bindings to it.
    pub fn render(&self, spelling: &dyn Spelling) -> String {
        let mut line = String::new();
        // A string takes everything.
        let _ = match (&self.0.message, self.engine_source()) {
            (Message::HostFailed { said: None }, Some(source)) => {
                line = said(&source.render(spelling), String::new);
                Ok(())
            }
            (message, _) => message.write(spelling, &mut line),
        };
        line
    }

    /// The subjects of the message: options and functions of this library, guest functions and host functions, sizes.
    pub fn subjects(&self) -> Vec<Subject<'_>> {
        match (&self.0.message, self.engine_source()) {
            (Message::HostFailed { said: None }, Some(source)) => source.subjects(),
            (message, _) => message.subjects(),
        }
    }

    /// One error for each template, for tests of a language's names.
    #[doc(hidden)]
    pub fn samples() -> Vec<Self> {
        Message::samples().into_iter().map(Self::from).collect()
    }

    fn engine_source(&self) -> Option<&Self> {
        self.0.source.as_deref()?.downcast_ref()
    }

    /// The number of a guest error, a guest abort or a host function's status; else 0.
    pub fn guest_code(&self) -> i32 {
        self.0.guest_code
    }

    /// Details of a guest's error besides the message. By convention they are JSON, such as the name and the stack of
    /// an error that a script threw. This is the guest's own text, unchanged and at most 64 KiB: it may contain
    /// anything, line breaks and control characters too.
    pub fn details(&self) -> Option<&str> {
        self.0.details.as_deref()
    }

    /// The fault that stopped the guest, and its place; with [`ErrorCode::GuestFault`] and
    /// [`ErrorCode::StackOverflow`].
    pub fn fault(&self) -> Option<&Fault> {
        match &self.0.message {
            Message::Faulted { fault } | Message::StackOverflow { fault } => Some(fault),
            _ => None,
        }
    }

    /// The cause, by value: for callers that want to raise a host function's own error again.
    pub fn into_source(self) -> Option<BoxError> {
        self.0.source
    }
}

/// The text of a host function's error that the guest receives.
pub(crate) fn told(source: &BoxError) -> String {
    source.downcast_ref::<Error>().map_or_else(|| source.to_string(), |error| error.render(&Words))
}

impl From<Message> for Error {
    fn from(message: Message) -> Self {
        Self(Box::new(Inner { message, line: OnceLock::new(), guest_code: 0, details: None, source: None }))
    }
}

/// For faces that have one error for all of them.
impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        Self::invalid_argument(refusal.message)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|source| source as &(dyn StdError + 'static))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("Error");
        out.field("code", &self.code()).field("message", &self.message());
        if self.0.guest_code != 0 {
            out.field("guest_code", &self.0.guest_code);
        }
        if let Some(details) = &self.0.details {
            out.field("details", details);
        }
        if let Some(fault) = self.fault() {
            out.field("fault", fault);
        }
        if let Some(source) = &self.0.source {
            out.field("source", source);
        }
        out.finish()
    }
}
