//! The wire format, from outside: every message survives encoding and decoding bit for bit, and no input panics.
#![expect(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

use libhyperlight_abi::boot::{BootInfo, Payload, Span};
use libhyperlight_abi::limits::MAX_DETAILS_LEN;
use libhyperlight_abi::message::{self, Context, LogLevel, LogRecord};
use libhyperlight_abi::placement::{Placement, Stacks};
use libhyperlight_abi::{
    DecodeError, ErrorKind, Frame, FrameKind, Kind, SignatureRef, ToGuest, ToHost, ValueRef,
};
use proptest::prelude::*;

/// A value that owns what it refers to.
#[derive(Clone, Debug)]
enum Owned {
    Fixed(ValueRef<'static>),
    String(String),
    Bytes(Vec<u8>),
}

impl Owned {
    fn borrow(&self) -> ValueRef<'_> {
        match self {
            Self::Fixed(value) => *value,
            Self::String(text) => ValueRef::String(text),
            Self::Bytes(bytes) => ValueRef::Bytes(bytes),
        }
    }
}

fn value() -> impl Strategy<Value = Owned> {
    prop_oneof![
        Just(Owned::Fixed(ValueRef::Void)),
        any::<bool>().prop_map(|v| Owned::Fixed(ValueRef::Bool(v))),
        any::<i32>().prop_map(|v| Owned::Fixed(ValueRef::I32(v))),
        any::<u32>().prop_map(|v| Owned::Fixed(ValueRef::U32(v))),
        any::<i64>().prop_map(|v| Owned::Fixed(ValueRef::I64(v))),
        any::<u64>().prop_map(|v| Owned::Fixed(ValueRef::U64(v))),
        any::<u32>().prop_map(|v| Owned::Fixed(ValueRef::F32(f32::from_bits(v)))),
        any::<u64>().prop_map(|v| Owned::Fixed(ValueRef::F64(f64::from_bits(v)))),
        any::<String>().prop_map(Owned::String),
        prop::collection::vec(any::<u8>(), 0..300).prop_map(Owned::Bytes),
    ]
}

/// Equality of bits, where `==` would call a NaN different from itself and −0.0 equal to 0.0.
fn same(a: &ValueRef<'_>, b: &ValueRef<'_>) -> bool {
    match (a, b) {
        (ValueRef::F32(a), ValueRef::F32(b)) => a.to_bits() == b.to_bits(),
        (ValueRef::F64(a), ValueRef::F64(b)) => a.to_bits() == b.to_bits(),
        _ => a == b,
    }
}

fn encoded(kind: FrameKind, values: &[ValueRef<'_>]) -> Vec<u8> {
    let mut buffer = vec![0xAA; 64 * 1024];
    let len = message::encode(buffer.as_mut_slice(), kind, &[], values).unwrap();
    buffer.truncate(len);
    buffer
}

proptest! {
    #[test]
    fn every_value_comes_back_bit_for_bit(values in prop::collection::vec(value(), 0..=32)) {
        let values: Vec<_> = values.iter().map(Owned::borrow).collect();
        let bytes = encoded(FrameKind::Result, &values);
        let mut items = Frame::decode(&bytes).unwrap().items();
        for expected in &values {
            let found = items.value().unwrap();
            prop_assert!(same(&found, expected), "{found:?} is not {expected:?}");
        }
        prop_assert!(items.finish().is_ok());
    }

    #[test]
    fn every_cut_of_a_frame_is_refused(values in prop::collection::vec(value(), 1..8)) {
        let values: Vec<_> = values.iter().map(Owned::borrow).collect();
        let bytes = encoded(FrameKind::Result, &values);
        for len in 0..bytes.len() {
            prop_assert!(Frame::decode(&bytes[..len]).is_err());
        }
    }

    #[test]
    fn any_bytes_decode_or_are_refused_but_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..512)) {
        let _ = ToHost::decode(&bytes);
        let _ = ToGuest::decode(&bytes);
        let _ = LogRecord::decode(&bytes);
        let _ = SignatureRef::decode(&bytes);
    }

    #[test]
    fn a_flipped_byte_decodes_or_is_refused_but_never_panics(
        values in prop::collection::vec(value(), 0..8),
        kind in prop::sample::select(vec![FrameKind::Ready, FrameKind::Result, FrameKind::Error, FrameKind::HostCall, FrameKind::Abort, FrameKind::Wait, FrameKind::Call]),
        at in any::<prop::sample::Index>(),
        mask in 1u8..,
    ) {
        let values: Vec<_> = values.iter().map(Owned::borrow).collect();
        let mut bytes = encoded(kind, &values);
        let at = at.index(bytes.len());
        bytes[at] ^= mask;
        if let Ok(ToHost::Ready(ready)) = ToHost::decode(&bytes) {
            let _ = ready.read(|_, _| (), |_, _| ());
        }
        let _ = ToGuest::decode(&bytes);
    }

    #[test]
    fn a_frame_that_does_not_fit_says_how_much_is_needed(len in 0usize..200) {
        let bytes = vec![7; len];
        let mut small = [0; 64];
        let whole = 16 + 8 + len.next_multiple_of(8);
        match message::encode(small.as_mut_slice(), FrameKind::Result, &[], &[ValueRef::Bytes(&bytes)]) {
            Ok(written) => prop_assert_eq!(written, whole),
            Err(full) => prop_assert_eq!((full.needed, full.capacity), (whole, 64)),
        }
    }

    #[test]
    fn a_context_comes_back(generation: u64, monotonic_ns: u64, wall_ns: u64, tsc_hz: u64, entropy: Option<[u8; 32]>) {
        let context = Context { generation, monotonic_ns, wall_ns, tsc_hz, entropy };
        prop_assert_eq!(Context::from_bytes(&context.to_bytes()).unwrap(), context);
    }

    #[test]
    fn boot_info_comes_back(words in prop::array::uniform16(any::<u64>())) {
        let span = |i: usize| Span { address: words[i], size: words[i + 1] };
        let mut info = BootInfo {
            doorbell: words[0],
            input: span(1),
            output: span(3),
            log_ring: span(5),
            heap: span(7),
            stack: span(9),
            load_bias: words[11],
            payload_count: words[12],
            ..BootInfo::default()
        };
        info.payloads[15] = Payload { span: span(13), executable: words[15] % 2 == 0 };
        let stacks = Stacks { first: words[2], size: words[3], stride: words[4], count: words[5] };
        info.placement = Placement { arena: span(0), stacks, report: span(6) };
        prop_assert_eq!(BootInfo::from_bytes(&info.to_bytes()).unwrap(), info);
    }
}

