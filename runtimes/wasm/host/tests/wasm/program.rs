//! Programs whose functions take and return Rust values, which are held to the types of both sides.

use std::error::Error;
use std::sync::{Arc, Mutex};

use libhyperlight::{ErrorCode, Guest, HostError, Sandbox, SandboxOptions, State, UninitializedSandbox};
use libhyperlight_wasm::{BigInt, Function, Options, Program, Value};

use crate::common::uninitialized;

/// A component that echoes, computes and calls the host.
const PROGRAM: &str = include_str!("component.wat");

const SCALE: &str = "test:demo/math#scale";

fn program(text: &str) -> Program {
    Program::compile(&wat::parse_str(text).unwrap(), &Options::new()).unwrap()
}

fn object<const N: usize>(members: [(&str, Value); N]) -> Value {
    Value::object(members)
}

fn case(name: &str) -> Value {
    Value::Case(name.to_owned(), None)
}

fn flags(names: &[&str]) -> Value {
    Value::Flags(names.iter().map(|name| (*name).to_owned()).collect())
}

/// Returns true for the error of a value that does not have its type.
fn is_of_a_value(error: &dyn Error) -> bool {
    error.source().is_some_and(|source| source.is::<libhyperlight_values::Error>())
}

/// The component, and what it tells the host.
fn started(options: SandboxOptions) -> (Program, Sandbox, Arc<Mutex<Vec<Value>>>) {
    let program = program(PROGRAM);
    let told = Arc::new(Mutex::new(Vec::new()));
    let mut sandbox = UninitializedSandbox::new(program.guest(), options).unwrap();
    let sink = Arc::clone(&told);
    program
        .register(&mut sandbox, "log", move |arguments| {
            sink.lock().unwrap().extend_from_slice(arguments);
            Ok(Value::Undefined)
        })
        .unwrap();
    let sink = Arc::clone(&told);
    program
        .register(&mut sandbox, SCALE, move |arguments| {
            sink.lock().unwrap().extend_from_slice(arguments);
            Ok(Value::Tuple(vec![arguments[1].clone(), 7.into()]))
        })
        .unwrap();
    (program, sandbox.evolve().unwrap(), told)
}

#[test]
fn the_functions_of_a_program_have_their_types() {
    let program = program(PROGRAM);
    let printed = |functions: &[Function]| functions.iter().map(Function::to_string).collect::<Vec<_>>();
    assert_eq!(
        printed(program.exports()),
        [
            "test:demo/run#run(by: f64) -> f64",
            "greet(name: string) -> string",
            "bytes(b: list<u8>) -> list<u8>",
            "list(l: list<option<u32>>) -> list<option<u32>>",
            "add(a: s32, b: u8) -> s64",
            "invert(b: bool) -> bool",
            "next-char(c: char) -> char",
            "half(f: f64) -> f64",
            "swap(p: record { x: s32, y: f64 }) -> tuple<f64, s32>",
            "maybe(m: option<u32>) -> option<u32>",
            "color(c: enum { red, green, blue }) -> enum { red, green, blue }",
            "modes(m: flags { read, write, exec }) -> flags { read, write, exec }",
            "sum(l: list<s64>) -> s64",
            "check(s: variant { small, big(u32) }) -> result<string, variant { small, big(u32) }>",
            "trap()",
        ]
    );
    assert_eq!(
        printed(program.imports()),
        [
            "log(text: string)",
            "test:demo/math#scale(p: record { x: s32, y: f64 }, by: f64) -> tuple<f64, u32>"
        ]
    );
    let swap = program.exports().iter().find(|function| function.name() == "swap").unwrap();
    let parameters: Vec<_> = swap.parameters().map(|(name, ty)| (name.to_owned(), ty.to_string())).collect();
    assert_eq!(parameters, [("p".to_owned(), "record { x: s32, y: f64 }".to_owned())]);
    assert_eq!(swap.result().unwrap().to_string(), "tuple<f64, s32>");
}

