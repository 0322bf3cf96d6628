//! Names for addresses: which function was the guest in when it faulted?
//!
//! Read from the file when a fault is reported, never before: a program that does not fault pays nothing. The file
//! is hostile here too; a broken symbol table gives no name. Each table is read once, from its start to the first match, and
//! one name of it, so that time is linear in the file.

use std::fmt::{self, Write};

use object::LittleEndian;
use object::elf::{self, FileHeader64};
use object::read::elf::{FileHeader, Sym};

use crate::text::printable;

/// Longest name that is reported.
const MAX_LEN: usize = 256;

/// The function of `file` that holds the file's address `address`, demangled.
pub(crate) fn function_at(file: &[u8], address: u64) -> Option<String> {
    let header = FileHeader64::<LittleEndian>::parse(file).ok()?;
    let sections = header.sections(LittleEndian, file).ok()?;
    [elf::SHT_SYMTAB, elf::SHT_DYNSYM].into_iter().find_map(|kind| {
        let symbols = sections.symbols(LittleEndian, file, kind).ok()?;
        let symbol = symbols
            .iter()
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

/// The beginning of what is written to it: a little more than is reported, so that the cut shows. Then it fails.
struct Start(String);

impl Write for Start {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.push_str(text);
        if self.0.len() > MAX_LEN { Err(fmt::Error) } else { Ok(()) }
    }
}
