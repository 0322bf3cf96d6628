//! Imported functions are host functions.

use libhyperlight::{ErrorCode, HostError, Kind, Signature};
use libhyperlight_wasm::{Options, compile};

use crate::common::{guest, uninitialized};

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

/// Case 18.
#[test]
fn what_is_no_function_of_numbers_cannot_be_imported() {
    let name = "n".repeat(1025);
    for (import, part) in [
        (r#"(import "env" "memory" (memory 1))"#, "the import `memory` of `env` is a memory"),
        (r#"(import "env" "t" (table 1 funcref))"#, "is a table, and only functions can be imported"),
        (r#"(import "env" "g" (global i32))"#, "is a global"),
        (
            r#"(import "env" "v" (func (param v128)))"#,
            "the import `v` has a type that host functions cannot have",
        ),
        (r#"(import "m" "two" (func (result i32 i32)))"#, "the import `m.two` has a type"),
        (&format!("(import \"env\" \"many\" (func (param {})))", "i32 ".repeat(33)), "at most 32"),
        (r#"(import "env" "" (func))"#, "has a name of 0 bytes"),
        (&format!("(import \"env\" \"{name}\" (func))"), "has a name of 1025 bytes"),
        (r#"(import "env" "e" (tag))"#, "exceptions"),
    ] {
        let program = wat::parse_str(format!("(module {import})")).unwrap();
        let error = compile(&program, &Options::new()).map(|_| ()).unwrap_err();
        assert_eq!(error.code(), ErrorCode::GuestBinary, "{error}");
        let message = error.to_string();
        assert!(message.contains(part) && !message.contains('\n'), "{message}");
    }
}

/// Case 18, for components.
#[test]
fn what_no_host_has_cannot_be_imported_by_a_component() {
    for import in [
        r#"(import "m" (core module))"#,
        r#"(import "r" (type (sub resource)))"#,
        r#"(import "i" (instance (export "r" (type (sub resource)))))"#,
        r#"(import "i" (instance (export "inner" (instance))))"#,
        r#"(import "a:b/c" (instance (export "r" (type (sub resource))) (export "f" (func (param "x" (borrow 0))))))"#,
        r#"(import "r" (type $r (sub resource))) (import "f" (func (param "x" (own $r))))"#,
    ] {
        let program = wat::parse_str(format!("(component {import})")).unwrap();
        let error = compile(&program, &Options::new()).map(|_| ()).unwrap_err();
        assert_eq!(error.code(), ErrorCode::GuestBinary, "{error}");
        assert!(error.to_string().starts_with("the import `"), "{error}");
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
