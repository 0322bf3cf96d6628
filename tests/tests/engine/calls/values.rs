//! Values cross the wall bit for bit, both ways.
#![expect(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

use std::cell::RefCell;

use libhyperlight::{Sandbox, Value};
use libhyperlight_tests::{on_each_guest, sandbox, uninitialized};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

/// A sandbox whose host has every `HostEcho…` function.
fn echoing(guest: &libhyperlight::Guest) -> Sandbox {
    let mut host = uninitialized(guest);
    host.register("HostEchoBool", |value: bool| value).unwrap();
    host.register("HostEchoI32", |value: i32| value).unwrap();
    host.register("HostEchoU32", |value: u32| value).unwrap();
    host.register("HostEchoI64", |value: i64| value).unwrap();
    host.register("HostEchoU64", |value: u64| value).unwrap();
    host.register("HostEchoF32", |value: f32| value).unwrap();
    host.register("HostEchoF64", |value: f64| value).unwrap();
    host.register("HostEchoString", |value: String| value).unwrap();
    host.register("HostEchoVecBytes", |value: Vec<u8>| value).unwrap();
    host.register("HostNoOp", || ()).unwrap();
    host.evolve().unwrap()
}

/// The guest functions that give a value of that kind back: by themselves, and by way of the host.
fn echoes(value: &Value) -> [&'static str; 2] {
    match value {
        Value::Bool(_) => ["EchoBool", "RoundTripHostBool"],
        Value::I32(_) => ["EchoI32", "RoundTripHostI32"],
        Value::U32(_) => ["EchoU32", "RoundTripHostU32"],
        Value::I64(_) => ["EchoI64", "RoundTripHostI64"],
        Value::U64(_) => ["EchoU64", "RoundTripHostU64"],
        Value::F32(_) => ["EchoFloat", "RoundTripHostF32"],
        Value::F64(_) => ["EchoDouble", "RoundTripHostF64"],
        Value::String(_) => ["Echo", "RoundTripHostString"],
        Value::Bytes(_) => ["EchoBytes", "RoundTripHostVecBytes"],
        other => panic!("nothing echoes {other:?}"),
    }
}

/// Equality of bits, where `==` would call a NaN different from itself and −0.0 equal to 0.0.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::F32(a), Value::F32(b)) => a.to_bits() == b.to_bits(),
        (Value::F64(a), Value::F64(b)) => a.to_bits() == b.to_bits(),
        _ => a == b,
    }
}

fn assert_comes_back(sandbox: &mut Sandbox, value: &Value) {
    for function in echoes(value) {
        let back = sandbox.call_values(function, std::slice::from_ref(value)).unwrap();
        assert!(same(&back, value), "{function}: {value:?} came back as {back:?}");
    }
}

#[test]
fn floats_come_back_bit_for_bit() {
    let f32s = [
        0.0,
        -0.0,
        1.0,
        -1.0,
        std::f32::consts::PI,
        -std::f32::consts::PI,
        f32::MAX,
        f32::MIN,
        f32::EPSILON,
        f32::MIN_POSITIVE,
        f32::from_bits(1),
        f32::INFINITY,
        f32::NEG_INFINITY,
        f32::NAN,
        -f32::NAN,
        // A signalling NaN and a quiet one, with payloads.
        f32::from_bits(0x7f80_0001),
        f32::from_bits(0xffc1_2345),
    ];
    let f64s = [
        0.0,
        -0.0,
        1.0,
        -1.0,
        std::f64::consts::PI,
        -std::f64::consts::PI,
        f64::MAX,
        f64::MIN,
        f64::EPSILON,
        f64::MIN_POSITIVE,
        f64::from_bits(1),
        f64::INFINITY,
        f64::NEG_INFINITY,
        f64::NAN,
        -f64::NAN,
        f64::from_bits(0x7ff0_0000_0000_0001),
        f64::from_bits(0xfff8_1234_5678_9abc),
    ];
    on_each_guest(|guest| {
        let mut sandbox = echoing(guest);
        for value in f32s.map(Value::F32).into_iter().chain(f64s.map(Value::F64)) {
            assert_comes_back(&mut sandbox, &value);
        }
    });
}

