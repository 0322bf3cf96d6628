//! From a program's text to a sandbox.

use std::process::Command;
use std::sync::{Arc, Mutex};

use hyperlight::{Error, ErrorCode, Guest, Sandbox, SandboxOptions, UninitializedSandbox};
use hyperlight_wasm::{Options, compile};

/// The guest that runs a program, given as text.
#[track_caller]
pub fn guest(text: &str) -> Guest {
    compile(&wat::parse_str(text).unwrap(), &Options::new()).unwrap()
}

/// A sandbox of that guest that has not started.
pub fn uninitialized(guest: &Guest) -> UninitializedSandbox {
    UninitializedSandbox::new(guest, SandboxOptions::new()).unwrap()
}

/// A program, running.
#[track_caller]
pub fn start(text: &str) -> Sandbox {
    uninitialized(&guest(text)).evolve().unwrap()
}

/// The error of a program that cannot be started.
#[track_caller]
pub fn start_fails(text: &str) -> Error {
    uninitialized(&guest(text)).evolve().unwrap_err()
}

/// That a call fails with a guest error of that number, and leaves the sandbox usable; its message.
#[track_caller]
pub fn guest_error<T: std::fmt::Debug>(
    sandbox: &mut Sandbox,
    number: i32,
    call: impl FnOnce(&mut Sandbox) -> hyperlight::Result<T>,
) -> String {
    let error = call(sandbox).unwrap_err();
    assert_eq!((error.code(), error.guest_code()), (ErrorCode::GuestError, number), "{error}");
    assert_eq!(sandbox.state(), hyperlight::State::Ready);
    error.message().to_owned()
}

/// What a program prints.
pub fn printed(sandbox: &mut UninitializedSandbox) -> Arc<Mutex<String>> {
    let text = Arc::new(Mutex::new(String::new()));
    let sink = Arc::clone(&text);
    sandbox
        .register("HostPrint", move |more: String| {
            sink.lock().unwrap().push_str(&more);
            i32::try_from(more.len()).unwrap()
        })
        .unwrap();
    text
}

/// A program in C, compiled for WASI by clang.
#[track_caller]
pub fn c_program(name: &str, flags: &[&str]) -> Vec<u8> {
    let directory = tempfile::tempdir().unwrap();
    let out = directory.path().join("program.wasm");
    let source = format!("{}/tests/programs/{name}.c", env!("CARGO_MANIFEST_DIR"));
    let output = Command::new("clang")
        .args(["--target=wasm32-wasi", "-O2", "-o"])
        .arg(&out)
        .arg(source)
        .args(flags)
        .output()
        .expect("clang, wasm-ld and wasi-libc are needed: ci/setup clang wasm-ld wasi-libc");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    std::fs::read(out).unwrap()
}
