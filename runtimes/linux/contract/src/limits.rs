//! The bounds of what a Linux guest may consist of.

/// Files, folders and symbolic links that one guest may have together.
pub const MAX_ENTRIES: usize = 1 << 18;

/// Bytes of all files of one guest, each rounded up to whole pages.
pub const MAX_FILE_BYTES: u64 = 4 << 30;

/// Bytes of one name within a path, as in Linux (`NAME_MAX`).
pub const MAX_NAME_LEN: usize = 255;

/// Bytes of a path (`PATH_MAX`, which counts a terminating zero).
pub const MAX_PATH_LEN: usize = 4095;

/// Bytes of all paths and targets of symbolic links together.
pub const MAX_NAME_BYTES: usize = 64 << 20;

/// Symbolic links that are followed on the way to one file, as in Linux.
pub const MAX_LINKS: usize = 40;

/// ELF objects that are placed.
pub const MAX_OBJECTS: usize = 4096;

/// Folders within folders.
pub const MAX_DEPTH: usize = 256;
