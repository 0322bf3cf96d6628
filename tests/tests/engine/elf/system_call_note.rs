//! The note that names the code that serves system calls.

use libhyperlight::{ErrorCode, Guest};
use libhyperlight_abi::note;
use libhyperlight_abi::placement::SERVER_BASE;
use libhyperlight_tests::placement::{SERVER, server};
use libhyperlight_tests::{assert_works, demo, fails_with, sandbox};

/// The place of the note in the file.
fn place() -> usize {
    let mut start = Vec::new();
    for word in [note::OWNER_LEN, 4, note::TYPE_SYSTEM_CALL] {
        start.extend(word.to_le_bytes());
    }
    start.extend(note::OWNER);
    SERVER.windows(start.len()).position(|window| window == start).unwrap()
}

/// Offsets in a note.
const LEN: usize = 4;
const TYPE: usize = 8;
const DISTANCE: usize = 24;

/// The file with other words in its note.
fn with(words: &[(usize, u32)]) -> Vec<u8> {
    let mut file = SERVER.to_vec();
    for (offset, word) in words {
        file[place() + offset..][..4].copy_from_slice(&word.to_le_bytes());
    }
    file
}

#[test]
fn a_program_that_serves_system_calls_leaves_the_usual_addresses_to_others() {
    let handler = server().system_call_handler().unwrap();
    assert!((SERVER_BASE..SERVER_BASE + SERVER.len() as u64 * 2).contains(&handler), "{handler:#x}");
    assert_works(&mut sandbox(&server()));
    assert_eq!(demo().system_call_handler(), None);
}

#[test]
fn a_handler_is_code_of_the_program() {
    let distance = i32::from_le_bytes(SERVER[place() + DISTANCE..][..4].try_into().unwrap());
    let moved = |by: i32| with(&[(DISTANCE, distance.wrapping_add(by).cast_unsigned())]);
    // One byte on it is code, too: what runs there is the program's affair.
    assert_eq!(
        Guest::from_bytes(&moved(1)).unwrap().system_call_handler(),
        server().system_call_handler().map(|handler| handler + 1)
    );
    for by in [i32::MIN, i32::MAX, -distance, 0x1000_0000, -0x1000_0000] {
        let error = fails_with(ErrorCode::GuestBinary, Guest::from_bytes(&moved(by)));
        assert!(error.message().contains("handler is not in an executable segment"), "{by}: {error}");
    }
}

#[test]
fn a_note_that_is_malformed_or_a_second_one_is_refused() {
    // The one before it, of the same length, becomes a second one.
    let abi = place() - 28;
    let mut twice = SERVER.to_vec();
    if twice[abi + TYPE] != 1 {
        // The linker has put it behind.
        let abi = place() + 28;
        assert_eq!(twice[abi + TYPE], 1);
        twice[abi + TYPE] = 2;
    } else {
        twice[abi + TYPE] = 2;
    }
    let error = fails_with(ErrorCode::GuestBinary, Guest::from_bytes(&twice));
    assert!(error.message().contains("more than one"), "{error}");
    for len in [0, 1, 3] {
        let error = fails_with(ErrorCode::GuestBinary, Guest::from_bytes(&with(&[(LEN, len)])));
        assert!(error.message().contains("note"), "{len}: {error}");
    }
    // A note that this library does not know says nothing to it.
    let unknown = Guest::from_bytes(&with(&[(TYPE, 3)])).unwrap();
    assert_eq!(unknown.system_call_handler(), None);
}
