//! The two shared buffers, and the words in front of them.
//!
//! Each direction has one buffer. It starts with a mailbox of [`SIZE`] bytes; the frame follows. A frame becomes
//! *visible* when its writer has raised the sequence number in the mailbox; the doorbell merely wakes the other side
//! up. The input buffer (host to guest) is read-only for the guest, so that it cannot change what the host wrote. All
//! words are little-endian and 8-aligned.

/// Bytes of a mailbox: one cache line.
pub const SIZE: u64 = 64;

/// `u64` in both mailboxes: the number of frames that this side has made visible since the guest was started.
pub const SEQUENCE: u64 = 0;

/// `u64` in the input mailbox: bytes of the log ring that the host has read since the guest was started.
pub const LOG_TAIL: u64 = 8;

/// `u32` in the input mailbox: the highest [`crate::message::LogLevel`] that the host wants.
pub const LOG_LEVEL: u64 = 16;

/// `u64` in the output mailbox: bytes that the guest has written into the log ring since it was started.
pub const LOG_HEAD: u64 = 8;

/// `u64` in the output mailbox: records that the guest dropped because the ring was full.
pub const LOG_DROPPED: u64 = 16;
