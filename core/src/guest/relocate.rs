//! Relocation.
//!
//! A guest refers only to itself, so the few kinds of [`Relocation`] suffice, and the packed form of the relative one
//! (`DT_RELR`). An undefined weak symbol is 0; an undefined strong one is an error that names it. The tables are read
//! in place in the file, which is not changed: relocated words are changed in each image, so no copy of the program is
//! needed. Each table is read once, without its pages of zeros: time is linear in its stored bytes, and no memory is
//! needed.

use std::ops::Range;

use object::elf::{self, Dyn64, Rela64, Sym64};
use object::read::elf::{Dyn, ProgramHeader, Rela, Sym};
use object::{LittleEndian, pod};

use super::contents::Contents;
use super::elf::headers;
use super::program::{Program, Segment};
use crate::arch::{self, Relocation};
use crate::error::{Error, Result};
use crate::int::to_usize;

/// Longest name in a message.
const MAX_NAME: usize = 256;

/// Eight bytes of a segment that differ from the file's.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Change {
    /// The segment's number.
    pub segment: usize,
    /// Bytes from the segment's start.
    pub offset: u64,
    pub word: Word,
}

/// A relocated word.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Word {
    Is(u64),
    /// The sum of the word in place and this one.
    Adds(u64),
}

/// Calls `change` for each word to be changed in the program of a file, in the order of effect. All places are inside
/// bytes that the file provides for their segments.
pub(crate) fn each(
    contents: &Contents,
    program: &Program,
    mut change: impl FnMut(Change) -> Result<()>,
) -> Result<()> {
    let (file, bias) = (contents.as_slice(), program.bias);
    let (_, headers) = headers(file)?;
    let Some(dynamic) = headers.iter().find(|header| header.p_type(LittleEndian) == elf::PT_DYNAMIC) else {
        return Ok(());
    };
    let bytes =
        dynamic.data(LittleEndian, file).map_err(|()| bad("the dynamic section is outside the file"))?;
    let entries =
        records::<Dyn64<LittleEndian>>(bytes).ok_or_else(|| bad("the dynamic section is malformed"))?;
    let tables = Tables::read(entries, file, program)?;

    let mut change = |address: u64, word| change(place(&program.segments, address.wrapping_add(bias), word)?);
    for (table, what) in tables.relocations.iter().zip(["relocation", "PLT relocation"]) {
        let table = contents.records::<Rela64<LittleEndian>>(table.clone());
        for rela in table.ok_or_else(|| bad(&format!("the {what} table is malformed")))? {
            if let Some(value) = relocated(rela, &tables, bias)? {
                change(rela.r_offset(LittleEndian), Word::Is(value))?;
            }
        }
    }
    unpack(tables.packed, |address| change(address, Word::Adds(bias)))
}

/// The tables to which the dynamic section points, in the file.
struct Tables<'f> {
    /// The places of `DT_RELA` and `DT_JMPREL`.
    relocations: [Range<u64>; 2],
    packed: &'f [u8],
    symbols: &'f [u8],
    strings: &'f [u8],
}

impl<'f> Tables<'f> {
    fn read(entries: &[Dyn64<LittleEndian>], file: &'f [u8], program: &Program) -> Result<Self> {
        let entries = || entries.iter().take_while(|entry| entry.d_tag(LittleEndian) != elf::DT_NULL);
        let find = |tag| {
            entries().find(|entry| entry.d_tag(LittleEndian) == tag).map(|entry| entry.d_val(LittleEndian))
        };
        // The bytes that the file provides from an address on, to the end of its segment.
        let from = |address: u64, what: &str| {
            find_segment(&program.segments, address.wrapping_add(program.bias))
                .and_then(|(number, offset)| {
                    let source = &program.segments.get(number)?.source;
                    let start = source.start.checked_add(offset).filter(|start| *start <= source.end)?;
                    Some(start..source.end)
                })
                .ok_or_else(|| bad(&format!("the {what} table is outside the file's segments")))
        };
        let sized = |start, len, what| match (find(start), find(len)) {
            (Some(address), Some(len)) if len > 0 => {
                let table = from(address, what)?;
                let end = table.start.checked_add(len).filter(|end| *end <= table.end);
                let end =
                    end.ok_or_else(|| bad(&format!("the {what} table is outside the file's segments")))?;
                Ok(table.start..end)
            }
            (Some(_), None) => Err(bad(&format!("the {what} table has no size"))),
            _ => Ok(0..0),
        };
        let bytes =
            |table: Range<u64>| file.get(to_usize(table.start)..to_usize(table.end)).unwrap_or_default();

        let strings = bytes(sized(elf::DT_STRTAB, elf::DT_STRSZ, "string")?);
        if let Some(library) = find(elf::DT_NEEDED) {
            let name = string(strings, library);
            return Err(bad(&format!(
                "the file needs the library {name:?}; a guest stands on its own (-nostdlib)"
            )));
        }
        if find(elf::DT_REL).is_some() {
            return Err(bad("relocations without addends (DT_REL) are not used on x86-64"));
        }
        let relocations = [
            sized(elf::DT_RELA, elf::DT_RELASZ, "relocation")?,
            sized(elf::DT_JMPREL, elf::DT_PLTRELSZ, "PLT relocation")?,
        ];
        let packed = bytes(sized(elf::DT_RELR, elf::DT_RELRSZ, "packed relocation")?);
        if packed.len() % 8 != 0 {
            return Err(bad("the packed relocation table is malformed"));
        }
        // No number of symbols is stated: the table ends where its segment's bytes end.
        let symbols = match find(elf::DT_SYMTAB) {
            Some(address) => bytes(from(address, "symbol")?),
            None => &[],
        };
        Ok(Self { relocations, packed, symbols, strings })
    }

