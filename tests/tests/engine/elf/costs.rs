//! Guest files that say the same thing many times over: time and memory grow with the file, and no faster.
#![expect(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

use std::time::Duration;

use libhyperlight::{ErrorCode, Guest};
use libhyperlight_tests::cost::{peak, reset_peak, time_for, within};
use libhyperlight_tests::elf::{Elf, dynamic, header, segment};
use libhyperlight_tests::process::in_own_process;
use libhyperlight_tests::script::{SHAPES, Step, file, perform, shared_file};
use libhyperlight_tests::{fails_with, uninitialized};

const READ: u32 = 4;
const MIB: usize = 1 << 20;

/// Where the file has nothing loaded yet.
const FREE: u64 = 0x10_0000;

fn program_header(of_type: u32, offset: usize, address: u64, len: usize, align: u64) -> [u8; segment::LEN] {
    let words = [offset as u64, address, address, len as u64, len as u64, align];
    let mut header = [0; segment::LEN];
    header[..4].copy_from_slice(&of_type.to_le_bytes());
    header[4..8].copy_from_slice(&READ.to_le_bytes());
    for (place, word) in header[8..].chunks_exact_mut(8).zip(words) {
        place.copy_from_slice(&word.to_le_bytes());
    }
    header
}

/// A file with other bytes behind its end, and program headers that are told where those are.
fn with_tail(elf: Elf, tail: &[u8], more: impl Fn(usize) -> Vec<[u8; segment::LEN]>) -> Elf {
    let at = elf.bytes().len().next_multiple_of(4096);
    let mut headers = elf.headers();
    headers.extend(more(at));
    let padding = vec![0; at - elf.bytes().len()];
    elf.append(&padding).append(tail).with_segments(&headers)
}

/// A file with those bytes loaded behind everything else.
fn with_loaded(elf: Elf, bytes: &[u8]) -> Elf {
    with_tail(elf, bytes, |at| vec![program_header(segment::LOAD, at, FREE, bytes.len(), 4096)])
}

/// The file with a dynamic section of its own, in its tail.
fn with_dynamic_section(elf: Elf, entries: &[(u64, u64)]) -> Elf {
    let bytes: Vec<u8> =
        entries.iter().flat_map(|(tag, value)| [*tag, *value].map(u64::to_le_bytes)).flatten().collect();
    let of = elf.segments(segment::DYNAMIC)[0];
    let at = elf.bytes().len().next_multiple_of(16);
    let padding = vec![0; at - elf.bytes().len()];
    let len = bytes.len() as u64;
    elf.with_u64(of + segment::OFFSET, at as u64)
        .with_u64(of + segment::FILESZ, len)
        .append(&padding)
        .append(&bytes)
}

/// That it is refused for that reason, in the time for its length.
#[track_caller]
fn refused(elf: &Elf, why: &str) {
    let limit = time_for(elf.bytes().len());
    let error = within(limit, why, || fails_with(ErrorCode::GuestBinary, elf.load()));
    assert!(error.message().contains(why), "{error}");
}

/// A note without name and contents.
const EMPTY_NOTE: [u8; 12] = [0; 12];

/// `elf_notes.py`: `headers` note headers that all point at the same `notes` notes.
fn notes(headers: usize, notes: usize) -> Elf {
    let start = header::LEN + headers * segment::LEN;
    let one = program_header(segment::NOTE, start, 0, EMPTY_NOTE.len() * notes, 4);
    Elf::new(&file().bytes()[..header::LEN])
        .with_u64(header::PHOFF, header::LEN as u64)
        .with_u16(header::PHNUM, u16::try_from(headers).unwrap())
        .append(&one.repeat(headers))
        .append(&EMPTY_NOTE.repeat(notes))
}

