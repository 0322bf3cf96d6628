//! Exported functions are guest functions.

use libhyperlight::{ErrorCode, Kind};
use libhyperlight_wasm::{Function, Options, precompile};

use crate::common::{start, uninitialized};

#[test]
fn numbers_of_every_type_come_back_bit_for_bit() {
    let mut sandbox = start(
        r#"(module
            (func (export "i32") (param i32) (result i32) (local.get 0))
            (func (export "i64") (param i64) (result i64) (local.get 0))
            (func (export "f32") (param f32) (result f32) (local.get 0))
            (func (export "f64") (param f64) (result f64) (local.get 0)))"#,
    );
    for value in [0, 1, -1, i32::MIN, i32::MAX] {
        assert_eq!(sandbox.call::<i32>("i32", (value,)).unwrap(), value);
    }
    for value in [0, -1, i64::MIN, i64::MAX] {
        assert_eq!(sandbox.call::<i64>("i64", (value,)).unwrap(), value);
    }
    for bits in [0, 0x8000_0000, 0x3f80_0000, 0x7fc0_1234, 0xff80_0000_u32] {
        assert_eq!(sandbox.call::<f32>("f32", (f32::from_bits(bits),)).unwrap().to_bits(), bits);
    }
    for bits in [0, 1 << 63, 0x7ff8_0000_dead_beef, 0x3ff0_0000_0000_0001_u64] {
        assert_eq!(sandbox.call::<f64>("f64", (f64::from_bits(bits),)).unwrap().to_bits(), bits);
    }
}

#[test]
fn fibonacci_is_the_one_of_the_examples() {
    let mut sandbox = start(
        r#"(module (func $fib (export "fib") (param i32) (result i32)
            (if (result i32) (i32.lt_u (local.get 0) (i32.const 2)) (then (local.get 0))
             (else (i32.add (call $fib (i32.sub (local.get 0) (i32.const 1)))
                            (call $fib (i32.sub (local.get 0) (i32.const 2))))))))"#,
    );
    assert_eq!(sandbox.call::<i32>("fib", (30,)).unwrap(), 832_040);
}

#[test]
fn no_result_is_void_and_several_are_an_array() {
    let mut sandbox = start(
        r#"(module
            (func (export "none"))
            (func (export "many") (result i32 i64 f64 f32)
                (i32.const -7) (i64.const 9007199254740993) (f64.const 0.1) (f32.const nan)))"#,
    );
    sandbox.call::<()>("none", ()).unwrap();
    assert_eq!(sandbox.call::<String>("many", ()).unwrap(), r#"[-7,9007199254740993,0.1,"NaN"]"#);
}

#[test]
fn any_number_of_exports_is_published_with_its_signature() {
    use std::fmt::Write;
    let mut text = String::from("(module");
    for number in 0..500 {
        write!(text, r#"(func (export "f{number}") (param i32) (result i32) (i32.add (local.get 0) (i32.const {number})))"#)
            .unwrap();
    }
    text.push(')');
    let mut sandbox = start(&text);
    for number in (0..500).step_by(83) {
        assert_eq!(sandbox.call::<i32>(&format!("f{number}"), (1000,)).unwrap(), 1000 + number);
    }
    let names: Vec<_> = sandbox.functions().map(|(name, _)| name.to_owned()).collect();
    assert_eq!(names.len(), 500);
    let (_, signature) = sandbox.functions().find(|(name, _)| *name == "f7").unwrap();
    assert_eq!((signature.params(), signature.returns()), (&[Kind::I32][..], Kind::I32));
}

#[test]
fn vectors_and_references_stay_inside() {
    let mut sandbox = start(
        r#"(module
            (func (export "v") (param v128) (result v128) (local.get 0))
            (func (export "r") (result funcref) (ref.null func))
            (func (export "sum") (result i32)
                (i32x4.extract_lane 2 (i32x4.add (v128.const i32x4 1 2 3 4) (v128.const i32x4 10 20 30 40)))))"#,
    );
    assert_eq!(sandbox.call::<i32>("sum", ()).unwrap(), 33);
    for name in ["v", "r"] {
        assert_eq!(sandbox.call::<()>(name, ()).unwrap_err().code(), ErrorCode::FunctionNotFound);
    }
}

