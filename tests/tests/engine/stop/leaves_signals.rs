//! Stopping guests leaves the process's signals alone: dispositions, masks, and threads that are not concerned.
//!
//! Each test runs in a process of its own, because it looks at what all threads share.
#![expect(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use libhyperlight::{CallOptions, ErrorCode};
use libhyperlight_tests::harm::Host;
use libhyperlight_tests::process::in_own_process;
use libhyperlight_tests::signals::{self, interrupt_signal, only};
use libhyperlight_tests::stop::{Stoppable, times_out};
use libhyperlight_tests::{assert_works, demo, fails_with, guests, uninitialized};

const SHORT: Duration = Duration::from_millis(5);

fn short() -> CallOptions {
    CallOptions::new().timeout(SHORT)
}

/// Every way a call can begin and end, with `check` after each.
fn every_end_of_a_call(check: impl Fn(&str)) {
    for (language, guest) in guests() {
        let say = |what: &str| check(&format!("{language}: {what}"));
        let mut host = uninitialized(&guest);
        host.register("Slow", || thread::sleep(4 * SHORT)).unwrap();
        let handle = host.interrupt_handle().unwrap();
        say("handle");
        let own = handle.clone();
        host.register("InterruptSelf", move || {
            own.interrupt();
        })
        .unwrap();
        host.register("Panics", || {
            if true {
                std::panic::resume_unwind(Box::new(1))
            }
        })
        .unwrap();
        let mut victim = Stoppable::from(host);
        say("evolve");
        assert_works(&mut victim.sandbox);
        say("call");
        times_out(SHORT, || victim.sandbox.call_with::<()>(&short(), "Spin", ()));
        say("timeout");
        victim.restored();
        say("restore");
        let cpu = CallOptions::new().cpu_time(SHORT);
        times_out(SHORT, || victim.sandbox.call_with::<()>(&cpu, "Spin", ()));
        say("processor time");
        victim.restored();
        assert!(victim.interrupted().0);
        say("interrupt");
        victim.restored();
        for name in ["Slow", "InterruptSelf", "Panics"] {
            let result = victim.sandbox.call_with::<()>(&short(), "CallHostThenSpin", (name,));
            let code = result.unwrap_err().code();
            say(&format!("{name}: {}", code.name()));
            victim.restored();
        }
        for function in ["TriggerException", "InfiniteRecursion", "ExhaustHeap"] {
            victim.sandbox.call_with::<()>(&short(), function, ()).unwrap_err();
            say(function);
            victim.restored();
        }
        fails_with(ErrorCode::GuestError, victim.sandbox.call::<i32>("AddToStaticAndFail", ()));
        say("guest error");
        drop(victim);
        say("drop");
        assert!(!handle.interrupt());
    }
}

#[test]
fn dispositions_and_mask_are_the_same_after_every_end_of_a_call() {
    in_own_process(|| {
        let before = Host::now();
        every_end_of_a_call(|what| {
            let now = Host::now();
            assert_eq!((&now.signals, &now.mask), (&before.signals, &before.mask), "{what}");
            assert_eq!((now.mxcsr, now.x87), (before.mxcsr, before.x87), "{what}");
            assert_eq!(signals::pending(), 0, "{what}");
        });
        // And with a mask and dispositions that are the program's own.
        signals::count(libc::SIGUSR1);
        signals::act(libc::SIGUSR2, libc::SIG_IGN);
        signals::count(interrupt_signal());
        let mask = only(libc::SIGTERM) | only(libc::SIGALRM) | only(interrupt_signal() + 1);
        signals::set_mask(mask);
        let before = Host::now();
        every_end_of_a_call(|what| {
            let now = Host::now();
            assert_eq!((&now.signals, &now.mask), (&before.signals, &before.mask), "{what}");
            assert_eq!((signals::mask(), signals::pending()), (mask, 0), "{what}");
        });
        // Even the interrupt signal itself may be blocked.
        signals::block(only(interrupt_signal()));
        every_end_of_a_call(|what| {
            assert_eq!(signals::mask(), mask | only(interrupt_signal()), "{what}");
            assert_eq!(signals::pending(), 0, "{what}");
        });
        assert_eq!(signals::counted(interrupt_signal()), 0, "an interrupt reached a handler");
    });
}

/// One whose host function `Mask` says with which mask it runs.
fn that_tells_its_mask() -> (Stoppable, Arc<AtomicU64>) {
    let seen = Arc::new(AtomicU64::new(0));
    let mut host = uninitialized(&demo());
    let to = Arc::clone(&seen);
    host.register("Mask", move || to.store(signals::mask(), Ordering::SeqCst)).unwrap();
    (Stoppable::from(host), seen)
}

