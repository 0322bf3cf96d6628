//! Reading a guest program.
//!
//! Accepted are self-contained little-endian x86-64 ELF files: static-pie and static executables, `cdylib`s, and the
//! results of `-shared -nostdlib`. The file is hostile: every number in it is checked before use, and no allocation
//! depends on a number that only a header states. The number of headers is bounded, and together the segments have no
//! more bytes than the file, so time and memory grow linearly with the file. The result, a [`Program`], lists the
//! places of the file's bytes. `relocate` gives the words that differ at the one address for programs of this kind.

use std::ops::RangeInclusive;

use libhyperlight_abi::note;
use libhyperlight_abi::placement::SERVER_BASE;
use object::LittleEndian;
use object::elf::{self, FileHeader64, ProgramHeader64};
use object::read::elf::{FileHeader, ProgramHeader};

use super::contents::Contents;
use super::program::{PROGRAM_WINDOW, Program, RELOCATABLE_BASE, Segment};
use crate::arch;
use crate::error::{Error, Result};
use crate::pages::PAGE;

/// Guest ABI numbers that this library accepts.
pub const ABI_ACCEPTED: RangeInclusive<u32> = 1..=libhyperlight_abi::ABI_VERSION;

/// Program headers of one file. Linkers make about a dozen.
const MAX_HEADERS: u16 = 256;

/// Loadable segments of one file. Linkers make four.
const MAX_SEGMENTS: usize = 64;

/// Note segments of one file. Linkers make one for each alignment.
const MAX_NOTES: usize = 8;

/// Bytes of all notes of one file.
const MAX_NOTE_BYTES: u64 = 64 << 10;

/// Loads the program in a file. Its relocations remain to be checked.
pub(super) fn load(contents: &Contents) -> Result<Program> {
    let file = contents.as_slice();
    let (header, headers) = headers(file)?;
    refuse_what_needs_a_loader(headers)?;
    let Notes { abi, system_call } = notes(file, headers)?;

    let bias = match (header.e_type(LittleEndian), system_call) {
        (elf::ET_DYN, None) => RELOCATABLE_BASE,
        (elf::ET_DYN, Some(_)) => SERVER_BASE,
        _ => 0,
    };
    let segments = segments(file, headers, bias)?;
    let entry = header.e_entry(LittleEndian);
    if entry == 0 {
        return Err(Error::guest_binary(
            "the file has no entry point: `_start` of the guest SDK is missing, so the SDK was not linked",
        ));
    }
    let entry = entry.wrapping_add(bias);
    let system_call = system_call.map(|address| address.wrapping_add(bias));
    let program = Program { segments, entry, bias, abi, system_call };
    if !program.has_code_at(entry) {
        return Err(Error::guest_binary("the entry point is not in an executable segment"));
    }
    if system_call.is_some_and(|address| !program.has_code_at(address)) {
        return Err(Error::guest_binary("the system-call handler is not in an executable segment"));
    }
    Ok(program)
}

