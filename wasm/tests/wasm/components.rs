//! Components: values of every type, imports, interfaces.

use std::sync::{Arc, Mutex};

use hyperlight::{Kind, Sandbox};
use hyperlight_wasm::{Options, compile, precompile};

use crate::common::{guest_error, uninitialized};

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
    for part in [
        r#"{"name":"test:demo/run#run","parameters":[{"name":"by","type":"f64","kind":"f64","json":false}]"#,
        r#"{"name":"swap","parameters":[{"name":"p","type":"record { x: s32, y: f64 }","kind":"string","json":true}],"result":{"type":"tuple<f64, s32>","kind":"string","json":true}}"#,
        r#"{"name":"test:demo/math#scale""#,
        r#""type":"list<u8>","kind":"bytes","json":false"#,
        r#""result":{"type":"result<string, variant { small, big(u32) }>","kind":"string","json":true}"#,
    ] {
        assert!(compiled.description().contains(part), "{part}\n{}", compiled.description());
    }
}

#[test]
fn a_trap_in_a_component_is_an_error() {
    let (mut sandbox, _) = started();
    let message = guest_error(&mut sandbox, 1, |sandbox| sandbox.call::<()>("trap", ()));
    assert!(message.contains("unreachable"), "{message}");
}

#[test]
fn the_component_of_the_examples_is_what_its_text_says() {
    let programs = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/programs");
    let text = wat::parse_file(format!("{programs}/shop.wat")).unwrap();
    assert_eq!(text, std::fs::read(format!("{programs}/shop.wasm")).unwrap());
}
