//! Imported functions are host functions.

use hyperlight::{ErrorCode, HostError, Kind, Signature};

use crate::common::{guest, start_fails, uninitialized};

const ADD: &str = r#"(module
    (import "env" "add" (func $add (param i32 i32) (result i32)))
    (import "math" "scale" (func $scale (param f64 f32 i64) (result f64)))
    (import "env" "note" (func $note (param i32)))
    (func (export "run") (param i32) (result i32)
        (call $note (local.get 0))
        (call $add (local.get 0) (i32.const 1)))
    (func (export "scale") (result f64) (call $scale (f64.const 2.5) (f32.const 4) (i64.const -3))))"#;

#[test]
fn host_functions_are_found_by_module_and_name() {
    let noted = std::sync::Arc::new(std::sync::atomic::AtomicI32::new(0));
    let seen = std::sync::Arc::clone(&noted);
    let mut sandbox = uninitialized(&guest(ADD));
    sandbox.register("add", |a: i32, b: i32| a + b).unwrap();
    sandbox.register("math.scale", |a: f64, b: f32, c: i64| a * f64::from(b) + c as f64).unwrap();
    sandbox.register("note", move |n: i32| seen.store(n, std::sync::atomic::Ordering::Relaxed)).unwrap();
    let mut sandbox = sandbox.evolve().unwrap();
    assert_eq!(sandbox.call::<i32>("run", (41,)).unwrap(), 42);
    assert_eq!(noted.load(std::sync::atomic::Ordering::Relaxed), 41);
    assert_eq!(sandbox.call::<f64>("scale", ()).unwrap(), 7.0);
}

#[test]
fn a_missing_or_mistyped_host_function_is_named_when_it_is_needed() {
    let mut sandbox = uninitialized(&guest(ADD));
    sandbox.register("add", |a: i64| a).unwrap();
    let outcome = sandbox.evolve().and_then(|mut sandbox| sandbox.call::<i32>("run", (1,)));
    let error = outcome.unwrap_err();
    assert!(error.message().contains("note") || error.message().contains("add"), "{error}");
}

#[test]
fn the_error_of_a_host_function_comes_back_as_it_was() {
    let mut sandbox = uninitialized(&guest(ADD));
    let signature = Signature::new(&[Kind::I32, Kind::I32], Kind::I32).unwrap();
    sandbox
        .register_dynamic("add", signature, |_| {
            Err(HostError::new(std::io::Error::other("no addition today")).with_status(77))
        })
        .unwrap();
    sandbox.register("math.scale", |_: f64, _: f32, _: i64| 0.0).unwrap();
    sandbox.register("note", |_: i32| ()).unwrap();
    let mut sandbox = sandbox.evolve().unwrap();
    let error = sandbox.call::<i32>("run", (1,)).unwrap_err();
    assert_eq!((error.code(), error.guest_code()), (ErrorCode::HostFunction, 77));
    let source = error.into_source().unwrap();
    assert_eq!(source.downcast_ref::<std::io::Error>().unwrap().to_string(), "no addition today");
}

#[test]
fn what_is_no_function_of_numbers_cannot_be_imported() {
    for (import, part) in [
        (r#"(import "env" "memory" (memory 1))"#, "only functions can be imported"),
        (r#"(import "env" "g" (global i32))"#, "only functions can be imported"),
        (r#"(import "env" "v" (func (param v128)))"#, "cannot have"),
        (r#"(import "env" "two" (func (result i32 i32)))"#, "cannot have"),
    ] {
        let error = start_fails(&format!("(module {import})"));
        assert_eq!((error.code(), error.guest_code()), (ErrorCode::GuestAbort, 3), "{error}");
        assert!(error.message().contains(part), "{error}");
    }
}

#[test]
fn a_function_may_be_imported_twice() {
    let mut sandbox = uninitialized(&guest(
        r#"(module
            (import "env" "one" (func $a (result i32)))
            (import "env" "one" (func $b (result i32)))
            (func (export "run") (result i32) (i32.add (call $a) (call $b))))"#,
    ));
    sandbox.register("one", || 1).unwrap();
    assert_eq!(sandbox.evolve().unwrap().call::<i32>("run", ()).unwrap(), 2);
}

#[test]
fn a_start_function_may_call_the_host() {
    let mut sandbox = uninitialized(&guest(
        r#"(module
            (import "env" "seed" (func $seed (result i32)))
            (global $g (mut i32) (i32.const 0))
            (func $start (global.set $g (call $seed)))
            (start $start)
            (func (export "get") (result i32) (global.get $g)))"#,
    ));
    sandbox.register("seed", || 99).unwrap();
    assert_eq!(sandbox.evolve().unwrap().call::<i32>("get", ()).unwrap(), 99);
}
