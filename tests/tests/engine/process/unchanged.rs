//! The process that holds the sandboxes: nothing of it may change, whatever its guests do.
//!
//! Each test runs in a process of its own, because it looks at what all threads share.
#![expect(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

use std::fs;
use std::sync::atomic::{AtomicI32, Ordering};

use libhyperlight::{
    ErrorCode, Guest, PayloadAccess, Result, Sandbox, SandboxOptions, State, UninitializedSandbox, Value,
    ValueRef,
};
use libhyperlight_abi::FrameKind;
use libhyperlight_tests::harm::{self, Host};
use libhyperlight_tests::process::in_own_process;
use libhyperlight_tests::script::{Step, file, frame, scripted};
use libhyperlight_tests::{assert_works, demo, fails_with, guests, sandbox, uninitialized};
use log::{LevelFilter, Log, Metadata, Record};

/// Every kind of failure of a guest, each once.
fn every_kind_of_failure() {
    for (_, guest) in guests() {
        for (function, arguments) in [
            ("NoOp", vec![]),
            ("ReturnError", vec![Value::I32(1), Value::String("no".into())]),
            ("GuestAbortWithCode", vec![Value::I32(1)]),
            ("Panic", vec![Value::String("no".into())]),
            ("TriggerException", vec![]),
            ("DivideByZero", vec![]),
            ("UnmaskedFloatException", vec![]),
            ("InfiniteRecursion", vec![]),
            ("ExhaustHeap", vec![]),
            ("ExecuteOnHeap", vec![]),
            ("ReadAddress", vec![Value::U64(0)]),
            ("OutbWithPort", vec![Value::U32(0x80), Value::U32(0)]),
            ("OutbWithPort", vec![Value::U32(0x68), Value::U32(0)]),
            ("Syscall", vec![Value::U64(231)]),
            ("SetMxcsr", vec![Value::U32(0x7f80)]),
            ("SetAvxUpperHalf", vec![Value::U64(u64::MAX)]),
            ("CorruptOutputLength", vec![Value::U32(u32::MAX)]),
            ("CorruptLogHead", vec![Value::U64(u64::MAX)]),
            ("LogFlood", vec![Value::U32(1000), Value::U32(1000)]),
            ("NoSuchFunction", vec![]),
            ("Echo", vec![Value::Bytes(vec![0; 2 << 20])]),
            ("Echo", vec![Value::String("x".repeat(2 << 20))]),
            ("HostCallLoop", vec![Value::String("Fails".into()), Value::U32(3)]),
            ("HostCallLoop", vec![Value::String("Panics".into()), Value::U32(3)]),
        ] {
            let mut host = uninitialized(&guest);
            host.register("Fails", || Err::<(), _>("no")).unwrap();
            host.register("Panics", || {
                if true {
                    std::panic::resume_unwind(Box::new(1))
                }
            })
            .unwrap();
            let mut sandbox = host.evolve().unwrap();
            let result = sandbox.call_values(function, &arguments);
            assert_eq!(
                result.is_ok(),
                sandbox.call_values("NoOp", &[]).is_ok() && result.is_ok(),
                "{function}"
            );
        }
        let code = guest.with_payload(&[0xdb, 0xe3, 0xf4], PayloadAccess::ReadExecute).unwrap();
        sandbox(&code).call::<u64>("PayloadExecute", (0_u32,)).unwrap_err();
    }
    // Guests that do not start, and files that are none.
    uninitialized(&scripted(&[])).evolve().unwrap_err();
    uninitialized(&scripted(&[Step::frame(frame(FrameKind::Result, &[ValueRef::Void]))]))
        .evolve()
        .unwrap_err();
    for len in (0..file().bytes().len()).step_by(997) {
        let _ = Guest::from_bytes(&file().bytes()[..len]);
    }
    Guest::from_file("/dev/zero").unwrap_err();
    Guest::from_file("/no/such/file").unwrap_err();
}

