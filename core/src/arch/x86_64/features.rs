//! Which processor features a guest may have relied on.

use super::cpuid::Register;
use super::{cpuid, registers};
use crate::error::Result;
use crate::vm::hypervisor::Hypervisor;

/// The features that guests are shown here, in the words of CPUID, and the extended-state components.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Features {
    pub xcr0: u64,
    pub words: [u32; WORDS.len()],
}

/// Leaf, register, name.
const WORDS: [(u32, Register, &str); 6] = [
    (1, Register::Ecx, "1.ECX"),
    (1, Register::Edx, "1.EDX"),
    (7, Register::Ebx, "7.EBX"),
    (7, Register::Ecx, "7.ECX"),
    (7, Register::Edx, "7.EDX"),
    (0x8000_0001, Register::Ecx, "80000001.ECX"),
];

impl Features {
    /// This machine's.
    pub fn here() -> Result<Self> {
        let entries = Hypervisor::get()?.cpuid();
        Ok(Self {
            xcr0: registers::host_xcr0() & u64::from(cpuid::EXTENDED_STATE),
            words: WORDS.map(|(leaf, register, _)| cpuid::word(entries, leaf, register)),
        })
    }

    /// What of these is not in `others`, in words; empty if nothing is.
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
