//! Compiled programs that are kept as bytes. Case 20.

use libhyperlight::{MAX_NAME_LEN, MAX_PARAMETERS, SandboxOptions, UninitializedSandbox};
use libhyperlight_wasm::{Compiled, Description, Function, Options, Type, attach, precompile};

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
fn a_program_of_as_many_functions_as_it_may_have_is_read_again() {
    let exports: String = (0..60_000).map(|at| format!("(export \"{at}\" (func $f))")).collect();
    let text = format!("(module (func $f (param i32 i32) (result i32) (local.get 0)) {exports})");
    let compiled = precompile(&wat::parse_str(text).unwrap(), &Options::new()).unwrap();
    assert_eq!(compiled.description().exports.len(), 60_000);
    let read = Compiled::from_bytes(&compiled.to_bytes().unwrap(), &Options::new()).unwrap();
    assert_eq!(read.description(), compiled.description());
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
                let bytes = compiled.description().to_bytes().unwrap();
                assert_eq!(Description::from_bytes(&bytes).as_ref(), Ok(compiled.description()), "{at}");
            }
        }
    }
    // Counts that the bytes do not bear out allocate nothing.
    assert!(Compiled::from_bytes(&as_if_saved(&[0xff; 64]), &Options::new()).is_err());
}

/// The description of a saved program must keep to the limits of a compiled one.
#[test]
fn what_no_program_has_that_was_compiled_is_refused() {
    let number = || "i32".parse::<Type>().unwrap();
    let plain = |name: &str| Function::new(name.to_owned(), Vec::new(), None);
    let many = |count: usize| (0..count).map(|at| plain(&at.to_string())).collect::<Vec<_>>();
    let module = |exports: Vec<Function>, imports: Vec<Function>| Description {
        exports,
        imports,
        ..Description::default()
    };
    let component = |name: &str, ty: &str| Description {
        is_component: true,
        exports: vec![Function::new(
            "a:b/c#f".to_owned(),
            vec![(name.to_owned(), ty.parse().unwrap())],
            None,
        )],
        ..Description::default()
    };
    let nested = |levels: usize| "option<".repeat(levels) + "u8" + &">".repeat(levels);
    let with =
        |count: usize| Function::new("n".repeat(MAX_NAME_LEN), vec![(String::new(), number()); count], None);

    for (index, description) in [
        Description { memories: vec!["memory".to_owned()], ..module(vec![with(1)], Vec::new()) },
        module(many(MAX_FUNCTIONS - 3), Vec::new()),
        module(Vec::new(), many(MAX_FUNCTIONS)),
        module(vec![with(MAX_PARAMETERS)], Vec::new()),
        module(vec![Function::new("f".to_owned(), Vec::new(), "(i32, i32)".parse().ok())], Vec::new()),
        component("p", &nested(100)),
        component("p", "record { a-b: u8 }"),
    ]
    .into_iter()
    .enumerate()
    {
        let saved = as_if_saved(&body(&description.to_bytes().unwrap()));
        let compiled =
            Compiled::from_bytes(&saved, &Options::new()).unwrap_or_else(|error| panic!("{index}: {error}"));
        assert_eq!(*compiled.description(), description);
    }

    let bytes = |description: Description| description.to_bytes().unwrap();
    let text = |text: &str| [&u32::try_from(text.len()).unwrap().to_le_bytes(), text.as_bytes()].concat();
    let of = |ty: &str| {
        let word = |number: u32| number.to_le_bytes().to_vec();
        // A component with one export `f` of one parameter `p`.
        [word(1), word(1), text("f"), word(1), text("p"), text(ty), text(""), word(0), word(0)].concat()
    };
    assert!(Compiled::from_bytes(&as_if_saved(&body(&of("list<u8>"))), &Options::new()).is_ok());
    for (about, description) in [
        ("too many exports", bytes(module(many(MAX_FUNCTIONS - 2), Vec::new()))),
        ("too many imports", bytes(module(Vec::new(), many(MAX_FUNCTIONS + 1)))),
        ("too many parameters", bytes(module(vec![with(MAX_PARAMETERS + 1)], Vec::new()))),
        ("a long name", bytes(module(Vec::new(), vec![plain(&"n".repeat(MAX_NAME_LEN + 1))]))),
        ("the runtime's own", bytes(module(vec![plain("hyperlight:memory-read")], Vec::new()))),
        ("the same twice", bytes(module(vec![plain("f"), plain("f")], Vec::new()))),
        ("a module's type in a component", bytes(component("p", "i32"))),
        ("a parameter that is no name", bytes(component("a, b", "u8"))),
        ("a field that is no name", of("record { __proto__: u8 }")),
        ("a list of nothing", of("list")),
        ("no type", of("own<file>")),
        ("no text", of("")),
        ("too deep", of(&nested(200))),
        ("deeper than any stack", of(&nested(1 << 20))),
        ("too large", of(&format!("tuple<{}u8>", "u8, ".repeat(1 << 18)))),
    ] {
        let refused =
            Compiled::from_bytes(&as_if_saved(&body(&description)), &Options::new()).map(|_| ()).unwrap_err();
        let message = refused.to_string();
        assert!(
            message.contains("compile the program anew") || message.contains("fill more than"),
            "{about}: {message}"
        );
    }
}

/// Functions of a guest.
const MAX_FUNCTIONS: usize = 1 << 16;

/// The part between the maker and the digest, of a program without memories and without code.
fn body(description: &[u8]) -> Vec<u8> {
    let words = [0, u32::try_from(description.len()).unwrap(), 0].map(u32::to_le_bytes);
    [&words[0][..], &words[1], description, &words[2]].concat()
}
