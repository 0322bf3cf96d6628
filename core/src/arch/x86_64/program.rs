//! Programs for this processor: the machine and the relocations of their files, and the thread that they find themselves on.

use object::elf::{self, Machine, RelocationType};

/// The machine that a guest's file is for, …
pub(crate) const MACHINE: Machine = elf::EM_X86_64;
/// … and its name and number in messages.
pub(crate) const MACHINE_NAME: &str = "x86-64 (62)";

/// What a relocation puts into its eight bytes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Relocation {
    /// They stay.
    Nothing,
    /// Where the program was placed, and the addend.
    Relative,
    /// A symbol and the addend.
    SymbolAndAddend,
    /// A symbol.
    Symbol,
}

/// What there is of [`Relocation`] on this processor, in messages.
pub(crate) const RELOCATIONS: &str = "RELATIVE, 64, GLOB_DAT or JUMP_SLOT";

/// What a relocation's type means (System V ABI for AMD64, *Relocation Types*); `None`: it is not supported.
pub(crate) fn relocation(kind: RelocationType) -> Option<Relocation> {
    match kind {
        elf::R_X86_64_NONE => Some(Relocation::Nothing),
        elf::R_X86_64_RELATIVE => Some(Relocation::Relative),
        elf::R_X86_64_64 => Some(Relocation::SymbolAndAddend),
        elf::R_X86_64_GLOB_DAT | elf::R_X86_64_JUMP_SLOT => Some(Relocation::Symbol),
        _ => None,
    }
}

/// The thread control block of System V code: its own address first, and at 0x28 the canary that a compiler's stack
/// protector reads. The canary is no secret here; it is a net for compilers that protect by default. Its low byte is
/// zero, as everywhere, so that no string runs over it unnoticed.
pub(crate) fn thread_page(address: u64) -> Vec<u8> {
    let mut page = vec![0; 0x30];
    page[..8].copy_from_slice(&address.to_le_bytes());
    page[0x28..].copy_from_slice(&0x5bd1_e995_7f4a_7c00_u64.to_le_bytes());
    page
}
