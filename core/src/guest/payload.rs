//! Bytes that the host program places into a guest's image.

use std::sync::Arc;

use super::contents::Contents;

/// The guest's access to a payload. It can never write to one.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum PayloadAccess {
    /// Data.
    Read,
    /// Code, which can also be read.
    ReadExecute,
}

impl PayloadAccess {
    pub(crate) fn is_executable(self) -> bool {
        self == Self::ReadExecute
    }
}

/// Bytes that the host program places into a guest's image.
#[derive(Clone)]
pub(crate) struct Payload {
    pub contents: Arc<Contents>,
    pub access: PayloadAccess,
}
