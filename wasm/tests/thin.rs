//! Thin path.
#![expect(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

use hyperlight::{Guest, SandboxOptions, UninitializedSandbox};
use hyperlight_wasm::{Options, attach, precompile};

#[test]
fn fib() {
    let wasm = wat::parse_str(
        r#"(module (func $fib (export "fib") (param i32) (result i32)
            (if (result i32) (i32.lt_u (local.get 0) (i32.const 2)) (then (local.get 0))
             (else (i32.add (call $fib (i32.sub (local.get 0) (i32.const 1)))
                            (call $fib (i32.sub (local.get 0) (i32.const 2))))))))"#,
    )
    .unwrap();
    let compiled = precompile(&wasm, &Options::new()).unwrap();
    let runtime = Guest::from_file(std::env::var("WASM_GUEST").unwrap()).unwrap();
    let guest = attach(&runtime, &compiled).unwrap();
    let mut sandbox = UninitializedSandbox::new(&guest, SandboxOptions::new()).unwrap().evolve().unwrap();
    assert_eq!(sandbox.call::<i32>("fib", (30,)).unwrap(), 832040);
}
