//! Starts as a part of something else: limits, preparation, and the remains after a failure.
#![expect(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use libhyperlight::handle::{Handle, Operation, Starter, State};
use libhyperlight::{
    CallOptions, Error, ErrorCode, Guest, PayloadAccess, SandboxOptions, UninitializedSandbox,
};
use libhyperlight_tests::process::in_own_process;
use libhyperlight_tests::stop::in_child;
use libhyperlight_tests::{demo, need_hypervisor, sandbox, uninitialized};

const OF_NO_USE: &str = "the sandbox has failed to start and is of no more use; make a new one";

/// A caller that counts the queries.
#[derive(Default)]
struct Caller {
    steps: usize,
    /// The first step at which it stops.
    stops_at: Option<usize>,
    failures: Vec<ErrorCode>,
}

impl Starter for Caller {
    type Error = Error;

    fn go_on(&mut self) -> Result<(), Error> {
        self.steps += 1;
        if self.stops_at == Some(self.steps) {
            // Any error of the caller's own.
            let _ = Guest::from_file("no such guest")?;
        }
        Ok(())
    }

    fn has_mended(&mut self, error: &Error) -> bool {
        self.failures.push(error.code());
        self.failures.len() < 3
    }
}

fn javascript(source: &[u8]) -> UninitializedSandbox {
    need_hypervisor();
    let guest = libhyperlight_builtin::by_name("javascript")
        .unwrap()
        .with_payload(source, PayloadAccess::Read)
        .unwrap();
    UninitializedSandbox::new(&guest, SandboxOptions::new()).unwrap()
}

/// Every operation reports that the start has failed.
fn assert_is_of_no_use(handle: &Handle, code: ErrorCode) {
    for operation in [
        Operation::Call,
        Operation::CallFromStart,
        Operation::Evolve,
        Operation::Inspect,
        Operation::Register,
        Operation::Restore,
        Operation::Resume,
        Operation::Snapshot,
    ] {
        let error = handle.enter(operation).unwrap_err();
        assert_eq!((error.code(), error.message()), (code, OF_NO_USE), "{operation:?}");
    }
}

#[test]
fn the_handle_knows_if_the_guest_ran_whatever_the_code() {
    // The same code, from before the guest and from inside it: the host function's failure ends the start.
    let snapshot = sandbox(&demo()).snapshot().unwrap();
    let mut before = UninitializedSandbox::from_snapshot(&snapshot, SandboxOptions::new()).unwrap();
    before.unregister("HostPrint").unwrap();
    let handle = Handle::new(before);
    let error = handle.enter(Operation::Evolve).unwrap().evolve(&CallOptions::new(), &mut ()).unwrap_err();
    assert_eq!(error.code(), ErrorCode::SnapshotMismatch, "{error}");
    assert_eq!(handle.state(), State::Uninitialized);

    let handle = Handle::new(javascript(b"for (;;);"));
    let limits = CallOptions::new().timeout(Duration::from_millis(100));
    let error = handle.enter(Operation::Evolve).unwrap().evolve(&limits, &mut ()).unwrap_err();
    assert_eq!(error.code(), ErrorCode::Timeout, "{error}");
    assert_eq!(handle.state(), State::Poisoned);
    assert_is_of_no_use(&handle, ErrorCode::Poisoned);
}

#[test]
fn a_caller_may_mend_what_failed_before_the_guest_and_nothing_else() {
    let snapshot = sandbox(&demo()).snapshot().unwrap();
    let mut before = UninitializedSandbox::from_snapshot(&snapshot, SandboxOptions::new()).unwrap();
    before.unregister("HostPrint").unwrap();
    let (handle, mut caller) = (Handle::new(before), Caller::default());
    handle.enter(Operation::Evolve).unwrap().evolve(&CallOptions::new(), &mut caller).unwrap_err();
    assert_eq!(caller.failures, [ErrorCode::SnapshotMismatch; 3]);

    let (handle, mut caller) = (Handle::new(javascript(b"throw 1")), Caller::default());
    handle.enter(Operation::Evolve).unwrap().evolve(&CallOptions::new(), &mut caller).unwrap_err();
    assert_eq!(caller.failures, []);
    assert_is_of_no_use(&handle, ErrorCode::Poisoned);
}

#[test]
fn a_sandbox_is_prepared_once_and_the_caller_is_asked_between_the_steps() {
    let handle = Handle::new(uninitialized(&demo()));
    let echo = |text: &str| ("Echo".to_owned(), vec![text.to_owned()]);
    handle.enter(Operation::Register).unwrap().prepare_by(vec![echo("a"), echo("b")]).unwrap();
    let mut caller = Caller::default();
    let mut inside = handle.enter(Operation::CallFromStart).unwrap();
    inside.ready(CallOptions::new(), &mut caller).unwrap();
    // Before the start, before each call, and before what comes then.
    assert_eq!(caller.steps, 4);
    inside.ready(CallOptions::new(), &mut caller).unwrap();
    assert_eq!(caller.steps, 4);
    assert_eq!(inside.prepare_by(Vec::new()).unwrap_err().code(), ErrorCode::State);
    drop(inside);
    assert_eq!(handle.state(), State::Ready);
}

