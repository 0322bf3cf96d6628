//! Guest files that repeat the same thing many times: time and memory are linear in the file's size.
#![expect(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

use std::path::PathBuf;
use std::time::Duration;

use libhyperlight::{ErrorCode, Guest, PayloadAccess};
use libhyperlight_tests::cost::{memory_files, peak, reset_peak, time_for, within};
use libhyperlight_tests::elf::{Elf, dynamic, header, segment};
use libhyperlight_tests::process::in_own_process;
use libhyperlight_tests::script::{SHAPES, Step, file, perform, shared_file};
use libhyperlight_tests::{fails_with, uninitialized};

const READ: u32 = 4;
const MIB: usize = 1 << 20;

/// An address at which the file has nothing loaded yet.
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

/// Confirms that it is refused for that reason, in the time for its length.
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
            // A copy of the file.
            let more = peak() - before;
            assert!(more <= elf.bytes().len() as u64 + MIB as u64, "{more} bytes for {}", elf.bytes().len());
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

/// Memory: the caller's file, and the library's copy of it. Nothing else grows with the file.
#[test]
fn tables_that_lie_over_each_other_take_no_memory_and_linear_time() {
    in_own_process(|| {
        // Everything is the same sixteen megabytes: relocations that do nothing, twice, the same as packed ones, as
        // symbols and as names.
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
        assert!(more <= elf.bytes().len() as u64 + MIB as u64, "{more} bytes for {}", elf.bytes().len());
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
        assert!(more <= elf.bytes().len() as u64 + MIB as u64, "{more} bytes for {}", elf.bytes().len());
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

/// The place of the symbol that the first relocation of the PLT names.
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
        let elf = with_loaded(file(), &vec![7; 16 * MIB]);
        let len = elf.bytes().len() as u64;
        let file = Sparse::new(&elf, len);
        drop(elf);
        let (guest, more) = grown(|| Guest::from_file(&file.0).unwrap());
        assert!(more <= len + 2 * MIB as u64, "{more} bytes for {len}");
        // Payloads are added to the same file, and cost a copy each.
        let bytes = vec![1; 16 * MIB];
        let (_more, grown) = grown(|| guest.with_payload(&bytes, PayloadAccess::Read).unwrap());
        assert!(grown <= (17 * MIB) as u64, "{grown} bytes for a payload of {}", bytes.len());
    });
}

/// Bytes of the hole in a file that has hardly a megabyte else.
const HOLE: u64 = 980 << 20;

/// The permitted cost of a file with such a hole, in memory and in processor time.
const LITTLE: u64 = 8 << 20;
const SOON: Duration = Duration::from_millis(100);

/// A file on the disk, as long as it is said to be.
struct Sparse(PathBuf);

impl Sparse {
    fn new(elf: &Elf, len: u64) -> Self {
        let path = std::env::temp_dir().join(format!("libhyperlight-costs-{}.elf", std::process::id()));
        std::fs::write(&path, elf.bytes()).unwrap();
        std::fs::File::options().write(true).open(&path).unwrap().set_len(len).unwrap();
        Self(path)
    }
}

