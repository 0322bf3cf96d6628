//! Snapshots that do not fit: refused with all differences, and the sandbox is unchanged.
#![expect(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

use std::time::Duration;

use libhyperlight::{
    CallOptions, Error, ErrorCode, Guest, PayloadAccess, Sandbox, SandboxOptions, Snapshot, State,
    UninitializedSandbox,
};
use libhyperlight_tests::clones::{self, add, count, fresh};
use libhyperlight_tests::{
    assert_works, demo, demo_c, fails_with, on_each_guest, pace, poisons, sandbox, sandbox_with,
    uninitialized,
};

/// Confirms that the sandbox refuses the snapshot, and is unchanged.
#[track_caller]
fn refuses(sandbox: &mut Sandbox, snapshot: &Snapshot) -> Error {
    let before = add(sandbox, 1);
    let error = fails_with(ErrorCode::SnapshotMismatch, sandbox.restore(snapshot));
    assert_eq!(sandbox.state(), State::Ready);
    assert_eq!(count(sandbox), before);
    assert_works(sandbox);
    // Nor has a poisoned one become ready.
    let own = sandbox.snapshot().unwrap();
    poisons(sandbox, ErrorCode::GuestAbort, |sandbox| sandbox.call::<()>("Panic", ("no",)));
    fails_with(ErrorCode::SnapshotMismatch, sandbox.restore(snapshot));
    assert_eq!(sandbox.state(), State::Poisoned);
    sandbox.restore(&own).unwrap();
    assert_eq!(count(sandbox), before);
    error
}

#[test]
fn another_guest_is_refused() {
    let ((mut rust, of_rust), (mut c, of_c)) = (fresh(&demo()), fresh(&demo_c()));
    for error in [refuses(&mut rust, &of_c), refuses(&mut c, &of_rust)] {
        assert_eq!(
            error.message(),
            "the snapshot is not of a sandbox like this one: it is of another guest program"
        );
    }
}

#[test]
fn other_sizes_are_refused() {
    on_each_guest(|guest| {
        let (mut default, of_default) = fresh(guest);
        let differs = |name: &str, its: u64, here: u64| {
            format!(
                "the snapshot is not of a sandbox like this one: its {name} is {its}, that of the sandbox is {here}"
            )
        };
        for (name, usual, other) in [
            ("heap_size", 16 << 20, SandboxOptions::new().heap_size((16 << 20) + 4096)),
            ("stack_size", 1 << 20, SandboxOptions::new().stack_size((1 << 20) + 4096)),
            ("input_size", 1 << 20, SandboxOptions::new().input_size((1 << 20) + 4096)),
            ("output_size", 1 << 20, SandboxOptions::new().output_size((1 << 20) + 4096)),
        ] {
            let mut sandbox = sandbox_with(guest, other);
            let error = refuses(&mut sandbox, &of_default);
            assert_eq!(error.message(), differs(name, usual, usual + 4096));
            let error = refuses(&mut default, &sandbox.snapshot().unwrap());
            assert_eq!(error.message(), differs(name, usual + 4096, usual));
        }
        // All that differs is listed.
        let options = SandboxOptions::new().heap_size(8 << 20).output_size(1 << 16);
        let message = refuses(&mut sandbox_with(guest, options), &of_default).to_string();
        let parts: Vec<_> = message.split([':', ';']).collect();
        assert_eq!(parts.len(), 3, "{message}");
        assert!(parts[1].contains("heap_size") && parts[2].contains("output_size"), "{message}");
        // The same sizes in other words.
        let same = SandboxOptions::new().heap_size((16 << 20) - 1).stack_size(1 << 20).input_size(1 << 20);
        sandbox_with(guest, same.timeout(Duration::from_secs(60))).restore(&of_default).unwrap();
    });
}

