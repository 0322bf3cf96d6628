//! ELF files, and ways to break them.
//!
//! The edits are made on the bytes, by the offsets that the System V gABI gives: what no writer of ELF files would
//! ever write is what the loader must be shown.

use libhyperlight::{Guest, Result};
use libhyperlight_abi::note;

/// Offsets in the file's header.
pub mod header {
    /// `e_ident[EI_CLASS]`.
    pub const CLASS: usize = 4;
    /// `e_ident[EI_DATA]`: byte order.
    pub const DATA: usize = 5;
    /// `e_ident[EI_VERSION]`.
    pub const VERSION: usize = 6;
    /// `e_type`, a `u16`.
    pub const TYPE: usize = 16;
    /// `e_machine`, a `u16`.
    pub const MACHINE: usize = 18;
    /// `e_entry`.
    pub const ENTRY: usize = 24;
    /// `e_phoff`.
    pub const PHOFF: usize = 32;
    /// `e_phentsize`, a `u16`.
    pub const PHENTSIZE: usize = 54;
    /// `e_phnum`, a `u16`.
    pub const PHNUM: usize = 56;
    /// Length of the whole.
    pub const LEN: usize = 64;
}

/// Offsets in a program header.
pub mod segment {
    /// `p_type`, a `u32`.
    pub const TYPE: usize = 0;
    /// `p_flags`, a `u32`: 1 execute, 2 write, 4 read.
    pub const FLAGS: usize = 4;
    /// `p_offset`.
    pub const OFFSET: usize = 8;
    /// `p_vaddr`.
    pub const VADDR: usize = 16;
    /// `p_filesz`.
    pub const FILESZ: usize = 32;
    /// `p_memsz`.
    pub const MEMSZ: usize = 40;
    /// `p_align`.
    pub const ALIGN: usize = 48;
    /// Length of the whole.
    pub const LEN: usize = 56;

    /// `PT_LOAD`.
    pub const LOAD: u32 = 1;
    /// `PT_DYNAMIC`.
    pub const DYNAMIC: u32 = 2;
    /// `PT_INTERP`.
    pub const INTERP: u32 = 3;
    /// `PT_NOTE`.
    pub const NOTE: u32 = 4;
    /// `PT_TLS`.
    pub const TLS: u32 = 7;
    /// `PT_GNU_STACK`, which loads nothing.
    pub const GNU_STACK: u32 = 0x6474_e551;
}

/// Tags of the dynamic section, and offsets in a relocation.
pub mod dynamic {
    /// `DT_NEEDED`.
    pub const NEEDED: u64 = 1;
    /// `DT_PLTRELSZ`.
    pub const PLTRELSZ: u64 = 2;
    /// `DT_STRTAB`.
    pub const STRTAB: u64 = 5;
    /// `DT_SYMTAB`.
    pub const SYMTAB: u64 = 6;
    /// `DT_RELA`.
    pub const RELA: u64 = 7;
    /// `DT_RELASZ`.
    pub const RELASZ: u64 = 8;
    /// `DT_REL`.
    pub const REL: u64 = 17;
    /// `DT_JMPREL`.
    pub const JMPREL: u64 = 23;
    /// `DT_RELRSZ`.
    pub const RELRSZ: u64 = 35;
    /// `DT_RELR`.
    pub const RELR: u64 = 36;

    /// `r_info` in a relocation: type, then symbol, both `u32`.
    pub const R_INFO: usize = 8;
    /// `r_addend` in a relocation.
    pub const R_ADDEND: usize = 16;
    /// Length of a relocation.
    pub const RELA_LEN: usize = 24;
}

/// Offset of the contract's number in the guest's ABI note.
pub const NOTE_ABI: usize = 24;

/// An ELF file to be edited.
#[derive(Clone, Debug)]
pub struct Elf(Vec<u8>);

impl Elf {
    /// A copy of a well-formed file.
    pub fn new(bytes: &[u8]) -> Self {
        Self(bytes.to_owned())
    }

    /// The file with those bytes at `at`.
    #[must_use]
    pub fn with(mut self, at: usize, bytes: &[u8]) -> Self {
        self.0[at..at + bytes.len()].copy_from_slice(bytes);
        self
    }

