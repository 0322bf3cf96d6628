//! Compiled programs that are kept as bytes. Case 20.

use libhyperlight::{MAX_NAME_LEN, MAX_PARAMETERS, SandboxOptions, UninitializedSandbox};
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
    let guest = attach(&libhyperlight_builtin::wasm().unwrap(), &compiled).unwrap();
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

/// The description of a saved program must keep to the limits of a compiled one.
#[test]
fn what_no_program_has_that_was_compiled_is_refused() {
    let module = |exports: &[Vec<u8>], imports: &[Vec<u8>], memories: &[Vec<u8>]| {
        body(MODULE, exports, imports, memories)
    };
    let component = |export: Vec<u8>| body(COMPONENT, &[export], &[], &[]);
    let number = || ty(I32, 0, &[]);
    let many = |count: usize| (0..count).map(|at| function(&at.to_string(), &[], None)).collect::<Vec<_>>();

    let fine = [
        module(&[function("f", &[("", number())], Some(number()))], &[], &[text("memory")]),
        module(&many(MAX_FUNCTIONS - 3), &[], &[]),
        module(&[], &many(MAX_FUNCTIONS), &[]),
        module(&[function(&"n".repeat(MAX_NAME_LEN), &vec![("", number()); MAX_PARAMETERS], None)], &[], &[]),
        module(
            &[function("f", &[], Some(ty(RESULTS, 0, &[("", Some(number())), ("", Some(number()))])))],
            &[],
            &[],
        ),
        // Programs may import the same twice.
        module(&[], &[function("f", &[], None), function("f", &[], None)], &[]),
        component(function("a:b/c#f", &[("p", nested(100))], None)),
        component(function("f", &[("p", ty(RECORD, 0, &[("a-b", Some(ty(U8, 0, &[])))]))], None)),
    ];
    for (index, body) in fine.iter().enumerate() {
        assert!(Compiled::from_bytes(&as_if_saved(body), &Options::new()).is_ok(), "{index}");
    }

    let forged = [
        ("too many exports", module(&many(MAX_FUNCTIONS - 2), &[], &[])),
        ("too many imports", module(&[], &many(MAX_FUNCTIONS + 1), &[])),
        (
            "too many parameters",
            module(&[function("f", &vec![("", number()); MAX_PARAMETERS + 1], None)], &[], &[]),
        ),
        ("no name", module(&[function("", &[], None)], &[], &[])),
        ("a long name", module(&[function(&"n".repeat(MAX_NAME_LEN + 1), &[], None)], &[], &[])),
        (
            "an import with a long name",
            module(&[], &[function(&"n".repeat(MAX_NAME_LEN + 1), &[], None)], &[]),
        ),
        ("the runtime's own", module(&[function("hyperlight:memory-read", &[], None)], &[], &[])),
        ("the same twice", module(&[function("f", &[], None), function("f", &[], None)], &[], &[])),
        ("a memory like a function", module(&[function("f", &[], None)], &[], &[text("f")])),
        ("a named parameter of a module", module(&[function("f", &[("p", number())], None)], &[], &[])),
        ("a component's type in a module", module(&[function("f", &[("", ty(U8, 0, &[]))], None)], &[], &[])),
        ("a module's type in a component", component(function("f", &[("p", number())], None))),
        ("a memory of a component", body(COMPONENT, &[], &[], &[text("memory")])),
        ("a parameter without name", component(function("f", &[("", ty(U8, 0, &[]))], None))),
        ("a parameter that is no name", component(function("f", &[("a, b", ty(U8, 0, &[]))], None))),
        (
            "a field that is no name",
            component(function("f", &[("p", ty(RECORD, 0, &[("__proto__", Some(ty(U8, 0, &[])))]))], None)),
        ),
        ("a list of nothing", component(function("f", &[("p", ty(LIST, 0, &[]))], None))),
        ("no shape", component(function("f", &[("p", ty(99, 0, &[]))], None))),
        ("too deep", component(function("f", &[("p", nested(200))], None))),
        ("deeper than any stack", component(function("f", &[("p", nested(1 << 20))], None))),
        (
            "too large",
            component(function(
                "f",
                &[("p", ty(TUPLE, 0, &vec![("", Some(ty(U8, 0, &[]))); 1 << 18]))],
                None,
            )),
        ),
    ];
    for (what, body) in forged {
        let refused = Compiled::from_bytes(&as_if_saved(&body), &Options::new()).map(|_| ()).unwrap_err();
        let message = refused.to_string();
        assert!(
            message.contains("compile the program anew") || message.contains("fill more than"),
            "{what}: {message}"
        );
    }
}

/// Functions of a guest.
const MAX_FUNCTIONS: usize = 1 << 16;

const MODULE: u32 = 0;
const COMPONENT: u32 = 1;

/// Shapes of types, by their numbers.
const U8: u32 = 3;
const LIST: u32 = 14;
const RECORD: u32 = 17;
const TUPLE: u32 = 19;
const OPTION: u32 = 22;
const I32: u32 = 24;
const RESULTS: u32 = 26;

/// The part between the maker and the digest.
fn body(kind: u32, exports: &[Vec<u8>], imports: &[Vec<u8>], memories: &[Vec<u8>]) -> Vec<u8> {
    let head = [kind, 0].map(u32::to_le_bytes).concat();
    [head, list(exports), list(imports), list(memories), text("")].concat()
}

fn function(name: &str, parameters: &[(&str, Vec<u8>)], result: Option<Vec<u8>>) -> Vec<u8> {
    let parameters: Vec<_> = parameters.iter().map(|(name, ty)| [text(name), ty.clone()].concat()).collect();
    [text(name), list(&parameters), optional(result)].concat()
}

fn ty(shape: u32, length: u32, members: &[(&str, Option<Vec<u8>>)]) -> Vec<u8> {
    let members: Vec<_> =
        members.iter().map(|(name, ty)| [text(name), optional(ty.clone())].concat()).collect();
    [[shape, length].map(u32::to_le_bytes).concat(), list(&members)].concat()
}

/// An option in an option, and so on.
fn nested(levels: usize) -> Vec<u8> {
    let level = [[OPTION, 0, 1, 0, 1].map(u32::to_le_bytes).concat()].concat();
    [level.repeat(levels), ty(U8, 0, &[])].concat()
}

fn optional(ty: Option<Vec<u8>>) -> Vec<u8> {
    let flag = u32::from(ty.is_some()).to_le_bytes().to_vec();
    [flag, ty.unwrap_or_default()].concat()
}

fn list(items: &[Vec<u8>]) -> Vec<u8> {
    [u32::try_from(items.len()).unwrap().to_le_bytes().to_vec(), items.concat()].concat()
}

fn text(text: &str) -> Vec<u8> {
    [&u32::try_from(text.len()).unwrap().to_le_bytes(), text.as_bytes()].concat()
}
