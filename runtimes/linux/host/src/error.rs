//! The builder's errors: those of the engine, with the path that they are about.

use std::fmt::Display;
use std::io;
use std::path::Path;

use libhyperlight::{Error, ErrorCode};

/// An error for what the caller asked for.
pub(crate) fn invalid(text: impl Into<String>) -> Error {
    Error::new(ErrorCode::InvalidArgument, text)
}

/// An error for a program or a library that cannot be run.
pub(crate) fn binary(path: &[u8], reason: impl Display) -> Error {
    Error::new(ErrorCode::GuestBinary, format!("{}: {reason}", shown(path)))
}

/// An error for a file that cannot be read.
pub(crate) fn unreadable(path: &Path, error: &io::Error) -> Error {
    Error::new(
        ErrorCode::Io,
        format!("{} cannot be read: {error}", shown(path.as_os_str().as_encoded_bytes())),
    )
}

/// A path as it stands in a line of text, shortened if it is long.
pub(crate) fn shown(path: &[u8]) -> String {
    const SHOWN: usize = 200;
    let shortened = path.get(path.len().saturating_sub(SHOWN)..).unwrap_or(path);
    let dots = if shortened.len() < path.len() { "…" } else { "" };
    format!("{dots}{}", String::from_utf8_lossy(shortened).escape_debug())
}