    /// The file with a little-endian number at `at`.
    #[must_use]
    pub fn with_u16(self, at: usize, number: u16) -> Self {
        self.with(at, &number.to_le_bytes())
    }

    /// The file with a little-endian number at `at`.
    #[must_use]
    pub fn with_u32(self, at: usize, number: u32) -> Self {
        self.with(at, &number.to_le_bytes())
    }

    /// The file with a little-endian number at `at`.
    #[must_use]
    pub fn with_u64(self, at: usize, number: u64) -> Self {
        self.with(at, &number.to_le_bytes())
    }

    /// The file with those bytes behind its end.
    #[must_use]
    pub fn append(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self
    }

    /// The file with another table of program headers, behind its end.
    #[must_use]
    pub fn with_segments(mut self, headers: &[[u8; segment::LEN]]) -> Self {
        let at = self.0.len().next_multiple_of(8);
        self.0.resize(at, 0);
        let count = u16::try_from(headers.len()).expect("a few headers");
        self.append(&headers.concat()).with_u64(header::PHOFF, at as u64).with_u16(header::PHNUM, count)
    }

    /// The file as a guest.
    pub fn load(&self) -> Result<Guest> {
        Guest::from_bytes(&self.0)
    }

    /// The file.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Every program header.
    pub fn headers(&self) -> Vec<[u8; segment::LEN]> {
        self.header_offsets().map(|at| self.array(at)).collect()
    }

    /// The places of the program headers of that type in the file.
    pub fn segments(&self, of_type: u32) -> Vec<usize> {
        self.header_offsets().filter(|at| self.u32(at + segment::TYPE) == of_type).collect()
    }

    /// The place of the `n`th loadable segment's program header.
    pub fn load_segment(&self, n: usize) -> usize {
        self.segments(segment::LOAD)[n]
    }

    /// The place of the program header of the first loadable segment with these flags.
    pub fn load_segment_with(&self, flags: u32) -> usize {
        let mut segments = self.segments(segment::LOAD).into_iter();
        segments.find(|at| self.u32(at + segment::FLAGS) == flags).expect("a segment with these flags")
    }

    /// The place of the dynamic section's entry with that tag: the tag, then the value.
    pub fn dynamic(&self, tag: u64) -> usize {
        let start = self.offset(self.segments(segment::DYNAMIC)[0] + segment::OFFSET);
        (start..).step_by(16).find(|at| self.u64(*at) == tag).expect("an entry with this tag")
    }

    /// The place of the dynamic section's table whose address that tag gives.
    pub fn table(&self, tag: u64) -> usize {
        self.at_address(self.u64(self.dynamic(tag) + 8))
    }

    /// The place of the bytes for that address.
    pub fn at_address(&self, address: u64) -> usize {
        let mut segments = self.segments(segment::LOAD).into_iter();
        let offset = segments.find_map(|at| {
            let inside = address.checked_sub(self.u64(at + segment::VADDR))?;
            (inside < self.u64(at + segment::FILESZ))
                .then(|| self.offset(at + segment::OFFSET) + to_usize(inside))
        });
        offset.expect("an address inside the file")
    }

    /// The place of the guest's ABI note.
    pub fn note(&self) -> usize {
        let owner = self.0.windows(note::OWNER.len()).position(|bytes| bytes == note::OWNER);
        owner.expect("an ABI note") - 12
    }

    /// The number at `at`.
    pub fn u16(&self, at: usize) -> u16 {
        u16::from_le_bytes(self.array(at))
    }

    /// The number at `at`.
    pub fn u32(&self, at: usize) -> u32 {
        u32::from_le_bytes(self.array(at))
    }

    /// The number at `at`.
    pub fn u64(&self, at: usize) -> u64 {
        u64::from_le_bytes(self.array(at))
    }

    fn header_offsets(&self) -> impl Iterator<Item = usize> {
        let start = self.offset(header::PHOFF);
        (0..usize::from(self.u16(header::PHNUM))).map(move |n| start + n * segment::LEN)
    }

    fn offset(&self, at: usize) -> usize {
        to_usize(self.u64(at))
    }

    fn array<const N: usize>(&self, at: usize) -> [u8; N] {
        *self.0[at..].first_chunk().expect("a number inside the file")
    }
}

fn to_usize(number: u64) -> usize {
    usize::try_from(number).expect("an offset")
}
