//! How much may cross: the limits of values, both ways, in every language.

/// How many lists and objects a value may be in each other.
///
/// What stands for bytes, a big integer or a number that JSON does not have is a leaf, and no level. The list of a call's
/// arguments is none either: each argument may be as deep as one value alone.
pub const MAX_DEPTH: usize = 512;

/// How many types a type may be in each other. No value of a deeper one could cross; options are no levels of values.
pub const MAX_TYPE_DEPTH: usize = 1024;

/// How many bits the magnitude of a whole number has at most, where no type says how many.
pub const MAX_BITS: usize = 65_536;

/// How many digits such a number has at most.
pub const MAX_DIGITS: usize = 19_729;

/// How many pairs a guest's map may have whose keys are neither texts, nor bools, nor whole numbers.
///
/// A language finds a pair by the hash of its key, and the hashes of all others may be chosen by whoever chooses the keys: in
/// Python those of floats and tuples are fixed, so that each of many pairs would be compared with all before it.
pub const MAX_PAIRS: usize = 1024;

/// Whole numbers up to here are exact as numbers of JavaScript's, which are binary64.
pub const MAX_SAFE_INTEGER: i64 = (1 << 53) - 1;

/// How many names an error lists.
pub(crate) const MAX_NAMES: usize = 20;

/// How many characters of a name an error shows.
pub const MAX_SHOWN: usize = 80;
