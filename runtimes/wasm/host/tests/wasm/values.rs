//! Values of Rust's, as arguments, results and in host functions.

use libhyperlight::{ErrorCode, SandboxOptions, UninitializedSandbox};
use libhyperlight_wasm::{CallError, Options, Program, Value};

fn start(program: &Program) -> libhyperlight::Sandbox {
    UninitializedSandbox::new(program.guest(), SandboxOptions::new()).unwrap().evolve().unwrap()
}

#[test]
fn functions_of_modules_take_and_return_values() {
    let wasm = r#"(module
        (import "env" "add" (func $add (param i32 i64) (result i64)))
        (func (export "swap") (param i32 i64) (result i64 i32) (local.get 1) (local.get 0))
        (func (export "sum") (param i32 i64) (result i64) (call $add (local.get 0) (local.get 1)))
        (func (export "half") (param f32) (result f64) (f64.promote_f32 (local.get 0))))"#;
    let program = Program::compile(&wat::parse_str(wasm).unwrap(), &Options::new()).unwrap();
    let described: Vec<_> = program.exports().iter().map(ToString::to_string).collect();
    assert!(described.iter().any(|text| text == "sum(i32, i64) -> i64"), "{described:?}");
    let mut sandbox = UninitializedSandbox::new(program.guest(), SandboxOptions::new()).unwrap();
    let add = |values: &[Value]| {
        let sum: i128 = values.iter().filter_map(Value::as_integer).sum();
        Ok(Value::Integer(sum))
    };
    let name = program.imports()[0].name().to_owned();
    program.register(&mut sandbox, &name, add).unwrap();
    assert!(matches!(program.register(&mut sandbox, "gone", add), Err(CallError::NoImport(_))));
    let mut sandbox = sandbox.evolve().unwrap();
    let swapped = program.call(&mut sandbox, "swap", &[(-1).into(), (1_i64 << 40).into()]).unwrap();
    assert_eq!(swapped, Value::Tuple(vec![(1_i64 << 40).into(), (-1).into()]));
    assert_eq!(program.call(&mut sandbox, "sum", &[1.into(), 2.into()]).unwrap(), 3.into());
    assert_eq!(program.call(&mut sandbox, "half", &[0.5.into()]).unwrap(), 0.5.into());
    for (name, arguments, code, text) in [
        (
            "sum",
            vec![Value::Integer(1 << 31), 1.into()],
            ErrorCode::Signature,
            "argument 1 of `sum` does not fit i32",
        ),
        ("sum", vec![1.into()], ErrorCode::Signature, "`sum(i32, i64) -> i64` takes 2 arguments, found 1"),
        (
            "half",
            vec!["x".into()],
            ErrorCode::Signature,
            "argument 1 of `half` must be a number (f32), not a string",
        ),
    ] {
        let error = program.call(&mut sandbox, name, &arguments).unwrap_err();
        assert_eq!((error.code(), &*error.to_string()), (code, text));
    }
    let error = program.call(&mut sandbox, "gone", &[]).unwrap_err();
    assert_eq!(error.code(), ErrorCode::FunctionNotFound);
}

#[test]
fn functions_of_components_take_and_return_values_of_their_types() {
    let component = wat::parse_str(include_str!("component.wat")).unwrap();
    let program = Program::compile(&component, &Options::new()).unwrap();
    for function in program.exports() {
        // Every type is one of the value language's.
        let types = function.parameters().map(|(_, ty)| ty).chain(function.result());
        types.for_each(|ty| assert_eq!(ty.to_string().parse().as_ref(), Ok(ty)));
    }
    drop(program);
}
