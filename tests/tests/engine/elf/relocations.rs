//! Relocations and the dynamic section: every kind, target, symbol and count may lie.
#![expect(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

use libhyperlight::{ErrorCode, Guest};
use libhyperlight_tests::elf::{Elf, dynamic, segment};
use libhyperlight_tests::script::{SHAPES, Step, file, perform, shared_file};
use libhyperlight_tests::{fails_with, uninitialized};

fn assert_runs(program: &Guest) {
    uninitialized(&perform(program, &[Step::ready(&[]), Step::ready(&[])])).evolve().unwrap();
}

#[track_caller]
fn refused(elf: &Elf, why: &str) {
    let error = fails_with(ErrorCode::GuestBinary, elf.load());
    assert!(error.message().contains(why), "{error}");
}

/// The file whose relocations are packed.
fn packed_file() -> Elf {
    Elf::new(SHAPES[3].1)
}

/// The shared file with its first relocation of that type; where it lies.
fn relocation(of_type: u32) -> usize {
    let elf = shared_file();
    [(dynamic::RELA, dynamic::RELASZ), (dynamic::JMPREL, dynamic::PLTRELSZ)]
        .into_iter()
        .flat_map(|(table, size)| {
            let len = usize::try_from(elf.u64(elf.dynamic(size) + 8)).unwrap();
            (elf.table(table)..elf.table(table) + len).step_by(dynamic::RELA_LEN)
        })
        .find(|at| elf.u32(at + dynamic::R_INFO) == of_type)
        .expect("a relocation of this type")
}

/// The symbol that a relocation of the shared file names; where it lies.
fn symbol_of(relocation: usize) -> usize {
    let index = shared_file().u32(relocation + dynamic::R_INFO + 4);
    shared_file().table(dynamic::SYMTAB) + 24 * usize::try_from(index).unwrap()
}

/// The file with that value for that tag of the dynamic section.
fn with_dynamic(elf: Elf, tag: u64, value: u64) -> Elf {
    let at = elf.dynamic(tag) + 8;
    elf.with_u64(at, value)
}

/// The file with that tag in the place of another.
fn with_tag(elf: Elf, tag: u64, instead: u64) -> Elf {
    let at = elf.dynamic(tag);
    elf.with_u64(at, instead)
}

const ABSOLUTE: u32 = 1;
const GLOB_DAT: u32 = 6;
const JUMP_SLOT: u32 = 7;
const RELATIVE: u32 = 8;

#[test]
fn the_files_have_every_kind_of_relocation_that_is_supported() {
    for kind in [ABSOLUTE, GLOB_DAT, JUMP_SLOT] {
        relocation(kind);
    }
    assert_eq!(file().u32(file().table(dynamic::RELA) + dynamic::R_INFO), RELATIVE);
    packed_file().table(dynamic::RELR);
    assert_runs(&shared_file().load().unwrap());
}

#[test]
fn a_kind_that_is_not_supported_is_refused_by_its_number() {
    let at = relocation(GLOB_DAT) + dynamic::R_INFO;
    for kind in [2, 4, 5, 9, 10, 11, 16, 17, 18, 24, 32, 33, 36, 37, 38, 42, 255, u32::MAX] {
        refused(&shared_file().with_u32(at, kind), &format!("relocation type {kind} is not supported"));
    }
    // One that does nothing is no harm.
    let spare = relocation(ABSOLUTE) + dynamic::R_INFO;
    shared_file().with_u32(spare, 0).load().unwrap();
}

#[test]
fn a_target_outside_the_initialised_segments_is_refused() {
    let why = "a relocation changes memory outside the program's initialised segments";
    let data = shared_file().load_segment_with(6);
    let start = shared_file().u64(data + segment::VADDR);
    let end = start + shared_file().u64(data + segment::FILESZ);
    let zeroed_end = start + shared_file().u64(data + segment::MEMSZ);
    let base = 0x40_0000;
    let outside = [
        end - 7,
        end,
        zeroed_end - 8,
        zeroed_end,
        1 << 30,
        1 << 47,
        1 << 63,
        u64::MAX,
        u64::MAX - base + 1 - 8,
    ];
    for at in [relocation(ABSOLUTE), relocation(GLOB_DAT), relocation(JUMP_SLOT)] {
        for target in outside {
            refused(&shared_file().with_u64(at, target), why);
        }
        shared_file().with_u64(at, end - 8).load().unwrap();
    }
    for target in outside {
        refused(&file().with_u64(file().table(dynamic::RELA), target), why);
        refused(&packed_file().with_u64(packed_file().table(dynamic::RELR), target & !1), why);
    }
}

