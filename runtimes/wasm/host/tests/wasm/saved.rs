//! Compiled programs that are kept as bytes. Case 20.

use libhyperlight::{Guest, SandboxOptions, UninitializedSandbox};
use libhyperlight_wasm::{Compiled, Options, attach, precompile};

use crate::fuzz::as_if_saved;

const PROGRAM: &str = r#"(module (import "env" "add" (func $add (param i32 i32) (result i32)))
    (memory (export "memory") 1)
    (func (export "twice") (param i32) (result i32) (call $add (local.get 0) (local.get 0)))
    (func (export "two") (result i32 f64) (i32.const 1) (f64.const 2)))"#;

fn saved() -> Vec<u8> {
    precompile(&wat::parse_str(PROGRAM).unwrap(), &Options::new()).unwrap().to_bytes().unwrap()
}

#[test]
fn it_runs_as_if_it_had_just_been_compiled() {
    let compiled = Compiled::from_bytes(&saved(), &Options::new()).unwrap();
    let fresh = precompile(&wat::parse_str(PROGRAM).unwrap(), &Options::new()).unwrap();
    assert_eq!(compiled.description(), fresh.description());
    assert_eq!(compiled.code(), fresh.code());
    let guest = attach(&Guest::builtin("wasm").unwrap(), &compiled).unwrap();
    let mut sandbox = UninitializedSandbox::new(&guest, SandboxOptions::new()).unwrap();
    sandbox.register("add", |a: i32, b: i32| a + b).unwrap();
    assert_eq!(sandbox.evolve().unwrap().call::<i32>("twice", (21,)).unwrap(), 42);
}

#[test]
fn its_surroundings_are_those_that_it_is_loaded_with() {
    let with = |text: &str| Options::new().argument(text).unwrap();
    let saved = precompile(&wat::parse_str(PROGRAM).unwrap(), &with("then")).unwrap().to_bytes().unwrap();
    let config = Compiled::from_bytes(&saved, &with("now")).unwrap().config().to_vec();
    assert_eq!(config, precompile(&wat::parse_str(PROGRAM).unwrap(), &with("now")).unwrap().config());
}

#[test]
fn what_was_made_by_another_version_or_for_another_processor_must_be_made_anew() {
    let saved = saved();
    for at in [8, 40] {
        let mut other = saved.clone();
        other[at] ^= 1;
        let message = Compiled::from_bytes(&other, &Options::new()).unwrap_err().to_string();
        assert!(message.contains("compile the program anew"), "{message}");
    }
}

#[test]
fn what_is_damaged_is_refused() {
    let saved = saved();
    for len in 0..saved.len() {
        assert!(Compiled::from_bytes(&saved[..len], &Options::new()).is_err(), "{len}");
    }
    for at in 0..saved.len() {
        let mut damaged = saved.clone();
        damaged[at] ^= 0x80;
        assert!(Compiled::from_bytes(&damaged, &Options::new()).is_err(), "{at}");
    }
}

#[test]
fn what_is_made_to_be_read_wrong_is_refused() {
    let saved = saved();
    // Between the maker and the digest.
    let body = &saved[44..saved.len() - 32];
    assert!(Compiled::from_bytes(&as_if_saved(body), &Options::new()).is_ok());
    let head = body.len() - 16_384.min(body.len());
    for at in 0..head.min(600) {
        assert!(Compiled::from_bytes(&as_if_saved(&body[..at]), &Options::new()).is_err(), "{at}");
        for value in [0, 1, 0x7f, 0xff] {
            let mut forged = body.to_vec();
            forged[at] = value;
            // It may say something else, but that is what it says.
            if let Ok(compiled) = Compiled::from_bytes(&as_if_saved(&forged), &Options::new()) {
                assert!(compiled.description().starts_with("{\"kind\":"), "{at}");
            }
        }
    }
    // Counts that the bytes do not bear out allocate nothing.
    assert!(Compiled::from_bytes(&as_if_saved(&[0xff; 64]), &Options::new()).is_err());
}
