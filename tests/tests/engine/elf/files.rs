//! Whole ELF files: every way to link a guest, every header field that may lie, and files that end too early.
#![expect(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

use libhyperlight::{ErrorCode, Guest};
use libhyperlight_tests::elf::{Elf, header, segment};
use libhyperlight_tests::script::{SHAPES, Step, file, perform};
use libhyperlight_tests::{fails_with, uninitialized};

fn assert_runs(program: &Guest) {
    uninitialized(&perform(program, &[Step::ready(&[]), Step::ready(&[])])).evolve().unwrap();
}

#[track_caller]
fn refused(elf: &Elf, why: &str) {
    let error = fails_with(ErrorCode::GuestBinary, elf.load());
    assert!(error.message().contains(why), "{error}");
}

#[test]
fn a_guest_linked_in_any_way_runs() {
    for (shape, bytes) in SHAPES {
        let guest = Guest::from_bytes(bytes).unwrap_or_else(|error| panic!("{shape}: {error}"));
        assert_runs(&guest);
    }
}

#[test]
fn every_prefix_of_a_file_is_refused_unless_only_symbols_are_missing() {
    for (shape, bytes) in SHAPES {
        let elf = Elf::new(bytes);
        let ends = [segment::LOAD, segment::DYNAMIC, segment::NOTE]
            .into_iter()
            .flat_map(|of_type| elf.segments(of_type))
            .map(|at| elf.u64(at + segment::OFFSET) + elf.u64(at + segment::FILESZ));
        let needed = usize::try_from(ends.max().unwrap()).unwrap();
        for len in 0..needed {
            fails_with(ErrorCode::GuestBinary, Guest::from_bytes(&bytes[..len]));
        }
        for len in needed..=bytes.len() {
            let guest =
                Guest::from_bytes(&bytes[..len]).unwrap_or_else(|error| panic!("{shape}, {len}: {error}"));
            // A virtual machine for each of them would show the same thousands of times.
            if len == needed || len % 1000 == 0 || len == bytes.len() {
                assert_runs(&guest);
            }
        }
        assert_runs(&elf.append(&[0xff; 5000]).load().unwrap());
    }
}

#[test]
fn files_of_other_machines_and_kinds_are_refused_with_the_reason() {
    for (at, value, why) in [
        (header::CLASS, 1, "it is a 32-bit file; expected 64-bit"),
        (header::CLASS, 0, "its class or byte order is unknown"),
        (header::CLASS, 3, "its class or byte order is unknown"),
        (header::DATA, 2, "it is big-endian; expected little-endian"),
        (header::DATA, 0, "its class or byte order is unknown"),
        (header::DATA, 3, "its class or byte order is unknown"),
        (header::VERSION, 0, "not a loadable ELF file"),
        (header::VERSION, 2, "not a loadable ELF file"),
    ] {
        refused(&file().with(at, &[value]), why);
    }
    for (machine, number) in [("AArch64", 183_u16), ("x86", 3), ("RISC-V", 243), ("none", 0), ("?", 65_535)] {
        let why = format!("it is for machine {number}; expected x86-64 (62)");
        refused(&file().with_u16(header::MACHINE, number), &why);
        assert!(!machine.is_empty());
    }
    refused(&file().with_u16(header::TYPE, 1), "it is an object file; link it first");
    for kind in [0, 4, 5, 0xfe00, 0xffff] {
        refused(&file().with_u16(header::TYPE, kind), "expected an executable or a shared object");
    }
}

#[test]
fn a_header_table_that_lies_is_refused() {
    let len = file().bytes().len() as u64;
    // Too few to hold what is needed; more than the file has bytes for; the number that stands for another place.
    for count in [0, 1, 2, 1000, 0xfffe, 0xffff] {
        fails_with(ErrorCode::GuestBinary, file().with_u16(header::PHNUM, count).load());
    }
    for size in [0, 1, 32, 55, 57, 112, 0xffff] {
        fails_with(ErrorCode::GuestBinary, file().with_u16(header::PHENTSIZE, size).load());
    }
    for offset in [0, 1, 9, 63, len - 56, len - 1, len, len + 1, 1 << 32, 1 << 63, u64::MAX - 55, u64::MAX] {
        fails_with(ErrorCode::GuestBinary, file().with_u64(header::PHOFF, offset).load());
    }
}

#[test]
fn an_entry_point_outside_the_code_is_refused() {
    let code = file().load_segment_with(5);
    let (start, size) = (file().u64(code + segment::VADDR), file().u64(code + segment::MEMSZ));
    refused(&file().with_u64(header::ENTRY, 0), "no entry point");
    let data = file().u64(file().load_segment_with(6) + segment::VADDR);
    for entry in
        [1, start - 1, start + size, data, 0x4000_0000, 1 << 47, 1 << 63, u64::MAX, u64::MAX - 0x40_0000]
    {
        refused(&file().with_u64(header::ENTRY, entry), "the entry point is not in an executable segment");
    }
    // Its last byte is inside, whatever the guest makes of that.
    let guest = file().with_u64(header::ENTRY, start + size - 1).load().unwrap();
    uninitialized(&guest).evolve().unwrap_err();
}

#[test]
fn what_needs_a_loader_is_refused() {
    // A header that loads nothing, turned into one that asks for something.
    let spare = file().segments(segment::GNU_STACK)[0];
    refused(&file().with_u32(spare, segment::INTERP), "asks for a dynamic loader (PT_INTERP)");
    assert_runs(&file().with_u32(spare, segment::TLS).load().unwrap());
    for size in [1, 8, 1 << 40, u64::MAX] {
        let tls = file().with_u32(spare, segment::TLS).with_u64(spare + segment::MEMSZ, size);
        refused(&tls, "thread-local variables (PT_TLS)");
    }
}

#[test]
fn what_loaders_ignore_is_ignored() {
    let spare = file().segments(segment::GNU_STACK)[0];
    for kind in [0, 5, 6, 0x6474_e550, 0x6474_e552, 0x6474_e553, 0x7000_0000, u32::MAX] {
        let odd = file().with_u32(spare, kind).with(spare + 4, &[0xff; segment::LEN - 4]);
        assert_runs(&odd.load().unwrap());
    }
    // Section headers are for other tools.
    let sections = 40;
    assert_runs(&file().with_u64(sections, u64::MAX).load().unwrap());
    assert_runs(&file().with(58, &[0xff; 6]).load().unwrap());
}
