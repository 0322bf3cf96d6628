//! Shared parts of the tests: guests, sandboxes, and checks of every error and of the process afterwards.
//!
//! The tests run over real virtual machines. Without a hypervisor they fail with the reason and the remedy: a skipped
//! test shows nothing.
#![expect(
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    reason = "a test stops at what it did not expect, wherever that is"
)]

pub mod clones;
pub mod code;
pub mod cost;
pub mod elf;
pub mod fuzz;
pub mod guest_fuzz;
pub mod harm;
pub mod host_call_fuzz;
pub mod instructions;
pub mod javascript;
pub mod lateness;
pub mod logger;
pub mod model;
pub mod operations;
pub mod pace;
pub mod placement;
pub mod prober;
pub mod process;
pub mod random;
pub mod script;
pub mod seccomp;
pub mod signals;
pub mod snapshot_file;
pub mod soak;
pub mod stop;
pub mod swap;

use std::fmt::Debug;
use std::sync::{Arc, Mutex, MutexGuard, Once, OnceLock, PoisonError};
use std::time::Duration;

use libhyperlight::{
    CallOptions, Error, ErrorCode, Guest, Result, Sandbox, SandboxOptions, State, UninitializedSandbox,
};

/// Compiles and runs the Rust program that the README shows.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
pub struct Readme;

/// Start of the engine's own pages in every guest: its tables, stubs and exception stacks.
pub const ENGINE: u64 = 0x1_0004_1000;

/// The guest in Rust: the functions of the demo guest that the library carries, and attacks (`tests/guests/attacks`).
pub fn demo() -> Guest {
    static LOADED: OnceLock<Guest> = OnceLock::new();
    need_hypervisor();
    LOADED.get_or_init(|| Guest::from_bytes(ATTACKS).unwrap()).clone()
}

static ATTACKS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/attacks.elf"));

/// The guest in C: the same, as far as C can.
pub fn demo_c() -> Guest {
    static LOADED: OnceLock<Guest> = OnceLock::new();
    need_hypervisor();
    LOADED.get_or_init(|| Guest::from_bytes(DEMO_C).unwrap()).clone()
}

/// The same, as if it had been built for that contract.
pub fn demo_c_of_abi(abi: u32) -> Guest {
    let elf = elf::Elf::new(DEMO_C);
    let at = elf.note() + elf::NOTE_ABI;
    elf.with_u32(at, abi).load().unwrap()
}

static DEMO_C: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/demo_c.elf"));