#[test]
fn integers_come_back_at_their_ends() {
    on_each_guest(|guest| {
        let mut sandbox = echoing(guest);
        for value in [
            Value::Bool(false),
            Value::Bool(true),
            Value::I32(i32::MIN),
            Value::I32(-1),
            Value::I32(i32::MAX),
            Value::U32(0),
            Value::U32(u32::MAX),
            Value::I64(i64::MIN),
            Value::I64(-1),
            Value::I64(i64::MAX),
            Value::U64(0),
            Value::U64(u64::MAX),
        ] {
            assert_comes_back(&mut sandbox, &value);
        }
    });
}

#[test]
fn texts_and_bytes_come_back_whatever_they_hold() {
    on_each_guest(|guest| {
        let mut sandbox = echoing(guest);
        for text in ["", "\0", "a\0b", "žluťoučký kůň 🐎", "\u{10ffff}", "line\r\nline\x1b[31m"] {
            assert_comes_back(&mut sandbox, &Value::String(text.into()));
        }
        for len in [0, 1, 7, 8, 9, 255, 256, 4095, 4096, 4097, 65_536] {
            let bytes = (0..=255).cycle().take(len).collect();
            assert_comes_back(&mut sandbox, &Value::Bytes(bytes));
        }
    });
}

#[test]
fn nothing_comes_back_as_nothing() {
    on_each_guest(|guest| {
        let mut sandbox = echoing(guest);
        assert_eq!(sandbox.call_values("NoOp", &[]).unwrap(), Value::Void);
        assert_eq!(sandbox.call_values("RoundTripHostNoOp", &[]).unwrap(), Value::Void);
    });
}

#[test]
fn the_tail_of_a_longer_value_never_shows_in_a_shorter_one() {
    on_each_guest(|guest| {
        let mut sandbox = sandbox(guest);
        for len in (0..300).rev().step_by(7) {
            let secret = vec![0xa5_u8; 1000];
            assert_eq!(sandbox.call::<Vec<u8>>("EchoBytes", (&secret,)).unwrap(), secret);
            assert_eq!(sandbox.call::<Vec<u8>>("EchoBytes", (vec![0_u8; len],)).unwrap(), vec![0; len]);
            assert_eq!(sandbox.call::<u64>("BytesLength", (vec![0_u8; len],)).unwrap(), len as u64);
            assert_eq!(sandbox.call::<u64>("StringLength", ("é".repeat(len),)).unwrap(), 2 * len as u64);
        }
    });
}

fn any_value() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<bool>().prop_map(Value::Bool),
        any::<i32>().prop_map(Value::I32),
        any::<u32>().prop_map(Value::U32),
        any::<i64>().prop_map(Value::I64),
        any::<u64>().prop_map(Value::U64),
        any::<u32>().prop_map(|bits| Value::F32(f32::from_bits(bits))),
        any::<u64>().prop_map(|bits| Value::F64(f64::from_bits(bits))),
        any::<String>().prop_map(Value::String),
        prop::collection::vec(any::<u8>(), 0..2000).prop_map(Value::Bytes),
    ]
}

#[test]
fn any_value_comes_back_through_guest_and_host() {
    on_each_guest(|guest| {
        // One sandbox for all of them: nothing of one call may show in the next either.
        let sandbox = RefCell::new(echoing(guest));
        let mut runner = TestRunner::new(Config { source_file: Some(file!()), ..Config::with_cases(400) });
        runner
            .run(&any_value(), |value| {
                assert_comes_back(&mut sandbox.borrow_mut(), &value);
                Ok(())
            })
            .unwrap();
    });
}
