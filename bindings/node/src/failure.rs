//! Failures, on their way to JavaScript, which makes instances of `HyperlightError` of them.
//!
//! The code and its name are the engine's. In messages that the engine wrote, options are spelled as in JavaScript.

use std::fmt;

use libhyperlight::{Access, Error, ErrorCode, Fault, FaultKind};

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
        Self::new(code, spelled_for_javascript(message))
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
        let message = match code {
            ErrorCode::GuestAbort | ErrorCode::GuestError | ErrorCode::HostFunction => {
                let source = std::error::Error::source(&error);
                let engine = source.and_then(|source| source.downcast_ref::<Error>()).map(Error::message);
                guests_message(error.message(), engine)
            }
            _ => spelled_for_javascript(error.message()),
        };
        let mut failure = Self::new(code, message);
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
                *self = Self::new(
                    ErrorCode::Timeout,
                    format!("the call took longer than its timeoutMs of {}", limit.as_secs_f64() * 1000.0),
                );
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

/// The names of the kinds of fault in JavaScript.
pub(crate) fn fault_kind(kind: FaultKind) -> &'static str {
    match kind {
        FaultKind::NullAccess => "null-access",
        FaultKind::UnmappedAccess => "unmapped-access",
        FaultKind::WriteToReadOnly => "write-to-read-only",
        FaultKind::ExecuteOfData => "execute-of-data",
        FaultKind::EngineAccess => "engine-access",
        FaultKind::StackOverflow => "stack-overflow",
        FaultKind::IllegalInstruction => "illegal-instruction",
        FaultKind::PrivilegedInstruction => "privileged-instruction",
        FaultKind::GeneralProtection => "general-protection",
        FaultKind::Division => "division",
        FaultKind::FloatingPoint => "floating-point",
        FaultKind::Alignment => "alignment",
        FaultKind::Breakpoint => "breakpoint",
        _ => "other",
    }
}

/// The names of the kinds of access in JavaScript.
pub(crate) fn access(access: Access) -> &'static str {
    match access {
        Access::Read => "read",
        Access::Write => "write",
        Access::Execute => "execute",
        _ => "none",
    }
}

/// What the engine's messages call things, and what they are called in JavaScript.
const SPELLINGS: [(&str, &str); 17] = [
    ("acquire_timeout", "acquireTimeoutMs"),
    ("compile_timeout", "compileTimeoutMs"),
    ("cpu_time", "cpuTimeMs"),
    // Before what it ends in.
    ("max_heap_size", "maxHeapSize"),
    ("heap_size", "heapSize"),
    ("input_size", "inputSize"),
    ("max_host_calls", "maxHostCalls"),
    ("max_log_bytes", "maxLogBytes"),
    ("max_print_bytes", "maxPrintBytes"),
    ("max_program_size", "maxProgramSize"),
    ("max_size", "maxSize"),
    ("min_idle", "minIdle"),
    ("most max,", "most size,"),
    ("output_size", "outputSize"),
    ("set_interrupt_signal", "setInterruptSignal"),
    ("stack_size", "stackSize"),
    ("its timeout", "its timeoutMs"),
];

/// What the guest SDK and the runtimes say of options, and what the engine says to a guest, whose text it may become.
const SPELLINGS_OF_GUESTS: [(&str, &str); 6] = [
    (", input_size is ", ", inputSize is "),
    ("made max_host_calls host calls", "made maxHostCalls host calls"),
    ("more than max_print_bytes allows", "more than maxPrintBytes allows"),
    ("raise heap_size", "raise heapSize"),
    ("raise output_size", "raise outputSize"),
    ("output_size is too small for any frame", "outputSize is too small for any frame"),
];

fn spelled_for_javascript(message: &str) -> String {
    replaced(without_marks(message), &SPELLINGS)
}

/// A text of the guest's, or of a host function. What the engine said in it, in the place of a host function, is spelled.
fn guests_message(text: &str, engine: Option<&str>) -> String {
    let text = match engine {
        Some(engine) => text.replace(engine, &spelled_for_javascript(engine)),
        None => text.to_owned(),
    };
    replaced(text, &SPELLINGS_OF_GUESTS)
}

fn replaced(text: String, spellings: &[(&str, &str)]) -> String {
    spellings.iter().fold(
        text,
        |text, (rust, javascript)| {
            if text.contains(rust) { text.replace(rust, javascript) } else { text }
        },
    )
}

/// Host functions of scripts as the caller named them: those without a signature have another name and signature inside.
fn without_marks(message: &str) -> String {
    let mut parts = message.split("`json:");
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        text.push('`');
        match part.split_once("` (string) -> string") {
            Some((name, rest)) if !name.contains('`') => {
                text.push_str(name);
                text.push_str("` (any values)");
                text.push_str(rest);
            }
            _ => text.push_str(part),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_spelled_as_in_javascript() {
        assert_eq!(
            spelled_for_javascript("no room for the arguments: more than 8 bytes, input_size is 8, raise it"),
            "no room for the arguments: more than 8 bytes, inputSize is 8, raise it"
        );
        assert_eq!(
            spelled_for_javascript(
                "its heap_size is 2 bytes, max_heap_size is 1; raise max_heap_size; max_size"
            ),
            "its heapSize is 2 bytes, maxHeapSize is 1; raise maxHeapSize; maxSize"
        );
        assert_eq!(
            spelled_for_javascript("the call took longer than its timeout of 50ms"),
            "the call took longer than its timeoutMs of 50ms"
        );
    }

    #[test]
    fn what_the_engine_answered_in_a_host_functions_place_is_spelled_too() {
        let engine = "the call has made max_host_calls host calls";
        assert_eq!(
            guests_message(&format!("Error: {engine}, of max_host_calls"), Some(engine)),
            "Error: the call has made maxHostCalls host calls, of max_host_calls"
        );
        assert_eq!(
            guests_message("the heap is too small: raise heap_size, not my heap_size", None),
            "the heap is too small: raise heapSize, not my heap_size"
        );
        assert_eq!(
            guests_message("Error: seen: the call has made max_host_calls host calls", None),
            "Error: seen: the call has made maxHostCalls host calls"
        );
    }

    #[test]
    fn host_functions_are_called_by_the_names_that_they_were_given() {
        for (inside, outside) in [
            (
                "the result of the host function `json:big`: more",
                "the result of the host function `big`: more",
            ),
            (
                "have: `json:f` (string) -> string is missing; `g` (i32) -> void is missing",
                "have: `f` (any values) is missing; `g` (i32) -> void is missing",
            ),
            (
                "`json:a` x; `json:b` (string) -> string; `c` (string) -> string",
                "`a` x; `b` (any values); `c` (string) -> string",
            ),
            ("json: no name", "json: no name"),
        ] {
            assert_eq!(without_marks(inside), outside);
        }
    }

    #[test]
    fn codes_have_the_names_of_the_contract() {
        assert_eq!(Failure::new(ErrorCode::Poisoned, "").code_name(), "ERR_HL_POISONED");
        assert_eq!(Failure::new(ErrorCode::Io, "").code_name(), "ERR_HL_IO");
    }
}