#[test]
fn functions_take_and_return_values_of_every_type() {
    let (program, mut sandbox, _) = started(SandboxOptions::new());
    let ok = |value: Value| Value::Case("ok".to_owned(), Some(Box::new(value)));
    let err = |value: Value| Value::Case("err".to_owned(), Some(Box::new(value)));
    let list = |items: Vec<Value>| Value::List(items);
    for (function, arguments, result) in [
        ("greet", vec!["wörld\0\"".into()], Value::from("wörld\0\"")),
        ("bytes", vec![Value::Bytes(vec![0, 255, 128])], Value::Bytes(vec![0, 255, 128])),
        ("bytes", vec![Value::Bytes(Vec::new())], Value::Bytes(Vec::new())),
        ("add", vec![i32::MIN.into(), 255.into()], Value::Integer(i128::from(i32::MIN) + 255)),
        ("invert", vec![true.into()], false.into()),
        ("next-char", vec!['ä'.into()], Value::Char('å')),
        ("next-char", vec!["🐁".into()], Value::Char('🐂')),
        ("half", vec![f64::INFINITY.into()], f64::INFINITY.into()),
        (
            "swap",
            vec![object([("x", (-3).into()), ("y", 0.5.into())])],
            Value::Tuple(vec![0.5.into(), (-3).into()]),
        ),
        // The order of the fields is the type's.
        (
            "swap",
            vec![object([("y", f64::NEG_INFINITY.into()), ("x", i32::MAX.into())])],
            Value::Tuple(vec![f64::NEG_INFINITY.into(), i32::MAX.into()]),
        ),
        ("maybe", vec![Value::Null], Value::Null),
        ("maybe", vec![u32::MAX.into()], u32::MAX.into()),
        ("maybe", vec![Value::Some(Box::new(7.into()))], 7.into()),
        ("list", vec![list(Vec::new())], list(Vec::new())),
        (
            "list",
            vec![list(vec![1.into(), Value::Null, 3.into()])],
            list(vec![1.into(), Value::Null, 3.into()]),
        ),
        ("color", vec![case("green")], case("green")),
        ("color", vec!["blue".into()], case("blue")),
        ("modes", vec![flags(&["exec", "read"])], flags(&["read", "exec"])),
        ("modes", vec![flags(&[])], flags(&[])),
        ("sum", vec![list(vec![i64::MAX.into(), (-1).into()])], (i64::MAX - 1).into()),
        (
            "sum",
            vec![list(vec![Value::BigInt(BigInt::parse("9007199254740993").unwrap())])],
            9_007_199_254_740_993_i64.into(),
        ),
        ("check", vec![case("small")], ok("small".into())),
        ("check", vec![Value::case("big", 70_000)], err(Value::case("big", 70_000))),
    ] {
        let found = program.call(&mut sandbox, function, &arguments);
        assert_eq!(
            found.unwrap_or_else(|error| panic!("{function}: {error}")),
            result,
            "{function} {arguments:?}"
        );
    }
}

#[test]
fn host_functions_take_and_return_values_of_their_imports_types() {
    let (program, mut sandbox, told) = started(SandboxOptions::new());
    assert_eq!(program.call(&mut sandbox, "test:demo/run#run", &[2.5.into()]).unwrap(), 9.5.into());
    assert_eq!(
        *told.lock().unwrap(),
        ["called".into(), object([("x", (-3).into()), ("y", 0.5.into())]), 2.5.into()]
    );
}

/// Nothing is called, and the sandbox is as it was.
#[test]
fn arguments_that_do_not_fit_are_refused_before_the_guest_runs() {
    let (program, mut sandbox, _) = started(SandboxOptions::new());
    for (function, arguments, message) in [
        ("greet", vec![Value::Integer(1)], "argument 1 of `greet` must be a string, not a whole number"),
        ("greet", vec![Value::Utf16(vec![0xd800])], "argument 1 of `greet` is not Unicode text"),
        ("bytes", vec![Value::List(vec![1.into(), 256.into()])], "argument 1 of `bytes`[1] does not fit u8"),
        ("add", vec![1.into(), 256.into()], "argument 2 of `add` does not fit u8"),
        ("add", vec![(1_i64 << 31).into(), 0.into()], "argument 1 of `add` does not fit s32"),
        ("add", vec![1.5.into(), 0.into()], "argument 1 of `add` must be"),
        ("invert", vec![1.into()], "argument 1 of `invert` must be"),
        ("next-char", vec!["ab".into()], "argument 1 of `next-char` must be one character, found 2"),
        ("half", vec!["1".into()], "argument 1 of `half` must be"),
        ("half", vec![Value::Undefined], "argument 1 of `half` must be"),
        ("swap", vec![object([("x", 1.into())])], "argument 1 of `swap` lacks the field `y`"),
        (
            "swap",
            vec![object([("x", 1.into()), ("y", 2.0.into()), ("z", 3.into())])],
            "argument 1 of `swap` has no field",
        ),
        (
            "swap",
            vec![object([("x", (1_i64 << 31).into()), ("y", 2.0.into())])],
            "argument 1 of `swap`.x does not fit s32",
        ),
        ("maybe", vec![(-1).into()], "argument 1 of `maybe` does not fit u32"),
        ("list", vec![Value::List(vec![1.into(), "2".into()])], "argument 1 of `list`[1] must be"),
        (
            "color",
            vec![case("yellow")],
            "argument 1 of `color` must be one of `red`, `green`, `blue`, found 'yellow'",
        ),
        (
            "modes",
            vec![flags(&["fly"])],
            "argument 1 of `modes` may have `read`, `write`, `exec`, found 'fly'",
        ),
        ("sum", vec![Value::List(vec![(1_i128 << 63).into()])], "argument 1 of `sum`[0] does not fit s64"),
        (
            "sum",
            vec![Value::List(vec![Value::BigInt(BigInt::parse(&"9".repeat(60)).unwrap())])],
            "argument 1 of `sum`[0] does not fit s64",
        ),
        ("check", vec![case("big")], "argument 1 of `check` must be"),
        ("check", vec![Value::case("small", 1)], "argument 1 of `check` must be `small` without a value"),
    ] {
        let error = program.call(&mut sandbox, function, &arguments).unwrap_err();
        assert!(is_of_a_value(&error), "{error:?}");
        assert!(matches!(error.code(), ErrorCode::Signature | ErrorCode::InvalidArgument), "{error}");
        assert!(error.to_string().starts_with(message), "{error}\n{message}");
        assert_eq!(sandbox.state(), State::Ready);
    }
    assert_eq!(program.call(&mut sandbox, "maybe", &[1.into()]).unwrap(), 1.into());
}

