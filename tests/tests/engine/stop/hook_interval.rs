//! The signal hook at an interval: called while the guest runs, with or without a signal, and nothing of it remains
//! afterwards.
//!
//! Each test runs in a process of its own, because it looks at the signals of all of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use libhyperlight::{ErrorCode, HostError, SandboxOptions};
use libhyperlight_tests::process::in_own_process;
use libhyperlight_tests::signals::{self, interrupt_signal, only};
use libhyperlight_tests::stop::{PROMPT, Stoppable, spins_after, timed, times_out};
use libhyperlight_tests::{assert_works, demo, fails_with, guests, sandbox, uninitialized};

const OFTEN: Duration = Duration::from_millis(2);

/// A hook that counts, and ends the call when it was asked that often.
fn counting(limit: u64) -> (Arc<AtomicU64>, impl Fn() -> Result<(), HostError> + Send + Sync + 'static) {
    let asked = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&asked);
    let hook = move || {
        if count.fetch_add(1, Ordering::SeqCst) + 1 < limit { Ok(()) } else { Err(HostError::new("enough")) }
    };
    (asked, hook)
}

#[test]
fn the_hook_is_asked_while_the_guest_runs_and_no_signal_stays_behind() {
    in_own_process(|| {
        for (_, guest) in guests() {
            let mut sandbox = sandbox(&guest);
            let (asked, hook) = counting(u64::MAX);
            sandbox.set_signal_hook(hook);
            sandbox.set_signal_hook_interval(OFTEN).unwrap();
            let mask = signals::mask();
            let mut most = 0;
            // On a busy machine most of that time may go to others.
            for _ in 0..100 {
                if most < 5 {
                    let (ticks, took) = timed(|| sandbox.call::<u64>("SpinForMs", (300_u32,)).unwrap());
                    let times = asked.swap(0, Ordering::SeqCst);
                    println!("asked {times} times in {took:?}");
                    assert!(ticks > 0);
                    let possible = took.as_micros() / OFTEN.as_micros() + 1;
                    assert!(u128::from(times) <= possible, "{times} times in {took:?}");
                    most = most.max(times);
                }
            }
            assert!(most >= 5, "asked {most} times at most");
            assert_eq!((signals::mask(), signals::pending()), (mask, 0));

            // Nobody asks between calls, nor after it was switched off.
            sandbox.set_signal_hook_interval(Duration::MAX).unwrap();
            let before = asked.load(Ordering::SeqCst);
            sandbox.call::<u64>("SpinForMs", (50_u32,)).unwrap();
            assert_eq!(asked.load(Ordering::SeqCst), before);
            assert_works(&mut sandbox);
        }
    });
}

#[test]
fn the_hook_ends_a_call_and_a_start_that_would_not_end() {
    in_own_process(|| {
        for (_, guest) in guests() {
            let mut victim = Stoppable::new(&guest);
            for rounds in 1..4 {
                let (asked, hook) = counting(rounds);
                victim.sandbox.set_signal_hook(hook);
                victim.sandbox.set_signal_hook_interval(OFTEN).unwrap();
                let (result, took) = timed(|| victim.sandbox.call::<()>("Spin", ()));
                let error = fails_with(ErrorCode::Interrupted, result);
                assert_eq!(error.into_source().unwrap().to_string(), "enough");
                assert!(asked.load(Ordering::SeqCst) == rounds && took < PROMPT, "{took:?}");
                assert_eq!(signals::pending(), 0);
                victim.restored();
            }
        }

        let mut host = uninitialized(&spins_after(&[]));
        let (asked, hook) = counting(3);
        host.set_signal_hook(hook);
        host.set_signal_hook_interval(OFTEN).unwrap();
        for tries in 0..3 {
            let error = fails_with(ErrorCode::Interrupted, host.try_evolve());
            assert_eq!(error.into_source().unwrap().to_string(), "enough");
            assert_eq!(asked.load(Ordering::SeqCst), 3 + tries);
        }
    });
}

#[test]
fn timeouts_interrupts_and_signals_of_the_same_number_get_through_between_the_askings() {
    in_own_process(|| {
        let (number, limit) = (interrupt_signal(), Duration::from_millis(15));
        signals::count(number);
        for (_, guest) in guests() {
            let mut victim = Stoppable::with(&guest, SandboxOptions::new().timeout(limit));
            victim.sandbox.set_signal_hook(|| Ok(()));
            victim.sandbox.set_signal_hook_interval(Duration::from_millis(1)).unwrap();
            for is_blocked in [false, true] {
                let (before, mask) = (signals::counted(number), signals::mask());
                if is_blocked {
                    signals::block(only(number));
                }
                for _ in 0..20 {
                    assert!(signals::queue_to(signals::thread_id(), number, 7));
                    times_out(limit, || victim.sandbox.call::<()>("Spin", ()));
                    victim.restored();
                }
                signals::set_mask(mask);
                assert_eq!(signals::counted(number) - before, 20, "the program's own signals arrive");
                assert_eq!(signals::pending(), 0);
            }
            for _ in 0..20 {
                let mut victim = Stoppable::new(&guest);
                victim.sandbox.set_signal_hook(|| Ok(()));
                victim.sandbox.set_signal_hook_interval(Duration::from_millis(1)).unwrap();
                assert!(victim.interrupted().0);
                victim.restored();
            }
        }
    });
}

#[test]
fn an_interval_below_a_millisecond_is_refused() {
    let mut sandbox = sandbox(&demo());
    for interval in [Duration::ZERO, Duration::from_micros(999)] {
        fails_with(ErrorCode::InvalidArgument, sandbox.set_signal_hook_interval(interval));
    }
    sandbox.set_signal_hook_interval(Duration::from_millis(1)).unwrap();
    assert_works(&mut sandbox);
}