/// Waits until only this many virtual machines are left, and the one that the library keeps.
fn wait_for_machines(machines: usize) {
    harm::wait_until(|| harm::count_files("kvm-vm") == machines + 1);
}

#[test]
fn no_failure_of_a_guest_changes_the_process() {
    in_own_process(|| {
        let mut neighbour = sandbox(&demo());
        let secret: i32 = 0x5ec_12e7;
        neighbour.call::<i32>("AddToStatic", (secret,)).unwrap();
        // What is made once in a process is made in the first round, and the allocator finds its size.
        every_kind_of_failure();
        every_kind_of_failure();
        let settled = || {
            wait_for_machines(1);
            // One image for each of the demo guests.
            harm::wait_until(|| harm::count_files("memfd:hyperlight") == 2);
            Host::now()
        };
        let (before, resident) = (settled(), harm::resident());
        for _ in 0..5 {
            every_kind_of_failure();
        }
        let after = settled();
        let grown = harm::resident().saturating_sub(resident);
        assert!(grown < 16 << 20, "{grown} bytes more");
        // The allocator may keep or give back a mapping or two of its own.
        assert!(
            after.mappings.abs_diff(before.mappings) <= 4,
            "{} mappings, then {}",
            before.mappings,
            after.mappings
        );
        assert_eq!(Host { mappings: 0, ..before }, Host { mappings: 0, ..after });
        assert_eq!(neighbour.call::<i32>("GetStatic", ()).unwrap(), secret);
        assert_works(&mut neighbour);
    });
}

#[test]
fn a_guest_that_writes_all_its_memory_again_and_again_costs_no_more_than_once() {
    in_own_process(|| {
        for (_, guest) in guests() {
            let mut sandbox = sandbox(&guest);
            sandbox.call::<u32>("DirtyPages", (3000_u32,)).unwrap();
            sandbox.call::<u32>("SetStatic", ()).unwrap();
            let once = harm::resident();
            for _ in 0..300 {
                assert_eq!(sandbox.call::<u32>("DirtyPages", (3000_u32,)).unwrap(), 3000);
                assert_eq!(sandbox.call::<u32>("SetStatic", ()).unwrap(), 1 << 20);
            }
            let grown = harm::resident().saturating_sub(once);
            assert!(grown < 4 << 20, "{grown} bytes more");
        }
    });
}

#[test]
fn loading_and_calling_starts_no_thread_and_touches_no_signal() {
    in_own_process(|| {
        let before = Host::now();
        let mut sandbox = sandbox(&demo());
        assert_works(&mut sandbox);
        let during = Host::now();
        assert_eq!(
            (during.threads, &during.mask, &during.signals),
            (before.threads, &before.mask, &before.signals)
        );
        assert_eq!((during.mxcsr, during.x87), (before.mxcsr, before.x87));
    });
}

#[test]
fn every_file_descriptor_is_closed_on_exec() {
    in_own_process(|| {
        let before = harm::files();
        let mut sandbox = sandbox(&demo());
        assert_works(&mut sandbox);
        let ours: Vec<_> = harm::files().into_iter().filter(|file| !before.contains(file)).collect();
        for kind in ["/dev/kvm", "kvm-vm", "kvm-vcpu", "memfd:hyperlight"] {
            assert!(ours.iter().any(|(_, file)| file.contains(kind)), "{kind} in {ours:?}");
        }
        for (fd, file) in ours {
            // SAFETY: the call only answers.
            let flags = unsafe { libc::fcntl(fd, libc::F_GETFD) };
            assert_eq!(flags & libc::FD_CLOEXEC, libc::FD_CLOEXEC, "{file}");
        }
    });
}