    /// The value of a symbol, relocated.
    fn symbol(&self, index: u32, bias: u64) -> Result<u64> {
        const LEN: usize = size_of::<Sym64<LittleEndian>>();
        let symbol = (index as usize)
            .checked_mul(LEN)
            .and_then(|start| self.symbols.get(start..)?.get(..LEN))
            .and_then(records::<Sym64<LittleEndian>>)
            .and_then(<[_]>::first)
            .ok_or_else(|| bad("a relocation names a symbol that does not exist"))?;
        let name = || string(self.strings, u64::from(symbol.st_name(LittleEndian)));
        if symbol.is_undefined(LittleEndian) {
            return if index == 0 || symbol.is_weak() {
                Ok(0)
            } else {
                Err(bad(&format!("the symbol {:?} is not defined; a guest stands on its own", name())))
            };
        }
        match symbol.st_type() {
            elf::STT_GNU_IFUNC => {
                Err(bad(&format!("the symbol {:?} is resolved at run time (IFUNC)", name())))
            }
            elf::STT_TLS => Err(bad(&format!("the symbol {:?} is thread-local", name()))),
            _ if symbol.is_absolute(LittleEndian) => Ok(symbol.st_value(LittleEndian)),
            _ => Ok(symbol.st_value(LittleEndian).wrapping_add(bias)),
        }
    }
}

/// The value for the place of a relocation; none if nothing changes.
fn relocated(rela: &Rela64<LittleEndian>, tables: &Tables<'_>, bias: u64) -> Result<Option<u64>> {
    let addend = rela.r_addend(LittleEndian).cast_unsigned();
    let symbol = || tables.symbol(rela.r_sym(LittleEndian, false), bias);
    let kind = rela.r_type(LittleEndian, false);
    Ok(Some(match arch::relocation(kind) {
        Some(Relocation::Nothing) => return Ok(None),
        Some(Relocation::Relative) => bias.wrapping_add(addend),
        Some(Relocation::SymbolAndAddend) => symbol()?.wrapping_add(addend),
        Some(Relocation::Symbol) => symbol()?,
        None => {
            return Err(bad(&format!(
                "relocation type {} is not supported; expected {}",
                kind.0,
                arch::RELOCATIONS
            )));
        }
    }))
}

/// The addresses of the packed form (System V gABI, *Relative Relocation Table*): an even word is an address; an odd
/// one is a bitmap of the 63 words that follow.
fn unpack(packed: &[u8], mut add: impl FnMut(u64) -> Result<()>) -> Result<()> {
    let mut next = None;
    for entry in packed.chunks_exact(8).map(word) {
        if entry == 0 {
            // Every file has its header there. A hole would be full of them.
            return Err(bad("the packed relocation table names address 0"));
        }
        if entry & 1 == 0 {
            add(entry)?;
            next = Some(entry.wrapping_add(8));
            continue;
        }
        let start: u64 = next.ok_or_else(|| bad("the packed relocation table starts with a bitmap"))?;
        for bit in (0..63).filter(|bit| entry >> (bit + 1) & 1 != 0) {
            add(start.wrapping_add(bit * 8))?;
        }
        next = Some(start.wrapping_add(63 * 8));
    }
    Ok(())
}

/// The change of the eight bytes at an address, which must be inside one segment, in bytes that the file provides.
fn place(segments: &[Segment], address: u64, word: Word) -> Result<Change> {
    find_segment(segments, address)
        .filter(|(number, offset)| {
            let given = segments.get(*number).map_or(0, |segment| segment.source.end - segment.source.start);
            offset.checked_add(8).is_some_and(|end| end <= given)
        })
        .map(|(segment, offset)| Change { segment, offset, word })
        .ok_or_else(|| bad("a relocation changes memory outside the program's initialised segments"))
}

/// The segment with the highest start at or below an address, by its number, and the address's distance from that
/// start. If any segment contains the address, it is this one.
fn find_segment(segments: &[Segment], address: u64) -> Option<(usize, u64)> {
    let number = segments.partition_point(|segment| segment.address <= address).checked_sub(1)?;
    Some((number, address - segments.get(number)?.address))
}

/// The string at that place of the string table, up to a zero byte: the part that messages show.
fn string(strings: &[u8], offset: u64) -> String {
    let tail = usize::try_from(offset).ok().and_then(|offset| strings.get(offset..)).unwrap_or_default();
    let tail = tail.get(..MAX_NAME.min(tail.len())).unwrap_or_default();
    let name = tail.split(|byte| *byte == 0).next().unwrap_or_default();
    String::from_utf8_lossy(name).into_owned()
}

/// A table of plain records, with any alignment.
fn records<T: pod::Pod>(bytes: &[u8]) -> Option<&[T]> {
    pod::slice_from_all_bytes(bytes).ok()
}

fn word(bytes: &[u8]) -> u64 {
    let mut word = [0; 8];
    word.copy_from_slice(bytes);
    u64::from_le_bytes(word)
}

fn bad(reason: &str) -> Error {
    Error::guest_binary(reason.to_owned())
}