/// The file and program headers, once the file is known to be of the right kind.
pub(super) fn headers(
    file: &[u8],
) -> Result<(&FileHeader64<LittleEndian>, &[ProgramHeader64<LittleEndian>])> {
    let bad = |reason: &str| Error::guest_binary(format!("not a loadable ELF file: {reason}"));
    if !file.starts_with(&elf::ELFMAG) {
        return Err(Error::guest_binary(match file {
            [] => "the file is empty; expected an ELF file".to_owned(),
            [b'#', b'!', ..] => "the file is a script; expected an ELF file".to_owned(),
            _ => "the file does not start with the ELF magic number".to_owned(),
        }));
    }
    // `e_ident`: class at 4, byte order at 5.
    match (file.get(4), file.get(5)) {
        (Some(2), Some(1)) => {}
        (Some(1), _) => return Err(bad("it is a 32-bit file; expected 64-bit")),
        (Some(2), Some(2)) => return Err(bad("it is big-endian; expected little-endian")),
        _ => return Err(bad("its class or byte order is unknown")),
    }
    let header = FileHeader64::<LittleEndian>::parse(file).map_err(|error| bad(&error.to_string()))?;
    let machine = header.e_machine(LittleEndian);
    if machine != arch::MACHINE {
        return Err(bad(&format!("it is for machine {}; expected {}", machine.0, arch::MACHINE_NAME)));
    }
    match header.e_type(LittleEndian) {
        elf::ET_DYN | elf::ET_EXEC => {}
        elf::ET_REL => return Err(bad("it is an object file; link it first")),
        kind => {
            return Err(bad(&format!("its type is {}; expected an executable or a shared object", kind.0)));
        }
    }
    // The number that stands for "more than fit here" exceeds every bound.
    let count = header.e_phnum(LittleEndian);
    if count > MAX_HEADERS {
        return Err(bad(&format!("it has {count} program headers; a file has at most {MAX_HEADERS}")));
    }
    let headers = header.program_headers(LittleEndian, file).map_err(|error| bad(&error.to_string()))?;
    Ok((header, headers))
}

fn refuse_what_needs_a_loader(headers: &[ProgramHeader64<LittleEndian>]) -> Result<()> {
    for header in headers {
        match header.p_type(LittleEndian) {
            elf::PT_INTERP => {
                return Err(Error::guest_binary(
                    "the file asks for a dynamic loader (PT_INTERP); link it with -shared or -static-pie, and -nostdlib",
                ));
            }
            elf::PT_TLS if header.p_memsz(LittleEndian) != 0 => {
                return Err(Error::guest_binary(
                    "the file has thread-local variables (PT_TLS), which a guest cannot have",
                ));
            }
            _ => {}
        }
    }
    Ok(())
}

/// The file's notes of this library's.
struct Notes {
    abi: u32,
    /// The file's address of the handler of system calls.
    system_call: Option<u64>,
}

/// Reads exactly one ABI note, which this library must accept, and at most one that names a handler.
fn notes(file: &[u8], headers: &[ProgramHeader64<LittleEndian>]) -> Result<Notes> {
    let malformed = |_| Error::guest_binary("a note segment is malformed");
    let segments: Vec<_> = of_type(headers, elf::PT_NOTE).take(MAX_NOTES + 1).collect();
    if segments.len() > MAX_NOTES {
        return Err(Error::guest_binary(format!("a file has at most {MAX_NOTES} note segments")));
    }
    let len = segments.iter().fold(0, |sum: u64, header| sum.saturating_add(header.p_filesz(LittleEndian)));
    if len > MAX_NOTE_BYTES {
        return Err(Error::guest_binary(format!(
            "a file's note segments have at most {MAX_NOTE_BYTES} bytes together, found {len}"
        )));
    }
    let (mut abi, mut system_call) = (None, None);
    for header in segments {
        let Some(mut notes) = header.notes(LittleEndian, file).map_err(malformed)? else {
            continue;
        };
        while let Some(note) = notes.next().map_err(malformed)? {
            if note.name() != &note::OWNER[..note::OWNER_LEN as usize - 1] {
                continue;
            }
            let word = || <[u8; 4]>::try_from(note.desc());
            let is_second = match note.n_type(LittleEndian).0 {
                note::TYPE_ABI => {
                    let word =
                        word().map_err(|_| Error::guest_binary("the guest's ABI note is malformed"))?;
                    abi.replace(u32::from_le_bytes(word)).is_some()
                }
                note::TYPE_SYSTEM_CALL => {
                    let word = word()
                        .map_err(|_| Error::guest_binary("the guest's system-call note is malformed"))?;
                    // The description is a part of the file: its place there is that of its address in the segment.
                    let place = note.desc().as_ptr().addr().wrapping_sub(file.as_ptr().addr()) as u64;
                    let address = place
                        .wrapping_sub(header.p_offset(LittleEndian))
                        .wrapping_add(header.p_vaddr(LittleEndian))
                        .wrapping_add_signed(i32::from_le_bytes(word).into());
                    system_call.replace(address).is_some()
                }
                _ => false,
            };
            if is_second {
                return Err(Error::guest_binary(
                    "the file has more than one guest ABI note, or system-call note",
                ));
            }
        }
    }
    let (low, high) = ABI_ACCEPTED.into_inner();
    match abi {
        Some(abi) if ABI_ACCEPTED.contains(&abi) => Ok(Notes { abi, system_call }),
        Some(abi) => Err(Error::guest_binary(format!(
            "the guest was built for ABI {abi}, this library accepts {low} to {high}; build it with the matching guest SDK"
        ))),
        None => Err(Error::guest_binary(format!(
            "the file has no guest ABI note ({}); this library accepts ABI {low} to {high}; link the guest SDK",
            note::SECTION
        ))),
    }
}