#[test]
fn notes_by_headers_are_refused_at_once() {
    in_own_process(|| {
        for (headers, count, why) in [
            (60_000, 300_000, "it has 60000 program headers; a file has at most 256"),
            (0xfffe, 10_000, "it has 65534 program headers; a file has at most 256"),
            (0xffff, 300_000, "it has 65535 program headers; a file has at most 256"),
            (257, 300_000, "it has 257 program headers; a file has at most 256"),
            (256, 300_000, "a file has at most 8 note segments"),
            (9, 1, "a file has at most 8 note segments"),
            (8, 300_000, "a file's note segments have at most 65536 bytes together, found 28800000"),
            (8, 683, "a file's note segments have at most 65536 bytes together, found 65568"),
            // As many as there may be, of which none is the guest's.
            (8, 682, "the file has no guest ABI note"),
        ] {
            let elf = notes(headers, count);
            reset_peak();
            let before = peak();
            let error =
                within(Duration::from_millis(100), why, || fails_with(ErrorCode::GuestBinary, elf.load()));
            assert!(error.message().contains(why), "{error}");
            // The copy of the file is one of the two.
            let more = peak() - before;
            assert!(
                more <= 2 * elf.bytes().len() as u64 + MIB as u64,
                "{more} bytes for {}",
                elf.bytes().len()
            );
        }
    });
}

#[test]
fn lengths_of_notes_that_wrap_around_are_no_small_sum() {
    let mut headers = file().headers();
    headers.extend([1 << 63; 2].map(|len| program_header(segment::NOTE, 64, 0, len, 4)));
    refused(&file().with_segments(&headers), "bytes together, found 18446744073709551615");
}

#[test]
fn real_programs_are_far_from_every_bound() {
    for (shape, bytes) in SHAPES {
        let elf = Elf::new(bytes);
        assert!(elf.headers().len() <= 16 && elf.segments(segment::NOTE).len() <= 2, "{shape}");
    }
}

/// Memory: the caller's file, the library's copy of it, and the program. Nothing else grows with the file.
#[test]
fn tables_that_lie_over_each_other_take_no_memory_and_linear_time() {
    in_own_process(|| {
        // Everything is the same sixteen megabytes: relocations that do nothing, twice, the same as packed ones, as symbols and
        // as names.
        let table = vec![0; 16 * MIB / 48 * 48];
        let len = table.len() as u64;
        let elf = with_dynamic_section(
            with_loaded(shared_file(), &table),
            &[
                (dynamic::RELA, FREE),
                (dynamic::RELASZ, len),
                (dynamic::JMPREL, FREE),
                (dynamic::PLTRELSZ, len),
                (dynamic::SYMTAB, FREE),
                (dynamic::STRTAB, FREE),
                (10, len),
            ],
        );
        reset_peak();
        let before = peak();
        let guest = within(time_for(elf.bytes().len()), "overlapping tables", || elf.load().unwrap());
        let more = peak() - before;
        assert!(more <= 2 * elf.bytes().len() as u64 + MIB as u64, "{more} bytes for {}", elf.bytes().len());
        drop(guest);

        // One segment's bytes in many segments would be as much memory for each of them.
        let bytes = vec![0; 4 * MIB];
        let elf = with_tail(file(), &bytes, |at| {
            (0..50)
                .map(|n| program_header(segment::LOAD, at, FREE + n * (4 << 20), bytes.len(), 4096))
                .collect()
        });
        reset_peak();
        let before = peak();
        refused(&elf, "it has more bytes than the file: segments share some of them");
        let more = peak() - before;
        assert!(more <= 2 * elf.bytes().len() as u64 + MIB as u64, "{more} bytes for {}", elf.bytes().len());
    });
}

