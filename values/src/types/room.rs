//! A bound on types that are written out.

use std::fmt;

use crate::limits::MAX_TYPE_BYTES;

/// Bytes that are left for types and names. A type is short in a program's definition, but written out at each use: a
/// program of some hundred bytes can describe more than any memory holds.
#[derive(Clone, Debug)]
pub struct Room(usize);

/// Error for types and names that take more than [`MAX_TYPE_BYTES`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Full;

impl Room {
    /// Bytes that each part of a type takes besides its name.
    const EACH: usize = 64;

    /// Takes the bytes of a name, or of a part of a type with its name, if they are left.
    pub fn take(&mut self, name: &str) -> Result<(), Full> {
        self.0 =
            name.len().checked_add(Self::EACH).and_then(|taken| self.0.checked_sub(taken)).ok_or(Full)?;
        Ok(())
    }

    /// Returns the bytes that were taken.
    pub fn taken(&self) -> usize {
        MAX_TYPE_BYTES.saturating_sub(self.0)
    }
}

impl Default for Room {
    fn default() -> Self {
        Self(MAX_TYPE_BYTES)
    }
}

impl fmt::Display for Full {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the types of what is exported and imported fill more than {MAX_TYPE_BYTES} bytes")
    }
}

impl std::error::Error for Full {}
