//! The table of error codes: the one place where a code is added.
//!
//! [`ErrorCode`] comes from it, and by `cargo run -p xtask -- codes` the constants of C, the exceptions of Python, the
//! union of TypeScript and `docs/errors.md`.

/// A code as the other languages describe it, beside [`ErrorCode`].
#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct CodeRow {
    /// The code.
    pub code: ErrorCode,
    /// Its name in C.
    pub name: &'static std::ffi::CStr,
    /// The condition that it stands for: one sentence, true in every language.
    pub when: &'static str,
    /// Further facts, such as the sandbox's state afterwards; may be empty.
    pub then: &'static str,
    /// Facts for C alone; may be empty.
    pub in_c: &'static str,
    /// The class in Python.
    pub python: &'static str,
    /// The base classes of that class.
    pub bases: &'static str,
}

macro_rules! codes {
    ($($code:ident = $number:literal, $name:literal, $when:literal, $then:literal, $in_c:literal, $python:literal($bases:literal);)*) => {
        /// The kind of a failure. The numbers are those of the C interface and never change.
        #[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
        #[non_exhaustive]
        #[repr(i32)]
        pub enum ErrorCode {
            $(#[doc = $when] #[doc = $then] $code = $number,)*
        }

        /// All of them.
        const TABLE: &[CodeRow] = &[$(CodeRow {
            code: ErrorCode::$code,
            name: c_name(concat!("HL_ERR_", $name, "\0")),
            when: $when,
            then: $then,
            in_c: $in_c,
            python: $python,
            bases: $bases,
        },)*];

        impl ErrorCode {
            /// The name of the C interface.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$code => concat!("HL_ERR_", $name),)*
                }
            }
        }
    };
}

codes! {
    InvalidArgument = -1, "INVALID_ARGUMENT",
        "An argument that no sandbox could accept.",
        "The sandbox is unchanged.",
        "NULL, an unknown kind and text that is not UTF-8 are such.",
        "InvalidArgument"("HyperlightError, ValueError");
    HypervisorUnavailable = -2, "HYPERVISOR_UNAVAILABLE",
        "There is no usable hypervisor; the message says why and what mends it.",
        "",
        "",
        "HypervisorUnavailable"("HyperlightError");
    GuestBinary = -3, "GUEST_BINARY",
        "The guest program cannot be loaded.",
        "",
        "",
        "GuestBinaryError"("HyperlightError");
    Resource = -4, "RESOURCE",
        "The host lacks memory, file descriptors or virtual machines.",
        "The sandbox is unchanged, or poisoned if this struck inside a call.",
        "",
        "ResourceError"("HyperlightError");
    FunctionNotFound = -5, "FUNCTION_NOT_FOUND",
        "There is no function of that name.",
        "",
        "",
        "FunctionNotFound"("HyperlightError");
    Signature = -6, "SIGNATURE",
        "The arguments do not fit the function's signature.",
        "",
        "",
        "SignatureError"("HyperlightError, TypeError");
    TooLarge = -7, "TOO_LARGE",
        "A payload does not fit its buffer; the message names the option to raise.",
        "",
        "",
        "PayloadTooLarge"("HyperlightError");
    GuestError = -8, "GUEST_ERROR",
        "The guest function returned an error.",
        "The sandbox is ready.",
        "Its number is `hl_error_guest_code`.",
        "GuestError"("HyperlightError, ThrownFields");
    HostFunction = -9, "HOST_FUNCTION",
        "A host function failed, and the guest passed its error on.",
        "",
        "A positive status is `hl_error_guest_code`.",
        "HostFunctionError"("HyperlightError");
    GuestAbort = -10, "GUEST_ABORT",
        "The guest panicked or gave up.",
        "The sandbox is poisoned.",
        "",
        "GuestAbort"("HyperlightError, AbortFields");
    GuestFault = -11, "GUEST_FAULT",
        "The guest did something that the processor or the hypervisor forbids.",
        "The sandbox is poisoned.",
        "`hl_error_fault` says where.",
        "GuestFault"("HyperlightError, FaultFields");
    StackOverflow = -12, "STACK_OVERFLOW",
        "The guest used up its stack.",
        "The sandbox is poisoned.",
        "`hl_error_fault` says where.",
        "GuestStackOverflow"("GuestFault");
    GuestOutOfMemory = -13, "GUEST_OUT_OF_MEMORY",
        "The guest used up its heap.",
        "The sandbox is poisoned.",
        "",
        "GuestOutOfMemory"("HyperlightError");
    Timeout = -14, "TIMEOUT",
        "The call took longer than it may.",
        "The sandbox is poisoned.",
        "",
        "GuestTimeout"("HyperlightError, TimeoutError");
    Interrupted = -15, "INTERRUPTED",
        "The call was interrupted.",
        "The sandbox is poisoned.",
        "",
        "Interrupted"("HyperlightError");
    Poisoned = -16, "POISONED",
        "An earlier call was stopped in the middle.",
        "Only a restore mends the sandbox.",
        "",
        "SandboxPoisoned"("HyperlightError");
    Busy = -17, "BUSY",
        "The sandbox is in use: by another thread, or by the call that this came from.",
        "The sandbox is unchanged.",
        "",
        "SandboxBusy"("HyperlightError");
    State = -18, "STATE",
        "The sandbox is in the wrong state for this, such as one that has not started.",
        "The sandbox is unchanged.",
        "",
        "SandboxStateError"("HyperlightError");
    SnapshotMismatch = -19, "SNAPSHOT_MISMATCH",
        "A snapshot does not belong to this guest, or needs other host functions.",
        "",
        "",
        "SnapshotMismatch"("HyperlightError");
    SnapshotFile = -20, "SNAPSHOT_FILE",
        "A snapshot file is damaged, or of another version or processor.",
        "",
        "",
        "SnapshotFileError"("HyperlightError");
    Io = -21, "IO",
        "Reading or writing a file failed.",
        "",
        "",
        "HyperlightIOError"("HyperlightError, OSError");
    Protocol = -22, "PROTOCOL",
        "The guest broke the wire contract.",
        "The sandbox is poisoned.",
        "",
        "GuestProtocolError"("HyperlightError");
    Closed = -23, "CLOSED",
        "The sandbox, or the pool, was closed.",
        "",
        "Freeing closes.",
        "SandboxClosed"("HyperlightError");
    PoolTimeout = -24, "POOL_TIMEOUT",
        "No member of the pool came free in time.",
        "",
        "",
        "PoolTimeout"("HyperlightError, TimeoutError");
    Internal = -99, "INTERNAL",
        "A bug of this library, or a panic in a host function, contained.",
        "The sandbox is poisoned.",
        "",
        "HyperlightError"("Exception");
}

impl ErrorCode {
    /// The number of the C interface.
    pub const fn number(self) -> i32 {
        self as i32
    }

    /// The code of that number, if there is one.
    pub fn from_number(number: i32) -> Option<Self> {
        TABLE.iter().map(|row| row.code).find(|code| code.number() == number)
    }

    /// Everything that is known of all codes, in the order of their numbers.
    #[doc(hidden)]
    pub const fn table() -> &'static [CodeRow] {
        TABLE
    }
}

/// A name that C can read.
const fn c_name(name: &'static str) -> &'static std::ffi::CStr {
    match std::ffi::CStr::from_bytes_with_nul(name.as_bytes()) {
        Ok(name) => name,
        Err(_) => panic!("names of codes have no NUL"),
    }
}