#[test]
fn names_are_read_once_and_not_to_their_ends() {
    // Each relocation names an undefined weak symbol, whose name is megabytes without an end; the last one is not weak.
    const COUNT: usize = 100_000;
    const SYMBOLS: usize = 24 * COUNT;
    let target = shared_file().u64(shared_file().load_segment_with(6) + segment::VADDR);
    let weak = [0, 0x20, 0, 0, 0, 0].map(u32::to_le_bytes).concat();
    let mut table = weak.repeat(COUNT);
    let strong = 24 * (COUNT - 1) + 4;
    table[strong..strong + 4].copy_from_slice(&0x10_u32.to_le_bytes());
    for index in 0..COUNT as u64 {
        table.extend([target, index << 32 | 1, 0].map(u64::to_le_bytes).concat());
    }
    table.extend(vec![b'A'; 4 * MIB]);
    let elf = with_dynamic_section(
        with_loaded(shared_file(), &table),
        &[
            (dynamic::RELA, FREE + SYMBOLS as u64),
            (dynamic::RELASZ, SYMBOLS as u64),
            (dynamic::SYMTAB, FREE),
            (dynamic::STRTAB, FREE + 2 * SYMBOLS as u64),
            (10, 4 << 20),
        ],
    );
    refused(&elf, &format!("the symbol \"{}\" is not defined", "A".repeat(256)));
    // So does a library that the file needs.
    let elf = with_dynamic_section(
        elf,
        &[(dynamic::NEEDED, 0), (dynamic::STRTAB, FREE + 2 * SYMBOLS as u64), (10, 4 << 20)],
    );
    refused(&elf, &format!("the file needs the library \"{}\"", "A".repeat(256)));
}

#[test]
fn packed_relocations_of_one_place_take_linear_time() {
    // An address, then a bitmap of all the 63 words behind it, again and again.
    const SPACE: usize = 1024;
    let mut table = vec![0; SPACE];
    for _ in 0..2 * MIB / 16 {
        table.extend([FREE, u64::MAX].map(u64::to_le_bytes).concat());
    }
    let len = (table.len() - SPACE) as u64;
    let elf = with_dynamic_section(
        with_loaded(shared_file(), &table),
        &[(dynamic::RELR, FREE + SPACE as u64), (dynamic::RELRSZ, len)],
    );
    within(time_for(elf.bytes().len()), "packed relocations", || elf.load().unwrap());
}

#[test]
fn a_dynamic_section_as_long_as_the_file_takes_linear_time() {
    let entries = vec![(0x6fff_0000, 0); 8 * MIB / 16];
    let elf = with_dynamic_section(file(), &entries);
    within(time_for(elf.bytes().len()), "a long dynamic section", || elf.load().unwrap());
}

/// Section headers: name, type, flags, address, offset, size, link, info, alignment, size of an entry.
fn section(of_type: u32, offset: usize, len: usize, link: u32) -> [u8; 64] {
    let mut header = [0; 64];
    header[4..8].copy_from_slice(&of_type.to_le_bytes());
    header[24..32].copy_from_slice(&(offset as u64).to_le_bytes());
    header[32..40].copy_from_slice(&(len as u64).to_le_bytes());
    header[40..44].copy_from_slice(&link.to_le_bytes());
    header
}

/// The guest jumps to 0 when it starts, where `symbols` say that a function is.
fn faulting(symbols: &[u8], strings: &[u8], sections: usize) -> Elf {
    const SYMTAB: u32 = 2;
    const STRTAB: u32 = 3;
    const SYMTAB_SHNDX: u32 = 18;
    const UNDEFINED_WEAK: u8 = 0x20;
    // The guest asks for an address by a relocation, and calls it: a weak symbol that is not defined is at 0.
    let elf = shared_file();
    let symbol = called(&elf);
    let elf = elf.with(symbol + 4, &[UNDEFINED_WEAK]).with_u16(symbol + 6, 0);
    let at = elf.bytes().len().next_multiple_of(8);
    let padding = vec![0; at - elf.bytes().len()];
    let table = at + symbols.len() + strings.len();
    let padding_of_table = vec![0; table.next_multiple_of(8) - table];
    let mut headers = vec![
        section(0, 0, 0, 0),
        section(SYMTAB, at, symbols.len(), 2),
        section(STRTAB, at + symbols.len(), strings.len(), 0),
    ];
    // Others that are looked at for each of the symbol tables, all with the same contents.
    headers.extend(vec![section(SYMTAB_SHNDX, at, symbols.len(), 1); sections]);
    let count = u16::try_from(headers.len()).unwrap();
    elf.append(&padding)
        .append(symbols)
        .append(strings)
        .append(&padding_of_table)
        .append(&headers.concat())
        .with_u64(40, table.next_multiple_of(8) as u64)
        .with_u16(58, 64)
        .with_u16(60, count)
        .with_u16(62, 2)
}

