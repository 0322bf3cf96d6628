//! What a sandbox was made of, as far as it matters for telling whether a snapshot belongs to it.

use super::{Fingerprint, Guest};

/// A guest that was loaded here, or what a snapshot file says of one.
#[derive(Clone, Debug)]
pub(crate) enum Origin {
    Guest(Guest),
    File {
        fingerprint: Fingerprint,
        /// The contract that it was built for.
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

    /// The contract that the guest was built for: what its frames mean.
    pub fn abi(&self) -> u32 {
        match self {
            Self::Guest(guest) => guest.abi(),
            Self::File { abi, .. } => *abi,
        }
    }

    /// What of this one is not what the other is made of, as far as it can be told.
    pub fn difference(&self, other: &Self) -> Option<String> {
        match (self, other) {
            (Self::Guest(ours), Self::Guest(theirs)) if ours.is_identical(theirs) => None,
            _ if self.fingerprint() == other.fingerprint() => None,
            (Self::Guest(ours), Self::Guest(theirs)) => Some(ours.difference(theirs)),
            _ => Some("it is of another guest program, or of one with other payloads".to_owned()),
        }
    }

    /// The name of the function that holds a guest virtual address, where there is a file to look it up in.
    pub fn function_at(&self, address: u64) -> Option<String> {
        match self {
            Self::Guest(guest) => guest.function_at(address),
            Self::File { .. } => None,
        }
    }
}
