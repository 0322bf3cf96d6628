//! The bounds of everything that a guest, a file or a caller may declare.
//!
//! One constant for each bound. Limits that can be raised are options of the sandbox and not listed here.

/// Parameters of one function, on either side.
pub const MAX_PARAMETERS: usize = 32;

/// Bytes of a function's name, in UTF-8.
pub const MAX_NAME_LEN: usize = 1024;

/// Functions that one guest may publish, and host functions that it may declare.
pub const MAX_FUNCTIONS: usize = 1 << 16;

/// Bytes of the text in an error or an abort; a longer text is cut.
pub const MAX_MESSAGE_LEN: usize = 4096;

/// Bytes of the details of an error, in UTF-8.
pub const MAX_DETAILS_LEN: usize = 64 << 10;

/// Failures of host functions that the host keeps during a call, the last ones. A guest can pass these on or name them
/// as a cause.
pub const MAX_HOST_FAILURES: usize = 64;

/// Payloads that can be placed into one guest's image.
pub const MAX_PAYLOADS: usize = 16;

/// Bytes of a buffer that are reserved for the mailbox, a frame's header, the function's name and the call's context.
/// So the size options count bytes of the user's own values.
pub const BUFFER_OVERHEAD: u64 = 4096;
