//! Ranges of an object that are known to be code: those of its unwind tables and of its function symbols.
//!
//! Only from the start of such a range is it known where instructions start. Unwind tables are read record by record,
//! and each record once. The tables of strangers may say anything; what they say is checked by whoever decodes.

use std::collections::HashMap;
use std::ops::Range;

use object::LittleEndian;
use object::elf::{self, FileHeader64};
use object::read::elf::{FileHeader, SectionHeader, Sym};

use crate::elf::Elf;

/// Lists the ranges, sorted by their starts. Addresses are the file's.
pub(crate) fn of(object: &Elf, file: &[u8]) -> Vec<Range<u64>> {
    let mut ranges = frames(object, file).unwrap_or_default();
    ranges.extend(functions(file).unwrap_or_default());
    // Of those with the same start, the longest first.
    ranges.sort_unstable_by_key(|range| (range.start, std::cmp::Reverse(range.end)));
    ranges
}

/// The ranges of function symbols with a size.
fn functions(file: &[u8]) -> Option<Vec<Range<u64>>> {
    let header = FileHeader64::<LittleEndian>::parse(file).ok()?;
    let sections = header.sections(LittleEndian, file).ok()?;
    let mut ranges = Vec::new();
    for kind in [elf::SHT_SYMTAB, elf::SHT_DYNSYM] {
        let Some(section) = sections.iter().find(|section| section.sh_type(LittleEndian) == kind) else {
            continue;
        };
        let Ok(symbols) = section.data_as_array::<elf::Sym64<LittleEndian>, _>(LittleEndian, file) else {
            continue;
        };
        for symbol in symbols {
            let (value, size) = (symbol.st_value(LittleEndian), symbol.st_size(LittleEndian));
            if symbol.st_type() == elf::STT_FUNC && value != 0 && size != 0 {
                ranges.extend(value.checked_add(size).map(|end| value..end));
            }
        }
    }
    Some(ranges)
}

/// The ranges of `.eh_frame`, which `.eh_frame_hdr` leads to.
fn frames(object: &Elf, file: &[u8]) -> Option<Vec<Range<u64>>> {
    let at = object.unwind?;
    let mut header = Reader { address: at, bytes: object.bytes_at(file, at)? };
    let (version, encoding) = (header.byte()?, header.byte()?);
    header.skip(2)?;
    if version != 1 {
        return None;
    }
    let start = header.pointer(encoding)?;
    let mut records = Reader { address: start, bytes: object.bytes_at(file, start)? };
    let mut ranges = Vec::new();
    // The encoding of pointers, by the place of the common record that states it.
    let mut encodings = HashMap::new();
    while let Some(len @ 1..) = records.half() {
        if len == u32::MAX {
            // A record of over 4 GiB.
            break;
        }
        let place = records.address;
        let Some(mut record) = records.take(u64::from(len)) else {
            break;
        };
        let Some(common) = record.half() else {
            break;
        };
        if common == 0 {
            if let Some(encoding) = pointer_encoding(&mut record) {
                encodings.insert(place, encoding);
            }
            continue;
        }
        // A common record stands before those that use it. The place of its length is what the offset leads to.
        let Some(encoding) = place
            .checked_sub(u64::from(common))
            .and_then(|place| place.checked_add(4))
            .and_then(|place| encodings.get(&place))
        else {
            continue;
        };
        let range = record.pointer(*encoding).zip(record.pointer(*encoding & 0x0f));
        if let Some((start, size)) = range {
            ranges.extend(start.checked_add(size).filter(|_| size != 0).map(|end| start..end));
        }
    }
    Some(ranges)
}

/// The encoding of pointers of the records that belong to a common record (`DW_EH_PE`).
fn pointer_encoding(record: &mut Reader<'_>) -> Option<u8> {
    /// Absolute, of the size of an address.
    const ABSOLUTE: u8 = 0;
    /// Letters of an augmentation that compilers write.
    const MAX_LETTERS: usize = 8;
    if record.byte()? != 1 {
        return None;
    }
    let mut letters = Vec::new();
    loop {
        match record.byte()? {
            0 => break,
            letter if letters.len() < MAX_LETTERS => letters.push(letter),
            _ => return None,
        }
    }
    let Some((b'z', letters)) = letters.split_first() else {
        return letters.is_empty().then_some(ABSOLUTE);
    };
    // Alignment of code and of data, the register of the return address, the size of what follows.
    for _ in 0..4 {
        record.leb128()?;
    }
    for letter in letters {
        match letter {
            b'R' => return record.byte(),
            b'L' => record.skip(1)?,
            b'P' => {
                let encoding = record.byte()?;
                record.pointer(encoding)?;
            }
            b'S' | b'B' => {}
            _ => return None,
        }
    }
    Some(ABSOLUTE)
}

/// Bytes with the address that they have in memory.
#[derive(Clone, Copy)]
struct Reader<'f> {
    address: u64,
    bytes: &'f [u8],
}

impl<'f> Reader<'f> {
    fn take(&mut self, len: u64) -> Option<Self> {
        let (taken, rest) = self.bytes.split_at_checked(usize::try_from(len).ok()?)?;
        let before = Self { address: self.address, bytes: taken };
        (self.address, self.bytes) = (self.address.wrapping_add(len), rest);
        Some(before)
    }

    fn skip(&mut self, len: u64) -> Option<()> {
        self.take(len).map(|_| ())
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N as u64)?.bytes.first_chunk().copied()
    }

    fn byte(&mut self) -> Option<u8> {
        self.array().map(|[byte]| byte)
    }

    fn half(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    /// Skips a number of variable length.
    fn leb128(&mut self) -> Option<()> {
        while self.byte()? & 0x80 != 0 {}
        Some(())
    }

    /// A pointer in one of the forms that linkers write for x86-64.
    fn pointer(&mut self, encoding: u8) -> Option<u64> {
        let place = self.address;
        let value = match encoding & 0x0f {
            0x00 | 0x04 | 0x0c => self.array().map(u64::from_le_bytes)?,
            0x02 => self.array().map(u16::from_le_bytes)?.into(),
            0x03 => self.half()?.into(),
            0x0a => i64::from(self.array().map(i16::from_le_bytes)?).cast_unsigned(),
            0x0b => i64::from(self.array().map(i32::from_le_bytes)?).cast_unsigned(),
            _ => return None,
        };
        match encoding & 0x70 {
            0x00 => Some(value),
            // Relative to its own place.
            0x10 => Some(place.wrapping_add(value)),
            // Relative to something that is not known here; the value itself is of no use, but has been read.
            _ => Some(0),
        }
    }
}
