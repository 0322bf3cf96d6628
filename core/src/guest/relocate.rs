//! Relocation, once, when the file is loaded.
//!
//! A guest refers to nothing but itself, so four kinds suffice (`RELATIVE`, `64`, `GLOB_DAT`, `JUMP_SLOT`; System V
//! ABI for AMD64, *Relocation Types*), and the packed form of `RELATIVE` (`DT_RELR`). An undefined weak symbol is 0;
//! an undefined strong one is an error that names it. The tables are read where they lie in the file, which stays as it is
//! while the segments change, and each of them once: time is linear in their size, and no memory is needed.

use object::elf::{self, Dyn64, ProgramHeader64, Rela64, Sym64};
use object::read::elf::{Dyn, ProgramHeader, Rela, Sym};
use object::{LittleEndian, pod};

use super::program::Segment;
use crate::error::{Error, Result};

/// Longest name in a message.
const MAX_NAME: usize = 256;

/// Relocates `segments`, which lie `bias` above the addresses of the file and have these bytes in it.
pub(super) fn apply(
    file: &[u8],
    headers: &[ProgramHeader64<LittleEndian>],
    bias: u64,
    segments: &mut [Segment],
    sources: &[&[u8]],
) -> Result<()> {
    let Some(dynamic) = headers.iter().find(|header| header.p_type(LittleEndian) == elf::PT_DYNAMIC) else {
        return Ok(());
    };
    let bytes =
        dynamic.data(LittleEndian, file).map_err(|()| bad("the dynamic section is outside the file"))?;
    let entries =
        records::<Dyn64<LittleEndian>>(bytes).ok_or_else(|| bad("the dynamic section is malformed"))?;
    let tables = Tables::read(entries, bias, segments, sources)?;

    for rela in tables.relocations.into_iter().flatten() {
        relocate(rela, &tables, bias, segments)?;
    }
    relocate_packed(tables.packed, bias, segments)
}

/// What the dynamic section points to, in the file.
struct Tables<'f> {
    /// `DT_RELA` and `DT_JMPREL`.
    relocations: [&'f [Rela64<LittleEndian>]; 2],
    packed: &'f [u8],
    symbols: &'f [u8],
    strings: &'f [u8],
}