#[test]
fn special_floats_keep_their_bits() {
    for bits in [0x8000_0000_u32, 0x7f80_0001, 0xffc0_1234, 0x7f80_0000, 1] {
        let bytes = encoded(FrameKind::Result, &[ValueRef::F32(f32::from_bits(bits))]);
        let ToHost::Result(ValueRef::F32(found)) = ToHost::decode(&bytes).unwrap() else {
            panic!("not an f32");
        };
        assert_eq!(found.to_bits(), bits);
    }
    for bits in [1_u64 << 63, 0x7ff0_0000_0000_0001, 0xfff8_0000_dead_beef, 1] {
        let bytes = encoded(FrameKind::Result, &[ValueRef::F64(f64::from_bits(bits))]);
        let ToHost::Result(ValueRef::F64(found)) = ToHost::decode(&bytes).unwrap() else {
            panic!("not an f64");
        };
        assert_eq!(found.to_bits(), bits);
    }
}

#[test]
fn malformed_frames_are_refused_for_their_own_reason() {
    let good = encoded(FrameKind::Result, &[ValueRef::Bool(true)]);
    let with = |at: usize, byte: u8| {
        let mut bytes = good.clone();
        bytes[at] = byte;
        ToHost::decode(&bytes).map(|_| ()).unwrap_err()
    };
    assert_eq!(with(0, 0), DecodeError::BadMagic);
    assert_eq!(with(4, 99), DecodeError::UnknownFrame);
    assert_eq!(with(4, FrameKind::Call as u8), DecodeError::UnknownFrame);
    assert_eq!(with(8, 24), DecodeError::BadLength);
    assert_eq!(with(12, 0), DecodeError::Truncated);
    assert_eq!(with(12, 2), DecodeError::TrailingBytes);
    assert_eq!(with(16, 77), DecodeError::UnknownKind);
    assert_eq!(with(20, 2), DecodeError::BadItemLength);
    assert_eq!(with(24, 2), DecodeError::BadBool);
    assert_eq!(with(25, 1), DecodeError::BadPadding);

    let text = encoded(FrameKind::Result, &[ValueRef::Bytes(b"\xff")]);
    let mut bytes = text.clone();
    bytes[16] = 8;
    assert_eq!(ToHost::decode(&bytes).map(|_| ()).unwrap_err(), DecodeError::BadUtf8);
    let mut bytes = text;
    bytes[20..24].copy_from_slice(&u32::MAX.to_le_bytes());
    assert_eq!(ToHost::decode(&bytes).map(|_| ()).unwrap_err(), DecodeError::Truncated);
}

