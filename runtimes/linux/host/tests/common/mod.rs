//! C programs for tests.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use libhyperlight_linux::{Outcome, Program, Run};

/// A time that nothing here takes, for runs that must end.
pub(crate) const LONG: Duration = Duration::from_secs(300);

/// Compiles a C program with these arguments for the compiler.
pub(crate) fn compile(folder: &Path, name: &str, source: &str, arguments: &[&str]) -> PathBuf {
    let (from, to) = (folder.join("program.c"), folder.join(name));
    fs::write(&from, source).unwrap();
    let status =
        Command::new("cc").args(["-O1", "-w", "-o"]).arg(&to).arg(&from).args(arguments).status().unwrap();
    assert!(status.success());
    to
}

/// Compiles a C program, and runs it.
pub(crate) fn run_c(source: &str, arguments: &[&str], run: Run) -> Outcome {
    let folder = tempfile::tempdir().unwrap();
    let path = compile(folder.path(), "program", source, arguments);
    Program::builder(path).build().unwrap().run(run.timeout(LONG)).unwrap()
}

/// The standard output of a run that succeeded.
pub(crate) fn printed(outcome: &Outcome) -> String {
    assert!(outcome.is_success(), "{outcome:?}\n{}", String::from_utf8_lossy(&outcome.stderr));
    String::from_utf8_lossy(&outcome.stdout).into_owned()
}