#[test]
fn other_payloads_are_refused() {
    let with = |payloads: &[(&[u8], PayloadAccess)]| {
        payloads.iter().fold(demo(), |guest, (bytes, access)| guest.with_payload(bytes, *access).unwrap())
    };
    use PayloadAccess::{Read, ReadExecute};
    let payloads: [&[(&[u8], PayloadAccess)]; 7] = [
        &[],
        &[(b"one", Read)],
        &[(b"One", Read)],
        &[(b"one", ReadExecute)],
        &[(b"one", Read), (b"two", Read)],
        &[(b"two", Read), (b"one", Read)],
        &[(b"", Read)],
    ];
    let guests: Vec<Guest> = payloads.iter().map(|payloads| with(payloads)).collect();
    let number = |guest: usize| payloads[guest].len();
    let folder = tempfile::TempDir::new().unwrap();
    let snapshots: Vec<Snapshot> = guests.iter().map(|guest| fresh(guest).1).collect();
    let loaded = |snapshot: &Snapshot| {
        let path = folder.path().join("payloads.hls");
        snapshot.save(&path).unwrap();
        Snapshot::load(&path).unwrap()
    };
    for (own, guest) in guests.iter().enumerate() {
        let mut sandbox = sandbox(guest);
        for (other, snapshot) in snapshots.iter().enumerate() {
            if own == other {
                continue;
            }
            let error = refuses(&mut sandbox, snapshot);
            let expected = match (number(other), number(own)) {
                (its, here) if its != here => {
                    format!("the number of its guest's payloads is {its}, here it is {here}")
                }
                _ => "payload 0 of its guest is another one".to_owned(),
            };
            assert!(error.message().ends_with(&expected), "{error}, not {expected}");
            // A file holds a hash of both, program and payloads.
            let error = refuses(&mut sandbox, &loaded(snapshot));
            let expected = "it is of another guest program, or of one with other payloads";
            assert!(error.message().ends_with(expected), "{error}");
        }
        sandbox.restore(&snapshots[own]).unwrap();
    }
    // Built anew from the same bytes, it is the same.
    sandbox(&with(&[(b"one", Read), (b"two", Read)])).restore(&snapshots[4]).unwrap();
}

/// A snapshot that needs `HostAdd`, `HostMethod` and `HostNoOp`.
fn needing(guest: &Guest) -> Snapshot {
    let mut host = uninitialized(guest);
    host.register("HostAdd", |a: i32, b: i32| a + b).unwrap();
    host.register("HostMethod", |text: String| i32::try_from(text.len())).unwrap();
    host.register("HostNoOp", || ()).unwrap();
    host.evolve().unwrap().snapshot().unwrap()
}

#[test]
fn missing_and_different_host_functions_are_all_listed() {
    on_each_guest(|guest| {
        let snapshot = needing(guest);
        let expected = "the snapshot needs host functions that the sandbox does not have: \
                        `HostAdd` is (i32, i32) -> i64, expected (i32, i32) -> i32; \
                        `HostMethod` (string) -> i32 is missing; `HostNoOp` () -> void is missing";
        let mut host = uninitialized(guest);
        host.register("HostAdd", |a: i32, b: i32| i64::from(a + b)).unwrap();
        let mut sandbox = host.evolve().unwrap();
        assert_eq!(refuses(&mut sandbox, &snapshot).message(), expected);

        let mut clone = clones::of(&snapshot);
        clone.register("HostAdd", |a: i32, b: i32| i64::from(a + b)).unwrap();
        let error = fails_with(ErrorCode::SnapshotMismatch, clone.try_evolve());
        assert_eq!(error.message(), expected);
        // What was registered is still there, and what was missing can be added.
        clone.register("HostAdd", |a: i32, b: i32| a + b).unwrap();
        clone.register("HostMethod", |_: String| 1).unwrap();
        let error = fails_with(ErrorCode::SnapshotMismatch, clone.try_evolve());
        assert!(error.message().ends_with(": `HostNoOp` () -> void is missing"), "{error}");
        clone.register("HostNoOp", || ()).unwrap();
        let mut clone = clone.evolve().unwrap();
        assert_eq!(clone.call::<i32>("Add", (40, 2)).unwrap(), 42);
    });
}

#[test]
fn the_printing_function_counts_as_one() {
    on_each_guest(|guest| {
        let (_, snapshot) = fresh(guest);
        let mut clone = UninitializedSandbox::from_snapshot(&snapshot, SandboxOptions::new()).unwrap();
        assert!(clone.unregister("HostPrint").unwrap());
        let error = fails_with(ErrorCode::SnapshotMismatch, clone.try_evolve());
        assert!(error.message().contains("`HostPrint` (string) -> i32 is missing"), "{error}");
        // One that the snapshotted sandbox did not have is not needed.
        let mut silent = UninitializedSandbox::new(guest, SandboxOptions::new()).unwrap();
        silent.unregister("HostPrint").unwrap();
        let snapshot = silent.evolve().unwrap().snapshot().unwrap();
        let mut clone = UninitializedSandbox::from_snapshot(&snapshot, SandboxOptions::new()).unwrap();
        clone.unregister("HostPrint").unwrap();
        assert_works(&mut clone.evolve().unwrap());
    });
}

