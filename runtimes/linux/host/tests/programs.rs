//! Programs of this machine, in real virtual machines.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use libhyperlight::ErrorCode;
use libhyperlight_linux::{Ended, Outcome, Program, Run};

/// Compiles a C program with these arguments for the compiler.
fn compile(folder: &Path, source: &str, arguments: &[&str]) -> std::path::PathBuf {
    let (from, to) = (folder.join("program.c"), folder.join("program"));
    fs::write(&from, source).unwrap();
    let status =
        Command::new("cc").args(["-O1", "-w", "-o"]).arg(&to).arg(&from).args(arguments).status().unwrap();
    assert!(status.success());
    to
}

/// The standard output of a run that succeeded.
fn printed(outcome: &Outcome) -> String {
    assert!(outcome.is_success(), "{outcome:?}\n{}", String::from_utf8_lossy(&outcome.stderr));
    String::from_utf8_lossy(&outcome.stdout).into_owned()
}

#[test]
fn a_program_without_a_c_library_runs() {
    let folder = tempfile::tempdir().unwrap();
    let source = r#"
        static long call(long number, long a, long b, long c) {
            long result;
            if (number == 1)
                __asm__ volatile("mov $1, %%eax; syscall" : "=a"(result) : "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
            else
                __asm__ volatile("mov $231, %%eax; syscall" : "=a"(result) : "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
            return result;
        }
        void _start(void) { call(1, 1, (long)"hello\n", 6); call(231, 7, 0, 0); }
    "#;
    for arguments in [&["-static", "-nostdlib", "-no-pie"][..], &["-static-pie", "-nostdlib"]] {
        let path = compile(folder.path(), source, arguments);
        let mut program = Program::builder(&path).build().unwrap();
        for _ in 0..2 {
            let outcome = program.run(Run::new()).unwrap();
            assert_eq!((outcome.status(), &*outcome.stdout), (Some(7), &b"hello\n"[..]), "{outcome:?}");
        }
    }
}

#[test]
fn jq_reads_standard_input() {
    let mut jq = Program::builder("/usr/bin/jq").build().unwrap();
    for number in [1, 2] {
        let input = format!("{{\"a\": [{number}, 5]}}");
        let outcome = jq.run(Run::new().args(["-c", ".a"]).stdin(input)).unwrap();
        assert_eq!(printed(&outcome), format!("[{number},5]\n"));
    }
    let outcome = jq.run(Run::new().args(["."]).stdin("{")).unwrap();
    assert_eq!(outcome.status(), Some(2));
    assert!(String::from_utf8_lossy(&outcome.stderr).contains("parse error"));
}