impl<'f> Tables<'f> {
    fn read(
        entries: &[Dyn64<LittleEndian>],
        bias: u64,
        segments: &[Segment],
        sources: &[&'f [u8]],
    ) -> Result<Self> {
        let entries = || entries.iter().take_while(|entry| entry.d_tag(LittleEndian) != elf::DT_NULL);
        let find = |tag| {
            entries().find(|entry| entry.d_tag(LittleEndian) == tag).map(|entry| entry.d_val(LittleEndian))
        };
        // From an address on, what its segment has in the file.
        let from = |address: u64, what: &str| {
            find_segment(segments, address.wrapping_add(bias))
                .and_then(|(segment, start)| sources.get(segment)?.get(start..))
                .ok_or_else(|| bad(&format!("the {what} table is outside the file's segments")))
        };
        let at = |address: u64, len: u64, what: &str| {
            usize::try_from(len)
                .ok()
                .and_then(|len| from(address, what).ok()?.get(..len))
                .ok_or_else(|| bad(&format!("the {what} table is outside the file's segments")))
        };
        let sized = |start, len, what| match (find(start), find(len)) {
            (Some(address), Some(len)) if len > 0 => at(address, len, what),
            (Some(_), None) => Err(bad(&format!("the {what} table has no size"))),
            _ => Ok(&[][..]),
        };

        let strings = sized(elf::DT_STRTAB, elf::DT_STRSZ, "string")?;
        if let Some(library) = find(elf::DT_NEEDED) {
            let name = string(strings, library);
            return Err(bad(&format!(
                "the file needs the library {name:?}; a guest stands on its own (-nostdlib)"
            )));
        }
        if find(elf::DT_REL).is_some() {
            return Err(bad("relocations without addends (DT_REL) are not used on x86-64"));
        }
        let relocations = |start, len, what| {
            records(sized(start, len, what)?).ok_or_else(|| bad(&format!("the {what} table is malformed")))
        };
        let relocations = [
            relocations(elf::DT_RELA, elf::DT_RELASZ, "relocation")?,
            relocations(elf::DT_JMPREL, elf::DT_PLTRELSZ, "PLT relocation")?,
        ];
        let packed = sized(elf::DT_RELR, elf::DT_RELRSZ, "packed relocation")?;
        if packed.len() % 8 != 0 {
            return Err(bad("the packed relocation table is malformed"));
        }
        // Nothing states how many symbols there are: the table ends where its segment's bytes end.
        let symbols = match find(elf::DT_SYMTAB) {
            Some(address) => from(address, "symbol")?,
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

fn relocate(
    rela: &Rela64<LittleEndian>,
    tables: &Tables<'_>,
    bias: u64,
    segments: &mut [Segment],
) -> Result<()> {
    let addend = rela.r_addend(LittleEndian).cast_unsigned();
    let symbol = || tables.symbol(rela.r_sym(LittleEndian, false), bias);
    let value = match rela.r_type(LittleEndian, false) {
        elf::R_X86_64_NONE => return Ok(()),
        elf::R_X86_64_RELATIVE => bias.wrapping_add(addend),
        elf::R_X86_64_64 => symbol()?.wrapping_add(addend),
        elf::R_X86_64_GLOB_DAT | elf::R_X86_64_JUMP_SLOT => symbol()?,
        kind => {
            return Err(bad(&format!(
                "relocation type {} is not supported; expected RELATIVE, 64, GLOB_DAT or JUMP_SLOT",
                kind.0
            )));
        }
    };
    let place = place(segments, rela.r_offset(LittleEndian).wrapping_add(bias))?;
    place.copy_from_slice(&value.to_le_bytes());
    Ok(())
}

/// The packed form (System V gABI, *Relative Relocation Table*): an even word is an address; an odd one is a
/// bitmap of the 63 words that follow.
fn relocate_packed(packed: &[u8], bias: u64, segments: &mut [Segment]) -> Result<()> {
    let mut add = |address: u64| {
        let place = place(segments, address.wrapping_add(bias))?;
        let value = word(place).wrapping_add(bias);
        place.copy_from_slice(&value.to_le_bytes());
        Ok(())
    };
    let mut next = None;
    for entry in packed.chunks_exact(8).map(word) {
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

/// The eight bytes to relocate: inside one segment, where the file has given bytes.
fn place(segments: &mut [Segment], address: u64) -> Result<&mut [u8]> {
    find_segment(segments, address)
        .and_then(|(segment, start)| segments.get_mut(segment)?.bytes.get_mut(start..)?.get_mut(..8))
        .ok_or_else(|| bad("a relocation changes memory outside the program's initialised segments"))
}

/// The segment that starts last before an address or at it, by its number, and how far behind its start the address is: if
/// that lies in any segment, it is this one.
fn find_segment(segments: &[Segment], address: u64) -> Option<(usize, usize)> {
    let number = segments.partition_point(|segment| segment.address <= address).checked_sub(1)?;
    let start = address - segments.get(number)?.address;
    Some((number, usize::try_from(start).ok()?))
}

/// What is at that place of the string table, up to a zero: as much as is shown of it.
fn string(strings: &[u8], offset: u64) -> String {
    let tail = usize::try_from(offset).ok().and_then(|offset| strings.get(offset..)).unwrap_or_default();
    let tail = tail.get(..MAX_NAME.min(tail.len())).unwrap_or_default();
    let name = tail.split(|byte| *byte == 0).next().unwrap_or_default();
    String::from_utf8_lossy(name).into_owned()
}

/// A table of plain records, whatever its alignment.
fn records<T: pod::Pod>(bytes: &[u8]) -> Option<&[T]> {
    pod::slice_from_all_bytes(bytes).ok()
}

fn word(bytes: &[u8]) -> u64 {
    let mut word = [0; 8];
    word.copy_from_slice(bytes);
    u64::from_le_bytes(word)
}

fn bad(reason: &str) -> Error {
    Error::guest_binary(reason)
}
