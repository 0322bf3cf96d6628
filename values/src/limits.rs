//! Limits of values, in both directions and in every language.

/// Maximum depth of nested lists and objects.
///
/// Bytes, big integers and numbers that JSON does not have are leaves, and count as no level. The list of a call's
/// arguments is no level either: each argument may be as deep as one value alone.
pub const MAX_DEPTH: usize = 512;

/// Maximum depth of nested types. No value of a deeper type could be passed; options count as no level of values.
pub const MAX_TYPE_DEPTH: usize = 1024;

/// Maximum depth of nested types of a program: the limit of WebAssembly's validators, and some levels more.
pub const MAX_PROGRAM_DEPTH: usize = 110;

/// Maximum bytes of a type, and of all types and names of what a program exports and imports. Each part of a type, such
/// as a field, counts as 64 bytes and those of its name.
pub const MAX_TYPE_BYTES: usize = 16 << 20;

/// Maximum number of names of a flags type.
pub const MAX_FLAGS: usize = 32;

/// Maximum number of bits of a whole number's magnitude, where no type limits it.
pub const MAX_BITS: usize = 65_536;

/// Maximum number of digits of such a number.
pub const MAX_DIGITS: usize = 19_729;

/// Largest whole number that is exact in JavaScript, whose numbers are binary64.
pub const MAX_SAFE_INTEGER: i64 = (1 << 53) - 1;

/// Maximum number of names that an error lists.
pub(crate) const MAX_NAMES: usize = 20;

/// Maximum number of characters of a name that an error shows.
pub const MAX_SHOWN: usize = 80;

/// Maximum number of pairs of a guest's map whose keys are neither texts, nor bools, nor whole numbers.
///
/// A language finds a pair by the hash of its key, and the hashes of all others may be chosen by whoever chooses the
/// keys: in Python those of floats and tuples are fixed, so that each of many pairs would be compared with all before
/// it.
pub const MAX_PAIRS: usize = 1024;