#[test]
fn nothing_is_kept_of_a_sandbox_whose_preparation_fails() {
    for (call, stops_at) in [("NoSuchFunction", None), ("Panic", None), ("Echo", Some(3))] {
        let drops = Arc::new(AtomicUsize::new(0));
        let (mut sandbox, counter) = (uninitialized(&demo()), Arc::clone(&drops));
        let owned = scopeguard(move || _ = counter.fetch_add(1, Ordering::SeqCst));
        sandbox.register("Owner", move || _ = &owned).unwrap();
        let handle = Handle::new(sandbox);
        let echo = ("Echo".to_owned(), vec!["a".to_owned()]);
        let calls = vec![echo, (call.to_owned(), vec!["b".to_owned()])];
        handle.enter(Operation::Register).unwrap().prepare_by(calls).unwrap();
        let mut caller = Caller { stops_at, ..Caller::default() };
        let mut inside = handle.enter(Operation::Evolve).unwrap();
        inside.evolve(&CallOptions::new(), &mut caller).unwrap_err();
        assert_eq!(inside.sandbox().unwrap_err().message(), OF_NO_USE);
        drop(inside);
        assert_eq!((handle.state(), drops.load(Ordering::SeqCst)), (State::Closed, 1), "{call}");
        assert_is_of_no_use(&handle, ErrorCode::Closed);
        drop(handle.close());
        assert_eq!(
            handle.enter(Operation::Evolve).unwrap_err().message(),
            "the sandbox was closed; make a new one"
        );
    }
}

#[test]
fn a_start_and_the_call_after_it_share_one_limit() {
    let handle = Handle::new(uninitialized(&demo()));
    let mut inside = handle.enter(Operation::CallFromStart).unwrap();
    let limits = CallOptions::new().timeout(Duration::from_millis(50));
    let left = inside.ready(limits, &mut ()).unwrap_or_else(|error| panic!("{error}"));
    let error = inside.sandbox().unwrap().call_with::<()>(&left, "Spin", ()).unwrap_err();
    assert_eq!(error.code(), ErrorCode::Timeout);
    drop(inside);
    assert_eq!(handle.state(), State::Poisoned);
}

#[test]
fn a_panic_of_the_user_poisons_what_has_started_and_fails_a_start() {
    let panics = |handle: &Handle, operation| {
        let inside = handle.enter(operation).unwrap();
        catch_unwind(AssertUnwindSafe(move || {
            let _ = inside.is_uninitialized();
            panic!("on purpose");
        }))
        .unwrap_err();
    };
    let handle = Handle::new(uninitialized(&demo()));
    panics(&handle, Operation::Register);
    assert_eq!(handle.state(), State::Uninitialized);
    handle.enter(Operation::Evolve).unwrap().evolve(&CallOptions::new(), &mut ()).unwrap();
    let snapshot = handle.enter(Operation::Snapshot).unwrap().sandbox().unwrap().snapshot().unwrap();
    panics(&handle, Operation::Call);
    assert_eq!(handle.state(), State::Poisoned);
    assert_eq!(handle.enter(Operation::Call).unwrap_err().code(), ErrorCode::Poisoned);
    handle.enter(Operation::Restore).unwrap().sandbox().unwrap().restore(&snapshot).unwrap();
    assert_eq!(handle.state(), State::Ready);
}

#[test]
fn a_panic_from_before_it_was_entered_is_none_of_the_sandboxs() {
    let handle = Handle::new(uninitialized(&demo()));
    handle.enter(Operation::Evolve).unwrap().evolve(&CallOptions::new(), &mut ()).unwrap();
    let used = handle.clone();
    let guard = scopeguard(move || {
        let mut inside = used.enter(Operation::Call).unwrap();
        assert_eq!(inside.sandbox().unwrap().call::<String>("Echo", ("hi",)).unwrap(), "hi");
    });
    catch_unwind(AssertUnwindSafe(move || {
        let _guard = guard;
        panic!("on purpose");
    }))
    .unwrap_err();
    assert_eq!(handle.state(), State::Ready);
}

#[test]
fn a_sandbox_that_starts_in_a_forked_child_is_busy_there() {
    in_own_process(|| {
        let handle = Handle::new(uninitialized(&demo()));
        let refused = || handle.enter(Operation::CallFromStart).unwrap_err().code();
        in_child(|| {
            let mut inside = handle.enter(Operation::CallFromStart).unwrap();
            assert_eq!(refused(), ErrorCode::Busy);
            inside.ready(CallOptions::new(), &mut ()).unwrap();
            assert_eq!(refused(), ErrorCode::Busy);
            drop(inside);
            assert_eq!(handle.state(), State::Ready);
        });
        let _inside = handle.enter(Operation::CallFromStart).unwrap();
        assert_eq!(refused(), ErrorCode::Busy);
        // Whoever is inside exists in the parent alone.
        in_child(|| assert_eq!(refused(), ErrorCode::State));
    });
}

/// Does something when it is dropped.
fn scopeguard<F: FnMut() + Send + Sync + 'static>(done: F) -> impl Send + Sync + 'static {
    struct Guard<F: FnMut()>(F);
    impl<F: FnMut()> Drop for Guard<F> {
        fn drop(&mut self) {
            (self.0)();
        }
    }
    Guard(done)
}
