//! Guests that break the wire contract while they are asked something.
#![expect(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

use libhyperlight::{Error, ErrorCode, Kind, Value, ValueRef};
use libhyperlight_abi::FrameKind;
use libhyperlight_tests::script::{Step, frame, ready, scripted};
use libhyperlight_tests::{demo, fails_with, poisons, sandbox, uninitialized};

/// The header of a frame.
fn header(magic: [u8; 4], kind: u32, len: u32, count: u32) -> Vec<u8> {
    [magic, kind.to_le_bytes(), len.to_le_bytes(), count.to_le_bytes()].concat()
}

/// An item with that header, and these bytes behind it as they are.
fn item(kind: u32, len: u32, bytes: &[u8]) -> Vec<u8> {
    [&kind.to_le_bytes()[..], &len.to_le_bytes(), bytes].concat()
}

/// A frame of kind `kind` that consists of these items.
fn frame_of(kind: FrameKind, items: &[Vec<u8>]) -> Vec<u8> {
    let items_len = items.iter().map(Vec::len).sum::<usize>();
    let (len, count) = (u32::try_from(16 + items_len).unwrap(), u32::try_from(items.len()).unwrap());
    [header(*b"HLF1", kind as u32, len, count), items.concat()].concat()
}

/// The error of a guest that answers with this step, asked for a result of that kind.
#[track_caller]
fn answer(returns: Kind, step: Step) -> Error {
    let guest = scripted(&[Step::ready(&[("Ask", &[returns])]), step]);
    let mut sandbox = uninitialized(&guest).evolve().unwrap();
    let error = fails_with(ErrorCode::Protocol, sandbox.call_values("Ask", &[]));
    fails_with(ErrorCode::Poisoned, sandbox.call_values("Ask", &[]));
    error
}

#[track_caller]
fn assert_refused(bytes: Vec<u8>, why: &str) {
    let error = answer(Kind::Void, Step::frame(bytes));
    assert_eq!(error.message(), format!("the guest sent a malformed frame: {why}"));
}

#[test]
fn a_frame_header_that_lies_is_refused() {
    let result = FrameKind::Result as u32;
    // The room behind the mailbox.
    let room = (1_u32 << 20) + 4096 - 64;
    assert_refused(header(*b"NOPE", result, 16, 0), "the frame does not start with the magic number");
    for len in [0, 1, 8, 15, 17, 23, room + 8, 1 << 31, u32::MAX - 7, u32::MAX] {
        assert_refused(header(*b"HLF1", result, len, 0), "the frame's length is impossible");
    }
    // The whole buffer is a possible length, but not for a frame without items.
    assert_refused(header(*b"HLF1", result, room, 0), "an item reaches past the end of the frame");
    for kind in [0, 5, 15, 23, 31, 33, u32::MAX] {
        assert_refused(header(*b"HLF1", kind, 16, 0), "the frame kind is unknown");
    }
}

#[test]
fn counts_that_promise_more_than_there_is_are_refused_without_making_room_for_it() {
    let result = FrameKind::Result as u32;
    for count in [0, 1, 2, 33, 1 << 16, u32::MAX] {
        assert_refused(header(*b"HLF1", result, 16, count), "an item reaches past the end of the frame");
    }
    let call = |count| {
        let name = item(8, 1, &[b'f', 0, 0, 0, 0, 0, 0, 0]);
        let mut bytes = frame_of(FrameKind::HostCall, &[name]);
        bytes[12..16].copy_from_slice(&u32::to_le_bytes(count));
        bytes
    };
    assert_refused(call(2), "an item reaches past the end of the frame");
    for count in [34, 1 << 16, u32::MAX] {
        assert_refused(call(count), "the frame has too many items");
    }
}