#[test]
fn a_call_has_as_many_arguments_as_the_function_parameters() {
    let (program, mut sandbox, _) = started(SandboxOptions::new());
    for (function, count) in [("greet", 0), ("greet", 2), ("add", 1), ("add", 3), ("trap", 1), ("swap", 2)] {
        let error = program.call(&mut sandbox, function, &vec![Value::Integer(1); count]).unwrap_err();
        assert_eq!(error.code(), ErrorCode::Signature, "{error}");
        let text = error.to_string();
        assert!(
            text.starts_with(&format!("`{function}(")) && text.ends_with(&format!(", found {count}")),
            "{text}"
        );
        assert_eq!(sandbox.state(), State::Ready);
    }
    let error = program.call(&mut sandbox, "grete", &["x".into()]).unwrap_err();
    assert_eq!(error.code(), ErrorCode::FunctionNotFound);
    assert!(error.to_string().contains("`grete`"), "{error}");
}

#[test]
fn a_host_function_is_one_that_the_program_imports() {
    let program = program(PROGRAM);
    let mut sandbox = uninitialized(program.guest());
    for name in ["greet", "scale", "", "test:demo/math"] {
        let error = program.register(&mut sandbox, name, |_| Ok(Value::Null)).unwrap_err();
        assert_eq!(error.code(), ErrorCode::InvalidArgument, "{error}");
    }
}

#[test]
fn a_host_functions_result_that_does_not_fit_ends_the_call() {
    for (result, message) in [
        (Value::Null, "must be"),
        (Value::Tuple(vec![1.5.into()]), "must be a tuple of 2"),
        (Value::Tuple(vec![1.5.into(), (-1).into()]), "[1] does not fit u32"),
        (Value::Tuple(vec!["x".into(), 1.into()]), "[0] must be"),
    ] {
        let program = program(PROGRAM);
        let mut sandbox = uninitialized(program.guest());
        program.register(&mut sandbox, "log", |_| Ok(Value::Undefined)).unwrap();
        program.register(&mut sandbox, SCALE, move |_| Ok(result.clone())).unwrap();
        let mut sandbox = sandbox.evolve().unwrap();
        let error = program.call(&mut sandbox, "test:demo/run#run", &[1.0.into()]).unwrap_err();
        assert_eq!(error.code(), ErrorCode::HostFunction, "{error}");
        assert!(error.to_string().contains(message), "{error}\n{message}");
    }
}

#[test]
fn a_host_functions_own_error_reaches_the_caller() {
    let program = program(PROGRAM);
    let mut sandbox = uninitialized(program.guest());
    program.register(&mut sandbox, "log", |_| Err(HostError::new("the disk is full"))).unwrap();
    program.register(&mut sandbox, SCALE, |_| Ok(Value::Null)).unwrap();
    let mut sandbox = sandbox.evolve().unwrap();
    let error = program.call(&mut sandbox, "test:demo/run#run", &[1.0.into()]).unwrap_err();
    assert_eq!(error.code(), ErrorCode::HostFunction);
    assert!(error.to_string().contains("the disk is full"), "{error}");
    assert!(error.source().is_some());
}

