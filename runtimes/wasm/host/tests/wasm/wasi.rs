//! Programs for WASI preview 1, most of them written in C and compiled by clang.

use libhyperlight::{ErrorCode, Sandbox};
use libhyperlight_wasm::{Options, compile};

use crate::common::{c_program, guest_error, printed, said, start, uninitialized};

/// Runs a command, and tells its exit code and what it printed.
#[track_caller]
pub fn run(program: &[u8], options: &Options) -> (i32, String) {
    let mut sandbox = uninitialized(&compile(program, options).unwrap());
    let text = printed(&mut sandbox);
    let code = sandbox.evolve().unwrap().call::<i32>("_start", ()).unwrap();
    let text = text.lock().unwrap().clone();
    (code, text)
}

#[test]
fn hello_world_prints_and_returns_its_exit_code() {
    assert_eq!(run(&c_program("hello", &[]), &Options::new()), (3, "Hello from C, 42!\n".to_owned()));
}

#[test]
fn arguments_and_environment_arrive() {
    let options = ["prog", "-x", "ä b", ""]
        .into_iter()
        .try_fold(Options::new(), Options::argument)
        .and_then(|options| options.variable("HOME", "/here"))
        .and_then(|options| options.variable("EMPTY", ""))
        .unwrap();
    let (code, text) = run(&c_program("arguments", &[]), &options);
    assert_eq!((code, &*text), (4, "prog|-x|ä b||\nHOME=/here\nEMPTY=\nnone\n"));
}

#[test]
fn files_can_be_read_sought_and_listed_but_not_changed() {
    let options = Options::new()
        .file("greeting.txt", "hello file\nsecond line\n")
        .and_then(|options| options.file("data/numbers.bin", vec![0, 1, 2, 255]))
        .and_then(|options| options.file("data/deep/er", ""))
        .unwrap();
    let (code, text) = run(&c_program("files", &[]), &options);
    assert_eq!((code, &*text), (0, "all is well\n"));
}

#[test]
fn clocks_run_and_random_numbers_differ() {
    assert_eq!(run(&c_program("clock", &[]), &Options::new()), (0, "all is well\n".to_owned()));
}

#[test]
fn what_is_not_there_answers_enosys() {
    assert_eq!(run(&c_program("enosys", &[]), &Options::new()), (0, "all is well\n".to_owned()));
}

#[test]
fn a_library_is_initialised_and_called() {
    let program = c_program("library", &["-mexec-model=reactor", "-Wl,--export=add,--export=count"]);
    let mut sandbox = uninitialized(&compile(&program, &Options::new()).unwrap()).evolve().unwrap();
    assert_eq!(sandbox.call::<i32>("add", (2, 3)).unwrap(), 5);
    assert_eq!(sandbox.call::<i32>("count", ()).unwrap(), 101, "constructors ran");
    assert_eq!(sandbox.call::<i32>("count", ()).unwrap(), 102);
}

#[test]
fn standard_error_is_logged_line_by_line() {
    let (code, lines) = said(|| run(&c_program("errors", &[]), &Options::new()).0);
    assert_eq!((code, &*lines), (0, &["first", "second part", "no end"].map(str::to_owned)[..]));
}

/// A module that hands its memory and one function of WASI to the host.
fn with_wasi(function: &str, params: &str, call: &str) -> Sandbox {
    start(&format!(
        r#"(module
            (import "wasi_snapshot_preview1" "{function}" (func $f (param {params}) (result i32)))
            (memory (export "memory") 1)
            (func (export "run") (result i32) (call $f {call})))"#
    ))
}

#[test]
fn bad_pointers_and_descriptors_are_errors_of_the_program() {
    for (function, params, call, errno) in [
        ("random_get", "i32 i32", "(i32.const 65530) (i32.const 7)", 21),
        ("random_get", "i32 i32", "(i32.const -1) (i32.const -1)", 21),
        ("fd_write", "i32 i32 i32 i32", "(i32.const 1) (i32.const 65532) (i32.const 1) (i32.const 0)", 21),
        (
            "fd_write",
            "i32 i32 i32 i32",
            "(i32.const 1) (i32.const 0) (i32.const 0x40000000) (i32.const 0)",
            28,
        ),
        ("fd_write", "i32 i32 i32 i32", "(i32.const 99) (i32.const 0) (i32.const 0) (i32.const 0)", 8),
        ("fd_write", "i32 i32 i32 i32", "(i32.const -1) (i32.const 0) (i32.const 0) (i32.const 0)", 8),
        ("fd_close", "i32", "(i32.const 4)", 8),
        ("clock_time_get", "i32 i64 i32", "(i32.const 7) (i64.const 0) (i32.const 0)", 28),
        ("args_sizes_get", "i32 i32", "(i32.const 65536) (i32.const 0)", 21),
        (
            "fd_readdir",
            "i32 i32 i32 i64 i32",
            "(i32.const 3) (i32.const 0) (i32.const -1) (i64.const -1) (i32.const 0)",
            28,
        ),
        // Beyond the first list, nothing that is listed is looked at, and no path is copied.
        (
            "fd_pread",
            "i32 i32 i32 i64 i32",
            "(i32.const 3) (i32.const 0) (i32.const 1) (i64.const 0) (i32.const 0)",
            31,
        ),
        (
            "path_open",
            "i32 i32 i32 i32 i32 i64 i64 i32 i32",
            "(i32.const 3) (i32.const 0) (i32.const 0) (i32.const 4097) (i32.const 0) (i64.const 0) (i64.const 0) (i32.const 0) (i32.const 0)",
            37,
        ),
        (
            "path_filestat_get",
            "i32 i32 i32 i32 i32",
            "(i32.const 3) (i32.const 0) (i32.const 0) (i32.const -1) (i32.const 0)",
            37,
        ),
        ("sock_shutdown", "i32 i32", "(i32.const 3) (i32.const 0)", 52),
    ] {
        let mut sandbox = with_wasi(function, params, call);
        assert_eq!(sandbox.call::<i32>("run", ()).unwrap(), errno, "{function} {call}");
    }
}

#[test]
fn an_exit_outside_of_the_start_is_an_error_of_its_own() {
    let mut sandbox = start(
        r#"(module
            (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
            (func (export "leave") (call $exit (i32.const 9))))"#,
    );
    let message = guest_error(&mut sandbox, 2, |sandbox| sandbox.call::<()>("leave", ()));
    assert!(message.contains("exit code 9"), "{message}");
}

#[test]
fn more_than_may_be_printed_is_an_error_inside() {
    let program = c_program("flood", &[]);
    let guest = compile(&program, &Options::new()).unwrap();
    let options = libhyperlight::SandboxOptions::new().max_print_bytes(100_000);
    let mut sandbox = libhyperlight::UninitializedSandbox::new(&guest, options).unwrap();
    let text = printed(&mut sandbox);
    let outcome = sandbox.evolve().unwrap().call::<i32>("_start", ());
    assert!(
        matches!(&outcome, Ok(29)) || outcome.as_ref().is_err_and(|e| e.code() != ErrorCode::Internal),
        "{outcome:?}"
    );
    assert!(text.lock().unwrap().len() <= 100_000);
}