#[test]
fn items_that_lie_are_refused() {
    let result = |item| frame_of(FrameKind::Result, &[item]);
    let refused = |kind, len, bytes: &[u8], why| assert_refused(result(item(kind, len, bytes)), why);
    for kind in [10, 11, 255, 1 << 31, u32::MAX] {
        refused(kind, 0, &[], "an item kind is unknown");
    }
    for (kind, len) in [(0, 8), (1, 0), (1, 4), (2, 8), (3, 0), (4, 4), (5, 7), (6, 8), (7, 4), (7, u32::MAX)]
    {
        refused(kind, len, &[0; 8], "an item has a length that its kind cannot have");
    }
    for len in [9, 1 << 20, 1 << 31, u32::MAX - 7, u32::MAX] {
        refused(8, len, &[0; 8], "an item reaches past the end of the frame");
        refused(9, len, &[0; 8], "an item reaches past the end of the frame");
    }
    refused(1, 1, &[2, 0, 0, 0, 0, 0, 0, 0], "a bool is neither 0 nor 1");
    refused(1, 1, &[1, 0, 0, 0, 0, 0, 0, 1], "padding is not zero");
    refused(2, 4, &[1, 2, 3, 4, 5, 0, 0, 0], "padding is not zero");
    refused(8, 1, b"aXXXXXXX", "padding is not zero");
    for bad in [&[0xff_u8][..], &[0xc3], &[0xed, 0xa0, 0x80], &[0xc0, 0x80], &[0xf4, 0x90, 0x80, 0x80]] {
        let mut padded = bad.to_vec();
        padded.resize(8, 0);
        refused(8, u32::try_from(bad.len()).unwrap(), &padded, "a string is not UTF-8");
    }
    let two = frame_of(FrameKind::Result, &[item(0, 0, &[]), item(0, 0, &[])]);
    assert_refused(two, "something follows the last item");
    let mut hidden = frame_of(FrameKind::Result, &[item(0, 0, &[]), item(0, 0, &[])]);
    hidden[12] = 1;
    assert_refused(hidden, "something follows the last item");
}

#[test]
fn names_in_host_calls_have_limits() {
    for name in [String::new(), "n".repeat(1025), "n".repeat(1 << 19)] {
        let call = frame(FrameKind::HostCall, &[ValueRef::String(&name)]);
        assert_refused(call, "a function name is empty or too long");
    }
    assert_refused(
        frame(FrameKind::HostCall, &[ValueRef::Bytes(b"name")]),
        "an item is not of the expected kind",
    );
}

#[test]
fn every_message_has_its_own_shape() {
    use ValueRef::{I32, I64, String, U32, U64};
    for (kind, items) in [
        (FrameKind::Error, &[I32(1), String("no")][..]),
        (FrameKind::Error, &[I32(1), String("no"), U64(0), U64(0)]),
        (FrameKind::Error, &[U32(1), String("no"), U64(0)]),
        (FrameKind::Error, &[]),
        (FrameKind::Error, &[I32(1), String("no"), U64(0), U32(4)]),
        (FrameKind::Error, &[I32(1), String("no"), U64(0), U32(0), U32(0)]),
        (FrameKind::Error, &[I32(1), String("no"), U64(0), U32(0), String("{}"), String("{}")]),
        (FrameKind::Error, &[I32(1), String("no"), U64(0), U32(0), String(&"d".repeat((64 << 10) + 1))]),
        (FrameKind::Wait, &[]),
        (FrameKind::Wait, &[I64(1)]),
        (FrameKind::Wait, &[U64(1), U64(1)]),
        (FrameKind::Abort, &[U32(0), I32(1)]),
        (FrameKind::Abort, &[U32(3), I32(1), String("unknown reason")]),
        (FrameKind::Abort, &[I32(0), I32(1), String("no")]),
        (FrameKind::ContextRequest, &[U32(1)]),
        (FrameKind::HostCall, &[]),
    ] {
        let error = answer(Kind::Void, Step::frame(frame(kind, items)));
        assert!(error.message().starts_with("the guest sent a malformed frame: "), "{kind:?}: {error}");
    }
    // What only the host may say, and what belongs into the log.
    for kind in
        [FrameKind::Call, FrameKind::HostResult, FrameKind::HostError, FrameKind::Context, FrameKind::Log]
    {
        assert_refused(frame(kind, &[ValueRef::Void]), "the frame kind is unknown");
    }
    // A list of functions is an answer to nothing but the start.
    let error = answer(Kind::Void, Step::frame(ready(&[])));
    assert_eq!(error.message(), "the guest sent a frame that is no answer to what it was asked");
}

