//! Segments: every number in their headers may lie.
#![expect(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

use libhyperlight::{ErrorCode, Guest};
use libhyperlight_tests::elf::{Elf, header, segment};
use libhyperlight_tests::process::in_own_process;
use libhyperlight_tests::script::{SHAPES, Step, file, perform};
use libhyperlight_tests::{ENGINE, fails_with, uninitialized};

const READ: u32 = 4;
const READ_EXECUTE: u32 = 5;
const READ_WRITE: u32 = 6;

fn assert_runs(program: &Guest) {
    uninitialized(&perform(program, &[Step::ready(&[])])).evolve().unwrap();
}

#[track_caller]
fn refused(elf: &Elf, why: &str) {
    let error = fails_with(ErrorCode::GuestBinary, elf.load());
    assert!(error.message().starts_with("segment ") && error.message().contains(why), "{error}");
}

/// The file with that number in the header of its data segment.
fn data(field: usize, number: u64) -> Elf {
    let at = file().load_segment_with(READ_WRITE);
    file().with_u64(at + field, number)
}

/// The program header of a loadable segment.
fn load(flags: u32, offset: u64, address: u64, file_size: u64, size: u64, align: u64) -> [u8; segment::LEN] {
    let words = [offset, address, address, file_size, size, align];
    let mut header = [0; segment::LEN];
    header[..4].copy_from_slice(&segment::LOAD.to_le_bytes());
    header[4..8].copy_from_slice(&flags.to_le_bytes());
    for (place, word) in header[8..].chunks_exact_mut(8).zip(words) {
        place.copy_from_slice(&word.to_le_bytes());
    }
    header
}

#[test]
fn a_segment_that_reaches_past_the_file_is_refused() {
    let len = file().bytes().len() as u64;
    let at = file().load_segment_with(READ_WRITE);
    let (offset, size) = (file().u64(at + segment::OFFSET), file().u64(at + segment::MEMSZ));
    for file_size in [len - offset + 1, len, 1 << 20] {
        let elf = data(segment::FILESZ, file_size).with_u64(at + segment::MEMSZ, file_size.max(size));
        refused(&elf, "it reaches past the end of the file");
    }
    // Offsets that agree with the address about the alignment, and wrap around or lie far away.
    let low = offset % 4096;
    for offset in [low + (len / 4096 + 1) * 4096, low + (1 << 32), low + (1 << 63), low.wrapping_sub(4096)] {
        refused(&data(segment::OFFSET, offset), "it reaches past the end of the file");
    }
}

#[test]
fn a_segment_that_wraps_around_or_is_huge_by_declaration_is_refused_without_making_room_for_it() {
    in_own_process(|| {
        fn peak() -> u64 {
            let status = std::fs::read_to_string("/proc/self/status").unwrap();
            let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
            line.split_whitespace().nth(1).unwrap().parse().unwrap()
        }

        // What the loader itself needs, it has needed.
        refused(&data(segment::MEMSZ, 1 << 40), "is outside 0x10000 to 0x40000000");
        let before = peak();
        for shift in 30..64 {
            refused(&data(segment::MEMSZ, 1 << shift), "");
        }
        for size in [u64::MAX, u64::MAX - 4095, u64::MAX - 0x40_3ec7, 0x4000_0000] {
            refused(&data(segment::MEMSZ, size), "");
        }
        assert!(peak() - before < 1024, "{} KiB more", peak() - before);
    });
}

#[test]
fn a_segment_outside_the_programs_window_is_refused() {
    let at = file().load_segment_with(READ_WRITE);
    let low = file().u64(at + segment::VADDR) % 4096;
    // Addresses of relocatable files are added to a base of 4 MiB.
    let base = 0x40_0000;
    for address in [
        // Behind the window; the stack, the engine, the heap, payloads; no address at all.
        0x4000_0000 - base + low,
        0x1_0000_0000 + low,
        ENGINE + low,
        0x1_0100_0000 + low,
        0x8_0000_0000 + low,
        0x7fff_ffff_f000 + low,
        0x8000_0000_0000 + low,
        0xffff_8000_0000_0000 + low,
    ] {
        refused(&data(segment::VADDR, address), "is outside 0x10000 to 0x40000000 where programs are placed");
    }
    // Null pointers, once the base has been added.
    for address in [low.wrapping_sub(base), low.wrapping_sub(base) + 0xf000, low.wrapping_sub(4096)] {
        refused(&data(segment::VADDR, address), "its address wraps around");
    }

    // The same of a file that is not relocatable.
    let fixed = Elf::new(SHAPES[1].1);
    let first = fixed.load_segment(0);
    for address in [0, 0x1000, 0xf000, 0x4000_0000, 0xffff_ffff_ffff_f000] {
        refused(&fixed.clone().with_u64(first + segment::VADDR, address), "");
    }
    assert_runs(&fixed.with_u64(first + segment::VADDR, 0x1_0000).load().unwrap());
}

#[test]
fn a_large_zeroed_segment_costs_nothing() {
    let guest = data(segment::MEMSZ, 900 << 20).load().unwrap();
    assert_runs(&guest);
}

#[test]
fn more_in_the_file_than_in_memory_is_refused() {
    let size = file().u64(file().load_segment_with(READ_WRITE) + segment::FILESZ);
    for memory in [0, 1, size - 1] {
        refused(&data(segment::MEMSZ, memory), "it is larger in the file than in memory");
    }
}

