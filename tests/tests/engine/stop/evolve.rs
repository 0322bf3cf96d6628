//! The start of a guest is stopped like a call: by its timeout and by handles that were given out before.
#![expect(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use libhyperlight::{
    CallOptions, ErrorCode, Guest, InterruptHandle, Moment, Sandbox, SandboxOptions, UninitializedSandbox,
    ValueRef,
};
use libhyperlight_abi::{FrameKind, Kind};
use libhyperlight_tests::script::{Step, frame};
use libhyperlight_tests::stop::{Inside, PROMPT, processor_time, spins_after, timed, times_out};
use libhyperlight_tests::{
    assert_works, demo, fails_with, on_each_guest, pace, sandbox, uninitialized, uninitialized_with,
};

fn short() -> Duration {
    pace::millis(20)
}

/// A step in which a guest that has not started yet calls a host function without parameters.
fn host_call(name: &str) -> Step {
    Step::frame(frame(FrameKind::HostCall, &[ValueRef::String(name)]))
}

/// A guest that says it is ready, and never answers a call.
fn ready_then_spins() -> Guest {
    spins_after(&[Step::ready(&[("NoOp", &[Kind::Void])])])
}

/// Starts the guest, and interrupts it once it has called `Inside`.
fn interrupted(host: &mut UninitializedSandbox, inside: &Inside) {
    let handle = host.interrupt_handle().unwrap();
    let before = inside.count();
    thread::scope(|scope| {
        let canceller = scope.spawn(move || {
            inside.wait(before);
            handle.interrupt()
        });
        let (result, took) = timed(|| host.try_evolve());
        fails_with(ErrorCode::Interrupted, result);
        assert!(canceller.join().unwrap() && took < PROMPT, "{took:?}");
    });
}

#[test]
fn a_guest_that_never_gets_ready_is_stopped_when_its_time_is_up() {
    for steps in [vec![], vec![host_call("Inside"); 3]] {
        let mut host = uninitialized_with(&spins_after(&steps), SandboxOptions::new().timeout(short()));
        let inside = Inside::default();
        inside.register(&mut host);
        let (mut rounds, mut most) = (0, 0);
        // On a busy machine the guest may not get as far as its last host call in that time.
        while rounds < 5 || most < steps.len() as u64 {
            let before = inside.count();
            let (error, took) = timed(|| times_out(short(), || host.try_evolve()));
            println!("a start was stopped {:?} after its deadline", took - short());
            assert_eq!(error.message(), format!("the call took longer than its timeout of {:?}", short()));
            most = most.max(inside.count() - before);
            rounds += 1;
            assert!(rounds < 500, "{most} host calls at most");
        }
        assert_eq!(most, steps.len() as u64);
        times_out(short(), || host.evolve());
    }
}

#[test]
fn the_start_of_a_guest_uses_no_more_processor_time_than_it_may() {
    let mut host = uninitialized_with(&spins_after(&[]), SandboxOptions::new().cpu_time(short()));
    let error = times_out(short(), || host.try_evolve());
    assert!(error.message().contains(&format!("cpu_time of {:?}", short())), "{error}");
}

#[test]
fn a_start_within_its_time_is_not_stopped() {
    on_each_guest(|guest| {
        let mut host = uninitialized_with(guest, SandboxOptions::new().timeout(Duration::from_secs(60)));
        for _ in 0..20 {
            assert_works(&mut host.try_evolve().unwrap());
        }
    });
}

#[test]
fn the_time_of_calls_begins_with_the_call() {
    // The guest starts at once; the timeout that the start had does not run on.
    let guest = ready_then_spins();
    let mut host = uninitialized_with(&guest, SandboxOptions::new().timeout(short()));
    // At once by the clock of an idle machine.
    let mut sandbox = (0..500).find_map(|_| host.try_evolve().ok()).unwrap();
    thread::sleep(3 * short());
    times_out(short(), || sandbox.call::<()>("NoOp", ()));
}

#[test]
fn a_start_has_the_limits_that_it_is_given() {
    // In place of none, and of a longer one.
    for options in [SandboxOptions::new(), SandboxOptions::new().timeout(PROMPT * 2)] {
        let mut host = uninitialized_with(&spins_after(&[]), options);
        let error = times_out(short(), || host.try_evolve_with(&CallOptions::new().timeout(short())));
        assert_eq!(error.message(), format!("the call took longer than its timeout of {:?}", short()));
        let error = times_out(short(), || host.try_evolve_with(&CallOptions::new().cpu_time(short())));
        assert!(error.message().contains(&format!("cpu_time of {:?}", short())), "{error}");
    }
    // And the calls have the sandbox's, as before.
    let mut host = uninitialized_with(&ready_then_spins(), SandboxOptions::new().timeout(short()));
    let mut sandbox = host.try_evolve_with(&CallOptions::new().timeout(Duration::MAX)).unwrap();
    times_out(short(), || sandbox.call::<()>("NoOp", ()));
}

#[test]
fn a_start_and_the_call_after_it_can_have_one_limit() {
    let (limit, begin) = (Duration::from_secs(2), Moment::now());
    let wall = CallOptions::new().timeout(limit).since(begin);
    let cpu = CallOptions::new().cpu_time(limit).since(begin);
    let mut host = uninitialized(&ready_then_spins());
    let (mut one, mut other) = (host.try_evolve_with(&wall).unwrap(), host.try_evolve_with(&cpu).unwrap());
    let spent = processor_time();
    while processor_time() - spent < limit {
        std::hint::spin_loop();
    }
    // It is used up: nothing is left for the call.
    for (sandbox, options, unit) in [(&mut one, wall, "timeout"), (&mut other, cpu, "cpu_time")] {
        let (result, took) = timed(|| sandbox.call_with::<()>(&options, "NoOp", ()));
        let error = result.unwrap_err();
        assert_eq!(error.code(), ErrorCode::Timeout);
        assert!(error.message().contains(&format!("its {unit} of {limit:?}")), "{error}");
        assert!(took < PROMPT, "{took:?}");
    }
}

