//! The processor features that a guest may have used.

use super::cpuid::{self, Register};
use super::processor::Processor;
use crate::arch::x86::{EXTENDED_STATE, host_xcr0};

/// The features that guests see here, in the words of CPUID, and the extended-state components.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Features {
    xcr0: u64,
    words: [u32; WORDS.len()],
}

/// Leaf, register, name of each word.
const WORDS: [(u32, Register, &str); 6] = [
    (1, Register::Ecx, "1.ECX"),
    (1, Register::Edx, "1.EDX"),
    (7, Register::Ebx, "7.EBX"),
    (7, Register::Ecx, "7.ECX"),
    (7, Register::Edx, "7.EDX"),
    (0x8000_0001, Register::Ecx, "80000001.ECX"),
];

impl Features {
    /// The features of a processor.
    pub fn of(processor: &Processor) -> Self {
        let entries = processor.cpuid();
        Self {
            xcr0: host_xcr0() & u64::from(EXTENDED_STATE),
            words: WORDS.map(|(leaf, register, _)| cpuid::word(entries, leaf, register)),
        }
    }

    /// The number of their words in a snapshot file.
    pub const WORDS: usize = 1 + WORDS.len();

    /// The features in a snapshot file's words. `None` if the words are invalid.
    pub fn from_words([xcr0, words @ ..]: [u64; Self::WORDS]) -> Option<Self> {
        let mut features = Self { xcr0, ..Self::default() };
        for (feature, word) in features.words.iter_mut().zip(words) {
            *feature = u32::try_from(word).ok()?;
        }
        Some(features)
    }

    /// The words that [`Self::from_words`] takes.
    pub fn to_words(&self) -> [u64; Self::WORDS] {
        let mut words = [self.xcr0; Self::WORDS];
        words.iter_mut().skip(1).zip(self.words).for_each(|(word, feature)| *word = u64::from(feature));
        words
    }

    /// Names the features that `others` lacks; empty if none.
    pub fn lacking(&self, others: &Self) -> String {
        let mut lacking: Vec<String> = WORDS
            .iter()
            .zip(self.words.iter().zip(others.words))
            .filter(|(_, (ours, theirs))| *ours & !theirs != 0)
            .map(|((.., name), (ours, theirs))| format!("CPUID {name} {:#x}", ours & !theirs))
            .collect();
        if self.xcr0 & !others.xcr0 != 0 {
            lacking.push(format!("XCR0 {:#x}", self.xcr0 & !others.xcr0));
        }
        lacking.join(", ")
    }
}
