//! Guests that break the wire contract before they are asked anything.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use libhyperlight::{Error, ErrorCode, FaultKind, Guest, Kind, Result, Sandbox, ValueRef};
use libhyperlight_abi::FrameKind;
use libhyperlight_abi::limits::MAX_FUNCTIONS;
use libhyperlight_tests::script::{Step, frame, ready, scripted};
use libhyperlight_tests::{fails_with, uninitialized};

fn start(guest: &Guest) -> Result<Sandbox> {
    uninitialized(guest).evolve()
}

/// The error of a guest whose first frame is this one.
#[track_caller]
fn refused(bytes: Vec<u8>) -> Error {
    fails_with(ErrorCode::Protocol, start(&scripted(&[Step::frame(bytes)])))
}

#[test]
fn a_guest_without_functions_starts() {
    let sandbox = start(&scripted(&[Step::ready(&[])])).unwrap();
    assert_eq!(sandbox.functions().len(), 0);
    assert_eq!(sandbox.declared_host_functions().len(), 0);
}

#[test]
fn a_guest_that_dies_at_once_does_not_start() {
    let error = fails_with(ErrorCode::GuestFault, start(&scripted(&[])));
    assert_eq!(error.fault().unwrap().kind, FaultKind::IllegalInstruction);
    // The program's own symbols tell where.
    assert_eq!(error.fault().unwrap().function.as_deref(), Some("_start"));
}

#[test]
fn a_guest_that_gives_up_does_not_start() {
    let items = |reason| [ValueRef::U32(reason), ValueRef::I32(9), ValueRef::String("no\nway")];
    let abort = |reason| scripted(&[Step::frame(frame(FrameKind::Abort, &items(reason)))]);
    let error = fails_with(ErrorCode::GuestAbort, start(&abort(0)));
    assert_eq!((error.guest_code(), error.message()), (9, r"the guest aborted with code 9: no\nway"));
    fails_with(ErrorCode::GuestAbort, start(&abort(1)));
    fails_with(ErrorCode::GuestOutOfMemory, start(&abort(2)));
}

#[test]
fn a_first_frame_that_is_no_list_of_functions_is_refused() {
    let error = [ValueRef::I32(1), ValueRef::String("no"), ValueRef::U64(0)];
    for bytes in [frame(FrameKind::Result, &[ValueRef::Void]), frame(FrameKind::Error, &error)] {
        let error = refused(bytes);
        assert_eq!(error.message(), "the guest sent a frame that is no answer to what it was asked");
    }
    for kind in [FrameKind::Call, FrameKind::HostResult, FrameKind::Context, FrameKind::Log] {
        refused(frame(kind, &[]));
    }
    refused(vec![]);
    refused(vec![0xff; 4096]);
    fails_with(ErrorCode::Protocol, start(&scripted(&[Step::ready(&[]).sequence(0)])));
    fails_with(ErrorCode::Protocol, start(&scripted(&[Step::ready(&[]).sequence(2)])));
}

#[test]
fn a_list_that_is_malformed_is_refused() {
    use ValueRef::{Bytes, I32, String, U32};
    let long_name = "n".repeat(1025);
    let too_many = u32::try_from(MAX_FUNCTIONS).unwrap() + 1;
    for items in [
        &[][..],
        &[U32(0)],
        &[U32(0), U32(0), U32(0)],
        &[I32(0), U32(0)],
        &[U32(1), U32(0)],
        &[U32(1), String("f"), U32(0)],
        &[U32(1), String("f"), String("\0"), U32(0)],
        &[U32(1), Bytes(b"f"), Bytes(&[0]), U32(0)],
        &[U32(1), String(""), Bytes(&[0]), U32(0)],
        &[U32(1), String(&long_name), Bytes(&[0]), U32(0)],
        // Signatures: none, an unknown kind, a void parameter, too many parameters.
        &[U32(1), String("f"), Bytes(&[]), U32(0)],
        &[U32(1), String("f"), Bytes(&[10]), U32(0)],
        &[U32(1), String("f"), Bytes(&[0, 255]), U32(0)],
        &[U32(1), String("f"), Bytes(&[0, 0]), U32(0)],
        &[U32(1), String("f"), Bytes(&[1; 34]), U32(0)],
        // The same of host functions.
        &[U32(0), U32(1), String("f"), Bytes(&[0, 0])],
        &[U32(0), U32(1), String(""), Bytes(&[0])],
        &[U32(0), U32(2), String("f"), Bytes(&[0])],
        &[U32(too_many), U32(0)],
        &[U32(u32::MAX), U32(0)],
        &[U32(0), U32(u32::MAX)],
    ] {
        let error = refused(frame(FrameKind::Ready, items));
        assert!(error.message().contains("the guest's list of functions is malformed"), "{items:?}: {error}");
    }
}

