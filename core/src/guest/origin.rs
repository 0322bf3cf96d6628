//! The origin of a sandbox: the guest that it was made of. A snapshot belongs to one origin.

use super::{Fingerprint, Guest};

/// A guest that was loaded here, or the description of one in a snapshot file.
#[derive(Clone, Debug)]
pub(crate) enum Origin {
    Guest(Guest),
    File {
        fingerprint: Fingerprint,
        /// The guest ABI that it was built for.
        abi: u32,
    },
}

impl Origin {
    pub fn fingerprint(&self) -> Fingerprint {
        match self {
            Self::Guest(guest) => guest.fingerprint(),
            Self::File { fingerprint, .. } => *fingerprint,
        }
    }

    /// The guest ABI that the guest was built for: the meaning of its frames.
    pub fn abi(&self) -> u32 {
        match self {
            Self::Guest(guest) => guest.abi(),
            Self::File { abi, .. } => *abi,
        }
    }

    /// Describes how this origin differs from another one, as far as that is known.
    pub fn difference(&self, other: &Self) -> Option<String> {
        match (self, other) {
            (Self::Guest(ours), Self::Guest(theirs)) if ours.is_identical(theirs) => None,
            _ if self.fingerprint() == other.fingerprint() => None,
            (Self::Guest(ours), Self::Guest(theirs)) => Some(ours.difference(theirs)),
            _ => Some("it is of another guest program, or of one with other payloads".to_owned()),
        }
    }

    /// The name of the function that holds a guest virtual address, if there is a file to look it up in.
    pub fn function_at(&self, address: u64) -> Option<String> {
        match self {
            Self::Guest(guest) => guest.function_at(address),
            Self::File { .. } => None,
        }
    }
}
