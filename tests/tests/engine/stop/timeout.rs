//! Timeouts: a call ends when its time is up, and nothing of it is left for the next one.
//!
//! How promptly a call ends is measured and printed; what is asserted is an upper bound of seconds, because the machine
//! may be busy.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use libhyperlight::{CallOptions, ErrorCode, SandboxOptions, State, Value, ValueRef};
use libhyperlight_tests::stop::{PROMPT, Stoppable, timed, times_out};
use libhyperlight_tests::{assert_works, demo, fails_with, on_each_guest, pace, sandbox};

fn short() -> Duration {
    pace::millis(20)
}

fn limit(timeout: Duration) -> CallOptions {
    CallOptions::new().timeout(timeout)
}

#[test]
fn a_guest_that_never_ends_is_stopped_when_its_time_is_up() {
    on_each_guest(|guest| {
        let mut victim = Stoppable::with(guest, SandboxOptions::new().timeout(short()));
        let mut late = Vec::new();
        for _ in 0..20 {
            let (error, took) = timed(|| times_out(short(), || victim.sandbox.call::<()>("Spin", ())));
            late.push(took - short());
            assert_eq!(error.message(), format!("the call took longer than its timeout of {:?}", short()));
            assert_eq!(error.guest_code(), 0);
            assert!(error.fault().is_none() && error.into_source().is_none());
            victim.restored();
        }
        late.sort_unstable();
        println!("a spinning guest ended {:?} after its deadline (median), {:?} (worst)", late[10], late[19]);
    });
}

#[test]
fn what_ends_in_time_is_not_stopped() {
    on_each_guest(|guest| {
        let mut victim = Stoppable::with(guest, SandboxOptions::new().timeout(Duration::from_secs(60)));
        for _ in 0..200 {
            assert_works(&mut victim.sandbox);
        }
        let (rounds, took) = timed(|| victim.sandbox.call::<u64>("SpinForMs", (50_u32,)).unwrap());
        assert!(rounds > 0 && took >= Duration::from_millis(49), "{rounds} rounds in {took:?}");
    });
}

#[test]
fn a_calls_own_timeout_goes_before_the_sandboxs() {
    on_each_guest(|guest| {
        let mut victim = Stoppable::with(guest, SandboxOptions::new().timeout(Duration::from_secs(3600)));
        times_out(short(), || victim.sandbox.call_with::<()>(&limit(short()), "Spin", ()));
        victim.restored();

        let mut victim = Stoppable::with(guest, SandboxOptions::new().timeout(short()));
        for longer in [Duration::from_secs(3600), Duration::MAX] {
            let (rounds, took) = timed(|| {
                victim.sandbox.call_with::<u64>(&limit(longer), "SpinForMs", (100 * pace::factor(),))
            });
            assert!(rounds.unwrap() > 0 && took > short(), "{took:?}");
        }
        // What one call was allowed, the next is not.
        times_out(short(), || victim.sandbox.call::<u64>("SpinForMs", (60_000_u32,)));
        victim.restored();
        // Options that say nothing change nothing.
        times_out(short(), || victim.sandbox.call_with::<()>(&CallOptions::new(), "Spin", ()));
        victim.restored();
    });
}

#[test]
fn every_way_to_call_has_its_timeout() {
    on_each_guest(|guest| {
        let mut victim = Stoppable::with(guest, SandboxOptions::new().timeout(short()));
        times_out(short(), || victim.sandbox.call_values("Spin", &[]));
        victim.restored();
        times_out(short(), || victim.sandbox.call_ref("Spin", &[]).map(Value::from));
        victim.restored();
        let arguments = [ValueRef::U32(60_000)];
        times_out(short(), || {
            victim.sandbox.call_ref_with(&limit(short()), "SpinForMs", &arguments).map(Value::from)
        });
        victim.restored();
    });
}

#[test]
fn no_time_at_all_stops_what_does_not_end_by_itself() {
    on_each_guest(|guest| {
        let mut victim = Stoppable::new(guest);
        for nothing in [Duration::ZERO, Duration::from_nanos(1), Duration::from_micros(1)] {
            for _ in 0..20 {
                times_out(nothing, || victim.sandbox.call_with::<()>(&limit(nothing), "Spin", ()));
                victim.sandbox.restore(&victim.fresh).unwrap();
                // A call that is short may end before it was looked at. Either way all is well.
                let result = victim.sandbox.call_with::<i32>(&limit(nothing), "AddToStatic", (1,));
                match result {
                    Ok(sum) => assert_eq!((sum, victim.sandbox.state()), (1, State::Ready)),
                    Err(error) => {
                        fails_with::<()>(ErrorCode::Timeout, Err(error));
                        victim.restored();
                    }
                }
                victim.sandbox.restore(&victim.fresh).unwrap();
            }
        }
    });
}