/// A component whose function `f` returns whatever the first type says, of these bytes of memory.
fn returning(ty: &str, memory: &str, result: i32) -> String {
    format!(
        r#"(component
            (core module $m
                (memory (export "memory") 1)
                (data (i32.const 0) "{memory}")
                (func (export "f") (result i32) (i32.const {result})))
            (core instance $i (instantiate $m))
            (alias core export $i "memory" (core memory $memory))
            (func (export "f") (result {ty}) (canon lift (core func $i "f") (memory (core memory $memory)))))"#
    )
}

/// A guest that was taken over: the sandbox runs another program than the caller believes.
#[test]
fn what_a_guest_returns_is_held_to_its_type() {
    let text = |json: &str| {
        let bytes: Vec<u8> =
            [[8, u32::try_from(json.len()).unwrap()].map(u32::to_le_bytes).concat(), json.into()].concat();
        let escaped: String = bytes.iter().map(|byte| format!("\\{byte:02x}")).collect();
        returning("string", &escaped, 0)
    };
    let options = "(list (option u8))";
    for (believed, is, message) in [
        ("u8", returning("u32", "", 256), "does not fit u8"),
        ("s8", returning("s32", "", -129), "does not fit s8"),
        ("s16", returning("s32", "", 1 << 15), "does not fit s16"),
        ("u16", returning("u32", "", 1 << 16), "does not fit u16"),
        ("char", text("ab"), "must be one character"),
        ("char", text(""), "must be one character"),
        // Another kind.
        ("u32", returning("s32", "", -1), "does not fit u32"),
        ("bool", returning("u32", "", 1), "must be"),
        ("string", returning("bool", "", 1), "must be"),
        ("(list f32)", text("[1e39]"), "[0] does not fit f32"),
        ("(list u8)", text("[1]"), "must be"),
        (options, returning("u32", "", 1), "must be"),
        // Another text.
        (options, text(""), "is expected at byte"),
        (options, text("[1,]"), "is expected at byte"),
        (options, text("[1] "), ""),
        (options, text("[256]"), "[0] does not fit u8"),
        (options, text("[null,\"1\"]"), "[1] must be"),
        (options, text("{\"0\":1}"), "must be"),
        (options, text(&"[".repeat(20_000)), "the limit is 512"),
        ("(tuple u8 string)", text("[1]"), "must have 2 members, found 1"),
        ("(tuple u8 string)", text("[1,\"a\",2]"), "must have 2 members"),
        ("(option (option u8))", text("{\"none\":1}"), "must be `some`"),
        ("(result u8 (error string))", text("{\"ok\":\"1\"}"), "must be"),
        ("(result u8 (error string))", text("{\"Ok\":1}"), "found"),
        ("(result u8 (error string))", text("{\"ok\":1,\"err\":\"\"}"), "must have one key"),
        ("(list (tuple f64 bool))", text("[[\"inf\",true]]"), "must be"),
    ] {
        let believed = program(&returning(believed, "", 0));
        let mut sandbox = uninitialized(program(&is).guest()).evolve().unwrap();
        match believed.call(&mut sandbox, "f", &[]) {
            // Blanks are allowed.
            Ok(value) => assert_eq!((value, message), (Value::List(vec![1.into()]), "")),
            Err(error) => {
                assert!(is_of_a_value(&error), "{error:?}");
                let is_deep = message.contains("512");
                let code = if is_deep { ErrorCode::TooLarge } else { ErrorCode::Protocol };
                assert_eq!(error.code(), code, "{error}");
                let text = error.to_string();
                assert!(text.starts_with("the result of `f`") && text.contains(message), "{text}\n{message}");
                assert!(text.len() < 500 && !text.contains(char::is_control), "{text}");
            }
        }
    }
}

