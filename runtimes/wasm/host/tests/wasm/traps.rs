//! Traps are errors of the guest: they say what happened and where, and the program can be called again.

use libhyperlight::{ErrorCode, SandboxOptions, UninitializedSandbox};

use crate::common::{guest, guest_error, start, start_fails};

const PROGRAM: &str = r#"(module
    (memory 1)
    (table 2 funcref)
    (type $nothing (func))
    (func $inner (export "unreachable") unreachable)
    (func $outer (export "outer") (call $inner))
    (func (export "divide") (param i32 i32) (result i32) (i32.div_s (local.get 0) (local.get 1)))
    (func (export "load") (param i32) (result i32) (i32.load (local.get 0)))
    (func (export "store") (param i32) (i32.store (local.get 0) (i32.const 1)))
    (func (export "call") (param i32) (call_indirect (type $nothing) (local.get 0)))
    (func (export "convert") (param f64) (result i32) (i32.trunc_f64_s (local.get 0)))
    (func $deep (export "deep") (param i32) (result i32)
        (i32.add (i32.const 1) (call $deep (i32.add (local.get 0) (i32.const 1)))))
    (func (export "fine") (result i32) (i32.const 7)))"#;

#[test]
fn every_trap_says_what_it_is_and_leaves_the_program_usable() {
    let mut sandbox = start(PROGRAM);
    let mut traps = |name: &str, arguments: &[i32], text: &str| {
        let message = guest_error(&mut sandbox, 1, |sandbox| match *arguments {
            [] => sandbox.call::<()>(name, ()),
            [one] if name == "load" => sandbox.call::<i32>(name, (one,)).map(|_| ()),
            [one] => sandbox.call::<()>(name, (one,)),
            [one, two, ..] => sandbox.call::<i32>(name, (one, two)).map(|_| ()),
        });
        assert!(message.contains(text), "{message}");
        assert_eq!(sandbox.call::<i32>("fine", ()).unwrap(), 7);
    };
    traps("unreachable", &[], "unreachable");
    traps("divide", &[1, 0], "divide by zero");
    traps("divide", &[i32::MIN, -1], "integer overflow");
    for address in [65533, 65536, -1, i32::MIN] {
        traps("load", &[address], "out of bounds memory access");
        traps("store", &[address], "out of bounds memory access");
    }
    traps("call", &[0], "uninitialized element");
    traps("call", &[2], "undefined element");
    let message = guest_error(&mut sandbox, 1, |sandbox| sandbox.call::<i32>("convert", (f64::NAN,)));
    assert!(message.contains("invalid conversion"), "{message}");
}

#[test]
fn a_trap_tells_which_functions_were_running() {
    let mut sandbox = start(PROGRAM);
    let message = guest_error(&mut sandbox, 1, |sandbox| sandbox.call::<()>("outer", ()));
    let (inner, outer) = (message.find("inner").unwrap(), message.find("outer").unwrap());
    assert!(message.contains("wasm backtrace") && inner < outer, "{message}");
}

#[test]
fn deep_recursion_is_a_trap_whatever_the_stack() {
    for stack in [16 << 10, 64 << 10, 1 << 20, 32 << 20] {
        let options = SandboxOptions::new().stack_size(stack);
        let sandbox = UninitializedSandbox::new(&guest(PROGRAM), options).unwrap().evolve();
        let Ok(mut sandbox) = sandbox else {
            // So small a stack may not even do for the start, which must then say so.
            assert_eq!((stack, sandbox.unwrap_err().code()), (16 << 10, ErrorCode::StackOverflow));
            continue;
        };
        for _ in 0..3 {
            let message = guest_error(&mut sandbox, 1, |sandbox| sandbox.call::<i32>("deep", (0,)));
            assert!(message.contains("call stack exhausted"), "{message}");
        }
        assert_eq!(sandbox.call::<i32>("fine", ()).unwrap(), 7);
    }
}

#[test]
fn a_start_function_that_traps_ends_the_start() {
    let error = start_fails("(module (func $f unreachable) (start $f))");
    assert_eq!((error.code(), error.guest_code()), (ErrorCode::GuestAbort, 1));
    assert!(error.message().contains("unreachable"), "{error}");
}

#[test]
fn data_that_does_not_fit_ends_the_start() {
    let error = start_fails(r#"(module (memory 1) (data (i32.const 65536) "x"))"#);
    assert_eq!((error.code(), error.guest_code()), (ErrorCode::GuestAbort, 1));
}