/// Both demo guests, by language. What is true of one must be true of the other.
pub fn guests() -> [(&'static str, Guest); 2] {
    [("Rust", demo()), ("C", demo_c())]
}

/// Runs a test with each of the demo guests, and reports the one that failed.
pub fn on_each_guest(test: impl Fn(&Guest)) {
    struct Names(&'static str);

    impl Drop for Names {
        fn drop(&mut self) {
            if std::thread::panicking() {
                #[expect(clippy::print_stderr, reason = "belongs to the panic's message")]
                {
                    eprintln!("this was the {} guest", self.0);
                }
            }
        }
    }

    for (language, guest) in guests() {
        let _names = Names(language);
        test(&guest);
    }
}

/// Panics with the reason if no virtual machine can be made.
pub fn need_hypervisor() {
    static ASKED: Once = Once::new();
    ASKED.call_once(|| {
        if let Err(error) = libhyperlight::probe() {
            panic!("this test needs a hypervisor: {error}");
        }
    });
}

/// A sandbox that has not started yet, and prints nowhere.
pub fn uninitialized(guest: &Guest) -> UninitializedSandbox {
    uninitialized_with(guest, SandboxOptions::new())
}

/// The same with options.
pub fn uninitialized_with(guest: &Guest, options: SandboxOptions) -> UninitializedSandbox {
    need_hypervisor();
    let mut sandbox = UninitializedSandbox::new(guest, options).unwrap();
    sandbox.register("HostPrint", |text: String| i32::try_from(text.len()).unwrap()).unwrap();
    sandbox
}

/// A sandbox ready for calls.
pub fn sandbox(guest: &Guest) -> Sandbox {
    uninitialized(guest).evolve().unwrap()
}

/// The same with options.
pub fn sandbox_with(guest: &Guest, options: SandboxOptions) -> Sandbox {
    uninitialized_with(guest, options).evolve().unwrap()
}

/// Held by tests with hundreds of sandboxes at once: together they would need more file descriptors than a process has
/// by default.
pub fn many() -> MutexGuard<'static, ()> {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The output of a sandbox.
#[derive(Clone, Debug, Default)]
pub struct Printed(Arc<Mutex<Vec<String>>>);

impl Printed {
    /// The texts, one for each call of `HostPrint`, taken away.
    pub fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

/// A sandbox ready for calls, and its output.
pub fn printing(guest: &Guest) -> (Sandbox, Printed) {
    let printed = Printed::default();
    let to = printed.clone();
    let mut sandbox = uninitialized(guest);
    sandbox
        .register("HostPrint", move |text: String| {
            let len = i32::try_from(text.len()).unwrap();
            to.0.lock().unwrap().push(text);
            len
        })
        .unwrap();
    (sandbox.evolve().unwrap(), printed)
}

/// The error of a call that must fail with that code. Confirms what is promised of every error: one line, no control
/// characters, no address of the host.
#[track_caller]
pub fn fails_with<T: Debug>(code: ErrorCode, result: Result<T>) -> Error {
    let error = match result {
        Ok(value) => panic!("expected {}, but it went well: {value:?}", code.name()),
        Err(error) => error,
    };
    assert_eq!(error.code(), code, "{error}");
    assert!(!error.message().is_empty(), "{code:?} says nothing");
    assert!(!error.message().chars().any(char::is_control), "not one clean line: {error:?}");
    assert!(error.message().len() < 3 * 4096, "a message of {} bytes", error.message().len());
    for number in hexadecimals(error.message()) {
        assert!(!harm::is_host_address(number), "an address of the host in {error}");
    }
    assert_eq!(error.to_string(), error.message());
    error
}

/// The same for a call that must leave the sandbox poisoned: that it is, and answers nothing more.
#[track_caller]
pub fn poisons<T: Debug>(
    sandbox: &mut Sandbox,
    code: ErrorCode,
    call: impl FnOnce(&mut Sandbox) -> Result<T>,
) -> Error {
    let result = call(sandbox);
    let error = fails_with(code, result);
    assert_eq!(sandbox.state(), State::Poisoned, "after {error}");
    fails_with(ErrorCode::Poisoned, sandbox.call::<()>("NoOp", ()));
    error
}

/// The same for a call that must leave the sandbox ready: that it is, and still works.
#[track_caller]
pub fn spares<T: Debug>(
    sandbox: &mut Sandbox,
    code: ErrorCode,
    call: impl FnOnce(&mut Sandbox) -> Result<T>,
) -> Error {
    let result = call(sandbox);
    let error = fails_with(code, result);
    assert_eq!(sandbox.state(), State::Ready, "after {error}");
    assert_works(sandbox);
    error
}

/// Confirms that a sandbox of a demo guest answers right.
#[track_caller]
pub fn assert_works(sandbox: &mut Sandbox) {
    assert_eq!(sandbox.call::<i64>("EchoI64", (0x1234_5678_9abc_i64,)).unwrap(), 0x1234_5678_9abc);
    assert_eq!(sandbox.call::<String>("Echo", ("still here",)).unwrap(), "still here");
}

/// The same of one whose calls have little time: these have as much as they need.
#[track_caller]
pub fn assert_works_without_limits(sandbox: &mut Sandbox) {
    let options = CallOptions::new().timeout(Duration::MAX).cpu_time(Duration::MAX);
    let number = sandbox.call_with::<i64>(&options, "EchoI64", (0x1234_5678_9abc_i64,));
    assert_eq!(number.unwrap(), 0x1234_5678_9abc);
    assert_eq!(sandbox.call_with::<String>(&options, "Echo", ("still here",)).unwrap(), "still here");
}

/// Every hexadecimal number in a text.
pub fn hexadecimals(text: &str) -> impl Iterator<Item = u64> {
    text.split("0x").skip(1).filter_map(|tail| {
        let digits = tail.find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(tail.len());
        u64::from_str_radix(&tail[..digits], 16).ok()
    })
}
