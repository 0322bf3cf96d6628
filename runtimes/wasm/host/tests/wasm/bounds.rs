//! Bounds for programs at the compiler, which runs outside of any sandbox.

use std::fmt::Write;
use std::time::Duration;

use libhyperlight::ErrorCode;
use libhyperlight_wasm::{CompileError, Options, compile, precompile};

/// The reason why a program is not compiled, which is found out without compiling.
#[track_caller]
fn refused(text: &str) -> String {
    let program = wat::parse_str(text).unwrap();
    let error = precompile(&program, &Options::new()).map(|_| ()).unwrap_err();
    assert!(matches!(error, CompileError::Program(_)), "{error}");
    let message = error.to_string();
    assert!(!message.contains('\n'), "{message}");
    message
}

/// A thousand parameters and as many results.
fn wide() -> String {
    format!("(param {0}) (result {0})", "i32 ".repeat(1000))
}

fn arguments() -> String {
    (0..1000).fold(String::new(), |mut text, index| {
        write!(text, "local.get {index} ").unwrap();
        text
    })
}

#[test]
fn a_program_has_so_many_bytes_as_the_option_says() {
    let program = wat::parse_str(r#"(module (func (export "f")))"#).unwrap();
    assert!(precompile(&program, &Options::new().max_program_size(program.len())).is_ok());
    let error = precompile(&program, &Options::new().max_program_size(program.len() - 1)).unwrap_err();
    assert!(
        matches!(&error, CompileError::Large(_)) && error.to_string().contains("max_program_size"),
        "{error}"
    );
}

#[test]
fn compiling_ends_when_its_time_is_up() {
    // Many seconds of work, in functions of which none takes long.
    let wide = wide();
    let functions = format!("(func (type $t) {} call 0 call 0)", arguments()).repeat(300);
    let program = wat::parse_str(format!("(module (type $t (func {wide})) {functions})")).unwrap();
    let error =
        precompile(&program, &Options::new().compile_timeout(Duration::from_millis(300))).unwrap_err();
    assert_eq!(error, CompileError::Timeout);

    // Nothing is left behind: the same thread compiles other programs, and reports the rules that they break.
    let program = wat::parse_str(r#"(module (func (export "after")))"#).unwrap();
    assert!(precompile(&program, &Options::new()).is_ok());
    assert_eq!(
        precompile(
            &wat::parse_str("(component (core module (func)))").unwrap(),
            &Options::new().compile_timeout(Duration::ZERO)
        )
        .unwrap_err(),
        CompileError::Timeout
    );
    assert!(precompile(b"\0asm", &Options::new().compile_timeout(Duration::MAX)).is_err());
}

#[test]
fn a_function_is_as_heavy_as_what_it_makes_the_compiler_do() {
    let (wide, arguments) = (wide(), arguments());
    for body in ["block (type $t) end ", "loop (type $t) end ", "call 0 ", "i32.const 0 br_if 0 "] {
        let body = body.repeat(600);
        let text = format!("(module (type $t (func {wide})) (func (type $t) {arguments} {body}))");
        let message = refused(&text);
        assert!(message.contains("weight of function 0"), "{body:.20}: {message}");
    }
    let nested = format!("{}{}", "loop ".repeat(5000), "end ".repeat(5000));
    assert!(
        refused(&format!("(module (func (local {}) {nested}))", "i64 ".repeat(5000)))
            .contains("weight of function 0")
    );
    let loads = "i32.load ".repeat(200_000);
    assert!(
        refused(&format!("(module (memory 1) (func i32.const 0 {loads} drop))"))
            .contains("weight of function 0")
    );
    let table = "0 ".repeat(1000);
    let tables = format!("i32.const 0 br_table {table}").repeat(2);
    assert!(
        refused(&format!("(module (type $t (func {wide})) (func (type $t) {arguments} {tables}))"))
            .contains("weight")
    );
}

#[test]
fn what_a_module_has_is_counted() {
    assert!(refused(&format!("(module {})", "(func)".repeat(270_000))).contains("functions"));
    // An export of some bytes, and a description of many types.
    let exports = (0..9000).fold(String::new(), |mut text, index| {
        write!(text, "(export \"{index}\" (func 0))").unwrap();
        text
    });
    let long = format!("(module (func (param {}) unreachable) {exports})", "i32 ".repeat(32));
    assert!(refused(&long).contains("types of what is exported"));
}

#[test]
fn a_component_is_as_large_as_what_it_instantiates() {
    let mut inside = "(component)".to_owned();
    for _ in 0..40 {
        inside = format!("(component {inside} (instance (instantiate 0)) (instance (instantiate 0)))");
    }
    assert!(refused(&inside).contains("instances"));

    // By its name outside.
    let mut outside = "(component $c0)".to_owned();
    for level in 1..40 {
        let below = level - 1;
        write!(
            outside,
            "(component $c{level} (alias outer 1 $c{below} (component $below)) (export \"c\" (component $below))
               (instance (instantiate $below)) (instance (instantiate $below)))"
        )
        .unwrap();
    }
    let message = refused(&format!("(component {outside} (instance (instantiate $c39)))"));
    assert!(message.contains("weight of what its components refer to"), "{message}");
    let handed = "(component (component (import \"c\" (component $c)) (instance (instantiate $c))))";
    assert!(refused(handed).contains("components that import components"));
}

#[test]
fn a_type_that_grows_when_it_is_written_out_is_refused() {
    let mut types = r#"(type $r (record (field "a" u8))) (import "r" (type $t0 (eq $r)))"#.to_owned();
    for level in 1..17 {
        write!(types, "(type $t{level} (tuple $t{0} $t{0}))", level - 1).unwrap();
    }
    let message = refused(&format!("(component {types} (import \"f\" (func (param \"x\" $t16))))"));
    assert!(message.contains("types of what is exported"), "{message}");
}

#[test]
fn errors_have_the_codes_of_the_other_languages() {
    // Of its own, or it may have been compiled before.
    let program = wat::parse_str(r#"(module (func (export "is late")))"#).unwrap();
    let code = |program: &[u8], options| compile(program, &options).map(|_| ()).unwrap_err().code();
    assert_eq!(code(b"no program", Options::new()), ErrorCode::GuestBinary);
    assert_eq!(code(&program, Options::new().max_program_size(1)), ErrorCode::GuestBinary);
    assert_eq!(code(&program, Options::new().compile_timeout(Duration::ZERO)), ErrorCode::Timeout);
}
