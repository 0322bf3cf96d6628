//! Programs that are not compiled, and the messages.

use libhyperlight_wasm::{Function, Options, precompile};

#[track_caller]
fn refused(program: &[u8]) -> String {
    let message = precompile(program, &Options::new()).unwrap_err().to_string();
    assert!(!message.contains('\n'), "{message}");
    message
}

#[test]
fn what_is_no_program_is_refused() {
    for program in [&b""[..], b"junk", b"\0asm", b"\0asm\x01\0\0\0\xff", b"(module)", &[0; 1000]] {
        refused(program);
    }
}

#[test]
fn a_program_that_breaks_the_rules_is_refused() {
    let wasm = wat::parse_str("(module (func (result i32) (i64.const 1)))").unwrap();
    assert!(refused(&wasm).contains("type mismatch"));
}

/// Case 17.
#[test]
fn what_the_runtime_does_not_have_is_refused() {
    for (text, what) in [
        ("(module (memory 1 1 shared))", "threads"),
        ("(module (func (drop (i32.atomic.load (i32.const 0)))) (memory 1))", "threads"),
        ("(module (func (param externref)))", "references other than to functions"),
        ("(module (table 1 externref))", "references other than to functions"),
        ("(module (tag $t) (func (throw $t)))", "exceptions"),
        (
            "(module (type (struct (field i32))) (func (result anyref) (struct.new 0 (i32.const 1))))",
            "references other than to functions",
        ),
        ("(component (type (stream u8)))", "asynchronous components"),
    ] {
        let message = refused(&wat::parse_str(text).unwrap());
        assert!(message.contains("not supported") && message.contains(what), "{text}: {message}");
    }
}

#[test]
fn every_cut_of_a_program_is_refused_or_whole() {
    let wasm =
        wat::parse_str(r#"(module (memory 1) (func (export "f") (result i32) (i32.const 1)))"#).unwrap();
    for len in 0..wasm.len() {
        let _ = precompile(&wasm[..len], &Options::new());
    }
}

#[test]
fn options_that_no_program_could_have_are_refused() {
    assert!(Options::new().argument("a\0b").is_err());
    for (name, value) in [("", "x"), ("A=B", "x"), ("A", "x\0y")] {
        assert!(Options::new().variable(name, value).is_err());
    }
    for path in ["", "/", "a//b", "../x", "a/./b", "a/"] {
        assert!(Options::new().file(path, "x").is_err(), "{path}");
    }
    let options = Options::new().file("/a/b", "x").unwrap();
    for path in ["a", "a/b", "a/b/c"] {
        assert!(options.clone().file(path, "x").is_err(), "{path}");
    }
}

#[test]
fn a_program_that_was_compiled_before_is_the_same() {
    let wasm = wat::parse_str(r#"(module (func (export "same") (result i32) (i32.const 12345)))"#).unwrap();
    let first = precompile(&wasm, &Options::new()).unwrap();
    let second = precompile(&wasm, &Options::new().argument("x").unwrap()).unwrap();
    assert_eq!(first.code(), second.code());
    assert_eq!(first.code().as_ptr(), second.code().as_ptr(), "the code was kept");
    assert_ne!(first.config(), second.config());
}

#[test]
fn the_description_lists_functions_and_memories() {
    let wasm = wat::parse_str(
        r#"(module (import "m" "i" (func (param i64))) (memory (export "memory") 1)
            (func (export "f\"x") (param i32 f32) (result f64) (f64.const 0))
            (func (export "two") (result i32 i32) (i32.const 0) (i32.const 0)))"#,
    )
    .unwrap();
    let compiled = precompile(&wasm, &Options::new()).unwrap();
    let described = compiled.description();
    let printed = |functions: &[Function]| functions.iter().map(Function::to_string).collect::<Vec<_>>();
    assert!(!described.is_component);
    assert_eq!(printed(&described.exports), ["f\"x(i32, f32) -> f64", "two() -> (i32, i32)"]);
    assert_eq!(printed(&described.imports), ["m.i(i64)"]);
    assert_eq!(described.memories, ["memory"]);
}
