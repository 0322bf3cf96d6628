//! Interrupts: a handle stops the call that is running, and nothing else.
#![expect(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use libhyperlight::{ErrorCode, Guest, HostError, InterruptHandle, Kind, Sandbox, Signature};
use libhyperlight_tests::stop::{PROMPT, Stoppable, timed};
use libhyperlight_tests::{assert_works, demo, fails_with, on_each_guest, uninitialized};

#[test]
fn before_a_call_it_does_nothing_and_says_so() {
    on_each_guest(|guest| {
        let mut victim = Stoppable::new(guest);
        for _ in 0..1000 {
            assert!(!victim.handle.interrupt());
        }
        // None of them was kept for later.
        assert_works(&mut victim.sandbox);
        assert!(victim.sandbox.call::<u64>("SpinForMs", (20_u32,)).unwrap() > 0);
        assert!(!victim.handle.interrupt());
    });
}

#[test]
fn during_a_call_it_ends_it_and_a_restore_mends_the_sandbox() {
    on_each_guest(|guest| {
        let mut victim = Stoppable::new(guest);
        for _ in 0..50 {
            let ((was_running, error), took) = timed(|| victim.interrupted());
            assert!(was_running && took < PROMPT, "{took:?}");
            assert_eq!(error.message(), "the call was interrupted");
            assert!(error.fault().is_none() && error.into_source().is_none());
            // The call is over: there is nothing more to stop, and restoring is not a call.
            assert!(!victim.handle.interrupt());
            victim.restored();
            assert!(!victim.handle.interrupt());
        }
    });
}

#[test]
fn every_call_in_turn_can_be_interrupted_without_a_word_between() {
    // As soon as a call has begun, wherever its guest is then.
    on_each_guest(|guest| {
        let mut victim = Stoppable::new(guest);
        let handle = victim.handle.clone();
        for _ in 0..300 {
            thread::scope(|scope| {
                scope.spawn(|| {
                    while !handle.interrupt() {
                        std::hint::spin_loop();
                    }
                });
                fails_with(ErrorCode::Interrupted, victim.sandbox.call::<()>("Spin", ()));
            });
            victim.sandbox.restore(&victim.fresh).unwrap();
            assert_works(&mut victim.sandbox);
        }
    });
}

#[test]
fn a_host_function_is_let_finish_and_then_the_call_ends() {
    on_each_guest(|guest| {
        let mut host = uninitialized(guest);
        let (is_inside, has_returned) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let (inside, returned) = (Arc::clone(&is_inside), Arc::clone(&has_returned));
        host.register("Spin", move || {
            inside.store(true, Ordering::SeqCst);
            thread::sleep(Duration::from_millis(100));
            returned.store(true, Ordering::SeqCst);
        })
        .unwrap();
        let mut victim = Stoppable::from(host);
        for _ in 0..3 {
            is_inside.store(false, Ordering::SeqCst);
            has_returned.store(false, Ordering::SeqCst);
            thread::scope(|scope| {
                let canceller = scope.spawn(|| {
                    libhyperlight_tests::signals::wait_until("the host function", || {
                        is_inside.load(Ordering::SeqCst)
                    });
                    let was_running = victim.handle.interrupt();
                    (was_running, has_returned.load(Ordering::SeqCst))
                });
                fails_with(ErrorCode::Interrupted, victim.sandbox.call::<()>("CallHostSpin", ()));
                assert_eq!(canceller.join().unwrap(), (true, false));
                assert!(has_returned.load(Ordering::SeqCst));
            });
            victim.restored();
        }
    });
}