#[test]
fn a_result_of_another_kind_than_the_signature_says_breaks_the_contract() {
    let values = [
        ValueRef::Void,
        ValueRef::Bool(true),
        ValueRef::I32(1),
        ValueRef::U32(1),
        ValueRef::I64(1),
        ValueRef::U64(1),
        ValueRef::F32(1.0),
        ValueRef::F64(1.0),
        ValueRef::String("text"),
        ValueRef::Bytes(b"bytes"),
    ];
    for returns in Kind::ALL {
        for value in values.iter().filter(|value| value.kind() != returns) {
            let error = answer(returns, Step::result(*value));
            assert_eq!(
                error.message(),
                format!("the guest function `Ask` returned {}, its signature says {returns}", value.kind())
            );
        }
    }
}

#[test]
fn a_sequence_number_that_does_not_follow_breaks_the_contract() {
    let void = || Step::result(ValueRef::Void);
    // None, one too few, two at once, and far away.
    for sequence in [0, 1, 3, 4, 1 << 32, u64::MAX] {
        let error = answer(Kind::Void, void().sequence(sequence));
        assert_eq!(error.message(), format!("the guest rang for frame 2, but its mailbox says {sequence}"));
    }
}

#[test]
fn an_answer_of_an_earlier_call_is_not_delivered_again() {
    let guest = scripted(&[
        Step::ready(&[("Ask", &[Kind::I32])]),
        Step::result(ValueRef::I32(1)),
        // Rings without a new frame; the old one still lies in the buffer.
        Step::frame([]).sequence(2),
    ]);
    let mut sandbox = uninitialized(&guest).evolve().unwrap();
    assert_eq!(sandbox.call::<i32>("Ask", ()).unwrap(), 1);
    fails_with(ErrorCode::Protocol, sandbox.call::<i32>("Ask", ()));
}

#[test]
fn an_answer_to_the_call_may_come_instead_of_going_on_after_a_host_call() {
    // Legal: whatever the host answered, the guest may be done.
    let guest = scripted(&[
        Step::ready(&[("Ask", &[Kind::I32])]),
        Step::frame(frame(FrameKind::HostCall, &[ValueRef::String("NotThere")])),
        Step::result(ValueRef::I32(7)),
    ]);
    let mut sandbox = uninitialized(&guest).evolve().unwrap();
    assert_eq!(sandbox.call::<i32>("Ask", ()).unwrap(), 7);
}

#[test]
fn the_demo_guests_hostile_functions_poison_and_nothing_more() {
    let guest = demo();
    let mut neighbour = sandbox(&guest);
    neighbour.call::<i32>("AddToStatic", (42,)).unwrap();
    for (function, arguments) in [
        ("CorruptOutputMagic", vec![]),
        ("CorruptOutputKind", vec![Value::U32(99)]),
        ("CorruptOutputLength", vec![Value::U32(0)]),
        ("CorruptOutputLength", vec![Value::U32(u32::MAX)]),
        ("CorruptOutputLength", vec![Value::U32((1 << 20) + 4096)]),
        ("CorruptOutputCount", vec![Value::U32(u32::MAX)]),
        ("SendRawFrame", vec![Value::Bytes(vec![])]),
        ("SendRawFrame", vec![Value::Bytes(vec![0xff; 4096])]),
        ("SendRawFrame", vec![Value::Bytes(frame(FrameKind::Result, &[ValueRef::I32(1)]))]),
        ("RingWithoutFrame", vec![]),
        ("CorruptSequence", vec![Value::U64(0)]),
        ("CorruptSequence", vec![Value::U64(u64::MAX)]),
        ("CorruptLogHead", vec![Value::U64(u64::MAX)]),
        ("CorruptLogHead", vec![Value::U64(1 << 40)]),
        ("CorruptLogHead", vec![Value::U64(7)]),
        ("CorruptLogRecord", vec![Value::Bytes(vec![0xff; 64])]),
    ] {
        poisons(&mut sandbox(&guest), ErrorCode::Protocol, |sandbox| {
            sandbox.call_values(function, &arguments)
        });
        assert_eq!(neighbour.call::<i32>("GetStatic", ()).unwrap(), 42);
    }
}
