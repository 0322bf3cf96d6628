//! Programs for this processor: the machine and the relocations of their files, and their initial thread.

use object::elf::{self, Machine, RelocationType};

/// The machine of a guest's file.
pub(crate) const MACHINE: Machine = elf::EM_X86_64;
/// Its name and number in messages.
pub(crate) const MACHINE_NAME: &str = "x86-64 (62)";

/// The value that a relocation gives its eight bytes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Relocation {
    /// No change.
    Nothing,
    /// The address where the program was placed, and the addend.
    Relative,
    /// A symbol and the addend.
    SymbolAndAddend,
    /// A symbol.
    Symbol,
}

/// The supported kinds of [`Relocation`] on this processor, in messages.
pub(crate) const RELOCATIONS: &str = "RELATIVE, 64, GLOB_DAT or JUMP_SLOT";

/// The meaning of a relocation's type (System V ABI for AMD64, *Relocation Types*); `None`: not supported.
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
/// protector reads. The canary is no secret here; it serves compilers that protect by default. Its low byte is zero, as
/// usual, so that a string cannot overrun it unnoticed.
pub(crate) fn thread_page(address: u64) -> Vec<u8> {
    let mut page = vec![0; 0x30];
    page[..8].copy_from_slice(&address.to_le_bytes());
    page[0x28..].copy_from_slice(&0x5bd1_e995_7f4a_7c00_u64.to_le_bytes());
    page
}