/// The headers of one type.
fn of_type(
    headers: &[ProgramHeader64<LittleEndian>],
    of_type: elf::ProgramType,
) -> impl Iterator<Item = &ProgramHeader64<LittleEndian>> {
    headers.iter().filter(move |header| header.p_type(LittleEndian) == of_type)
}

/// The loadable segments: bounded, in order, disjoint, and W^X.
fn segments(file: &[u8], headers: &[ProgramHeader64<LittleEndian>], bias: u64) -> Result<Vec<Segment>> {
    let mut segments: Vec<Segment> = Vec::new();
    let mut left = file.len() as u64;
    for header in of_type(headers, elf::PT_LOAD) {
        let number = segments.len();
        let bad = |reason: &str| Error::guest_binary(format!("segment {number}: {reason}"));

        let (offset, file_size) = header.file_range(LittleEndian);
        let size = header.p_memsz(LittleEndian);
        if size == 0 && file_size == 0 {
            continue;
        }
        if number == MAX_SEGMENTS {
            return Err(bad(&format!("a file has at most {MAX_SEGMENTS}")));
        }
        let flags = header.p_flags(LittleEndian).0;
        let (writable, executable) = (flags & elf::PF_W.0 != 0, flags & elf::PF_X.0 != 0);
        if writable && executable {
            return Err(bad("it is writable and executable; memory is either (W^X)"));
        }
        let vaddr = header.p_vaddr(LittleEndian);
        let align = header.p_align(LittleEndian);
        if !align.is_power_of_two() || !(PAGE..=1 << 30).contains(&align) {
            return Err(bad(&format!(
                "its alignment is {align}; expected a power of two from {PAGE} to 1 GiB"
            )));
        }
        if vaddr % align != offset % align {
            return Err(bad("its address and file offset disagree about its alignment"));
        }
        if file_size > size {
            return Err(bad("it is larger in the file than in memory"));
        }
        let address = vaddr.checked_add(bias).ok_or_else(|| bad("its address wraps around"))?;
        let end = address.checked_add(size).ok_or_else(|| bad("its end wraps around"))?;
        if address < PROGRAM_WINDOW.start || end > PROGRAM_WINDOW.end {
            return Err(bad(&format!(
                "its memory, {size} bytes at {address:#x}, is outside {:#x} to {:#x} where programs are placed",
                PROGRAM_WINDOW.start, PROGRAM_WINDOW.end
            )));
        }
        let source = offset..offset.saturating_add(file_size);
        if source.end > file.len() as u64 {
            return Err(bad("it reaches past the end of the file"));
        }
        left = left.checked_sub(file_size).ok_or_else(|| {
            bad("with those before it, it has more bytes than the file: segments share some of them")
        })?;
        let segment = Segment { address, size, source, writable, executable };
        if segments.last().is_some_and(|last| last.pages().end > segment.pages().start) {
            return Err(bad("it overlaps the one before, shares a page with it, or is out of order"));
        }
        segments.push(segment);
    }
    if segments.is_empty() {
        return Err(Error::guest_binary("the file has nothing to load"));
    }
    Ok(segments)
}