/// A sandbox whose host function `InterruptSelf` fires the sandbox's own handle `times` times; and the number of times
/// that a call was running.
fn that_interrupts_itself(guest: &Guest, times: u64) -> (Stoppable, Arc<AtomicU64>) {
    let mut host = uninitialized(guest);
    let own: Arc<Mutex<Option<InterruptHandle>>> = Arc::default();
    let hits = Arc::new(AtomicU64::new(0));
    let (handle, count) = (Arc::clone(&own), Arc::clone(&hits));
    host.register("InterruptSelf", move || {
        for _ in 0..times {
            let hit = handle.lock().unwrap().as_ref().unwrap().interrupt();
            count.fetch_add(u64::from(hit), Ordering::SeqCst);
        }
        7_i64
    })
    .unwrap();
    *own.lock().unwrap() = Some(host.interrupt_handle().unwrap());
    (Stoppable::from(host), hits)
}

#[test]
fn a_host_function_may_interrupt_its_own_call() {
    on_each_guest(|guest| {
        for times in [1, 2, 100] {
            let (mut victim, hits) = that_interrupts_itself(guest, times);
            for round in 1..=3 {
                let result = victim
                    .sandbox
                    .call::<i64>("CallGivenParamlessHostFuncThatReturnsI64", ("InterruptSelf",));
                fails_with(ErrorCode::Interrupted, result);
                assert_eq!(hits.load(Ordering::SeqCst), round * times);
                victim.restored();
            }
        }
    });
}

#[test]
fn a_failure_of_the_host_function_is_of_no_interest_but_a_panic_or_a_fatal_error_is() {
    on_each_guest(|guest| {
        let mut host = uninitialized(guest);
        let handle = host.interrupt_handle().unwrap();
        let (of_panic, of_fatal) = (handle.clone(), handle.clone());
        host.register("Fails", move || {
            assert!(handle.interrupt());
            Err::<(), _>("of no use to anybody")
        })
        .unwrap();
        host.register("Panics", move || {
            if of_panic.interrupt() {
                std::panic::resume_unwind(Box::new("oh no"))
            }
        })
        .unwrap();
        let nothing = Signature::new(&[], Kind::Void).unwrap();
        host.register_dynamic("Fatal", nothing, move |_| {
            assert!(of_fatal.interrupt());
            Err(HostError::new("the user pressed a key").fatal())
        })
        .unwrap();
        let mut victim = Stoppable::from(host);
        for (name, code, says) in [
            ("Fails", ErrorCode::Interrupted, "the call was interrupted"),
            ("Panics", ErrorCode::Internal, "the host function `Panics` panicked: oh no"),
            ("Fatal", ErrorCode::HostFunction, "the user pressed a key"),
        ] {
            let result = victim.sandbox.call::<u32>("HostCallLoop", (name, 5_u32));
            assert_eq!(fails_with(code, result).message(), says);
            assert!(!victim.handle.interrupt());
            victim.restored();
        }
    });
}

#[test]
fn interrupting_one_of_two_nested_calls_ends_that_one() {
    on_each_guest(|guest| {
        let inner = Arc::new(Mutex::new(Stoppable::new(guest)));
        let mut host = uninitialized(guest);
        let of_outer = host.interrupt_handle().unwrap();
        let (nested, outer) = (Arc::clone(&inner), of_outer.clone());
        host.register("InterruptInner", move || {
            let mut inner = nested.lock().unwrap();
            assert!(inner.interrupted().0);
            inner.restored();
        })
        .unwrap();
        let nested = Arc::clone(&inner);
        host.register("InterruptOuter", move || {
            assert!(outer.interrupt());
            // The inner sandbox works on, on this same thread, as if nothing had happened.
            let mut inner = nested.lock().unwrap();
            for _ in 0..100 {
                assert_works(&mut inner.sandbox);
            }
            assert!(!inner.handle.interrupt());
        })
        .unwrap();
        let mut outer = Stoppable::from(host);
        for _ in 0..20 {
            assert_eq!(outer.sandbox.call::<u32>("HostCallLoop", ("InterruptInner", 3_u32)).unwrap(), 3);
            assert_works(&mut outer.sandbox);
            let result = outer.sandbox.call::<u32>("HostCallLoop", ("InterruptOuter", 3_u32));
            fails_with(ErrorCode::Interrupted, result);
            outer.restored();
        }
        assert!(!of_outer.interrupt());
        assert_works(&mut inner.lock().unwrap().sandbox);
    });
}

