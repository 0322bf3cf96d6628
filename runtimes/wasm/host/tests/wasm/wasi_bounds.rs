//! WASI calls that request much at once, in a heap that the program's memory nearly fills: no allocation depends on the
//! requested size.

use std::fmt::Write;

use libhyperlight::{Sandbox, SandboxOptions, State, UninitializedSandbox, Value};
use libhyperlight_wasm::{Options, compile};

use crate::common::{guest, printed, said};

/// A program whose memory takes all that it may of the default heap: 200 pages of it are in use.
fn program(function: &str, params: &str, body: &str) -> String {
    format!(
        r#"(module
            (import "wasi_snapshot_preview1" "{function}" (func $f (param {params}) (result i32)))
            (memory (export "memory") 200)
            (func (export "run") (param i32) (result i32) {body}))"#
    )
}

/// Writes half a million bytes that are no text to a descriptor, and returns the number of calls that it took.
const WRITES: &str = r#"
    (local $tries i32)
    (memory.fill (i32.const 64) (i32.const 255) (i32.const 500000))
    (i32.store (i32.const 0) (i32.const 64))
    (i32.store (i32.const 4) (i32.const 500000))
    (loop $again
        (if (call $f (local.get 0) (i32.const 0) (i32.const 1) (i32.const 16)) (then (return (i32.const -1))))
        (local.set $tries (i32.add (local.get $tries) (i32.const 1)))
        (i32.store (i32.const 0) (i32.add (i32.load (i32.const 0)) (i32.load (i32.const 16))))
        (i32.store (i32.const 4) (i32.sub (i32.load (i32.const 4)) (i32.load (i32.const 16))))
        (br_if $again (i32.load (i32.const 4))))
    (local.get $tries)"#;

/// Case 15.
#[test]
fn half_a_megabyte_of_no_text_is_written() {
    let guest = guest(&program("fd_write", "i32 i32 i32 i32", WRITES));
    let mut sandbox =
        UninitializedSandbox::new(&guest, SandboxOptions::new().max_log_bytes(16 << 20)).unwrap();
    let text = printed(&mut sandbox);
    let mut sandbox = sandbox.evolve().unwrap();
    let expected = "\u{fffd}".repeat(500_000);
    let (tries, lines) = said(|| sandbox.call::<i32>("run", (1,)).unwrap());
    assert!((1..10).contains(&tries) && lines.is_empty(), "{tries} {lines:?}");
    assert!(*text.lock().unwrap() == expected);
    let (tries, lines) = said(|| sandbox.call::<i32>("run", (2,)).unwrap());
    assert!((1..10).contains(&tries), "{tries}");
    // The ring of log records was full many times.
    assert!(lines.concat() == expected, "{} of {}", lines.concat().len(), expected.len());
    assert_eq!(sandbox.state(), State::Ready);
}

/// Calls a function, and returns its result.
fn asks(function: &str, params: &str, body: &str) -> (Sandbox, i32) {
    let options = Options::new().file("a/file", vec![7; 3 << 20]).unwrap();
    let program = wat::parse_str(program(function, params, body)).unwrap();
    let mut sandbox =
        UninitializedSandbox::new(&compile(&program, &options).unwrap(), SandboxOptions::new()).unwrap();
    sandbox.register("HostPrint", |text: String| i32::try_from(text.len()).unwrap()).unwrap();
    let mut sandbox = sandbox.evolve().unwrap();
    let result = sandbox.call::<i32>("run", (0,)).unwrap();
    assert_eq!(sandbox.state(), State::Ready);
    (sandbox, result)
}

/// Half a million buffers of the same megabyte: the list has four megabytes.
fn buffers(call: &str) -> String {
    format!(
        r#"(local $at i32)
        (loop $again
            (i32.store (local.get $at) (i32.const 8000000))
            (i32.store offset=4 (local.get $at) (i32.const 1000000))
            (local.set $at (i32.add (local.get $at) (i32.const 8)))
            (br_if $again (i32.lt_u (local.get $at) (i32.const 4000000))))
        {call}"#
    )
}

