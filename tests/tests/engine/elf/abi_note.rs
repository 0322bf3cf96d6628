//! The note with the guest ABI that a guest was built for.

use libhyperlight::{ABI_ACCEPTED, ErrorCode};
use libhyperlight_tests::elf::{Elf, segment};
use libhyperlight_tests::fails_with;
use libhyperlight_tests::script::{SHAPES, file};

/// Offsets in a note.
const OWNER_LEN: usize = 0;
const LEN: usize = 4;
const TYPE: usize = 8;
const OWNER: usize = 12;
const NUMBER: usize = libhyperlight_tests::elf::NOTE_ABI;

#[track_caller]
fn refused(elf: &Elf, why: &str) {
    let error = fails_with(ErrorCode::GuestBinary, elf.load());
    assert!(error.message().contains(why), "{error}");
}

fn with_abi(number: u32) -> Elf {
    file().with_u32(file().note() + NUMBER, number)
}

#[test]
fn every_contract_of_the_accepted_range_is_accepted_and_none_beyond_it() {
    let (low, high) = (*ABI_ACCEPTED.start(), *ABI_ACCEPTED.end());
    assert!(low <= high);
    for number in ABI_ACCEPTED {
        with_abi(number).load().expect("a contract of the accepted range");
    }
    for number in [low - 1, high + 1, 1 << 16, u32::MAX] {
        let why = format!("the guest was built for ABI {number}, this library accepts {low} to {high}");
        refused(&with_abi(number), &why);
    }
}

#[test]
fn a_file_without_the_note_is_refused_with_the_mend() {
    let why = "the file has no guest ABI note (.note.hyperlight)";
    let note = file().note();
    refused(&file().with(note + OWNER, b"hyperlight\0\0"), why);
    refused(&file().with(note + OWNER, b"Hyperligh\0\0\0"), why);
    refused(&file().with_u32(note + TYPE, 0), why);
    refused(&file().with_u32(note + TYPE, 2), why);
    for at in file().segments(segment::NOTE) {
        refused(&file().with_u32(at, 0), why);
    }
    refused(&Elf::new(SHAPES[1].1).with_u32(Elf::new(SHAPES[1].1).segments(segment::NOTE)[0], 0), why);
}

#[test]
fn a_second_note_is_refused() {
    // The same note once more, by way of a second segment of notes.
    let notes = file().segments(segment::NOTE)[0];
    let spare = file().segments(segment::GNU_STACK)[0];
    let header = file().bytes()[notes..notes + segment::LEN].to_owned();
    refused(&file().with(spare, &header), "more than one guest ABI note");
    // Also if it is behind the first in the same segment, with another number.
    let at = file().note();
    let first = file().bytes()[at..at + 28].to_owned();
    let mut second = first.clone();
    second[NUMBER] = 9;
    let end = file().bytes().len().next_multiple_of(4);
    let padding = vec![0; end - file().bytes().len()];
    let elf = file().append(&padding).append(&first).append(&second);
    let elf = elf.with_u64(notes + segment::OFFSET, end as u64).with_u64(notes + segment::FILESZ, 56);
    refused(&elf, "more than one guest ABI note");
}

#[test]
fn a_note_that_lies_about_its_lengths_is_refused() {
    let note = file().note();
    for len in [0, 1, 3, 5, 8, 1 << 31, u32::MAX] {
        fails_with(ErrorCode::GuestBinary, file().with_u32(note + LEN, len).load());
    }
    // The final NUL need not be counted.
    file().with_u32(note + OWNER_LEN, 10).load().expect("the same name");
    for len in [0, 1, 9, 100, 1 << 31, u32::MAX - 2, u32::MAX] {
        fails_with(ErrorCode::GuestBinary, file().with_u32(note + OWNER_LEN, len).load());
    }
    let notes = file().segments(segment::NOTE)[0];
    for (field, number) in [
        (segment::OFFSET, 1 << 32),
        (segment::OFFSET, u64::MAX),
        (segment::FILESZ, 0),
        (segment::FILESZ, 11),
        (segment::FILESZ, 27),
        (segment::FILESZ, 1 << 40),
        (segment::FILESZ, u64::MAX),
    ] {
        fails_with(ErrorCode::GuestBinary, file().with_u64(notes + field, number).load());
    }
}

#[test]
fn the_notes_of_others_are_none_of_our_business() {
    // A note of somebody else's in front of ours, and one of ours of a type that does not exist yet.
    let notes = file().segments(segment::NOTE)[0];
    let at = file().note();
    let ours = file().bytes()[at..at + 28].to_owned();
    let mut future = ours.clone();
    future[TYPE] = 77;
    let other =
        [&4_u32.to_le_bytes()[..], &5_u32.to_le_bytes(), &1_u32.to_le_bytes(), b"GNU\0", b"12345\0\0\0"];
    let end = file().bytes().len().next_multiple_of(4);
    let table = [other.concat(), future, ours].concat();
    let elf = file().append(&vec![0; end - file().bytes().len()]).append(&table);
    let elf = elf.with_u64(notes + segment::OFFSET, end as u64);
    elf.with_u64(notes + segment::FILESZ, table.len() as u64).load().expect("one note of ours is there");
    libhyperlight_builtin::demo().expect("the built-in guest has its note");
}
