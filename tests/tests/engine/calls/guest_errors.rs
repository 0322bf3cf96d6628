//! Errors of a guest's own: their codes and their details.
#![expect(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

use std::error::Error as _;

use libhyperlight::{
    ErrorCode, Guest, Kind, Sandbox, SandboxOptions, Snapshot, UninitializedSandbox, ValueRef,
};
use libhyperlight_abi::FrameKind;
use libhyperlight_abi::limits::MAX_DETAILS_LEN;
use libhyperlight_tests::elf::NOTE_ABI;
use libhyperlight_tests::script::{Step, file, frame, perform};
use libhyperlight_tests::{
    demo, demo_c_of_abi, fails_with, on_each_guest, sandbox, sandbox_with, spares, uninitialized,
};

/// The codes of the library's own errors, and others.
fn codes() -> impl Iterator<Item = i32> {
    (-30..=0).chain([-99, -100, 1, 7, i32::MIN, i32::MAX])
}

/// Case 22.
#[test]
fn the_code_of_a_guests_error_is_its_own_whatever_the_number() {
    on_each_guest(|guest| {
        let mut sandbox = sandbox(guest);
        for code in codes() {
            let error = spares(&mut sandbox, ErrorCode::GuestError, |sandbox| {
                sandbox.call::<()>("ReturnError", (code, "not today"))
            });
            assert_eq!((error.message(), error.guest_code()), ("not today", code));
            assert_eq!(error.details(), None);
            assert!(error.source().is_none());
        }
    });
}

#[test]
fn what_the_sdk_finds_is_told_by_the_librarys_own_errors() {
    on_each_guest(|guest| {
        let mut host = uninitialized(guest);
        host.register("Takes", |_: Vec<u8>| ()).unwrap();
        let mut sandbox = host.evolve().unwrap();
        // What does not fit the buffer on the way to the host.
        let error = spares(&mut sandbox, ErrorCode::TooLarge, |sandbox| {
            sandbox.call::<()>("CallHostWithBytes", ("Takes", 2_u64 << 20))
        });
        assert!(error.message().contains("output size"), "{error}");
        assert_eq!(error.guest_code(), ErrorCode::TooLarge.number());
    });
}

/// Calls functions that return the two codes which older guests have no other way to say.
#[track_caller]
fn assert_old_meaning(sandbox: &mut Sandbox) {
    for code in codes() {
        let expected = match code {
            -5 => ErrorCode::FunctionNotFound,
            -7 => ErrorCode::TooLarge,
            _ => ErrorCode::GuestError,
        };
        let result = sandbox.call::<()>("ReturnError", (code, "as of old"));
        let error = fails_with(expected, result);
        assert_eq!((error.message(), error.guest_code()), ("as of old", code));
    }
}

#[test]
fn a_guest_of_the_first_contract_keeps_the_meaning_of_its_codes() {
    assert_old_meaning(&mut sandbox(&demo_c_of_abi(1)));
    let error = sandbox(&demo_c_of_abi(2)).call::<()>("ReturnError", (-7, "")).unwrap_err();
    assert_eq!(error.code(), ErrorCode::GuestError);
}

#[test]
fn a_snapshot_knows_the_contract_of_its_guest() {
    let resumed = |snapshot: &Snapshot| {
        let mut host = UninitializedSandbox::from_snapshot(snapshot, SandboxOptions::new()).unwrap();
        host.register("HostPrint", |text: String| i32::try_from(text.len()).unwrap()).unwrap();
        host.evolve().unwrap()
    };
    let folder = tempfile::tempdir().unwrap();
    for abi in [1, 2] {
        let mut first = sandbox(&demo_c_of_abi(abi));
        let taken = first.snapshot().unwrap();
        let path = folder.path().join(abi.to_string());
        taken.save(&path).unwrap();
        let loaded = Snapshot::load(&path).unwrap();
        // Saved once more by who has not seen the guest's file.
        let again = folder.path().join(format!("{abi} again"));
        loaded.save(&again).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), std::fs::read(&again).unwrap());
        let mut restored = sandbox(&demo_c_of_abi(abi));
        restored.restore(&loaded).unwrap();
        for mut sandbox in [first, restored, resumed(&taken), resumed(&loaded)] {
            if abi == 1 {
                assert_old_meaning(&mut sandbox);
            } else {
                let result = sandbox.call::<()>("ReturnError", (-5, "its own"));
                fails_with(ErrorCode::GuestError, result);
            }
        }
    }
}

#[test]
fn an_error_may_have_details_that_come_as_they_are() {
    let mut sandbox = sandbox(&demo());
    let hostile = "{\"stack\": \"a\\nb\"}\n\u{1b}[2J\0\u{202e} not JSON";
    for details in ["", "{}", "{\"name\": \"TypeError\", \"cause\": {\"code\": 7}}", hostile] {
        let error = spares(&mut sandbox, ErrorCode::GuestError, |sandbox| {
            sandbox.call::<()>("ReturnErrorWithDetails", (-7, "a line", details))
        });
        assert_eq!((error.message(), error.guest_code(), error.details()), ("a line", -7, Some(details)));
    }
}

#[test]
fn details_that_are_too_long_are_left_out_as_a_whole() {
    let mut large = sandbox(&demo());
    let mut small = sandbox_with(&demo(), SandboxOptions::new().output_size(1));
    let most = "x".repeat(MAX_DETAILS_LEN);
    let call = |sandbox: &mut Sandbox, details: &str| {
        let error = spares(sandbox, ErrorCode::GuestError, |sandbox| {
            sandbox.call::<()>("ReturnErrorWithDetails", (3, "a line", details))
        });
        assert_eq!((error.message(), error.guest_code()), ("a line", 3));
        error.details().map(str::len)
    };
    assert_eq!(call(&mut large, &most), Some(MAX_DETAILS_LEN));
    assert_eq!(call(&mut large, &format!("{most}x")), None);
    assert_eq!(call(&mut large, &most.repeat(4)), None);
    assert_eq!(call(&mut small, "short"), Some(5));
    assert_eq!(call(&mut small, &most), None);
}

/// A guest of that contract that answers with this step.
fn answering(abi: u32, step: Step) -> Guest {
    let program = file().with_u32(file().note() + NOTE_ABI, abi).load().unwrap();
    perform(&program, &[Step::ready(&[("Ask", &[Kind::Void])]), step])
}

#[test]
fn every_kind_of_an_error_has_its_meaning() {
    use ValueRef::{I32, String, U32, U64};
    for (kind, expected) in [
        (0, ErrorCode::GuestError),
        (1, ErrorCode::FunctionNotFound),
        (2, ErrorCode::TooLarge),
        // Caused by a failure that there was not.
        (3, ErrorCode::GuestError),
    ] {
        for code in codes() {
            let items = [I32(code), String("why"), U64(77), U32(kind), String("{}")];
            let guest = answering(2, Step::frame(frame(FrameKind::Error, &items)));
            let mut sandbox = uninitialized(&guest).evolve().unwrap();
            let error = fails_with(expected, sandbox.call::<()>("Ask", ()));
            assert_eq!((error.guest_code(), error.details()), (code, Some("{}")));
            assert!(error.source().is_none());
        }
    }
}
