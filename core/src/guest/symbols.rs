//! Names for addresses: the function in which the guest faulted.
//!
//! Symbols are read from the file when a fault is reported, never before: a program that does not fault pays nothing.
//! The file is hostile here, too; a broken symbol table gives no name. Each table is read once, from its start to the
//! first match, without its pages of zeros, and one name of it. So time is linear in the file's stored bytes.

use std::fmt::{self, Write};

use object::LittleEndian;
use object::elf::{self, FileHeader64, Sym64};
use object::read::elf::{FileHeader, SectionHeader, Sym};

use super::contents::Contents;
use crate::text::printable;

/// Longest name that is reported.
const MAX_LEN: usize = 256;

/// The function of `file` that holds the file's address `address`, demangled.
pub(crate) fn function_at(contents: &Contents, address: u64) -> Option<String> {
    let file = contents.as_slice();
    let header = FileHeader64::<LittleEndian>::parse(file).ok()?;
    // A number that does not fit there is stored elsewhere, without a bound. Linked programs have no such number of
    // sections.
    if header.e_shnum(LittleEndian) == 0 {
        return None;
    }
    let sections = header.sections(LittleEndian, file).ok()?;
    [elf::SHT_SYMTAB, elf::SHT_DYNSYM].into_iter().find_map(|kind| {
        let symbols = sections.symbols(LittleEndian, file, kind).ok()?;
        let (start, len) = sections.section(symbols.section()).ok()?.file_range(LittleEndian)?;
        let symbol = contents
            .records::<Sym64<LittleEndian>>(start..start.checked_add(len)?)?
            .filter(|symbol| symbol.st_type() == elf::STT_FUNC && !symbol.is_undefined(LittleEndian))
            .find(|symbol| {
                address
                    .checked_sub(symbol.st_value(LittleEndian))
                    .is_some_and(|offset| offset < symbol.st_size(LittleEndian))
            })?;
        let name = symbols.symbol_name(LittleEndian, symbol).ok()?;
        let name = String::from_utf8_lossy(name.get(..MAX_LEN.min(name.len()))?).into_owned();
        // A short mangled name can stand for a million characters.
        let mut demangled = Start(String::new());
        let _ = write!(demangled, "{:#}", rustc_demangle::demangle(&name));
        let name = printable(&demangled.0, MAX_LEN);
        (!name.is_empty()).then_some(name)
    })
}

/// A writer that keeps the beginning: a little more than is reported, so that the cut shows. Then it fails.
struct Start(String);

impl Write for Start {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.push_str(text);
        if self.0.len() > MAX_LEN { Err(fmt::Error) } else { Ok(()) }
    }
}