impl Drop for Sparse {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// The result of some work, and the memory that it needed at once.
fn grown<T>(work: impl FnOnce() -> T) -> (T, u64) {
    reset_peak();
    let before = peak();
    let result = work();
    (result, peak() - before)
}

/// The file with a hole behind it that is loaded, and further entries of its dynamic section.
fn with_hole(elf: Elf, entries: &[(u64, u64)]) -> Elf {
    let elf = match entries {
        [] => elf,
        entries => with_dynamic_section(elf, entries),
    };
    let len = usize::try_from(HOLE).unwrap();
    // Behind the headers, which come last in the file.
    with_tail(elf, &[0], |at| vec![program_header(segment::LOAD, at + MIB, FREE, len, 4096)])
}

#[test]
fn holes_in_a_guest_file_cost_nothing() {
    in_own_process(|| {
        let elf = with_hole(file(), &[]);
        let file = Sparse::new(&elf, elf.bytes().len() as u64 + HOLE + MIB as u64);
        let (guest, more) = grown(|| within(SOON, "loading", || Guest::from_file(&file.0).unwrap()));
        assert!(more <= LITTLE, "{more} bytes to load it");

        // Nor do they in its images, in snapshots of it, and where guests are compared.
        let other = Guest::from_file(&file.0).unwrap();
        let ready = [Step::ready(&[])];
        let (mut sandbox, more) =
            grown(|| within(SOON, "a sandbox", || uninitialized(&perform(&guest, &ready)).evolve().unwrap()));
        assert!(more <= LITTLE, "{more} bytes to start a sandbox");
        assert!(memory_files() <= LITTLE, "{} bytes of images", memory_files());
        let saved = file.0.with_extension("snapshot");
        let (snapshot, more) = grown(|| {
            within(SOON, "a snapshot", || {
                let snapshot = sandbox.snapshot().unwrap();
                snapshot.save(&saved).unwrap();
                snapshot
            })
        });
        let len = std::fs::metadata(&saved).map(|metadata| metadata.len());
        std::fs::remove_file(&saved).unwrap();
        assert!(more <= LITTLE && len.unwrap() <= LITTLE, "{more} bytes to save a snapshot");
        let mut twin = uninitialized(&perform(&other, &ready)).evolve().unwrap();
        within(SOON, "a restore of a twin", || twin.restore(&snapshot).unwrap());

        // The same bytes in memory: what is zero is looked at, and not copied.
        let bytes = std::fs::read(&file.0).unwrap();
        let (same, more) =
            grown(|| within(time_for(bytes.len()), "bytes", || Guest::from_bytes(&bytes).unwrap()));
        assert!(more <= LITTLE, "{more} bytes to load it from memory");
        let mut same = uninitialized(&perform(&same, &ready)).evolve().unwrap();
        same.restore(&snapshot).unwrap();
        let zeros = vec![0; 64 * MIB];
        let (guest, more) = grown(|| other.with_payload(&zeros, PayloadAccess::Read).unwrap());
        assert!(more <= LITTLE, "{more} bytes for a payload of zeros");
        drop(guest);
    });
}

#[test]
fn tables_in_a_hole_of_a_guest_file_cost_nothing() {
    in_own_process(|| {
        let len = HOLE / 48 * 48;
        let rela = [
            (dynamic::RELA, FREE),
            (dynamic::RELASZ, len),
            (dynamic::JMPREL, FREE),
            (dynamic::PLTRELSZ, len),
        ];
        let names = [(dynamic::SYMTAB, FREE), (dynamic::STRTAB, FREE), (10, len), (dynamic::NEEDED, len - 1)];
        let relr = [(dynamic::RELR, FREE), (dynamic::RELRSZ, len)];
        for (entries, refused) in [
            (&rela[..], None),
            (&names, Some("the file needs the library \"\"")),
            (&relr, Some("the packed relocation table names address 0")),
        ] {
            let elf = with_hole(shared_file(), entries);
            let file = Sparse::new(&elf, elf.bytes().len() as u64 + HOLE + MIB as u64);
            let (guest, more) = grown(|| within(SOON, "loading", || Guest::from_file(&file.0)));
            assert!(more <= LITTLE, "{more} bytes to load it");
            match refused {
                Some(why) => {
                    let error = fails_with(ErrorCode::GuestBinary, guest);
                    assert!(error.message().contains(why), "{error}");
                }
                None => drop(guest.unwrap()),
            }
        }

        // Names for addresses: a table of symbols in a hole, and more sections than a header can say.
        for huge in [false, true] {
            let elf = faulting(&[], &[0], 0);
            let end = elf.bytes().len();
            let table = usize::try_from(elf.u64(40)).unwrap();
            let symbols = table + 64;
            let elf = elf.with_u64(symbols + 24, end as u64).with_u64(symbols + 32, HOLE / 24 * 24);
            let elf = match huge {
                true => elf.with_u64(40, end as u64 - 64).with_u16(60, 0).with_u64(end - 32, HOLE / 64),
                false => elf,
            };
            let file = Sparse::new(&elf, end as u64 + HOLE);
            let guest = Guest::from_file(&file.0).unwrap();
            let guest = perform(&guest, &[Step::ready(&[])]);
            let (error, more) =
                grown(|| within(SOON, "a name", || uninitialized(&guest).evolve().unwrap_err()));
            assert_eq!(error.fault().unwrap().function, None);
            assert!(more <= LITTLE, "{more} bytes to look for a name");
        }
    });
}
