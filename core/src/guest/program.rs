//! A guest program, from any file format: the contents of its memory before its first instruction.

use std::ops::Range;

use crate::pages::PAGE;

/// The addresses that programs may have.
pub(crate) const PROGRAM_WINDOW: Range<u64> = 0x1_0000..0x4000_0000;

/// The address of relocatable programs.
pub(crate) const RELOCATABLE_BASE: u64 = 0x40_0000;

/// A loaded guest program: the contents of the guest's memory before its first instruction.
#[derive(Debug)]
pub(crate) struct Program {
    /// In ascending order, without a page in common.
    pub segments: Vec<Segment>,
    /// Address of the first instruction.
    pub entry: u64,
    /// Added to every address of the file.
    pub bias: u64,
    /// The guest ABI that it was built for.
    pub abi: u32,
    /// Address of the code at which `syscall` instructions of the programs that it serves continue, if it serves any.
    pub system_call: Option<u64>,
}

impl Program {
    /// Returns true if the program has code at that address.
    pub fn has_code_at(&self, address: u64) -> bool {
        self.segments.iter().any(|segment| segment.executable && segment.contains(address))
    }
}

/// A run of the program's memory with one permission.
#[derive(Debug)]
pub(crate) struct Segment {
    /// First address; not necessarily that of a page.
    pub address: u64,
    /// Bytes in memory; those that the file does not provide are zero.
    pub size: u64,
    /// The place of the first of them in the file.
    pub source: Range<u64>,
    pub writable: bool,
    pub executable: bool,
}

impl Segment {
    /// The whole pages that the segment occupies.
    pub fn pages(&self) -> Range<u64> {
        // Both ends are inside the program window, far from overflow.
        self.address & !(PAGE - 1)..(self.address + self.size).next_multiple_of(PAGE)
    }

    pub fn contains(&self, address: u64) -> bool {
        address >= self.address && address - self.address < self.size
    }
}
