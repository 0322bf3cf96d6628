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
            Self::File(_) => None,
        }
    }
}