#[test]
fn a_timeout_beyond_all_clocks_is_none() {
    on_each_guest(|guest| {
        let mut victim = Stoppable::new(guest);
        for huge in [
            Duration::from_secs(1 << 32),
            Duration::from_nanos(u64::MAX - 1),
            Duration::from_nanos(u64::MAX),
            Duration::from_secs(u64::MAX),
            Duration::MAX - Duration::from_nanos(1),
            Duration::MAX,
        ] {
            assert!(victim.sandbox.call_with::<u64>(&limit(huge), "SpinForMs", (5_u32,)).unwrap() > 0);
            // It can be interrupted all the same.
            assert!(victim.interrupted().0);
            victim.restored();
        }
    });
}

#[test]
fn a_host_function_is_not_stopped_but_its_result_comes_too_late() {
    on_each_guest(|guest| {
        let has_returned = Arc::new(AtomicBool::new(false));
        let sleep = short() + Duration::from_millis(480);
        let mut victim = Stoppable::with_functions(guest, SandboxOptions::new().timeout(short()), |host| {
            let returned = Arc::clone(&has_returned);
            let slow = move || {
                thread::sleep(sleep);
                returned.store(true, Ordering::SeqCst);
            };
            host.register("Slow", slow).unwrap();
        });
        for function in ["CallHostThenSpin", "CallHostExpectError"] {
            has_returned.store(false, Ordering::SeqCst);
            let before = victim.inside.count();
            let (error, took) =
                timed(|| times_out(short(), || victim.sandbox.call_values(function, &[text("Slow")])));
            assert!(has_returned.load(Ordering::SeqCst), "{error}");
            assert!(took >= sleep && took < sleep + PROMPT, "{took:?}");
            println!("a call ended {:?} after its host function returned", took - sleep);
            assert_eq!(victim.inside.count(), before);
            victim.restored();
        }
        // The guest does not go on behind it: not even as far as its next host call.
        let error = times_out(short(), || victim.sandbox.call::<u32>("HostCallLoop", ("Slow", 2_u32)));
        assert!(error.message().contains("timeout"), "{error}");
        victim.restored();
    });
}

fn text(text: &str) -> Value {
    Value::String(text.into())
}

#[test]
fn a_host_function_that_fails_too_late_is_a_timeout() {
    on_each_guest(|guest| {
        let fails_slowly = || {
            thread::sleep(short() + Duration::from_millis(280));
            Err::<(), _>("too late to matter")
        };
        let mut victim = Stoppable::with_functions(guest, SandboxOptions::new().timeout(short()), |host| {
            host.register("FailsSlowly", fails_slowly).unwrap();
        });
        times_out(short(), || victim.sandbox.call::<u32>("HostCallLoop", ("FailsSlowly", 1_u32)));
        victim.restored();
    });
}

#[test]
fn a_timeout_leaves_nothing_for_later_calls() {
    let guest = demo();
    let mut victim = Stoppable::new(&guest);
    let (short, long) = (limit(Duration::from_micros(300)), limit(Duration::from_secs(30)));
    let mut neighbour = sandbox(&guest);
    for round in 0..50 {
        let _ = victim.sandbox.call_with::<()>(&short, "Spin", ()).unwrap_err();
        victim.sandbox.restore(&victim.fresh).unwrap();
        // A deadline of the past hangs over none of these.
        for number in 0..200 {
            let sum = victim.sandbox.call_with::<i32>(&long, "AddToStatic", (1,));
            assert_eq!(sum.unwrap_or_else(|error| panic!("{round}, {number}: {error}")), number + 1);
        }
        assert_works(&mut neighbour);
    }
}

#[test]
fn sandboxes_have_deadlines_of_their_own() {
    let guest = demo();
    // Three threads wait for theirs, shortest last, while a fourth makes calls that end in time.
    thread::scope(|scope| {
        for millis in [400, 200, 100] {
            let guest = &guest;
            scope.spawn(move || {
                let limit = pace::millis(millis);
                let mut victim = Stoppable::with(guest, SandboxOptions::new().timeout(limit));
                for _ in 0..800 / millis {
                    times_out(limit, || victim.sandbox.call::<()>("Spin", ()));
                    victim.restored();
                }
            });
        }
        scope.spawn(|| {
            let mut calm = Stoppable::with(&guest, SandboxOptions::new().timeout(Duration::from_secs(30)));
            for _ in 0..1000 {
                assert_works(&mut calm.sandbox);
            }
        });
    });
}
