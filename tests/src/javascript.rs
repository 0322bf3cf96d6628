//! The JavaScript guest: sandboxes with it, and the calls that tests make.

use libhyperlight::{Error, ErrorCode, Guest, Result, Sandbox, SandboxOptions, UninitializedSandbox};

use crate::{fails_with, need_hypervisor, uninitialized_with};

/// The code of an error that a script threw.
pub const THROWN: i32 = 1;

/// The code of a promise that nothing can settle.
pub const UNSETTLED: i32 = 2;

/// The guest, which the library carries.
pub fn javascript() -> Guest {
    need_hypervisor();
    libhyperlight_builtin::javascript().unwrap()
}

/// A sandbox with the guest that has not started yet, and prints nowhere.
pub fn uninitialized() -> UninitializedSandbox {
    uninitialized_with(&javascript(), SandboxOptions::new())
}

/// A sandbox ready for scripts.
pub fn engine() -> Sandbox {
    uninitialized().evolve().unwrap()
}

/// The same with options.
pub fn engine_with(options: SandboxOptions) -> Sandbox {
    uninitialized_with(&javascript(), options).evolve().unwrap()
}

/// The same after a script.
pub fn loaded(source: &str) -> Sandbox {
    let mut sandbox = engine();
    load(&mut sandbox, source).unwrap();
    sandbox
}

/// Runs a source.
pub fn load(sandbox: &mut Sandbox, source: &str) -> Result<()> {
    sandbox.call("load", ("test.js", source))
}

/// The completion value of a script, as JSON.
pub fn eval(sandbox: &mut Sandbox, source: &str) -> Result<String> {
    sandbox.call("eval", (source,))
}

/// Calls a function with a JSON array of arguments; the result as JSON.
pub fn call(sandbox: &mut Sandbox, function: &str, arguments: &str) -> Result<String> {
    sandbox.call("call", (function, arguments))
}

/// The error of a script that must throw. The sandbox is ready afterwards.
#[track_caller]
pub fn throws(sandbox: &mut Sandbox, source: &str) -> Error {
    let result = eval(sandbox, source);
    let error = fails_with(ErrorCode::GuestError, result);
    assert_eq!(error.guest_code(), THROWN, "{error}");
    assert_eq!(eval(sandbox, "6 * 7").unwrap(), "42", "after {error}");
    error
}

/// Confirms that a script gives this JSON.
#[track_caller]
pub fn gives(sandbox: &mut Sandbox, source: &str, expected: &str) {
    assert_eq!(eval(sandbox, source).unwrap(), expected, "{source}");
}
