//! Tests that concern a whole process, each in a process of its own.

use std::any;
use std::env;
use std::io::Write;
use std::process::Command;

/// A line that begins so is of a test that went well, and could not show all that it is there to show: it is written
/// where the reader of the results sees it.
pub const NOT_SHOWN: &str = "not shown here: ";

const MARK: &str = "HYPERLIGHT_TEST_IN_OWN_PROCESS";

/// Runs `body`, a closure that is the whole of the test that calls this, in a process of its own with no other test
/// beside it.
///
/// The process is the test program itself, told to run that one test. Its name comes from the closure's type, which is
/// named after the function around it.
#[track_caller]
pub fn in_own_process<F: FnOnce()>(body: F) {
    let path = any::type_name::<F>();
    let test = path.split_once("::").map_or(path, |(_, rest)| rest);
    let test = test.find("::{{closure}}").map_or(test, |end| &test[..end]);
    if env::var_os(MARK).is_some_and(|marked| *marked == *test) {
        return body();
    }
    let output = Command::new(env::current_exe().expect("the test program"))
        .args([test, "--exact", "--nocapture", "--test-threads=1"])
        .env(MARK, test)
        .output()
        .expect("the test program starts once more");
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{test}, in its own process: {}\n{out}\n{err}", output.status);
    for line in out.lines().filter(|line| line.starts_with(NOT_SHOWN)) {
        // Not by a macro, whose output the tests' harness keeps to itself.
        let _ = writeln!(std::io::stderr(), "{test}: {line}");
    }
    assert!(out.contains("1 passed"), "there is no test named {test}:\n{out}\n{err}");
}
