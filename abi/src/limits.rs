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

/// Regions that can be placed into one guest's memory.
pub const MAX_REGIONS: usize = 1 << 16;

/// Page tables that placed regions can need, together: ranges of 2 MiB of addresses that they touch. The fixed part can
/// be in many places, and costs a table for each of them that large pages do not map.
pub const MAX_PLACED_TABLES: u64 = 16 << 10;

/// Bytes that placed regions may have of their own, together.
pub const MAX_PLACED_BYTES: u64 = 4 << 30;

/// Bytes of a fixed part.
pub const MAX_FIXED_BYTES: u64 = 16 << 30;

/// Bytes of an arena.
pub const MAX_ARENA_BYTES: u64 = 64 << 30;

/// Stacks that can be placed beside a guest's own.
pub const MAX_STACKS: u64 = 1024;

/// Bytes of one of them.
pub const MAX_STACK_BYTES: u64 = 1 << 30;

/// System calls that the engine passes on in one call. Rewritten ones do not pass it.
pub const MAX_SYSTEM_CALLS: u64 = 10_000_000;