#[test]
fn an_addend_may_be_anything() {
    // The pointer leads nowhere, and the guest faults when it follows it: not the host's business.
    let at = file().table(dynamic::RELA) + dynamic::R_ADDEND;
    for addend in [0, 1, 1 << 47, 1 << 63, u64::MAX] {
        let guest = file().with_u64(at, addend).load().unwrap();
        let _ = uninitialized(&perform(&guest, &[Step::ready(&[])])).evolve();
    }
}

#[test]
fn a_symbol_that_cannot_be_resolved_is_refused() {
    let at = relocation(GLOB_DAT) + dynamic::R_INFO + 4;
    for index in [10_000, 1 << 24, 1 << 31, u32::MAX] {
        refused(&shared_file().with_u32(at, index), "a relocation names a symbol that does not exist");
    }
    for table in [1 << 40, u64::MAX, 0x100_0000] {
        refused(&with_dynamic(shared_file(), dynamic::SYMTAB, table), "symbol table is outside");
    }
    // Name, info, section: what a symbol says of itself.
    let symbol = symbol_of(relocation(JUMP_SLOT));
    let (info, section) = (symbol + 4, symbol + 6);
    let function = 0x12;
    assert_eq!(shared_file().bytes()[info], function);
    refused(&shared_file().with_u16(section, 0), "the symbol \"ring\" is not defined");
    refused(&shared_file().with(info, &[0x1a]), "the symbol \"ring\" is resolved at run time (IFUNC)");
    refused(&shared_file().with(info, &[0x16]), "the symbol \"ring\" is thread-local");
    // A name that is none is no reason to read past the table.
    let nameless = shared_file().with_u16(section, 0);
    for name in [0, 10_000, u32::MAX] {
        refused(&nameless.clone().with_u32(symbol, name), "is not defined");
    }
    refused(&with_dynamic(nameless, dynamic::STRTAB, u64::MAX), "string table is outside");
}

#[test]
fn an_undefined_weak_symbol_is_null_and_an_absolute_one_is_not_moved() {
    // The guest asks whether the function is there before it calls it.
    assert_runs(&shared_file().load().unwrap());
    let weak = 0x20;
    let symbol = symbol_of(relocation(JUMP_SLOT));
    let guest = shared_file().with(symbol + 4, &[weak]).with_u16(symbol + 6, 0).load().unwrap();
    let error = uninitialized(&perform(&guest, &[Step::ready(&[])])).evolve().unwrap_err();
    assert_eq!(
        error.fault().map(|fault| (fault.instruction, fault.kind)),
        Some((0, libhyperlight::FaultKind::NullAccess))
    );

    let guest = shared_file().with_u16(symbol + 6, 0xfff1).with_u64(symbol + 8, 0x1234).load().unwrap();
    let error = uninitialized(&perform(&guest, &[Step::ready(&[])])).evolve().unwrap_err();
    assert_eq!(error.fault().map(|fault| fault.instruction), Some(0x1234));
}

#[test]
fn a_table_that_lies_about_its_place_or_size_is_refused() {
    for (elf, table, size) in [
        (file(), dynamic::RELA, dynamic::RELASZ),
        (shared_file(), dynamic::JMPREL, dynamic::PLTRELSZ),
        (packed_file(), dynamic::RELR, dynamic::RELRSZ),
    ] {
        for address in [1 << 40, 1 << 63, u64::MAX, 0x3f_0000] {
            refused(&with_dynamic(elf.clone(), table, address), "table is outside the file's segments");
        }
        for len in [24 << 32, 1 << 32, 1 << 63, u64::MAX, 0x10_0008] {
            refused(&with_dynamic(elf.clone(), size, len), "table is outside the file's segments");
        }
        for len in [1, 7, 15] {
            refused(&with_dynamic(elf.clone(), size, len), "table is malformed");
        }
        // Without a size there is no saying where it ends.
        refused(&with_tag(elf, size, 0x6fff_0000), "table has no size");
    }
}

