//! Programs that try to exceed their limits.

use std::time::Duration;

use libhyperlight::{ErrorCode, Sandbox, SandboxOptions, State, UninitializedSandbox};

use crate::common::{guest, guest_error, start, start_fails, uninitialized};

#[test]
fn no_address_reaches_beyond_the_memory() {
    let mut sandbox = start(
        r#"(module (memory 1)
            (func (export "far") (param i32) (result i32) (i32.load offset=4294967295 (local.get 0)))
            (func (export "wide") (param i32) (result i64) (i64.load (local.get 0)))
            (func (export "vector") (param i32) (v128.store (local.get 0) (v128.const i64x2 1 2)))
            (func (export "fill") (param i32 i32) (memory.fill (local.get 0) (i32.const 255) (local.get 1)))
            (func (export "copy") (param i32 i32 i32) (memory.copy (local.get 0) (local.get 1) (local.get 2))))"#,
    );
    for address in [0, 1, 65535, i32::MAX, i32::MIN, -1] {
        guest_error(&mut sandbox, 1, |sandbox| sandbox.call::<i32>("far", (address,)));
    }
    for address in [65529, 65535, 65536, -8, -1] {
        guest_error(&mut sandbox, 1, |sandbox| sandbox.call::<i64>("wide", (address,)));
        guest_error(&mut sandbox, 1, |sandbox| sandbox.call::<()>("vector", (address,)));
    }
    for (address, len) in [(65536, 1), (0, 65537), (-1, 2), (1, -1)] {
        guest_error(&mut sandbox, 1, |sandbox| sandbox.call::<()>("fill", (address, len)));
        guest_error(&mut sandbox, 1, |sandbox| sandbox.call::<()>("copy", (0, address, len)));
        guest_error(&mut sandbox, 1, |sandbox| sandbox.call::<()>("copy", (address, 0, len)));
    }
}

#[test]
fn no_address_of_64_bits_reaches_beyond_the_memory() {
    let mut sandbox = start(
        r#"(module (memory i64 1)
            (func (export "load") (param i64) (result i64) (i64.load (local.get 0)))
            (func (export "far") (param i64) (result i64) (i64.load offset=0xfffffffffffffff0 (local.get 0)))
            (func (export "store") (param i64) (i64.store (local.get 0) (i64.const -1)))
            (func (export "grow") (param i64) (result i64) (memory.grow (local.get 0))))"#,
    );
    // Addresses of the runtime, of the payload, of the engine's pages, and their distances around 2^64.
    for address in
        [0x40_0000, 0x4000_0000, 0x1_0000_0000, 0x10_0000_0000, 65536, 65529, -8, -1, i64::MIN, i64::MAX]
    {
        guest_error(&mut sandbox, 1, |sandbox| sandbox.call::<i64>("load", (address,)));
        guest_error(&mut sandbox, 1, |sandbox| sandbox.call::<()>("store", (address,)));
    }
    for address in [0, 8, 16, -1, i64::MAX] {
        guest_error(&mut sandbox, 1, |sandbox| sandbox.call::<i64>("far", (address,)));
    }
    for pages in [1 << 20, 1 << 47, -1, i64::MAX] {
        assert_eq!(sandbox.call::<i64>("grow", (pages,)).unwrap(), -1);
    }
}

#[test]
fn a_memory_that_the_heap_cannot_hold_ends_the_start() {
    for pages in [300, 65536] {
        let error = start_fails(&format!("(module (memory {pages}))"));
        assert_eq!(error.code(), ErrorCode::GuestAbort, "{error}");
        assert!(error.message().contains("heap size"), "{error}");
    }
    let options = SandboxOptions::new().heap_size(32 << 20);
    UninitializedSandbox::new(&guest("(module (memory 300))"), options).unwrap().evolve().unwrap();
}

#[test]
fn tables_grow_no_further_than_the_heap() {
    let mut sandbox = start(
        r#"(module (table $t 1 funcref)
            (func (export "grow") (param i32) (result i32) (table.grow $t (ref.null func) (local.get 0))))"#,
    );
    for count in [-1, i32::MAX, 1 << 28] {
        assert_eq!(sandbox.call::<i32>("grow", (count,)).unwrap(), -1);
    }
    assert_eq!(sandbox.call::<i32>("grow", (1000,)).unwrap(), 1);
}

