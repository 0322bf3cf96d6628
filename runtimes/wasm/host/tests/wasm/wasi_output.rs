//! The output of programs: standard output, standard error, and the last output of those that fail.

use libhyperlight::{Sandbox, State};
use libhyperlight_wasm::{Options, compile};

use crate::common::{c_program, guest_error, printed, rust_program, said, start, uninitialized};
use crate::wasi::run;

/// A library, running.
fn library(program: &[u8]) -> Sandbox {
    uninitialized(&compile(program, &Options::new()).unwrap()).evolve().unwrap()
}

/// Case 19. A program whose output is no terminal keeps it in a buffer, which the end of the program empties.
#[test]
fn streams_are_no_terminals_and_lose_nothing() {
    let (code, text) = run(&c_program("streams", &[]), &Options::new());
    let expected: String =
        (0..1000).map(|number| format!("{number}\n")).chain(["no end".to_owned()]).collect();
    assert_eq!((code, text), (0, expected));
}

/// Case 19, for libraries, which have no end.
#[test]
fn a_library_in_c_prints_lines_if_it_asks_to() {
    let flags = ["-mexec-model=reactor", "-Wl,--export=prepare", "-Wl,--export=say"];
    let mut sandbox = uninitialized(&compile(&c_program("lines", &flags), &Options::new()).unwrap());
    let text = printed(&mut sandbox);
    let mut sandbox = sandbox.evolve().unwrap();
    sandbox.call::<()>("prepare", ()).unwrap();
    for number in 0..3 {
        sandbox.call::<()>("say", (number,)).unwrap();
        assert!(text.lock().unwrap().ends_with(&format!("line {number}\n")));
    }
}

/// Case 7.
#[test]
fn a_character_may_come_in_two_writes() {
    let expected = "aä 🦀 \u{fffd}B \u{fffd} \u{fffd}ö \u{fffd}";
    let ((code, text), lines) = said(|| run(&c_program("split", &[]), &Options::new()));
    assert_eq!((code, &*text, lines), (0, expected, vec![expected.to_owned()]));
}

/// Case 7, in a library: between two calls.
#[test]
fn a_character_may_come_in_two_calls() {
    let text = r#"(module
        (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
        (memory (export "memory") 1)
        (data (i32.const 0) "\\10\\00\\00\\00\\01\\00\\00\\00")
        (func (export "write") (param i32 i32) (result i32)
            (i32.store8 (i32.const 16) (local.get 1))
            (call $write (local.get 0) (i32.const 0) (i32.const 1) (i32.const 8))))"#;
    let mut sandbox = uninitialized(&crate::common::guest(&text.replace("\\\\", "\\")));
    let text = printed(&mut sandbox);
    let mut sandbox = sandbox.evolve().unwrap();
    let ((), lines) = said(|| {
        for byte in "é€🦀".bytes().chain([b'\n']) {
            for descriptor in [1, 2] {
                assert_eq!(sandbox.call::<i32>("write", (descriptor, i32::from(byte))).unwrap(), 0);
            }
        }
    });
    assert_eq!((&**text.lock().unwrap(), lines.concat()), ("é€🦀\n", "é€🦀".to_owned()));
}

/// Case 7.
#[test]
fn a_long_line_of_standard_error_is_several_records() {
    let (_, lines) = said(|| run(&c_program("long", &[]), &Options::new()));
    assert!(lines.iter().all(|line| line.len() <= 4096), "{lines:?}");
    assert_eq!(lines.concat(), format!("x{}the next", "é".repeat(3001)));
    assert_eq!((lines.len(), &*lines[2]), (3, "the next"));
}

/// A program that fails writes the reason to standard error, and its error repeats that.
#[test]
fn the_last_words_of_a_program_in_c_are_in_its_error() {
    let flags = ["broken", "quit", "quiet"].map(|name| format!("-Wl,--export={name}"));
    let flags: Vec<&str> =
        ["-mexec-model=reactor"].into_iter().chain(flags.iter().map(String::as_str)).collect();
    let mut sandbox = library(&c_program("abort", &flags));
    let (message, lines) =
        said(|| guest_error(&mut sandbox, 1, |sandbox| sandbox.call::<()>("broken", (41,))));
    let assertion = &lines[0];
    assert!(assertion.contains("Assertion failed: n == 42") && lines.len() == 1, "{lines:?}");
    assert!(message.contains("unreachable") && message.contains(assertion.as_str()), "{message}");

    let (message, lines) = said(|| guest_error(&mut sandbox, 2, |sandbox| sandbox.call::<()>("quit", ())));
    assert_eq!(lines, ["giving up, for good"]);
    assert!(message.contains("exit code 7") && message.contains("giving up, for good"), "{message}");
    // What was said in another call is not repeated.
    let (message, lines) = said(|| guest_error(&mut sandbox, 1, |sandbox| sandbox.call::<()>("quiet", ())));
    assert!(!message.contains("standard error") && lines.is_empty(), "{message}");
}

#[test]
fn the_panic_of_a_program_in_rust_is_in_its_error() {
    let mut sandbox = uninitialized(&compile(&rust_program("waits"), &Options::new()).unwrap());
    let text = printed(&mut sandbox);
    let mut sandbox = sandbox.evolve().unwrap();
    let (message, lines) = said(|| guest_error(&mut sandbox, 1, |sandbox| sandbox.call::<i32>("fail", (5,))));
    assert!(lines.concat().contains("my own panic, number 5"), "{lines:?}");
    assert!(message.contains("my own panic, number 5"), "{message}");
    assert_eq!(*text.lock().unwrap(), "before it fails");
    assert_eq!(sandbox.call::<i32>("fail", (0,)).unwrap(), 0);
}

#[test]
fn of_many_last_words_the_end_is_in_the_error() {
    let mut sandbox = start(
        r#"(module
            (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
            (memory (export "memory") 1)
            (func (export "fail")
                (memory.fill (i32.const 64) (i32.const 97) (i32.const 50000))
                (i32.store (i32.const 50060) (i32.const 0x21646e65))
                (i32.store (i32.const 0) (i32.const 64))
                (i32.store (i32.const 4) (i32.const 50000))
                (drop (call $write (i32.const 2) (i32.const 0) (i32.const 1) (i32.const 8)))
                unreachable))"#,
    );
    let (message, lines) = said(|| guest_error(&mut sandbox, 1, |sandbox| sandbox.call::<()>("fail", ())));
    assert!(message.contains(&format!("standard error: …{}end!", "a".repeat(1020))), "{message}");
    assert_eq!(lines.concat().len(), 50000);
    assert_eq!(sandbox.state(), State::Ready);
}