#[test]
fn a_host_function_runs_with_its_callers_mask() {
    in_own_process(|| {
        let (mut victim, seen) = that_tells_its_mask();
        for mask in [
            0,
            only(libc::SIGUSR1),
            only(libc::SIGTERM) | only(libc::SIGCHLD) | only(40),
            only(interrupt_signal()),
            only(interrupt_signal()) | only(libc::SIGINT),
            0,
        ] {
            signals::set_mask(mask);
            for _ in 0..3 {
                assert_eq!(victim.sandbox.call::<u32>("HostCallLoop", ("Mask", 2_u32)).unwrap(), 2);
                assert_eq!(seen.load(Ordering::SeqCst), mask);
                assert_eq!(signals::mask(), mask);
            }
            assert!(victim.interrupted().0);
            victim.restored();
            assert_eq!(signals::mask(), mask);
        }
    });
}

#[test]
fn a_mask_that_a_host_function_sets_stays_set() {
    in_own_process(|| {
        let (victim, seen) = that_tells_its_mask();
        drop(victim);
        for is_stoppable in [false, true] {
            signals::set_mask(0);
            let mut host = uninitialized(&demo());
            let to = Arc::clone(&seen);
            host.register("BlockUsr1", move || {
                to.store(signals::mask(), Ordering::SeqCst);
                signals::block(only(libc::SIGUSR1));
            })
            .unwrap();
            if is_stoppable {
                host.interrupt_handle().unwrap();
            }
            let mut sandbox = host.evolve().unwrap();
            assert_eq!(sandbox.call::<u32>("HostCallLoop", ("BlockUsr1", 1_u32)).unwrap(), 1);
            assert_eq!(signals::mask(), only(libc::SIGUSR1), "{is_stoppable}");
            // While the call lasts, too: the second call of the function finds what the first has left.
            signals::set_mask(0);
            assert_eq!(sandbox.call::<u32>("HostCallLoop", ("BlockUsr1", 2_u32)).unwrap(), 2);
            assert_eq!(seen.load(Ordering::SeqCst), only(libc::SIGUSR1), "{is_stoppable}");
            assert_eq!(signals::mask(), only(libc::SIGUSR1), "{is_stoppable}");
            signals::set_mask(0);
        }
    });
}

#[test]
fn what_a_host_function_blocks_is_blocked_while_the_guest_runs() {
    in_own_process(|| {
        let is_blocked = Arc::new(AtomicBool::new(false));
        let mut host = uninitialized(&demo());
        let says = Arc::clone(&is_blocked);
        host.register("BlockUsr1", move || {
            signals::block(only(libc::SIGUSR1));
            says.store(true, Ordering::SeqCst);
        })
        .unwrap();
        let mut victim = Stoppable::from(host);
        signals::count(libc::SIGUSR1);
        let runner = signals::thread_id();
        thread::scope(|scope| {
            let handle = victim.handle.clone();
            scope.spawn(move || {
                signals::wait_until("the host function", || is_blocked.load(Ordering::SeqCst));
                // Lets the guest go on.
                thread::sleep(Duration::from_millis(20));
                signals::send(runner, libc::SIGUSR1);
                thread::sleep(Duration::from_millis(20));
                assert!(handle.interrupt());
            });
            fails_with(ErrorCode::Interrupted, victim.sandbox.call::<()>("CallHostThenSpin", ("BlockUsr1",)));
        });
        assert_eq!(signals::counted(libc::SIGUSR1), 0);
        assert_eq!(signals::pending(), only(libc::SIGUSR1));
        signals::set_mask(0);
        assert_eq!(signals::counted(libc::SIGUSR1), 1);
    });
}

#[test]
fn no_interrupt_ever_reaches_a_stranger() {
    in_own_process(|| {
        // Were a signal to hit a thread outside a call, or outlive its call, this would count it.
        signals::count(interrupt_signal());
        let is_over = AtomicBool::new(false);
        let guest = demo();
        thread::scope(|scope| {
            // Threads come and go, so that their numbers are used again.
            scope.spawn(|| {
                while !is_over.load(Ordering::Relaxed) {
                    thread::scope(|scope| (0..4).for_each(|_| drop(scope.spawn(thread::yield_now))));
                }
            });
            for _ in 0..60 {
                let interrupted = scope.spawn(|| {
                    let mut victim = Stoppable::new(&guest);
                    let handle = victim.handle.clone();
                    thread::scope(|scope| {
                        scope.spawn(|| {
                            for _ in 0..40 {
                                handle.interrupt();
                                thread::sleep(Duration::from_micros(50));
                            }
                        });
                        for _ in 0..30 {
                            let options = CallOptions::new().timeout(Duration::from_micros(200));
                            let result =
                                victim.sandbox.call_with::<u32>(&options, "HostCallLoop", ("Inside", 20_u32));
                            if result.is_err() {
                                victim.sandbox.restore(&victim.fresh).unwrap();
                            }
                        }
                    });
                });
                interrupted.join().unwrap();
            }
            is_over.store(true, Ordering::Relaxed);
        });
        assert_eq!(signals::counted(interrupt_signal()), 0);
        assert_eq!(signals::pending(), 0);
    });
}
