//! ELF files of strangers: what has to be known of one in order to place it.
//!
//! A file that is no ELF object for this processor is data and nothing more. One that is, but cannot be placed (it is
//! damaged, or wants memory that is writable and executable), is data, too: the guest can read it and not run it, and
//! the reason is kept for whoever needs the object. Every number is checked before use, and all work is linear in the
//! file's size.

use std::ops::Range;

use libhyperlight_linux_contract::PAGE;
use libhyperlight_linux_contract::limits::MAX_PATH_LEN;
use object::LittleEndian;
use object::elf::{self, FileHeader64, ProgramHeader64};
use object::read::elf::{Dyn, FileHeader, ProgramHeader, SectionHeader};

/// Program headers of one file.
const MAX_HEADERS: u16 = 256;

/// Bytes of addresses that one object may take, from its first to its last segment.
const MAX_SPAN: u64 = 4 << 30;

/// The largest alignment of a section that is kept.
const MAX_ALIGN: u64 = 2 << 20;

/// Entries of a dynamic section that name something.
const MAX_NAMED: usize = 4096;

/// An object that can be placed.
#[derive(Clone, Debug)]
pub(crate) struct Elf {
    /// True if it runs at the addresses that it states, and nowhere else.
    pub is_fixed: bool,
    /// Segments in the order of their addresses, no page in common.
    pub segments: Vec<Segment>,
    /// Alignment of its first address.
    pub align: u64,
    /// Address of its entry point, 0 if there is none.
    pub entry: u64,
    /// Address of its program headers.
    pub headers: u64,
    pub header_count: u32,
    /// Path of its dynamic loader.
    pub interpreter: Option<Vec<u8>>,
    /// Names of the libraries that it needs.
    pub needed: Vec<Vec<u8>>,
    /// Folders in which these are looked for, and those that only count for itself.
    pub rpath: Option<Vec<u8>>,
    pub runpath: Option<Vec<u8>>,
    /// Address of the index of its unwind tables (`.eh_frame_hdr`).
    pub unwind: Option<u64>,
}

/// A loadable segment.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Segment {
    /// First address.
    pub address: u64,
    /// Bytes in memory.
    pub size: u64,
    /// Its bytes in the file.
    pub file: Range<u64>,
    pub writable: bool,
    pub executable: bool,
}

impl Segment {
    /// The pages that it occupies.
    pub fn pages(&self) -> Range<u64> {
        // `read` has checked that the end can be rounded up.
        self.address / PAGE * PAGE..(self.address + self.size).next_multiple_of(PAGE)
    }

    /// The place in the file of the page that it starts in.
    pub fn file_page(&self) -> u64 {
        self.file.start / PAGE * PAGE
    }
}

impl Elf {
    /// The addresses from the first segment to the last one, whole pages.
    pub fn span(&self) -> Range<u64> {
        let start = self.segments.first().map_or(0, |segment| segment.pages().start);
        start..self.segments.last().map_or(start, |segment| segment.pages().end)
    }

    /// The bytes of the file from an address on, up to the end of the segment's.
    pub fn bytes_at<'f>(&self, file: &'f [u8], address: u64) -> Option<&'f [u8]> {
        let segment = self
            .segments
            .iter()
            .find(|segment| address >= segment.address && address - segment.address < segment.size)?;
        let at = segment.file.start.checked_add(address - segment.address)?;
        slice(file, at..segment.file.end)
    }
}

/// Returns true if a file that starts with these bytes is an ELF object for this processor.
pub(crate) fn is_object(start: &[u8]) -> bool {
    // Magic number, 64 bits, little-endian; then, behind `e_type`, the machine.
    start.starts_with(b"\x7fELF\x02\x01")
        && start.get(16..18).is_some_and(|kind| matches!(kind, [2 | 3, 0]))
        && start.get(18..20) == Some(&[62, 0])
}

