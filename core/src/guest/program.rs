//! A guest program, whatever file it came from: what lies where before its first instruction.

use std::ops::Range;

use crate::pages::PAGE;

/// Where programs may lie.
pub(crate) const PROGRAM_WINDOW: Range<u64> = 0x1_0000..0x4000_0000;

/// Where relocatable programs are placed.
pub(crate) const RELOCATABLE_BASE: u64 = 0x40_0000;

/// A loaded guest program: what lies where in the guest's memory before its first instruction.
#[derive(Debug)]
pub(crate) struct Program {
    /// In ascending order, without a page in common.
    pub segments: Vec<Segment>,
    /// Address of the first instruction.
    pub entry: u64,
    /// Added to every address of the file.
    pub bias: u64,
    /// The contract that it was built for.
    pub abi: u32,
}

/// A run of the program's memory with one permission.
#[derive(Debug)]
pub(crate) struct Segment {
    /// First address; not necessarily that of a page.
    pub address: u64,
    /// Bytes in memory; those that the file does not give are zero.
    pub size: u64,
    /// Where in the file the first of them are.
    pub source: Range<u64>,
    pub writable: bool,
    pub executable: bool,
}

impl Segment {
    /// The whole pages that the segment takes.
    pub fn pages(&self) -> Range<u64> {
        // Both ends are inside the program window, far from overflow.
        self.address & !(PAGE - 1)..(self.address + self.size).next_multiple_of(PAGE)
    }

    pub fn contains(&self, address: u64) -> bool {
        address >= self.address && address - self.address < self.size
    }
}