#[test]
fn the_image_is_sealed_and_guest_memory_is_neither_inherited_nor_dumped() {
    in_own_process(|| {
        let _sandbox = sandbox(&demo());
        let (fd, _) = harm::files().into_iter().find(|(_, file)| file.contains("memfd:hyperlight")).unwrap();
        // SAFETY: the call only answers.
        let seals = unsafe { libc::fcntl(fd, libc::F_GET_SEALS) };
        let all = libc::F_SEAL_WRITE | libc::F_SEAL_SHRINK | libc::F_SEAL_GROW | libc::F_SEAL_SEAL;
        assert_eq!(seals & all, all);

        let maps = fs::read_to_string("/proc/self/smaps").unwrap();
        let memory = maps.split_once("memfd:hyperlight").unwrap().1;
        let flags = memory.lines().find(|line| line.starts_with("VmFlags:")).unwrap();
        for flag in ["dc", "dd"] {
            assert!(flags.split_whitespace().any(|found| found == flag), "{flags}");
        }
    });
}

#[test]
fn a_forked_child_cannot_use_a_sandbox_but_can_make_its_own() {
    in_own_process(|| {
        let guest = demo();
        let mut inherited = sandbox(&guest);
        inherited.call::<i32>("AddToStatic", (5,)).unwrap();
        for generation in 0..3 {
            let mut dropped = Some(sandbox(&guest));
            in_child(|| {
                let error = fails_with(ErrorCode::State, inherited.call::<i32>("GetStatic", ()));
                assert!(error.message().contains("forked"), "{error}");
                fails_with(ErrorCode::State, inherited.call_values("NoOp", &[]));
                assert_eq!(inherited.state(), State::Ready);
                // Dropping it here leaves the parent's alone.
                drop(dropped.take());
                for guest in [&guest, &demo(), &Guest::from_bytes(file().bytes()).unwrap()] {
                    let own: Result<Sandbox> = uninitialized(guest).evolve();
                    if let Ok(mut own) = own {
                        assert_works(&mut own);
                        assert_eq!(own.call::<i32>("GetStatic", ()).unwrap(), 0);
                    }
                }
                let mut own = sandbox(&guest);
                own.call::<i32>("AddToStatic", (generation,)).unwrap();
                // And a child of the child.
                in_child(|| {
                    fails_with(ErrorCode::State, own.call::<i32>("GetStatic", ()));
                    fails_with(ErrorCode::State, inherited.call::<i32>("GetStatic", ()));
                    assert_works(&mut sandbox(&guest));
                });
                assert_eq!(own.call::<i32>("GetStatic", ()).unwrap(), generation);
            });
            assert_works(&mut dropped.take().unwrap());
            assert_eq!(inherited.call::<i32>("GetStatic", ()).unwrap(), 5);
            assert_works(&mut sandbox(&guest));
        }
    });
}

/// A logger whose first record forks the process, and goes on in both.
struct Forks;

impl Log for Forks {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, _: &Record<'_>) {
        if CHILD.load(Ordering::SeqCst) == -1 {
            // SAFETY: the process has one thread that does anything, and the child ends without returning from the
            // test.
            let child = unsafe { libc::fork() };
            CHILD.store(child, Ordering::SeqCst);
            assert!(child >= 0);
        }
    }

    fn flush(&self) {}
}

static CHILD: AtomicI32 = AtomicI32::new(-1);

#[test]
fn a_logger_that_forks_goes_on_in_the_parent_alone() {
    in_own_process(|| {
        let mut sandbox = sandbox(&demo());
        log::set_logger(&Forks).unwrap();
        log::set_max_level(LevelFilter::Info);
        // Several records, of which the child has still to hand on some.
        let result = sandbox.call::<()>("LogNumbered", ("a record", 5_u32));
        let child = CHILD.load(Ordering::SeqCst);
        if child == 0 {
            let is_refused = result.is_err_and(|error| error.code() == ErrorCode::State);
            let stays_so =
                sandbox.call::<()>("NoOp", ()).is_err_and(|error| error.code() == ErrorCode::State);
            // SAFETY: ends the child at once, without the parent's handlers.
            unsafe { libc::_exit(i32::from(!is_refused || !stays_so)) };
        }
        result.unwrap();
        let mut status = 0;
        // SAFETY: the child is ours, and the status a local variable.
        assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
        assert_eq!(status, 0, "the child failed");
        assert_works(&mut sandbox);
    });
}