#[test]
fn a_guest_that_makes_host_calls_without_pause_is_interrupted() {
    on_each_guest(|guest| {
        let mut victim = Stoppable::new(guest);
        for round in 0..100_u64 {
            let before = victim.inside.count();
            let Stoppable { sandbox, handle, inside, .. } = &mut victim;
            let interrupted_at = thread::scope(|scope| {
                let canceller = scope.spawn(|| {
                    inside.wait(before + round);
                    (handle.interrupt(), inside.count())
                });
                fails_with(ErrorCode::Interrupted, sandbox.call::<u32>("HostCallLoop", ("Inside", u32::MAX)));
                canceller.join().unwrap()
            });
            assert!(interrupted_at.0);
            // Between the interrupt and the count that followed it there may be any number; behind them is one at most.
            assert!(victim.inside.count() <= interrupted_at.1 + 1, "the guest went on");
            victim.restored();
        }
    });
}

#[test]
fn a_handle_outlives_its_sandbox() {
    on_each_guest(|guest| {
        let mut victim = Stoppable::new(guest);
        assert!(victim.interrupted().0);
        let (handle, copy) = (victim.handle.clone(), victim.handle.clone());
        drop(victim);
        let strangers: Vec<Sandbox> = (0..3).map(|_| libhyperlight_tests::sandbox(guest)).collect();
        for mut stranger in strangers {
            assert!(!handle.interrupt());
            assert_works(&mut stranger);
        }
        thread::spawn(move || assert!(!copy.interrupt())).join().unwrap();
    });
}

#[test]
fn a_sandbox_is_dropped_while_it_is_being_interrupted() {
    on_each_guest(|guest| {
        for round in 0..100_u64 {
            let mut victim = Stoppable::new(guest);
            let (handle, is_gone) = (victim.handle.clone(), AtomicBool::new(false));
            thread::scope(|scope| {
                scope.spawn(|| {
                    while !is_gone.load(Ordering::SeqCst) {
                        handle.interrupt();
                    }
                });
                let _ = victim.sandbox.call::<u32>("HostCallLoop", ("Inside", u32::try_from(round).unwrap()));
                drop(victim);
                is_gone.store(true, Ordering::SeqCst);
            });
            assert!(!handle.interrupt());
        }
    });
}

#[test]
fn interrupts_at_random_moments_end_the_call_that_runs_or_none() {
    let guest = demo();
    let mut victim = Stoppable::new(&guest);
    let mut random = libhyperlight_tests::random::Random::new(74);
    let (mut hits, mut misses) = (0, 0);
    for _ in 0..10_000 {
        let delay = Duration::from_nanos(random.number() % 60_000);
        let handle = &victim.handle;
        let (result, hit) = thread::scope(|scope| {
            let canceller = scope.spawn(move || {
                let start = std::time::Instant::now();
                while start.elapsed() < delay {}
                handle.interrupt()
            });
            (victim.sandbox.call::<u32>("HostCallLoop", ("Inside", 2_u32)), canceller.join().unwrap())
        });
        match (hit, result) {
            (true, Err(error)) => {
                hits += 1;
                fails_with::<()>(ErrorCode::Interrupted, Err(error));
                victim.sandbox.restore(&victim.fresh).unwrap();
            }
            (false, Ok(count)) => {
                misses += 1;
                assert_eq!(count, 2);
            }
            (hit, result) => panic!("the interrupt said {hit}, the call {result:?}"),
        }
        // The next call is not concerned.
        assert_eq!(victim.sandbox.call::<i64>("EchoI64", (5_i64,)).unwrap(), 5);
    }
    println!("{hits} interrupts hit, {misses} missed");
}