#[test]
fn an_error_says_as_much_as_it_has_to() {
    let ordinary = [ValueRef::I32(-7), ValueRef::String("why"), ValueRef::U64(9)];
    let details = "d".repeat(MAX_DETAILS_LEN);
    let decoded = |more: &[ValueRef<'_>]| {
        let bytes = encoded(FrameKind::Error, &[&ordinary, more].concat());
        match ToHost::decode(&bytes)? {
            ToHost::Error { code: -7, message: "why", token: 9, kind, details } => {
                Ok((kind, details.map(str::len)))
            }
            other => panic!("{other:?}"),
        }
    };
    // Those of before said no more than this.
    assert_eq!(decoded(&[]), Ok((ErrorKind::Own, None)));
    for kind in [ErrorKind::Own, ErrorKind::FunctionNotFound, ErrorKind::TooLarge, ErrorKind::Caused] {
        let number = ValueRef::U32(kind as u32);
        assert_eq!(decoded(&[number]), Ok((kind, None)));
        for text in ["", "{}", &details[..1000]] {
            assert_eq!(decoded(&[number, ValueRef::String(text)]), Ok((kind, Some(text.len()))));
        }
    }
    let own = ValueRef::U32(0);
    assert_eq!(decoded(&[ValueRef::U32(4)]), Err(DecodeError::WrongItem));
    assert_eq!(decoded(&[ValueRef::String("{}")]), Err(DecodeError::WrongItem));
    assert_eq!(decoded(&[own, ValueRef::Bytes(b"{}")]), Err(DecodeError::WrongItem));
    assert_eq!(decoded(&[own, ValueRef::String("{}"), own]), Err(DecodeError::TrailingBytes));
    let mut buffer = vec![0; 2 * MAX_DETAILS_LEN];
    for (len, is_accepted) in [(MAX_DETAILS_LEN, true), (MAX_DETAILS_LEN + 1, false)] {
        let text = "d".repeat(len);
        let items = [&ordinary[..], &[own, ValueRef::String(&text)]].concat();
        let written = message::encode(buffer.as_mut_slice(), FrameKind::Error, &[], &items).unwrap();
        let found = ToHost::decode(&buffer[..written]).map(drop);
        assert_eq!(found, if is_accepted { Ok(()) } else { Err(DecodeError::BadDetails) });
    }
}

#[test]
fn a_wait_has_a_deadline_and_nothing_else() {
    let bytes = encoded(FrameKind::Wait, &[ValueRef::U64(u64::MAX)]);
    assert!(matches!(ToHost::decode(&bytes), Ok(ToHost::Wait { deadline: u64::MAX })));
    for items in [&[][..], &[ValueRef::I64(1)], &[ValueRef::U64(1), ValueRef::U64(1)]] {
        assert!(ToHost::decode(&encoded(FrameKind::Wait, items)).is_err());
    }
}

#[test]
fn more_arguments_than_the_limit_are_refused() {
    let mut items = vec![ValueRef::String("f")];
    items.extend([ValueRef::I32(1); 32]);
    assert!(ToHost::decode(&encoded(FrameKind::HostCall, &items)).is_ok());
    items.push(ValueRef::I32(1));
    let refused = ToHost::decode(&encoded(FrameKind::HostCall, &items)).map(|_| ());
    assert_eq!(refused.unwrap_err(), DecodeError::TooManyItems);
}

#[test]
fn a_list_of_functions_comes_back_in_order() {
    let bytes = encoded(
        FrameKind::Ready,
        &[
            ValueRef::U32(2),
            ValueRef::String("Echo"),
            ValueRef::Bytes(&[8, 8]),
            ValueRef::String("NoOp"),
            ValueRef::Bytes(&[0]),
            ValueRef::U32(1),
            ValueRef::String("HostAdd"),
            ValueRef::Bytes(&[2, 2, 2]),
        ],
    );
    let ToHost::Ready(ready) = ToHost::decode(&bytes).unwrap() else {
        panic!("not a Ready");
    };
    let (mut guest, mut host) = (Vec::new(), Vec::new());
    ready
        .read(
            |name, signature| guest.push((name, signature.returns(), signature.params().len())),
            |name, signature| host.push((name, signature.params().collect::<Vec<_>>())),
        )
        .unwrap();
    assert_eq!(guest, [("Echo", Kind::String, 1), ("NoOp", Kind::Void, 0)]);
    assert_eq!(host, [("HostAdd", vec![Kind::I32, Kind::I32])]);
}

#[test]
fn signatures_with_void_parameters_or_too_many_are_refused() {
    assert!(SignatureRef::decode(&[]).is_err());
    assert!(SignatureRef::decode(&[0, 0]).is_err());
    assert!(SignatureRef::decode(&[10]).is_err());
    assert!(SignatureRef::decode(&[2; 33]).is_ok());
    assert!(SignatureRef::decode(&[2; 34]).is_err());
}

#[test]
fn a_log_record_comes_back() {
    let record =
        LogRecord { level: LogLevel::Warn, target: "demo", file: "src/lib.rs", line: 7, message: "careful" };
    let mut buffer = [0; 256];
    let len = record.encode(buffer.as_mut_slice()).unwrap();
    assert_eq!(LogRecord::decode(&buffer[..len]).unwrap(), record);
}

#[test]
fn kinds_and_their_numbers_agree() {
    for kind in Kind::ALL {
        assert_eq!(Kind::from_code(kind.code()), Some(kind));
    }
    assert_eq!(Kind::from_code(10), None);
}