/// Reads an object, or says why it cannot be placed.
pub(crate) fn read(file: &[u8], jit: bool) -> Result<Elf, String> {
    let header = FileHeader64::<LittleEndian>::parse(file).map_err(|error| error.to_string())?;
    let count = header.e_phnum(LittleEndian);
    if count > MAX_HEADERS {
        return Err(format!("it has {count} program headers; a file has at most {MAX_HEADERS}"));
    }
    let headers = header.program_headers(LittleEndian, file).map_err(|error| error.to_string())?;
    let segments = segments(file, headers, jit)?;
    let is_fixed = header.e_type(LittleEndian) == elf::ET_EXEC;
    let first = segments.first().ok_or("it has nothing to load")?;
    // A table that no segment contains is not in memory, and then nobody looks for it there.
    let table = header.e_phoff(LittleEndian);
    let headers_at = of_type(headers, elf::PT_PHDR)
        .map(|header| header.p_vaddr(LittleEndian))
        .next()
        .unwrap_or_else(|| (first.address - first.address % PAGE).saturating_add(table));
    let mut object = Elf {
        is_fixed,
        align: alignment(header, file, headers),
        segments,
        entry: header.e_entry(LittleEndian),
        headers: headers_at,
        header_count: u32::from(count),
        interpreter: interpreter(file, headers)?,
        needed: Vec::new(),
        rpath: None,
        runpath: None,
        unwind: of_type(headers, elf::PT_GNU_EH_FRAME).map(|header| header.p_vaddr(LittleEndian)).next(),
    };
    let span = object.span();
    if span.end - span.start > MAX_SPAN {
        return Err(format!(
            "it takes {} bytes of addresses; an object takes at most {MAX_SPAN}",
            span.end - span.start
        ));
    }
    read_dynamic(&mut object, file, headers, jit)?;
    Ok(object)
}

fn segments(
    file: &[u8],
    headers: &[ProgramHeader64<LittleEndian>],
    jit: bool,
) -> Result<Vec<Segment>, String> {
    let mut segments: Vec<Segment> = Vec::new();
    let mut total = 0_u64;
    for (number, header) in of_type(headers, elf::PT_LOAD).enumerate() {
        let bad = |reason: &str| Err(format!("loadable segment {number}: {reason}"));
        let (address, size) = (header.p_vaddr(LittleEndian), header.p_memsz(LittleEndian));
        let (offset, file_size) = header.file_range(LittleEndian);
        if size == 0 {
            continue;
        }
        let flags = header.p_flags(LittleEndian).0;
        let (writable, executable) = (flags & elf::PF_W.0 != 0, flags & elf::PF_X.0 != 0);
        if writable && executable && !jit {
            return bad("it is writable and executable, which only a guest with `jit` may have");
        }
        if file_size > size {
            return bad("it is larger in the file than in memory");
        }
        if address % PAGE != offset % PAGE {
            return bad("its address and its place in the file disagree");
        }
        if address.checked_add(size).and_then(|end| end.checked_next_multiple_of(PAGE)).is_none() {
            return bad("its addresses wrap around");
        }
        let end = offset.checked_add(file_size).filter(|end| *end <= file.len() as u64);
        let Some(end) = end else {
            return bad("it reaches past the end of the file");
        };
        // Else a small file would be decoded and copied once for each of its segments.
        total = total.saturating_add(file_size);
        if total > file.len() as u64 {
            return bad("with those before, it has more bytes of the file than that has");
        }
        let segment = Segment { address, size, file: offset..end, writable, executable };
        if segments.last().is_some_and(|last| last.pages().end > segment.pages().start) {
            return bad("it overlaps the one before, shares a page with it, or is out of order");
        }
        segments.push(segment);
    }
    Ok(segments)
}

