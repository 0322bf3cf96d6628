//! Payloads: bytes that the host places into a guest's image.
#![expect(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

use libhyperlight::{Access, ErrorCode, FaultKind, Guest, MAX_PAYLOADS, PayloadAccess};
use libhyperlight_tests::{demo, fails_with, on_each_guest, poisons, sandbox, spares};

/// lea 1(%rdi,%rdi), %rax; ret: twice the argument and one.
const TWICE_AND_ONE: &[u8] = &[0x48, 0x8d, 0x44, 0x3f, 0x01, 0xc3];

fn with(guest: &Guest, bytes: &[u8], access: PayloadAccess) -> Guest {
    guest.with_payload(bytes, access).unwrap()
}

#[test]
fn a_guest_finds_its_payloads_by_number() {
    on_each_guest(|guest| {
        let long: Vec<u8> = (0..=255).cycle().take(300_000).collect();
        let texts: [&[u8]; 4] = [b"first", b"", &long, &[0; 4096]];
        let loaded =
            texts.iter().fold(guest.clone(), |guest, bytes| with(&guest, bytes, PayloadAccess::Read));
        let mut sandbox = sandbox(&loaded);
        assert_eq!(sandbox.call::<u64>("PayloadCount", ()).unwrap(), 4);
        for (index, bytes) in (0_u32..).zip(texts) {
            assert_eq!(sandbox.call::<Vec<u8>>("PayloadBytes", (index,)).unwrap(), bytes);
        }
        spares(&mut sandbox, ErrorCode::GuestError, |sandbox| {
            sandbox.call::<Vec<u8>>("PayloadBytes", (4_u32,))
        });
    });
}

#[test]
fn adding_a_payload_leaves_the_guest_it_was_added_to_alone() {
    on_each_guest(|guest| {
        let one = with(guest, b"one", PayloadAccess::Read);
        let two = with(&one, b"two", PayloadAccess::Read);
        let other = with(&one, b"other", PayloadAccess::Read);
        for (guest, count) in [(guest, 0), (&one, 1), (&two, 2), (&other, 2), (&one, 1)] {
            assert_eq!(sandbox(guest).call::<u64>("PayloadCount", ()).unwrap(), count);
        }
        assert_eq!(sandbox(&two).call::<Vec<u8>>("PayloadBytes", (1_u32,)).unwrap(), b"two");
        assert_eq!(sandbox(&other).call::<Vec<u8>>("PayloadBytes", (1_u32,)).unwrap(), b"other");
    });
}

#[test]
fn code_can_be_executed_and_read() {
    on_each_guest(|guest| {
        let guest = with(guest, TWICE_AND_ONE, PayloadAccess::ReadExecute);
        let mut sandbox = sandbox(&guest);
        assert_eq!(sandbox.call::<u64>("PayloadExecuteWith", (0_u32, 20_u64)).unwrap(), 41);
        assert_eq!(sandbox.call::<Vec<u8>>("PayloadBytes", (0_u32,)).unwrap(), TWICE_AND_ONE);
    });
}

#[test]
fn data_cannot_be_executed() {
    on_each_guest(|guest| {
        let guest = with(guest, TWICE_AND_ONE, PayloadAccess::Read);
        let error = poisons(&mut sandbox(&guest), ErrorCode::GuestFault, |sandbox| {
            sandbox.call::<u64>("PayloadExecuteWith", (0_u32, 20_u64))
        });
        assert_eq!(error.fault().unwrap().kind, FaultKind::ExecuteOfData);
    });
}

#[test]
fn the_guest_cannot_write_to_a_payload_nor_read_beyond_it() {
    on_each_guest(|guest| {
        for access in [PayloadAccess::Read, PayloadAccess::ReadExecute] {
            let guest = with(guest, TWICE_AND_ONE, access);
            let address: u64 = sandbox(&guest).call("PayloadAddress", (0_u32,)).unwrap();
            let mut first = sandbox(&guest);
            let error = poisons(&mut first, ErrorCode::GuestFault, |sandbox| {
                sandbox.call::<()>("WriteAddress", (address, 0_u64))
            });
            let fault = error.fault().unwrap();
            assert_eq!((fault.kind, fault.access), (FaultKind::WriteToReadOnly, Access::Write));
            for outside in [address - 8, address + 4096] {
                let error = poisons(&mut sandbox(&guest), ErrorCode::GuestFault, |sandbox| {
                    sandbox.call::<u64>("ReadAddress", (outside,))
                });
                assert_eq!(error.fault().unwrap().kind, FaultKind::UnmappedAccess);
            }
            // The rest of the last page is zero, not somebody's memory.
            let mut sandbox = sandbox(&guest);
            for at in (8..4096).step_by(8) {
                assert_eq!(sandbox.call::<u64>("ReadAddress", (address + at,)).unwrap(), 0);
            }
        }
    });
}

#[test]
fn a_guest_takes_sixteen_payloads_and_no_more() {
    let mut guest = demo();
    for number in 0..MAX_PAYLOADS {
        guest = with(&guest, &[u8::try_from(number).unwrap(); 5000], PayloadAccess::Read);
    }
    let error = fails_with(ErrorCode::InvalidArgument, guest.with_payload(b"more", PayloadAccess::Read));
    assert_eq!(error.message(), "a guest has at most 16 payloads");
    let mut sandbox = sandbox(&guest);
    for number in 0..16_u8 {
        let bytes: Vec<u8> = sandbox.call("PayloadBytes", (u32::from(number),)).unwrap();
        assert_eq!(bytes, [number; 5000]);
    }
}

#[test]
fn a_large_payload_is_there_and_a_larger_one_than_fits_is_refused() {
    let mut bytes = vec![0_u8; 64 << 20];
    let last = bytes.len() - 8;
    bytes[last..].copy_from_slice(b"the end!");
    let guest = with(&demo(), &bytes, PayloadAccess::Read);
    let mut sandbox = sandbox(&guest);
    let address: u64 = sandbox.call("PayloadAddress", (0_u32,)).unwrap();
    let word: u64 = sandbox.call("ReadAddress", (address + last as u64,)).unwrap();
    assert_eq!(word.to_le_bytes(), *b"the end!");

    // Pages that nobody touches cost nothing.
    let error = fails_with(ErrorCode::TooLarge, demo().with_payload(&vec![0; 4 << 30], PayloadAccess::Read));
    assert!(error.message().contains("bytes together"), "{error}");
}
