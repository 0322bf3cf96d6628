//! Components: values of every type, imports, interfaces.

use std::fmt::Write;
use std::sync::{Arc, Mutex};

use libhyperlight::{ErrorCode, Kind, Sandbox, SandboxOptions, UninitializedSandbox};
use libhyperlight_wasm::{Function, Options, compile, precompile};

use crate::common::{guest, guest_error, start, uninitialized};

/// A component that echoes, computes and calls the host.
const PROGRAM: &str = include_str!("component.wat");

/// The component, and what it tells the host.
fn started() -> (Sandbox, Arc<Mutex<Vec<String>>>) {
    let said = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&said);
    let mut sandbox = uninitialized(&compile(&wat::parse_str(PROGRAM).unwrap(), &Options::new()).unwrap());
    sandbox.register("log", move |text: String| sink.lock().unwrap().push(text)).unwrap();
    // A record arrives as JSON.
    sandbox
        .register("test:demo/math#scale", |pair: String, factor: f64| -> Result<String, std::io::Error> {
            assert_eq!(pair, r#"{"x":-3,"y":0.5}"#);
            Ok(format!("[{factor}, 7]"))
        })
        .unwrap();
    (sandbox.evolve().unwrap(), said)
}

#[test]
fn the_tests_of_c_have_the_same_component() {
    let compiled = include_bytes!("../../../../../tests/c/webassembly/component.wasm");
    assert!(
        wat::parse_str(PROGRAM).unwrap() == compiled,
        "compile component.wat anew into tests/c/webassembly"
    );
}

#[test]
fn plain_values_cross_as_they_are() {
    let (mut sandbox, _) = started();
    assert_eq!(sandbox.call::<String>("greet", ("wörld",)).unwrap(), "wörld");
    assert_eq!(sandbox.call::<i64>("add", (-5, 200_u32)).unwrap(), 195);
    assert!(!sandbox.call::<bool>("invert", (true,)).unwrap());
    assert_eq!(sandbox.call::<String>("next-char", ("ä",)).unwrap(), "å");
    // As many as a memory of 4 pages has room for, with the default heap.
    let bytes: Vec<u8> = (0..=255).cycle().take(200_000).collect();
    assert_eq!(sandbox.call::<Vec<u8>>("bytes", (bytes.clone(),)).unwrap(), bytes);
    assert_eq!(sandbox.call::<f64>("half", (5.0_f64,)).unwrap(), 2.5);
}

