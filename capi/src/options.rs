//! Options. The structures only grow. Each states its own size, so that programs and libraries of different age work
//! together.
//!
//! The structures are generated from the engine's table of options, with one member for each row. The same table reads
//! them.

use libhyperlight::options::face::{self, Face, Given};
use libhyperlight::options::table::Options;
use libhyperlight::{CallOptions, Error, LoadOptions, PoolOptions, SandboxOptions};

use crate::error::hl_error;
pub use crate::structures::{hl_call_options, hl_load_options, hl_pool_options, hl_sandbox_options};

/// A structure of options: its size, then a word for each row of the table.
pub(crate) trait Structure {
    /// The engine's type for these options.
    type Options: Options;
    /// The structure's name.
    const NAME: &str;
    /// The macro that initialises it.
    const INIT: &str;

    /// Reads the options. NULL means the defaults.
    ///
    /// # Safety
    ///
    /// By the header's rules: `options` is NULL, or a structure of as many bytes as its first member says.
    unsafe fn read(options: *const Self) -> Result<Self::Options, hl_error>
    where
        Self: Sized,
    {
        let mut read = Self::Options::default();
        if options.is_null() {
            return Ok(read);
        }
        // SAFETY: passed on.
        let words = unsafe { Words::of(options, Self::NAME, Self::INIT) }?;
        for (row, index) in Self::Options::rows().iter().zip(1..) {
            let word = words.get(index);
            face::set(&mut read, Face::C, row, Given::Whole(word.into()), word).map_err(Error::from)?;
        }
        Ok(read)
    }
}

impl Structure for hl_sandbox_options {
    type Options = SandboxOptions;
    const NAME: &str = "hl_sandbox_options";
    const INIT: &str = "HL_SANDBOX_OPTIONS_INIT";
}

impl Structure for hl_call_options {
    type Options = CallOptions;
    const NAME: &str = "hl_call_options";
    const INIT: &str = "HL_CALL_OPTIONS_INIT";
}

impl Structure for hl_load_options {
    type Options = LoadOptions;
    const NAME: &str = "hl_load_options";
    const INIT: &str = "HL_LOAD_OPTIONS_INIT";
}

impl Structure for hl_pool_options {
    type Options = PoolOptions;
    const NAME: &str = "hl_pool_options";
    const INIT: &str = "HL_POOL_OPTIONS_INIT";
}

const WORD: usize = size_of::<u64>();

/// The words of a structure that starts with its size and otherwise consists of 64-bit integers. A shorter structure
/// comes from an older header: its missing words are 0. A longer one comes from a newer header: its unknown words must
/// be 0.
struct Words {
    start: *const u64,
    count: usize,
}

impl Words {
    /// # Safety
    ///
    /// `structure` is not NULL, and is as long as its first member says while this is in use.
    unsafe fn of<T>(structure: *const T, name: &str, init: &str) -> Result<Self, hl_error> {
        /// Limit that no version's size will reach.
        const MAX: usize = 4096;

        // SAFETY: by the header's rules at least the first member can be read: the size.
        let size = unsafe { structure.cast::<usize>().read() };
        if !(WORD..=MAX).contains(&size) || !size.is_multiple_of(WORD) {
            return Err(hl_error::invalid(format!(
                "the `size` of {name} is {size}; start from {init}, which sets it to {}",
                size_of::<T>()
            )));
        }
        let words = Self { start: structure.cast(), count: size / WORD };
        for index in size_of::<T>() / WORD..words.count {
            let word = words.get(index);
            if word != 0 {
                let offset = index * WORD + first_byte(word);
                return Err(hl_error::invalid(format!(
                    "{name} sets an option that this library does not know, at offset {offset}; use a newer library"
                )));
            }
        }
        Ok(words)
    }

    /// A word, or 0 past the end.
    fn get(&self, index: usize) -> u64 {
        if index >= self.count {
            return 0;
        }
        // SAFETY: whoever made this promised so many words.
        unsafe { self.start.add(index).read() }
    }
}

/// Reads a structure that does not consist of options alone. NULL means the defaults.
///
/// # Safety
///
/// As for [`Structure::read`]; `T` consists of words of 64 bits, of which any are valid.
pub(crate) unsafe fn read_sized<T: Default>(
    options: *const T,
    name: &str,
    init: &str,
) -> Result<T, hl_error> {
    let mut known = T::default();
    if options.is_null() {
        return Ok(known);
    }
    // SAFETY: passed on.
    let words = unsafe { Words::of(options, name, init) }?;
    let to = (&raw mut known).cast::<u64>();
    for index in 0..size_of::<T>() / WORD {
        // SAFETY: `known` has so many words, and the caller promises that any are valid.
        unsafe { to.add(index).write(words.get(index)) };
    }
    Ok(known)
}

/// Offset of the first byte of a word that is not 0.
fn first_byte(word: u64) -> usize {
    word.to_le_bytes().iter().position(|byte| *byte != 0).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn has_a_word_for_each_row<S: Structure>() {
        assert_eq!(size_of::<S>(), WORD * (1 + S::Options::rows().len()), "{}", S::NAME);
    }

    #[test]
    fn structures_have_a_word_for_each_row() {
        has_a_word_for_each_row::<hl_sandbox_options>();
        has_a_word_for_each_row::<hl_call_options>();
        has_a_word_for_each_row::<hl_load_options>();
        has_a_word_for_each_row::<hl_pool_options>();
    }
}