#[test]
fn a_list_may_have_half_a_million_buffers() {
    let write = buffers(
        "(drop (call $f (i32.const 1) (i32.const 0) (i32.const 500000) (i32.const 7000000))) (i32.load (i32.const 7000000))",
    );
    let (_, written) = asks("fd_write", "i32 i32 i32 i32", &write);
    assert_eq!(written, 1 << 20);
    // Nothing is open to read from, so that the list is not even looked at.
    let read = buffers("(call $f (i32.const 0) (i32.const 0) (i32.const 500000) (i32.const 7000000))");
    assert_eq!(asks("fd_read", "i32 i32 i32 i32", &read).1, 0);
}

#[test]
fn a_file_is_read_into_half_a_million_buffers() {
    let program = r#"(module
        (import "wasi_snapshot_preview1" "path_open"
            (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
        (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
        (memory (export "memory") 200)
        (data (i32.const 9000000) "a/file")
        (func (export "run") (result i32) BODY))"#;
    let body = buffers(
        "(if (call $open (i32.const 3) (i32.const 0) (i32.const 9000000) (i32.const 6) (i32.const 0) (i64.const 2)
                (i64.const 0) (i32.const 0) (i32.const 7000000))
            (then (return (i32.const -1))))
        (if (call $read (i32.load (i32.const 7000000)) (i32.const 0) (i32.const 500000) (i32.const 7000004))
            (then (return (i32.const -2))))
        (i32.load (i32.const 7000004))",
    );
    let program = wat::parse_str(program.replace("BODY", &body)).unwrap();
    let options = Options::new().file("a/file", vec![7; 3 << 20]).unwrap();
    let guest = compile(&program, &options).unwrap();
    let mut sandbox = UninitializedSandbox::new(&guest, SandboxOptions::new()).unwrap().evolve().unwrap();
    assert_eq!(sandbox.call::<i32>("run", ()).unwrap(), 3 << 20);
}

#[test]
fn huge_lengths_are_met_or_refused() {
    let (_, errno) = asks("random_get", "i32 i32", "(call $f (i32.const 0) (i32.const 13000000))");
    assert_eq!(errno, 0);
    let path = "(memory.fill (i32.const 0) (i32.const 97) (i32.const 9000000))
        (call $f (i32.const 3) (i32.const 0) (i32.const 0) (i32.const 9000000) (i32.const 12000000))";
    assert_eq!(asks("path_filestat_get", "i32 i32 i32 i32 i32", path).1, 37);
    let list =
        "(drop (call $f (i32.const 3) (i32.const 0) (i32.const 13000000) (i64.const 0) (i32.const 13000000)))
        (i32.load (i32.const 13000000))";
    // `.`, `..` and `a`.
    assert_eq!(asks("fd_readdir", "i32 i32 i32 i64 i32", list).1, 3 * 24 + 4);
    // Two hundred thousand times the same time, which has passed.
    let poll = "(local $at i32)
        (loop $again
            (i32.store offset=16 (local.get $at) (i32.const 1))
            (local.set $at (i32.add (local.get $at) (i32.const 48)))
            (br_if $again (i32.lt_u (local.get $at) (i32.const 9600000))))
        (drop (call $f (i32.const 0) (i32.const 0) (i32.const 200000) (i32.const 12000000)))
        (i32.load (i32.const 12000000))";
    assert_eq!(asks("poll_oneoff", "i32 i32 i32 i32", poll).1, 200_000);
}

#[test]
fn a_directory_of_many_files_is_listed_once_each() {
    let mut options = Options::new();
    let mut names = String::new();
    for number in 0..1000 {
        let name = format!("file-{number:04}");
        write!(names, "{name}|").unwrap();
        options = options.file(&format!("deep/{name}"), "").unwrap();
        options = options.file(&format!("deep-er/{name}/x"), "").unwrap();
    }
    let (code, text) =
        crate::wasi::run(&crate::common::c_program("list", &[]), &options.argument("list").unwrap());
    assert_eq!((code, text), (0, format!("deep|deep-er|\n{names}\n{names}\n")));
}

