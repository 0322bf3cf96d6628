//! What a sandbox was made of, as far as it matters for telling whether a snapshot belongs to it.

use super::Guest;

/// A SHA-256 of the guest's file and payloads.
pub(crate) type Fingerprint = [u8; 32];

/// A guest that was loaded here, or the fingerprint of one that a snapshot file speaks of.
#[derive(Clone, Debug)]
pub(crate) enum Origin {
    Guest(Guest),
    File(Fingerprint),
}

impl Origin {
    pub fn fingerprint(&self) -> Fingerprint {
        match self {
            Self::Guest(guest) => guest.fingerprint(),
            Self::File(fingerprint) => *fingerprint,
        }
    }

    /// Whether both are made of the same file and payloads.
    pub fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Guest(ours), Self::Guest(theirs)) if ours.is_identical(theirs) => true,
            _ => self.fingerprint() == other.fingerprint(),
        }
    }

    /// The name of the function that holds a guest virtual address, where there is a file to look it up in.
    pub fn function_at(&self, address: u64) -> Option<String> {
        match self {
            Self::Guest(guest) => guest.function_at(address),
            Self::File(_) => None,
        }
    }
}