#[test]
fn an_impossible_alignment_is_refused() {
    for align in [0, 1, 2, 3, 8, 2048, 4095, 4097, 12_288, 1 << 31, 1 << 32, 1 << 63, u64::MAX] {
        refused(&data(segment::ALIGN, align), "expected a power of two from 4096 to 1 GiB");
    }
    let at = file().load_segment_with(READ_WRITE);
    let address = file().u64(at + segment::VADDR);
    refused(&data(segment::VADDR, address + 8), "disagree about its alignment");
    refused(&data(segment::ALIGN, 0x2000), "disagree about its alignment");
    // The code's address and offset are equal, and agree about any alignment.
    let code = file().load_segment_with(READ_EXECUTE);
    for align in [4096, 2 << 20, 1 << 30] {
        assert_runs(&file().with_u64(code + segment::ALIGN, align).load().unwrap());
    }
}

#[test]
fn writable_code_is_refused() {
    for flags in [3, 7, 0xffff_ffff] {
        for segment in 0..4 {
            let at = file().load_segment(segment) + segment::FLAGS;
            refused(&file().with_u32(at, flags), "memory is either (W^X)");
        }
    }
}

#[test]
fn segments_that_overlap_or_come_in_disorder_are_refused() {
    let why = "it overlaps the one before, shares a page with it, or is out of order";
    let headers = file().headers();
    let loads: Vec<_> =
        (0..headers.len()).filter(|n| headers[*n][0] == 1 && headers[*n][1..4] == [0; 3]).collect();
    for pair in loads.windows(2) {
        let mut swapped = headers.clone();
        swapped.swap(pair[0], pair[1]);
        refused(&file().with_segments(&swapped), why);
        let mut doubled = headers.clone();
        doubled.insert(pair[0], headers[pair[0]]);
        refused(&file().with_segments(&doubled), why);
    }
    // The second starts in the first one's last page, or where the first has grown to.
    let code = file().load_segment_with(READ_EXECUTE);
    let start = file().u64(code + segment::VADDR);
    for size in [start + 1, start + 0x1000, 0x10_0000] {
        refused(&file().with_u64(file().load_segment(0) + segment::MEMSZ, size), why);
    }
    assert_runs(&file().with_u64(file().load_segment(0) + segment::MEMSZ, start).load().unwrap());
}

#[test]
fn a_file_has_at_most_sixty_four_segments() {
    let with_more = |count: u64| {
        let mut headers = file().headers();
        headers.extend((0..count).map(|n| load(READ, 0, 0x10_0000 + n * 4096, 64, 64, 4096)));
        file().with_segments(&headers)
    };
    assert_runs(&with_more(60).load().unwrap());
    refused(&with_more(61), "a file has at most 64");
    refused(&with_more(180), "a file has at most 64");
    let error = fails_with(ErrorCode::GuestBinary, with_more(5000).load());
    assert!(error.message().contains("program headers; a file has at most 256"), "{error}");
}

#[test]
fn segments_that_share_bytes_of_the_file_are_refused_before_they_are_more_than_the_file() {
    let headers = file().headers();
    let len = file().bytes().len() as u64;
    let overlapping = |count: u64| {
        let mut headers = headers.clone();
        headers.extend((0..count).map(|n| load(READ, 0, 0x10_0000 + n * 0x10_0000, len, len, 4096)));
        file().with_segments(&headers)
    };
    refused(&overlapping(1), "it has more bytes than the file: segments share some of them");
    refused(&overlapping(50), "it has more bytes than the file: segments share some of them");
}

#[test]
fn empty_segments_are_ignored_wherever_they_claim_to_be() {
    let mut headers = file().headers();
    for (offset, address, align) in [(0, 0, 0), (u64::MAX, u64::MAX, u64::MAX), (1 << 63, 7, 3)] {
        headers.push(load(7, offset, address, 0, 0, align));
    }
    assert_runs(&file().with_segments(&headers).load().unwrap());
}

#[test]
fn a_file_with_nothing_to_load_is_refused() {
    let headers: Vec<_> = file().headers().into_iter().filter(|header| header[0] != 1).collect();
    let error = fails_with(ErrorCode::GuestBinary, file().with_segments(&headers).load());
    assert_eq!(error.message(), "the file has nothing to load");
}

#[test]
fn code_that_is_not_executable_is_no_place_to_start() {
    let code = file().load_segment_with(READ_EXECUTE);
    for flags in [0, 2, READ, READ_WRITE] {
        let elf = file().with_u32(code + segment::FLAGS, flags);
        let error = fails_with(ErrorCode::GuestBinary, elf.load());
        assert_eq!(error.message(), "the entry point is not in an executable segment");
    }
    // What may be executed can be read too.
    assert_runs(&file().with_u32(code + segment::FLAGS, 1).load().unwrap());
}

#[test]
fn the_last_bytes_of_the_window_belong_to_programs() {
    // One page of zeros that ends exactly where the window does.
    let page = |address| {
        let mut headers = file().headers();
        headers.push(load(READ_WRITE, 0, address, 0, 4096, 4096));
        file().with_segments(&headers)
    };
    assert_runs(&page(0x4000_0000 - 0x40_0000 - 4096).load().unwrap());
    refused(&page(0x4000_0000 - 0x40_0000), "is outside");
    assert_eq!(file().u16(header::PHENTSIZE), 56);
}