#[test]
fn an_endless_loop_is_stopped_by_the_time_limit() {
    let guest = guest(
        r#"(module (func (export "spin") (loop (br 0))) (func (export "fine") (result i32) (i32.const 7)))"#,
    );
    let options = SandboxOptions::new().timeout(Duration::from_millis(50));
    let mut sandbox = UninitializedSandbox::new(&guest, options).unwrap().evolve().unwrap();
    let snapshot = sandbox.snapshot().unwrap();
    assert_eq!(sandbox.call::<()>("spin", ()).unwrap_err().code(), ErrorCode::Timeout);
    assert_eq!(sandbox.state(), State::Poisoned);
    sandbox.restore(&snapshot).unwrap();
    assert_eq!(sandbox.call::<i32>("fine", ()).unwrap(), 7);
}

#[test]
fn an_endless_start_is_stopped_by_the_time_limit() {
    let guest = guest("(module (func $f (loop (br 0))) (start $f))");
    let options = SandboxOptions::new().timeout(Duration::from_millis(50));
    let error = UninitializedSandbox::new(&guest, options).unwrap().evolve().unwrap_err();
    assert_eq!(error.code(), ErrorCode::Timeout);
}

#[test]
fn a_function_that_calls_itself_through_the_host_does_not_get_in() {
    let mut sandbox = uninitialized(&guest(
        r#"(module (import "env" "again" (func $again)) (func (export "run") (call $again)))"#,
    ));
    sandbox.register("again", || ()).unwrap();
    let mut sandbox = sandbox.evolve().unwrap();
    sandbox.call::<()>("run", ()).unwrap();
}

#[test]
fn code_that_was_tampered_with_harms_its_own_sandbox_alone() {
    use libhyperlight::PayloadAccess;
    use libhyperlight_wasm::{Options, precompile};
    let wasm = r#"(module (memory (export "memory") 1) (data (i32.const 8) "a neighbour's secret")
        (func (export "f") (result i32) (i32.const 7)))"#;
    let compiled = precompile(&wat::parse_str(wasm).unwrap(), &Options::new()).unwrap();
    let runtime = libhyperlight_builtin::wasm().unwrap();
    let mut neighbour = start(wasm);
    let read = |sandbox: &mut Sandbox| {
        sandbox.call::<Vec<u8>>("hyperlight:memory-read", ("memory", 0_u64, 65536_u64)).unwrap()
    };
    let before = read(&mut neighbour);
    let (mut worked, mut failed) = (0, 0);
    for step in (0..compiled.code().len()).step_by(97) {
        let mut code = compiled.code().to_vec();
        code[step] ^= 0x55;
        let guest = runtime
            .with_payload(&code, PayloadAccess::ReadExecute)
            .and_then(|guest| guest.with_payload(compiled.config(), PayloadAccess::Read))
            .unwrap();
        let options = SandboxOptions::new().timeout(Duration::from_secs(5));
        let answer = UninitializedSandbox::new(&guest, options)
            .unwrap()
            .evolve()
            .and_then(|mut sandbox| sandbox.call::<i32>("f", ()));
        match answer {
            // What it returns is its own affair.
            Ok(_) => worked += 1,
            Err(error) => {
                failed += 1;
                let code = error.code();
                assert!(!matches!(code, ErrorCode::Internal | ErrorCode::Resource), "byte {step}: {error}");
            }
        }
        // The same program beside it goes on, with what it has.
        assert_eq!(neighbour.call::<i32>("f", ()).unwrap(), 7, "byte {step}");
    }
    assert!(worked > 0 && failed > 0, "{worked} worked, {failed} failed");
    assert_eq!(read(&mut neighbour), before);
    let guest = runtime.with_payload(compiled.code(), PayloadAccess::ReadExecute).unwrap();
    let error = uninitialized(&guest).evolve().unwrap_err();
    assert_eq!((error.code(), error.guest_code()), (ErrorCode::GuestAbort, 3), "{error}");
}
