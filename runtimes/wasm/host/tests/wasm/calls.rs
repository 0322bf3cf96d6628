//! Calls of programs with their types: the codes of what they refuse, their limits, and what has no type.

use std::error::Error;
use std::time::Duration;

use libhyperlight::{CallOptions, ErrorCode, Sandbox, SandboxOptions, State, UninitializedSandbox};
use libhyperlight_values::error::Reason;
use libhyperlight_wasm::{Options, Program, Value};

fn program(text: &str) -> Program {
    Program::compile(&wat::parse_str(text).unwrap(), &Options::new()).unwrap()
}

fn start(program: &Program) -> Sandbox {
    UninitializedSandbox::new(program.guest(), SandboxOptions::new()).unwrap().evolve().unwrap()
}

#[test]
fn a_call_that_does_not_fit_is_refused_with_the_code_of_all_languages() {
    let program = program(r#"(module (func (export "same") (param i32) (result i32) (local.get 0)))"#);
    let mut sandbox = start(&program);
    for (value, reason) in [(Value::Integer(1 << 40), Reason::Range), (Value::from("1"), Reason::Kind)] {
        let error = program.call(&mut sandbox, "same", &[value]).unwrap_err();
        assert_eq!(error.code(), ErrorCode::Signature, "{error}");
        let source = error.source().unwrap().downcast_ref::<libhyperlight_values::Error>().unwrap();
        assert_eq!((source.reason(), source.message()), (reason, error.message()));
    }
    let error = program.call(&mut sandbox, "same", &[]).unwrap_err();
    assert_eq!(
        (error.code(), error.message()),
        (ErrorCode::Signature, "`same(i32) -> i32` takes 1 argument, found 0")
    );
    let error = program.call(&mut sandbox, "nobody", &[]).unwrap_err();
    assert_eq!(error.code(), ErrorCode::FunctionNotFound);
    let mut host = UninitializedSandbox::new(program.guest(), SandboxOptions::new()).unwrap();
    let error = program.register(&mut host, "log", |_| Ok(Value::Undefined)).unwrap_err();
    assert_eq!(error.code(), ErrorCode::InvalidArgument);
    assert_eq!(program.call(&mut sandbox, "same", &[7.into()]).unwrap(), 7.into());
}

#[test]
fn a_call_has_limits_of_its_own() {
    let program = program(
        r#"(module
            (func (export "spin") (loop $on (br $on)))
            (func (export "same") (param i32) (result i32) (local.get 0)))"#,
    );
    let mut sandbox = start(&program);
    let start = sandbox.snapshot().unwrap();
    let limit = Duration::from_millis(50);
    for (options, name) in
        [(CallOptions::new().timeout(limit), "timeout"), (CallOptions::new().cpu_time(limit), "cpu_time")]
    {
        let error = program.call_with(&options, &mut sandbox, "spin", &[]).unwrap_err();
        assert_eq!(error.code(), ErrorCode::Timeout, "{error}");
        assert!(error.message().contains(name), "{error}");
        assert_eq!(sandbox.state(), State::Poisoned);
        sandbox.restore(&start).unwrap();
    }
    let amply = CallOptions::new().timeout(Duration::from_secs(60));
    assert_eq!(program.call_with(&amply, &mut sandbox, "same", &[7.into()]).unwrap(), 7.into());
}

/// The exit code is no result of the program's, so its type does not say it.
#[test]
fn a_command_returns_its_exit_code() {
    let program = program(
        r#"(module
            (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
            (memory (export "memory") 1)
            (func (export "nothing"))
            (func (export "_start") (call $exit (i32.const 3))))"#,
    );
    let mut sandbox = start(&program);
    assert_eq!(program.call(&mut sandbox, "nothing", &[]).unwrap(), Value::Undefined);
    assert_eq!(program.call(&mut sandbox, "_start", &[]).unwrap(), 3.into());
}

#[test]
fn arguments_for_a_function_of_another_program_are_refused_and_not_left_out() {
    let mine = program(r#"(module (func (export "mine")))"#);
    let other = program(r#"(module (func (export "yours") (result i32) (i32.const 7)))"#);
    let mut sandbox = start(&other);
    for count in [1, 100] {
        let error = mine.call(&mut sandbox, "yours", &vec![Value::Integer(1); count]).unwrap_err();
        assert_eq!(error.code(), ErrorCode::Signature, "{error}");
        assert_eq!(sandbox.state(), State::Ready);
    }
    assert_eq!(mine.call(&mut sandbox, "yours", &[]).unwrap(), 7.into());
}