/// The largest alignment that a section in memory asks for. Old linkers align segments to 2 MiB although nothing in
/// them does, and a guest would pay for that with page tables.
fn alignment(
    header: &FileHeader64<LittleEndian>,
    file: &[u8],
    headers: &[ProgramHeader64<LittleEndian>],
) -> u64 {
    let of_segments =
        of_type(headers, elf::PT_LOAD).map(|header| header.p_align(LittleEndian)).max().unwrap_or(PAGE);
    let of_sections = header
        .section_headers(LittleEndian, file)
        .ok()
        .filter(|sections| !sections.is_empty())
        .map(|sections| {
            let in_memory =
                sections.iter().filter(|section| section.sh_flags(LittleEndian).0 & elf::SHF_ALLOC.0 != 0);
            in_memory.map(|section| section.sh_addralign(LittleEndian)).max().unwrap_or(PAGE)
        });
    let asked = of_sections.unwrap_or(of_segments).clamp(PAGE, MAX_ALIGN);
    if asked.is_power_of_two() { asked } else { MAX_ALIGN }
}

fn interpreter(file: &[u8], headers: &[ProgramHeader64<LittleEndian>]) -> Result<Option<Vec<u8>>, String> {
    let Some(header) = of_type(headers, elf::PT_INTERP).next() else {
        return Ok(None);
    };
    let path =
        header.interpreter(LittleEndian, file).ok().flatten().filter(|path| path.len() <= MAX_PATH_LEN);
    path.map(|path| Some(path.to_vec())).ok_or_else(|| "the path of its dynamic loader is damaged".to_owned())
}

/// Reads what the dynamic section says about other objects, and refuses one that changes its own code.
fn read_dynamic(
    object: &mut Elf,
    file: &[u8],
    headers: &[ProgramHeader64<LittleEndian>],
    jit: bool,
) -> Result<(), String> {
    let Some(header) = of_type(headers, elf::PT_DYNAMIC).next() else {
        return Ok(());
    };
    let entries =
        header.dynamic(LittleEndian, file).ok().flatten().ok_or("its dynamic section is damaged")?;
    let entries = entries.iter().map(|entry| (entry.d_tag(LittleEndian), entry.d_val(LittleEndian)));
    let entries = || entries.clone().take_while(|(tag, _)| *tag != elf::DT_NULL);
    let value = |wanted| entries().find(|(tag, _)| *tag == wanted).map(|(_, value)| value);
    let flags = value(elf::DT_FLAGS).unwrap_or(0);
    if (value(elf::DT_TEXTREL).is_some() || flags & elf::DF_TEXTREL.0 != 0) && !jit {
        return Err(
            "its relocations change its code (TEXTREL), which only a guest with `jit` may have".to_owned()
        );
    }
    let strings = value(elf::DT_STRTAB).and_then(|address| object.bytes_at(file, address));
    let string = |offset: u64| {
        let rest = strings?.get(usize::try_from(offset).ok()?..)?;
        let end = rest.iter().take(MAX_PATH_LEN + 1).position(|byte| *byte == 0)?;
        rest.get(..end).map(<[u8]>::to_vec)
    };
    let named = entries().filter(|(tag, _)| *tag == elf::DT_NEEDED).take(MAX_NAMED + 1);
    let needed: Option<Vec<_>> = named.map(|(_, offset)| string(offset)).collect();
    let needed = needed.ok_or("the name of a library that it needs is damaged")?;
    if needed.len() > MAX_NAMED {
        return Err(format!("it needs more than {MAX_NAMED} libraries"));
    }
    let rpath = value(elf::DT_RPATH).and_then(string);
    let runpath = value(elf::DT_RUNPATH).and_then(string);
    (object.needed, object.rpath, object.runpath) = (needed, rpath, runpath);
    Ok(())
}

fn of_type(
    headers: &[ProgramHeader64<LittleEndian>],
    kind: elf::ProgramType,
) -> impl Iterator<Item = &ProgramHeader64<LittleEndian>> {
    headers.iter().filter(move |header| header.p_type(LittleEndian) == kind)
}

/// The part of a file; `None` if it has none there.
pub(crate) fn slice(file: &[u8], range: Range<u64>) -> Option<&[u8]> {
    file.get(usize::try_from(range.start).ok()?..usize::try_from(range.end).ok()?)
}