/// Case 16.
#[test]
fn names_that_no_guest_function_has_stay_inside() {
    let (long, longest) = ("n".repeat(2000), "m".repeat(1024));
    let wide = "(param i32) ".repeat(33);
    let mut sandbox = start(&format!(
        r#"(module
            (func (export "") (result i32) (i32.const 1))
            (func (export "{long}") (result i32) (i32.const 2))
            (func (export "{longest}") (result i32) (i32.const 3))
            (func (export "wide") {wide})
            (func (export "hyperlight:memory-size"))
            (memory 1)
            (memory (export "{long}{long}") 2)
            (func (export "fine") (result i32) (i32.const 7)))"#
    ));
    assert_eq!(sandbox.call::<i32>("fine", ()).unwrap(), 7);
    assert_eq!(sandbox.call::<i32>(&longest, ()).unwrap(), 3);
    for name in ["", &long, "wide"] {
        assert!(sandbox.call::<i32>(name, ()).is_err(), "{name}");
    }
    let mut names: Vec<_> = sandbox.functions().map(|(name, _)| name.to_owned()).collect();
    names.retain(|name| !name.starts_with("hyperlight:"));
    assert_eq!(names, ["fine", &longest]);
    // A memory's name is an argument and may be what it likes.
    assert_eq!(sandbox.call::<u64>("hyperlight:memory-size", (long.repeat(2),)).unwrap(), 2 << 16);
    let mut unnamed = start(r#"(module (memory (export "") 3))"#);
    assert_eq!(unnamed.call::<u64>("hyperlight:memory-size", ("",)).unwrap(), 3 << 16);
}

/// Case 16, in the description too.
#[test]
fn what_cannot_be_called_by_its_name_stays_inside() {
    let (longest, longer) = ("n".repeat(1024), "n".repeat(2000));
    let text = format!(
        r#"(module
            (func $f (export "f") (export "") (export "{longest}") (export "{longer}") (result i32) (i32.const 7))
            (func (export "many") (param {})))"#,
        "i32 ".repeat(33)
    );
    let mut sandbox = start(&text);
    for name in ["f", &longest] {
        assert_eq!(sandbox.call::<i32>(name, ()).unwrap(), 7);
    }
    // The description says the same.
    let published: Vec<_> = sandbox.functions().map(|(name, _)| name.to_owned()).collect();
    let compiled = precompile(&wat::parse_str(&text).unwrap(), &Options::new()).unwrap();
    assert_eq!(published, ["f", &longest]);
    let described: Vec<_> = compiled.description().exports.iter().map(Function::name).collect();
    assert_eq!(described, published);

    let mut sandbox = start(&format!(r#"(module (memory (export "") 1) (memory (export "{longer}") 1))"#));
    for name in ["", &longer] {
        assert_eq!(sandbox.call::<u64>("hyperlight:memory-size", (name,)).unwrap(), 1 << 16);
    }

    let text = format!(
        r#"(component (core module $m (func (export "f"))) (core instance $i (instantiate $m))
            (func $f (canon lift (core func $i "f"))) (export "f" (func $f)) (export "{longer}" (func $f)))"#
    );
    let mut sandbox = start(&text);
    sandbox.call::<()>("f", ()).unwrap();
    assert_eq!(sandbox.functions().count(), 1);
}

#[test]
fn the_runtime_without_a_program_has_no_functions() {
    let runtime = libhyperlight_builtin::wasm().unwrap();
    let sandbox = uninitialized(&runtime).evolve().unwrap();
    assert_eq!(sandbox.functions().count(), 0);
}

#[test]
fn state_lives_from_call_to_call() {
    let mut sandbox = start(
        r#"(module
            (global $n (mut i32) (i32.const 5))
            (func $start (global.set $n (i32.const 10)))
            (start $start)
            (func (export "next") (result i32)
                (global.set $n (i32.add (global.get $n) (i32.const 1))) (global.get $n)))"#,
    );
    for expected in 11..15 {
        assert_eq!(sandbox.call::<i32>("next", ()).unwrap(), expected);
    }
}
