//! The address space of a Linux guest, as far as builder and libOS must agree on it.
//!
//! | window | holds |
//! |---|---|
//! | [`EXECUTABLE`] | the program, if it is linked to a fixed address |
//! | [`FILES`] | the bytes of all files, each from a page boundary on |
//! | [`INDEX`] | the index of the files |
//! | [`OBJECTS`] | the segments of the other ELF objects, and the stubs of those that were rewritten |
//!
//! The engine has its own windows below [`FILES`]; the arena is where the engine puts it.

use core::ops::Range;

/// Programs that are linked to a fixed address. Stubs for them lie at its end, in reach of a relative jump.
pub const EXECUTABLE: Range<u64> = 0x1_0000..0x4000_0000;

/// The bytes of files.
pub const FILES: Range<u64> = 0x10_0000_0000..0x20_0000_0000;

/// The index.
pub const INDEX: Range<u64> = 0x60_0000_0000..0x70_0000_0000;

/// Placed objects.
pub const OBJECTS: Range<u64> = 0x70_0000_0000..0x7f_0000_0000;