#[test]
fn a_shortage_of_file_descriptors_is_an_error_and_leaks_none() {
    in_own_process(|| {
        assert_works(&mut sandbox(&demo()));
        wait_for_machines(0);
        harm::wait_until(|| harm::count_files("memfd:hyperlight") == 1);
        let _fillers = without_gaps();
        let open = harm::files();
        let used = u64::try_from(open.iter().map(|(fd, _)| fd + 1).max().unwrap()).unwrap();
        let mut worked = false;
        for more in 0..20 {
            let before = set_file_limit(used - 1 + more);
            // A guest of its own, so that its image needs a descriptor too.
            let result = file().load().map(|guest| {
                let host = libhyperlight_tests::script::perform(&guest, &[Step::ready(&[])]);
                UninitializedSandbox::new(&host, SandboxOptions::new())?.evolve()
            });
            set_file_limit(before);
            match result.unwrap() {
                Ok(_) => worked = true,
                Err(error) => {
                    assert!(!worked, "{more} more are not enough, fewer were: {error}");
                    fails_with::<()>(ErrorCode::Resource, Err(error));
                }
            }
            harm::wait_until(|| harm::files() == open);
        }
        assert!(worked);
        assert_works(&mut sandbox(&demo()));
    });
}

#[test]
fn a_shortage_of_file_descriptors_at_the_first_use_is_no_lasting_harm() {
    in_own_process(|| {
        let guest = scripted(&[Step::ready(&[])]);
        let _fillers = without_gaps();
        let used = u64::try_from(harm::files().iter().map(|(fd, _)| fd + 1).max().unwrap()).unwrap();
        for more in 0..8 {
            let before = set_file_limit(used + more);
            // Neither helper of the tests, which would take the shortage for a missing hypervisor.
            let sandbox = UninitializedSandbox::new(&guest, SandboxOptions::new());
            let errors = [libhyperlight::probe().err(), sandbox.and_then(UninitializedSandbox::evolve).err()];
            set_file_limit(before);
            for error in errors.into_iter().flatten() {
                fails_with::<()>(ErrorCode::Resource, Err(error));
            }
        }
        libhyperlight::probe().unwrap();
        assert_works(&mut sandbox(&demo()));
    });
}

/// Sets the number of files that the process may have open. Returns the number before.
fn set_file_limit(files: u64) -> u64 {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the call writes the limit given.
    assert_eq!(unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) }, 0);
    let before = std::mem::replace(&mut limit.rlim_cur, files);
    // SAFETY: the call reads the limit given.
    assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) }, 0);
    before
}

/// Opens files in place of every number below that of the last open file that is free: such a one would need no room
/// under a limit.
fn without_gaps() -> Vec<fs::File> {
    let last = harm::files().into_iter().map(|(fd, _)| fd).max().unwrap();
    // SAFETY: the call only answers.
    let is_free = |fd| unsafe { libc::fcntl(fd, libc::F_GETFD) } == -1;
    let gaps = (0..last).filter(|fd| is_free(*fd)).count();
    (0..gaps).map(|_| fs::File::open("/dev/null").unwrap()).collect()
}

/// Runs `body` in a forked child, and waits for its success.
fn in_child(body: impl FnOnce()) {
    // SAFETY: the process has one thread that does anything, and the child ends without returning from here.
    let child = unsafe { libc::fork() };
    assert!(child >= 0);
    if child == 0 {
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(body));
        // SAFETY: ends the child at once, without the parent's handlers.
        unsafe { libc::_exit(i32::from(result.is_err())) };
    }
    let mut status = 0;
    // SAFETY: the child is ours, and the status a local variable.
    assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
    assert_eq!(status, 0, "the child failed");
}
