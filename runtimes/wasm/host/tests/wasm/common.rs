//! From a program's text to a sandbox.

use std::cell::RefCell;
use std::process::Command;
use std::sync::{Arc, Mutex, Once};

use libhyperlight::{Error, ErrorCode, Guest, Sandbox, SandboxOptions, UninitializedSandbox};
use libhyperlight_wasm::{Options, compile};

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

/// Confirms that a call fails with a guest error of that number, and leaves the sandbox usable; its message.
#[track_caller]
pub fn guest_error<T: std::fmt::Debug>(
    sandbox: &mut Sandbox,
    number: i32,
    call: impl FnOnce(&mut Sandbox) -> libhyperlight::Result<T>,
) -> String {
    let error = call(sandbox).unwrap_err();
    assert_eq!((error.code(), error.guest_code()), (ErrorCode::GuestError, number), "{error}");
    assert_eq!(sandbox.state(), libhyperlight::State::Ready);
    error.message().to_owned()
}

/// Collects the prints of a program.
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

/// Takes what is logged, for each thread: sandboxes log where they are called.
struct Log;

thread_local! {
    static RECORDS: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

impl log::Log for Log {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        let record = format!("{} {} {}", record.level(), record.target(), record.args());
        RECORDS.with_borrow_mut(|records| records.push(record));
    }

    fn flush(&self) {}
}

/// Runs a function. Returns its result, and the records that are logged meanwhile: level, target and message.
pub fn logged<T>(run: impl FnOnce() -> T) -> (T, Vec<String>) {
    static INSTALL: Once = Once::new();
    INSTALL.call_once(|| {
        log::set_logger(&Log).unwrap();
        log::set_max_level(log::LevelFilter::Warn);
    });
    RECORDS.take();
    let result = run();
    (result, RECORDS.take())
}

/// Runs a function. Returns its result, and the programs' output on standard error: a text for each record.
pub fn said<T>(run: impl FnOnce() -> T) -> (T, Vec<String>) {
    let (result, records) = logged(run);
    let text = |record: &String| record.strip_prefix("WARN libhyperlight::guest ").map(str::to_owned);
    (result, records.iter().filter_map(text).collect())
}

/// A program in C, compiled for WASI by clang.
#[track_caller]
pub fn c_program(name: &str, flags: &[&str]) -> Vec<u8> {
    let mut clang = Command::new("clang");
    clang.args(["--target=wasm32-wasi", "-O2"]).args(flags);
    built(clang, &format!("{name}.c"), "clang wasm-ld wasi-libc").unwrap()
}

/// A library in Rust, compiled for WASI by whatever compiler has its standard library.
#[track_caller]
pub fn rust_program(name: &str) -> Vec<u8> {
    let compilers =
        [("rustc", "wasm32-wasip1"), ("/usr/bin/rustc", "wasm32-wasip1"), ("/usr/bin/rustc", "wasm32-wasi")];
    let mut errors = String::new();
    for (compiler, target) in compilers {
        let mut rustc = Command::new(compiler);
        rustc.arg(format!("--target={target}"));
        rustc.args(["--edition=2021", "--crate-type=cdylib", "-Copt-level=s", "-Cstrip=symbols"]);
        match built(rustc, &format!("{name}.rs"), "rust-wasi") {
            Ok(program) => return program,
            Err(error) => errors.push_str(&error),
        }
    }
    panic!("no compiler has the standard library for WASI: ci/setup rust-wasi\n{errors}");
}

/// Compiles a program; the file, or the compiler's messages.
fn built(mut compiler: Command, source: &str, needs: &str) -> Result<Vec<u8>, String> {
    let directory = tempfile::tempdir().unwrap();
    let out = directory.path().join("program.wasm");
    let source = format!("{}/tests/programs/{source}", env!("CARGO_MANIFEST_DIR"));
    compiler.arg("-o").arg(&out).arg(source);
    let output =
        compiler.output().map_err(|error| format!("{compiler:?}: {error}; run ci/setup {needs}\n"))?;
    if !output.status.success() {
        return Err(format!("{compiler:?}: {}", String::from_utf8_lossy(&output.stderr)));
    }
    Ok(std::fs::read(out).unwrap())
}