#[test]
fn a_handle_from_before_stops_the_start() {
    let mut host = uninitialized(&spins_after(&[host_call("Inside")]));
    let inside = Inside::default();
    inside.register(&mut host);
    for _ in 0..10 {
        interrupted(&mut host, &inside);
    }
}

#[test]
fn a_start_is_stopped_when_its_host_function_returns() {
    let mut host = uninitialized(&spins_after(&[host_call("Waits"), host_call("Inside")]));
    let inside = Inside::default();
    inside.register(&mut host);
    let handle = host.interrupt_handle().unwrap();
    let was_running = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&was_running);
    host.register("Waits", move || {
        // From the thread that it stops: it is told so, and goes on until it returns.
        seen.store(handle.interrupt(), Ordering::SeqCst);
    })
    .unwrap();
    fails_with(ErrorCode::Interrupted, host.try_evolve());
    assert!(was_running.load(Ordering::SeqCst));
    assert_eq!(inside.count(), 0, "the guest went on");
}

#[test]
fn a_handle_from_before_stops_the_calls_that_follow() {
    on_each_guest(|guest| {
        let mut host = uninitialized(guest);
        let inside = Inside::default();
        inside.register(&mut host);
        let handle = host.interrupt_handle().unwrap();
        assert!(!handle.interrupt(), "nothing has started");
        let mut sandbox = host.evolve().unwrap();
        assert!(!handle.interrupt(), "nothing runs");
        let fresh = sandbox.snapshot().unwrap();
        for _ in 0..10 {
            assert_works(&mut sandbox);
            stop(&mut sandbox, &inside, &handle);
            sandbox.restore(&fresh).unwrap();
        }
        drop(sandbox);
        assert!(!handle.interrupt(), "nothing is there");
    });
}

fn stop(sandbox: &mut Sandbox, inside: &Inside, handle: &InterruptHandle) {
    let before = inside.count();
    thread::scope(|scope| {
        let canceller = scope.spawn(move || {
            inside.wait(before);
            handle.interrupt()
        });
        fails_with(ErrorCode::Interrupted, sandbox.call::<()>("CallHostThenSpin", ("Inside",)));
        assert!(canceller.join().unwrap());
    });
}

#[test]
fn after_a_failed_start_the_handle_is_for_the_next() {
    let mut host = uninitialized(&spins_after(&[host_call("Inside")]));
    let inside = Inside::default();
    inside.register(&mut host);
    let first = host.interrupt_handle().unwrap();
    interrupted(&mut host, &inside);
    assert!(!first.interrupt(), "between two starts nothing runs");
    let before = inside.count();
    thread::scope(|scope| {
        let canceller = scope.spawn(|| {
            inside.wait(before);
            first.interrupt()
        });
        fails_with(ErrorCode::Interrupted, host.try_evolve());
        assert!(canceller.join().unwrap());
    });
}

#[test]
fn each_sandbox_that_starts_from_one_place_has_its_own_handle() {
    on_each_guest(|guest| {
        let mut host = uninitialized(guest);
        let inside = Inside::default();
        inside.register(&mut host);
        let handles_and_sandboxes: Vec<_> =
            (0..3).map(|_| (host.interrupt_handle().unwrap(), host.try_evolve().unwrap())).collect();
        let last = host.interrupt_handle().unwrap();
        for (handle, mut sandbox) in handles_and_sandboxes {
            assert!(!last.interrupt());
            stop(&mut sandbox, &inside, &handle);
            assert!(!last.interrupt());
        }
    });
}

#[test]
fn a_start_from_a_snapshot_runs_no_guest_code_and_cannot_be_stopped() {
    on_each_guest(|guest| {
        let snapshot = sandbox(guest).snapshot().unwrap();
        let options = SandboxOptions::new().timeout(Duration::from_nanos(1));
        let mut host = UninitializedSandbox::from_snapshot(&snapshot, options).unwrap();
        host.register("HostPrint", |text: String| i32::try_from(text.len()).unwrap()).unwrap();
        let inside = Inside::default();
        inside.register(&mut host);
        let handle = host.interrupt_handle().unwrap();
        let mut sandbox = host.evolve().unwrap();
        assert!(!handle.interrupt());
        // Its calls can.
        times_out(Duration::ZERO, || sandbox.call::<()>("Spin", ()));
        sandbox.restore(&snapshot).unwrap();
        times_out(Duration::ZERO, || sandbox.call::<()>("CallHostThenSpin", ("Inside",)));
    });
}

#[test]
fn interrupts_at_any_moment_of_a_start_either_stop_it_or_miss_it() {
    let guest = demo();
    let mut host = uninitialized(&guest);
    let (mut started, mut stopped) = (0, 0);
    for round in 0..400_u64 {
        let handle = host.interrupt_handle().unwrap();
        let hit = AtomicBool::new(false);
        let result = thread::scope(|scope| {
            scope.spawn(|| {
                thread::sleep(Duration::from_micros(round * 7 % 600));
                hit.store(handle.interrupt(), Ordering::SeqCst);
            });
            host.try_evolve()
        });
        match (hit.into_inner(), result) {
            (false, Ok(mut sandbox)) => {
                started += 1;
                assert_works(&mut sandbox);
            }
            (true, Err(error)) => {
                stopped += 1;
                fails_with::<()>(ErrorCode::Interrupted, Err(error));
            }
            (hit, result) => panic!("the interrupt said {hit}, the start {result:?}"),
        }
    }
    println!("{started} started, {stopped} were stopped");
}