#[test]
fn a_dynamic_section_that_asks_for_libraries_is_refused_by_their_names() {
    let spare = dynamic::RELASZ;
    let elf = with_dynamic(with_tag(shared_file(), spare, dynamic::NEEDED), dynamic::NEEDED, 0);
    refused(&elf, "the file needs the library \"\"; a guest stands on its own");
    let names = shared_file().table(dynamic::STRTAB);
    let name = shared_file().bytes()[names..].windows(5).position(|bytes| bytes == b"ring\0").unwrap() as u64;
    refused(&with_dynamic(elf.clone(), dynamic::NEEDED, name), "the file needs the library \"ring\"");
    for offset in [1 << 20, u64::MAX] {
        refused(&with_dynamic(elf.clone(), dynamic::NEEDED, offset), "the file needs the library");
    }
    refused(&with_tag(shared_file(), dynamic::RELA, dynamic::REL), "(DT_REL) are not used");
}

#[test]
fn a_dynamic_section_that_lies_about_its_place_is_refused() {
    let at = file().segments(segment::DYNAMIC)[0];
    for (field, value) in [
        (segment::OFFSET, 1 << 32),
        (segment::OFFSET, u64::MAX),
        (segment::FILESZ, 1 << 32),
        (segment::FILESZ, u64::MAX),
        (segment::FILESZ, 15),
        (segment::FILESZ, 17),
    ] {
        refused(&file().with_u64(at + field, value), "the dynamic section is");
    }
    // Without one, nothing is relocated, and the first pointer that is followed leads into nowhere.
    let guest = file().with_u32(at, 0).load().unwrap();
    uninitialized(&perform(&guest, &[Step::ready(&[])])).evolve().unwrap_err();
    // One without an end is as long as its segment.
    let end = file().dynamic(0);
    file().with_u64(end, 0x6fff_0000).load().unwrap();
}

#[test]
fn a_packed_table_must_start_with_an_address_and_stay_inside() {
    let at = packed_file().table(dynamic::RELR);
    for bitmap in [1, 3, u64::MAX] {
        refused(&packed_file().with_u64(at, bitmap), "starts with a bitmap");
    }
    // A bitmap reaches 63 words behind the address before it.
    refused(&packed_file().with_u64(at + 8, u64::MAX), "outside the program's initialised segments");
    let data = packed_file().u64(packed_file().load_segment_with(6) + segment::VADDR);
    packed_file().with_u64(at + 8, 0b11).with_u64(at, data).load().unwrap();
}

#[test]
fn time_grows_with_the_tables_and_no_faster() {
    // A million relocations of one place, in a segment of their own behind the file's end.
    const COUNT: u64 = 1_000_000;
    let target = file().u64(file().table(dynamic::RELA));
    let one = [target, u64::from(RELATIVE), 0].map(u64::to_le_bytes).concat();
    let table = one.repeat(usize::try_from(COUNT).unwrap());
    let at = file().bytes().len().next_multiple_of(4096);
    let address = 0x10_0000;
    let mut load = file().headers()[0];
    let (offset, len) = ((at as u64).to_le_bytes(), (table.len() as u64).to_le_bytes());
    for (field, word) in
        [(segment::OFFSET, offset), (24, [0; 8]), (segment::FILESZ, len), (segment::MEMSZ, len)]
    {
        load[field..field + 8].copy_from_slice(&word);
    }
    load[segment::VADDR..segment::VADDR + 8].copy_from_slice(&u64::to_le_bytes(address));
    let mut headers = file().headers();
    headers.push(load);
    let elf = file().append(&vec![0; at - file().bytes().len()]).append(&table).with_segments(&headers);
    let elf = with_dynamic(elf, dynamic::RELA, address);
    with_dynamic(elf, dynamic::RELASZ, table.len() as u64).load().unwrap();
}