/// A program may also call the host with other values than it has declared.
#[test]
fn what_a_guest_gives_to_the_host_is_held_to_its_type() {
    let importing = |ty: &str| {
        format!(
            r#"(component
                (import "f" (func $f (param "x" {ty})))
                (core func $f' (canon lower (func $f)))
                (core module $m
                    (import "" "f" (func $f (param i32)))
                    (func (export "run") (call $f (i32.const 256))))
                (core instance $i (instantiate $m (with "" (instance (export "f" (func $f'))))))
                (func (export "run") (canon lift (core func $i "run"))))"#
        )
    };
    let believed = program(&importing("u8"));
    let mut sandbox = uninitialized(program(&importing("u32")).guest());
    believed.register(&mut sandbox, "f", |_| panic!("it was called")).unwrap();
    let error = believed.call(&mut sandbox.evolve().unwrap(), "run", &[]).unwrap_err();
    assert!(error.to_string().contains("argument 1 of the host function `f` does not fit u8"), "{error}");
}

#[test]
fn values_are_as_large_as_the_sandbox_allows() {
    let (program, mut sandbox, _) = started(SandboxOptions::new().input_size(64 << 10).output_size(64 << 10));
    let long = |length: usize| [Value::from("ä".repeat(length / 2))];
    assert_eq!(program.call(&mut sandbox, "greet", &long(60_000)).unwrap(), long(60_000)[0]);
    let error = program.call(&mut sandbox, "greet", &long(70_000)).unwrap_err();
    assert_eq!(error.code(), ErrorCode::TooLarge, "{error}");
    let items = |count: usize| [Value::List(vec![Value::Integer(u32::MAX.into()); count])];
    assert_eq!(program.call(&mut sandbox, "list", &items(5000)).unwrap(), items(5000)[0]);
    let error = program.call(&mut sandbox, "list", &items(7000)).unwrap_err();
    assert_eq!(error.code(), ErrorCode::TooLarge, "{error}");
    // Refused by the first of its levels, not by its depth.
    let deep = (0..600).fold(Value::Integer(1), |inner, _| Value::List(vec![inner]));
    let error = program.call(&mut sandbox, "list", &[deep]).unwrap_err();
    assert_eq!(error.code(), ErrorCode::Signature, "{error}");
    assert_eq!(sandbox.state(), State::Ready);
}

#[test]
fn functions_of_modules_take_and_return_numbers() {
    let program = program(
        r#"(module
            (import "env" "twice" (func $twice (param i64) (result i64)))
            (func (export "swap") (param i32 i64 f32 f64) (result f64 f32 i64 i32)
                (local.get 3) (local.get 2) (call $twice (local.get 1)) (local.get 0))
            (func (export "nothing")))"#,
    );
    let mut sandbox = uninitialized(program.guest());
    let twice = |arguments: &[Value]| Ok(Value::Integer(arguments[0].as_integer().unwrap() * 2));
    program.register(&mut sandbox, "twice", twice).unwrap();
    let mut sandbox = sandbox.evolve().unwrap();
    let arguments = [i32::MIN.into(), (1_i64 << 61).into(), 0.5.into(), f64::MAX.into()];
    let swapped = Value::Tuple(vec![f64::MAX.into(), 0.5.into(), (1_i64 << 62).into(), i32::MIN.into()]);
    assert_eq!(program.call(&mut sandbox, "swap", &arguments).unwrap(), swapped);
    assert_eq!(program.call(&mut sandbox, "nothing", &[]).unwrap(), Value::Undefined);
    for (at, wrong) in [(0, Value::Integer(1 << 31)), (1, 0.5.into()), (2, f64::MAX.into()), (3, Value::Null)]
    {
        let mut arguments = arguments.clone();
        arguments[at] = wrong;
        let error = program.call(&mut sandbox, "swap", &arguments).unwrap_err();
        assert!(is_of_a_value(&error), "{error:?}");
        assert!(error.to_string().starts_with(&format!("argument {} of `swap` ", at + 1)), "{error}");
    }
    // The host's result is too large for the import.
    let arguments = [0.into(), i64::MAX.into(), 0.5.into(), 0.5.into()];
    let error = program.call(&mut sandbox, "swap", &arguments).unwrap_err();
    assert!(error.to_string().contains("does not fit i64"), "{error}");
}

/// A trap is the guest's error, and no value's.
#[test]
fn a_trap_is_an_error_of_the_call() {
    let (program, mut sandbox, _) = started(SandboxOptions::new());
    let error = program.call(&mut sandbox, "trap", &[]).unwrap_err();
    assert!(!is_of_a_value(&error), "{error:?}");
    assert_eq!(error.code(), ErrorCode::GuestError);
}

#[test]
fn a_program_serves_many_sandboxes() {
    let program = program(&returning("u8", "", 7));
    let guest: &Guest = program.guest();
    let mut sandboxes: Vec<_> = (0..3).map(|_| uninitialized(guest).evolve().unwrap()).collect();
    let clone = program.clone();
    for sandbox in &mut sandboxes {
        assert_eq!(clone.call(sandbox, "f", &[]).unwrap(), 7.into());
    }
}