#[test]
fn other_values_are_json() {
    let (mut sandbox, _) = started();
    for (function, argument, result) in [
        ("swap", r#"{"x": -3, "y": 0.5}"#, "[0.5,-3]"),
        ("swap", r#" { "y":"Infinity", "x":2147483647 } "#, r#"["Infinity",2147483647]"#),
        ("maybe", "null", "null"),
        ("maybe", "4294967295", "4294967295"),
        ("list", "[]", "[]"),
        ("list", "[1, null, 3]", "[1,null,3]"),
        ("color", r#""green""#, r#""green""#),
        ("modes", r#"["read","exec"]"#, r#"["read","exec"]"#),
        ("modes", "[]", "[]"),
        ("check", r#"{"small":null}"#, r#"{"ok":"small"}"#),
        ("check", r#""small""#, r#"{"ok":"small"}"#),
        ("check", r#"{"big":70000}"#, r#"{"err":{"big":70000}}"#),
    ] {
        assert_eq!(sandbox.call::<String>(function, (argument,)).unwrap(), result, "{function} {argument}");
    }
    assert_eq!(
        sandbox.call::<i64>("sum", ("[9007199254740993, -1, \"2\"]",)).unwrap(),
        9_007_199_254_740_994
    );
}

#[test]
fn what_is_not_of_the_type_is_said() {
    let (mut sandbox, _) = started();
    for (function, argument) in [
        ("swap", ""),
        ("swap", "{"),
        ("swap", r#"{"x": 1}"#),
        ("swap", r#"{"x": 1, "y": 2, "z": 3}"#),
        ("swap", r#"{"x": 1, "x": 1, "y": 2}"#),
        ("swap", r#"{"x": 1, "y": 1e400}"#),
        ("swap", r#"{"x": 2147483648, "y": 2}"#),
        ("swap", r#"{"x": 1.5, "y": 2}"#),
        ("swap", r#"{"x": 1, "y": 2} x"#),
        ("maybe", "-1"),
        ("list", "[1,]"),
        ("list", "[1 2]"),
        ("color", r#""yellow""#),
        ("color", r#""\ud800""#),
        ("color", r#""gre"#),
        ("modes", r#"["fly"]"#),
        ("check", r#"{"small":null,"big":1}"#),
        ("check", r#""big""#),
        ("check", "{}"),
    ] {
        guest_error(&mut sandbox, 4, |sandbox| sandbox.call::<String>(function, (argument,)));
    }
    guest_error(&mut sandbox, 4, |sandbox| sandbox.call::<i64>("add", (1, 256_u32)));
    guest_error(&mut sandbox, 4, |sandbox| sandbox.call::<String>("next-char", ("ab",)));
    assert_eq!(sandbox.call::<String>("maybe", ("1",)).unwrap(), "1");
}

#[test]
fn imports_are_host_functions() {
    let (mut sandbox, said) = started();
    assert_eq!(sandbox.call::<f64>("test:demo/run#run", (2.5_f64,)).unwrap(), 9.5);
    assert_eq!(*said.lock().unwrap(), ["called"]);
}

#[test]
fn exports_of_interfaces_have_their_signature_and_description() {
    let (sandbox, _) = started();
    let signature = |name: &str| {
        let (_, found) = sandbox.functions().find(|(found, _)| *found == name).unwrap();
        (found.params().to_vec(), found.returns())
    };
    assert_eq!(signature("test:demo/run#run"), (vec![Kind::F64], Kind::F64));
    assert_eq!(signature("bytes"), (vec![Kind::Bytes], Kind::Bytes));
    assert_eq!(signature("swap"), (vec![Kind::String], Kind::String));
    let compiled = precompile(&wat::parse_str(PROGRAM).unwrap(), &Options::new()).unwrap();
    let described = compiled.description();
    let printed = |functions: &[Function]| functions.iter().map(Function::to_string).collect::<Vec<_>>();
    assert!(described.is_component);
    let exports = printed(&described.exports);
    for function in
        ["test:demo/run#run(by: f64) -> f64", "swap(p: record { x: s32, y: f64 }) -> tuple<f64, s32>"]
    {
        assert!(exports.iter().any(|found| found == function), "{function}\n{exports:#?}");
    }
    for part in ["list<u8>", " -> result<string, variant { small, big(u32) }>"] {
        assert!(exports.iter().any(|found| found.contains(part)), "{part}\n{exports:#?}");
    }
    let imports = printed(&described.imports);
    assert!(imports.iter().any(|found| found.starts_with("test:demo/math#scale(")), "{imports:#?}");
}

#[test]
fn a_trap_in_a_component_is_an_error() {
    let (mut sandbox, _) = started();
    let message = guest_error(&mut sandbox, 1, |sandbox| sandbox.call::<()>("trap", ()));
    assert!(message.contains("unreachable"), "{message}");
}

/// Case 16.
#[test]
fn functions_with_names_that_are_too_long_stay_inside() {
    let long = "n".repeat(2000);
    let half = "m".repeat(1000);
    let text = format!(
        r#"(component
            (core module $m (func (export "f") (result i32) (i32.const 7)))
            (core instance $i (instantiate $m))
            (func $f (result s32) (canon lift (core func $i "f")))
            (instance $j (export "{half}" (func $f)) (export "short" (func $f)))
            (export "{long}" (func $f))
            (export "a:b/{half}" (instance $j))
            (export "fine" (func $f)))"#
    );
    let mut sandbox = start(&text);
    let names: Vec<_> = sandbox.functions().map(|(name, _)| name.to_owned()).collect();
    assert_eq!(names, [format!("a:b/{half}#short"), "fine".to_owned()]);
    assert_eq!(sandbox.call::<i32>("fine", ()).unwrap(), 7);
}

/// Types nest no deeper than the compiler lets them, and values no deeper than their types.
#[test]
fn values_as_deep_as_types_can_be_fit_every_stack() {
    const DEPTH: usize = 99;
    let mut types = String::from("(type $t0 u32)");
    for level in 1..=DEPTH {
        let kind = ["list", "option", "tuple"][level % 3];
        write!(types, "(type $t{level} ({kind} $t{}))", level - 1).unwrap();
    }
    let guest = guest(&format!(
        r#"(component
            {types}
            (import "echo" (func $echo (param "x" $t{DEPTH}) (result $t{DEPTH})))
            (core module $libc (memory (export "memory") 1)
                (global $next (mut i32) (i32.const 1024))
                (func (export "realloc") (param i32 i32 i32 i32) (result i32)
                    (global.get $next)
                    (global.set $next
                        (i32.and (i32.add (i32.add (global.get $next) (local.get 3)) (i32.const 7)) (i32.const -8)))))
            (core instance $libc (instantiate $libc))
            (alias core export $libc "memory" (core memory $mem))
            (alias core export $libc "realloc" (core func $realloc))
            (core func $lowered
                (canon lower (func $echo) (memory (core memory $mem)) (realloc (core func $realloc))))
            (core module $m
                (import "" "echo" (func $echo (param i32 i32 i32)))
                (func (export "run") (param i32 i32) (result i32)
                    (call $echo (local.get 0) (local.get 1) (i32.const 16)) (i32.const 16)))
            (core instance $host (export "echo" (func $lowered)))
            (core instance $i (instantiate $m (with "" (instance $host))))
            (func (export "run") (param "x" $t{DEPTH}) (result $t{DEPTH})
                (canon lift (core func $i "run") (memory (core memory $mem)) (realloc (core func $realloc)))))"#
    ));
    // Lists and tuples are arrays, and options nothing.
    let value = format!("{}5{}", "[".repeat(DEPTH / 3 * 2), "]".repeat(DEPTH / 3 * 2));
    let started = |stack| {
        let options = SandboxOptions::new().stack_size(stack);
        let mut sandbox = UninitializedSandbox::new(&guest, options).unwrap();
        sandbox.register("echo", |text: String| text).unwrap();
        sandbox.evolve()
    };
    // The default.
    assert_eq!(started(1 << 20).unwrap().call::<String>("run", (&*value,)).unwrap(), value);
    for stack in [32 << 10, 64 << 10, 128 << 10] {
        // The smallest does not even do for a look at the types.
        let message = match started(stack) {
            Err(error) => {
                assert_eq!((error.code(), error.guest_code()), (ErrorCode::GuestAbort, 3), "{error}");
                error.message().to_owned()
            }
            Ok(mut sandbox) => {
                guest_error(&mut sandbox, 4, |sandbox| sandbox.call::<String>("run", (&*value,)))
            }
        };
        assert!(message.contains("stack size"), "{message}");
    }
}

#[test]
fn the_component_of_the_examples_is_what_its_text_says() {
    let programs = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../examples/programs");
    let text = wat::parse_file(format!("{programs}/shop.wat")).unwrap();
    assert_eq!(text, std::fs::read(format!("{programs}/shop.wasm")).unwrap());
}