#[test]
fn more_host_functions_than_needed_are_welcome_and_are_the_sandboxs_own() {
    on_each_guest(|guest| {
        let (_, snapshot) = fresh(guest);
        let mut clone = clones::of(&snapshot);
        clone.register("HostAdd", |a: i32, b: i32| a * b).unwrap();
        let mut clone = clone.evolve().unwrap();
        assert_eq!(clone.call::<i32>("Add", (6, 7)).unwrap(), 42);
        // A restore leaves the host's side alone.
        clone.restore(&snapshot).unwrap();
        assert_eq!(clone.call::<i32>("Add", (6, 7)).unwrap(), 42);
        // Now that it has one more, so has what it is a snapshot of.
        let more = clone.snapshot().unwrap();
        let error = fails_with(ErrorCode::SnapshotMismatch, sandbox(guest).restore(&more));
        assert!(error.message().ends_with(": `HostAdd` (i32, i32) -> i32 is missing"), "{error}");
    });
}

#[test]
fn a_clone_has_the_snapshots_sizes() {
    on_each_guest(|guest| {
        let mut sandbox = sandbox_with(guest, SandboxOptions::new().heap_size(3 << 20).input_size(8 << 10));
        let snapshot = sandbox.snapshot().unwrap();
        for (name, options) in [
            ("heap_size", SandboxOptions::new().heap_size(16 << 20)),
            ("stack_size", SandboxOptions::new().stack_size(2 << 20)),
            ("input_size", SandboxOptions::new().input_size(1)),
            ("output_size", SandboxOptions::new().output_size(8 << 10)),
            ("heap_size", SandboxOptions::new().heap_size(u64::MAX)),
        ] {
            let refused = UninitializedSandbox::from_snapshot(&snapshot, options);
            let error = fails_with(ErrorCode::InvalidArgument, refused.map(|_| ()));
            assert!(error.message().starts_with(name), "{error}");
        }
        // What was asked for, what the snapshot has, and what to do.
        let options = SandboxOptions::new().input_size(16 << 10);
        let refused = UninitializedSandbox::from_snapshot(&snapshot, options).map(|_| ());
        assert_eq!(
            fails_with(ErrorCode::InvalidArgument, refused).message(),
            "input_size is 16384, but what goes on from this snapshot has 8192, like the sandbox that it was taken of; \
             ask for 8192, or take a snapshot of a sandbox with 16384"
        );
        // The same said again is no other size; limits are the clone's own.
        let same = SandboxOptions::new().heap_size(3 << 20).input_size(8 << 10).stack_size(1 << 20);
        let mut clone =
            UninitializedSandbox::from_snapshot(&snapshot, same.cpu_time(pace::millis(50))).unwrap();
        clone.register("HostPrint", |_: String| 0).unwrap();
        let mut clone = clone.evolve().unwrap();
        assert_works(&mut clone);
        fails_with(ErrorCode::TooLarge, clone.call::<String>("Echo", ("x".repeat(20 << 10),)));
        poisons(&mut clone, ErrorCode::Timeout, |clone| clone.call::<()>("Spin", ()));
    });
}

#[test]
fn a_poisoned_sandbox_gives_no_snapshot() {
    on_each_guest(|guest| {
        let (mut sandbox, snapshot) = fresh(guest);
        for _ in 0..3 {
            poisons(&mut sandbox, ErrorCode::GuestFault, |sandbox| {
                sandbox.call::<()>("TriggerException", ())
            });
            fails_with(ErrorCode::Poisoned, sandbox.snapshot());
            sandbox.restore(&snapshot).unwrap();
            sandbox.snapshot().unwrap();
        }
        let options = CallOptions::new().timeout(pace::millis(5));
        poisons(&mut sandbox, ErrorCode::Timeout, |sandbox| sandbox.call_with::<()>(&options, "Spin", ()));
        fails_with(ErrorCode::Poisoned, sandbox.snapshot());
    });
}