/// Every function of WASI that does something and needs no other memory than the program's, with the types of its
/// parameters: `i` for 32 bits, `l` for 64.
const FUNCTIONS: [(&str, &str); 22] = [
    ("args_get", "ii"),
    ("args_sizes_get", "ii"),
    ("environ_get", "ii"),
    ("environ_sizes_get", "ii"),
    ("clock_res_get", "ii"),
    ("clock_time_get", "ili"),
    ("fd_close", "i"),
    ("fd_fdstat_get", "ii"),
    ("fd_fdstat_set_flags", "ii"),
    ("fd_filestat_get", "ii"),
    ("fd_pread", "iiili"),
    ("fd_prestat_dir_name", "iii"),
    ("fd_prestat_get", "ii"),
    ("fd_read", "iiii"),
    ("fd_readdir", "iiili"),
    ("fd_seek", "ilii"),
    ("fd_tell", "ii"),
    ("fd_write", "iiii"),
    ("path_filestat_get", "iiiii"),
    ("path_open", "iiiiillii"),
    ("random_get", "ii"),
    ("sched_yield", ""),
];

#[test]
fn no_arguments_end_the_sandbox() {
    let (mut imports, mut exports) = (String::new(), String::new());
    for (name, params) in FUNCTIONS {
        let types: String = params.chars().map(|ty| if ty == 'i' { " i32" } else { " i64" }).collect();
        let get = (0..params.len()).fold(String::new(), |get, at| format!("{get} (local.get {at})"));
        writeln!(
            imports,
            r#"(import "wasi_snapshot_preview1" "{name}" (func ${name} (param{types}) (result i32)))"#
        )
        .unwrap();
        writeln!(exports, r#"(func (export "{name}") (param{types}) (result i32) (call ${name}{get}))"#)
            .unwrap();
    }
    let text =
        format!(r#"(module {imports} (memory (export "memory") 1) (data (i32.const 8) "a/file") {exports})"#);
    let options = Options::new()
        .file("a/file", vec![0; 1000])
        .and_then(|options| options.variable("NAME", "value"))
        .and_then(|options| options.argument("program"))
        .unwrap();
    let guest = compile(&wat::parse_str(text).unwrap(), &options).unwrap();
    let mut sandbox = UninitializedSandbox::new(&guest, SandboxOptions::new()).unwrap();
    sandbox.register("HostPrint", |text: String| i32::try_from(text.len()).unwrap()).unwrap();
    let mut sandbox = sandbox.evolve().unwrap();

    // The same every time: a generator of Marsaglia's.
    let mut state = 88_172_645_463_325_252_u64;
    let mut next = move |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % below as u64).unwrap()
    };
    let narrow = [0, 1, 2, 3, 4, 5, 6, 8, 64, 100, 4096, 65528, 65535, 65536, i32::MAX, i32::MIN, -1, -8];
    let wide = [0, 1, 7, 1000, i64::MAX, i64::MIN, -1, 1 << 32];
    let mut errors = std::collections::BTreeSet::new();
    for _ in 0..400 {
        for (name, params) in FUNCTIONS {
            let arguments: Vec<Value> = params
                .chars()
                .map(|ty| match ty {
                    'i' => Value::I32(narrow[next(narrow.len())]),
                    _ => Value::I64(wide[next(wide.len())]),
                })
                .collect();
            match sandbox.call_values(name, &arguments).unwrap() {
                Value::I32(errno) => errors.insert(errno),
                other => panic!("{name}{arguments:?} gave {other:?}"),
            };
        }
    }
    assert!(errors.contains(&0) && errors.contains(&21) && errors.contains(&8), "{errors:?}");
}