/// Where the symbol lies that the first relocation of the PLT names.
fn called(elf: &Elf) -> usize {
    let index = elf.u32(elf.table(dynamic::JMPREL) + dynamic::R_INFO + 4);
    elf.table(dynamic::SYMTAB) + 24 * usize::try_from(index).unwrap()
}

/// A function of four bytes at that address of the file.
fn symbol(name: u32, address: u64) -> [u8; 24] {
    let mut symbol = [0; 24];
    symbol[..4].copy_from_slice(&name.to_le_bytes());
    symbol[4] = 0x12;
    symbol[6..8].copy_from_slice(&1_u16.to_le_bytes());
    symbol[8..16].copy_from_slice(&address.to_le_bytes());
    symbol[16..].copy_from_slice(&4_u64.to_le_bytes());
    symbol
}

#[test]
fn the_name_of_a_function_is_found_in_linear_time() {
    // What is at 0 in memory is below the place where the file's addresses begin.
    let here = 0_u64.wrapping_sub(0x40_0000);
    let mut symbols = symbol(0, 8).repeat(200_000);
    symbols.extend(symbol(0, here));
    // Names, each of which stands for all that is before it twice: see the v0 mangling of Rust, *back references*.
    let mut bomb = b"_RINvC1a1b".to_vec();
    let mut last = None;
    while bomb.len() < 240 {
        let start = bomb.len() - 2;
        match last {
            None => bomb.extend(b"TssE"),
            Some(at) => bomb.extend(format!("TB{0}_B{0}_E", base_62(at)).bytes()),
        }
        last = Some(start);
    }
    bomb.extend(b"E\0");
    for (strings, expected) in [
        (vec![b'A'; 2 * MIB], None),
        ([vec![b'A'; MIB], vec![0]].concat(), Some("A".repeat(256))),
        (b"_ZN4here2isE\0".to_vec(), Some("here::is".to_owned())),
        (bomb, Some("a::b::<(i16, i16)".to_owned())),
    ] {
        let elf = faulting(&symbols, &strings, 60_000);
        let guest = elf.load().unwrap();
        let error = within(time_for(elf.bytes().len()), "a function's name", || {
            uninitialized(&perform(&guest, &[Step::ready(&[])])).evolve().unwrap_err()
        });
        let fault = error.fault().unwrap();
        assert_eq!(fault.instruction, 0);
        match (&fault.function, expected) {
            (Some(found), Some(expected)) => assert!(found.starts_with(&expected), "{found}"),
            (found, expected) => assert_eq!(found, &expected),
        }
        assert!(fault.function.as_ref().is_none_or(|name| name.len() <= 260), "{fault:?}");
    }
}

/// A number of the v0 mangling: `_` for 0 is left to the caller.
fn base_62(number: usize) -> String {
    const DIGITS: &[u8] = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    let mut number = number - 1;
    let mut digits = Vec::new();
    loop {
        digits.insert(0, DIGITS[number % 62]);
        number /= 62;
        if number == 0 {
            return String::from_utf8(digits).unwrap();
        }
    }
}

#[test]
fn a_guest_file_is_read_into_as_much_memory_as_it_has() {
    in_own_process(|| {
        let elf = with_loaded(file(), &vec![0; 16 * MIB]);
        let path = std::env::temp_dir().join(format!("libhyperlight-costs-{}.elf", std::process::id()));
        std::fs::write(&path, elf.bytes()).unwrap();
        let len = elf.bytes().len() as u64;
        drop(elf);
        reset_peak();
        let before = peak();
        let guest = Guest::from_file(&path);
        std::fs::remove_file(&path).unwrap();
        guest.unwrap();
        let more = peak() - before;
        assert!(more <= 2 * len + MIB as u64, "{more} bytes for {len}");
    });
}