#[test]
fn a_function_that_is_listed_twice_is_refused() {
    let error = refused(ready(&[("One", &[Kind::Void]), ("Two", &[Kind::Void]), ("One", &[Kind::I32])]));
    assert_eq!(error.message(), "the guest lists its function `One` twice");
    refused(ready(&[("\x1b[2J\n", &[Kind::Void]), ("\x1b[2J\n", &[Kind::I32])]));
}

#[test]
fn a_guest_may_list_as_many_functions_as_the_limit_says() {
    let names: Vec<_> = (0..MAX_FUNCTIONS).map(|number| format!("f{number}")).collect();
    let functions: Vec<(&str, &[Kind])> = names.iter().map(|name| (&**name, &[Kind::Void][..])).collect();
    let guest = scripted(&[Step::frame(ready(&functions))]);
    let options = libhyperlight::SandboxOptions::new().output_size(16 << 20);
    let sandbox = libhyperlight_tests::sandbox_with(&guest, options.clone());
    assert_eq!(sandbox.functions().len(), MAX_FUNCTIONS);

    let more: Vec<_> = functions.into_iter().chain([("more", &[Kind::Void][..])]).collect();
    let guest = scripted(&[Step::frame(ready(&more))]);
    fails_with(ErrorCode::Protocol, libhyperlight_tests::uninitialized_with(&guest, options).evolve());
}

#[test]
fn a_list_of_any_length_names_and_kinds_is_kept_as_it_is() {
    let longest = "é".repeat(512);
    let kinds: Vec<Kind> = [Kind::Void].into_iter().chain((0..32).map(|n| Kind::ALL[1 + n % 9])).collect();
    let functions: [(&str, &[Kind]); 4] = [
        ("f", &[Kind::Void]),
        (&longest, &kinds),
        ("with space\0", &[Kind::Bytes, Kind::Bytes]),
        ("`", &[Kind::F32]),
    ];
    let sandbox = start(&scripted(&[Step::ready(&functions)])).unwrap();
    for ((name, signature), (expected, kinds)) in sandbox.functions().zip(functions) {
        assert_eq!((name, signature.returns(), signature.params()), (expected, kinds[0], &kinds[1..]));
    }
}

#[test]
fn a_guest_may_call_the_host_and_ask_for_the_time_before_it_is_ready() {
    let guest = scripted(&[
        Step::frame(frame(FrameKind::ContextRequest, &[])),
        Step::frame(frame(FrameKind::HostCall, &[ValueRef::String("Prepare")])),
        Step::frame(frame(FrameKind::HostCall, &[ValueRef::String("NotThere")])),
        Step::frame(frame(FrameKind::ContextRequest, &[])),
        Step::ready(&[("Ask", &[Kind::Void])]),
        Step::result(ValueRef::Void),
    ]);
    let calls = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&calls);
    let mut host = uninitialized(&guest);
    host.register("Prepare", move || {
        count.fetch_add(1, Ordering::Relaxed);
    })
    .unwrap();
    let mut sandbox = host.evolve().unwrap();
    assert_eq!(calls.load(Ordering::Relaxed), 1);
    sandbox.call::<()>("Ask", ()).unwrap();
}

#[test]
fn a_host_function_that_panics_while_the_guest_starts_is_contained() {
    let guest = scripted(&[Step::frame(frame(FrameKind::HostCall, &[ValueRef::String("Prepare")]))]);
    let mut host = uninitialized(&guest);
    host.register("Prepare", || {
        if true {
            panic!("not prepared")
        }
    })
    .unwrap();
    let error = fails_with(ErrorCode::Internal, host.evolve());
    assert!(error.message().contains("not prepared"), "{error}");
}
