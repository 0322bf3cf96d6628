//! The signal hook: called when a signal of the program's own has interrupted the guest, and able to end the call.
//!
//! Each test runs in a process of its own, because it handles signals.

use std::error::Error as _;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use libhyperlight::{ErrorCode, HostError, HostPanic, SandboxOptions, State};
use libhyperlight_tests::process::in_own_process;
use libhyperlight_tests::signals::{self, Ticking};
use libhyperlight_tests::stop::{PROMPT, Stoppable, in_child, timed, times_out};
use libhyperlight_tests::{assert_works, demo, fails_with, guests, sandbox};

/// An error that can be told from all others.
#[derive(Debug)]
struct KeyboardInterrupt(Arc<u64>);

impl fmt::Display for KeyboardInterrupt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the user pressed a key")
    }
}

impl std::error::Error for KeyboardInterrupt {}

/// Sends a signal to this thread as soon as the guest of `victim` runs, and makes a call that does not end by itself.
fn call_with_signal(victim: &mut Stoppable, signal: i32) -> libhyperlight::Result<()> {
    let runner = signals::thread_id();
    let before = victim.inside.count();
    let Stoppable { sandbox, inside, .. } = victim;
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            inside.wait(before);
            // The first may find the runner in the host function still, and interrupt no guest.
            while !is_over.load(Ordering::SeqCst) {
                signals::send(runner, signal);
                thread::sleep(Duration::from_millis(1));
            }
        });
        let result = sandbox.call::<()>("CallHostThenSpin", ("Inside",));
        is_over.store(true, Ordering::SeqCst);
        result
    })
}

#[test]
fn an_error_of_the_hook_ends_the_call_and_comes_back_as_it_was() {
    in_own_process(|| {
        signals::count(libc::SIGINT);
        for (_, guest) in guests() {
            let mut victim = Stoppable::new(&guest);
            let original = Arc::new(1);
            let (raised, before) = (Arc::clone(&original), signals::counted(libc::SIGINT));
            victim.sandbox.set_signal_hook(move || {
                // As Python does: the handler took note, the hook looks.
                if signals::counted(libc::SIGINT) > before {
                    return Err(HostError::new(KeyboardInterrupt(Arc::clone(&raised))));
                }
                Ok(())
            });
            let (result, took) = timed(|| call_with_signal(&mut victim, libc::SIGINT));
            let error = fails_with(ErrorCode::Interrupted, result);
            println!("ended {took:?} after the call began");
            assert!(took < PROMPT, "{took:?}");
            assert_eq!(error.message(), "the program's signal hook ended the call");
            assert_eq!(error.source().unwrap().to_string(), "the user pressed a key");
            let source = error.into_source().unwrap().downcast::<KeyboardInterrupt>().unwrap();
            assert!(Arc::ptr_eq(&source.0, &original));
            victim.restored();
        }
    });
}

#[test]
fn a_hook_that_is_content_is_asked_again_and_again_and_the_call_goes_on() {
    in_own_process(|| {
        signals::count(libc::SIGALRM);
        for (is_stoppable, (_, guest)) in [false, true].into_iter().zip(guests()) {
            // In a child, whose one thread gets every tick.
            in_child(|| {
                let mut sandbox = sandbox(&guest);
                let asked = Arc::new(AtomicU64::new(0));
                let (count, caller) = (Arc::clone(&asked), thread::current().id());
                if is_stoppable {
                    sandbox.interrupt_handle().unwrap();
                }
                let mask = signals::mask();
                sandbox.set_signal_hook(move || {
                    assert_eq!(thread::current().id(), caller);
                    assert_eq!(signals::mask(), mask, "the hook runs with the caller's mask");
                    count.fetch_add(1, Ordering::SeqCst);
                    Ok(())
                });
                let ticking = Ticking::every(libc::ITIMER_REAL, Duration::from_millis(2));
                // On a busy machine most of that time goes to others.
                for _ in 0..100 {
                    if asked.load(Ordering::SeqCst) < 5 {
                        assert!(sandbox.call::<u64>("SpinForMs", (300_u32,)).unwrap() > 0);
                    }
                }
                drop(ticking);
                let (asked, ticks) = (asked.load(Ordering::SeqCst), signals::counted(libc::SIGALRM));
                println!("asked {asked} times, while {ticks} signals were handled");
                assert!(asked >= 5 && asked <= ticks, "{asked} times for {ticks} signals");
            });
        }
    });
}

#[test]
fn a_hook_may_use_other_sandboxes_and_the_handle_of_its_own() {
    in_own_process(|| {
        signals::count(libc::SIGUSR1);
        for (_, guest) in guests() {
            let mut victim = Stoppable::new(&guest);
            let handle = victim.handle.clone();
            let other = std::sync::Mutex::new(Stoppable::new(&guest));
            victim.sandbox.set_signal_hook(move || {
                assert!(handle.interrupt());
                // Nothing of that interrupt may trouble the other sandbox, which runs on this same thread.
                let mut other = other.lock().unwrap();
                for _ in 0..20 {
                    assert_works(&mut other.sandbox);
                    assert!(other.sandbox.call::<u64>("SpinForMs", (1_u32,)).unwrap() > 0);
                }
                assert!(other.interrupted().0);
                other.restored();
                Ok(())
            });
            for _ in 0..5 {
                let result = call_with_signal(&mut victim, libc::SIGUSR1);
                assert_eq!(fails_with(ErrorCode::Interrupted, result).message(), "the call was interrupted");
                victim.restored();
            }
        }
    });
}

#[test]
fn a_hook_that_panics_ends_the_call_and_leaves_nothing_behind() {
    in_own_process(|| {
        signals::count(libc::SIGUSR1);
        let mask = signals::mask();
        for (_, guest) in guests() {
            let mut victim = Stoppable::new(&guest);
            victim.sandbox.set_signal_hook(|| std::panic::resume_unwind(Box::new("oh no")));
            let error = fails_with(ErrorCode::Internal, call_with_signal(&mut victim, libc::SIGUSR1));
            assert_eq!(error.message(), "the signal hook panicked: oh no");
            assert!(error.source().unwrap().is::<HostPanic>());
            assert!(!victim.handle.interrupt());
            assert_eq!((signals::mask(), signals::pending()), (mask, 0));
            victim.restored();
        }
    });
}

/// A logger that panics.
struct Panics;

static IS_ANGRY: AtomicBool = AtomicBool::new(false);

impl log::Log for Panics {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, _: &log::Record<'_>) {
        if IS_ANGRY.load(Ordering::SeqCst) {
            std::panic::resume_unwind(Box::new("oh no"));
        }
    }

    fn flush(&self) {}
}

#[test]
fn a_panic_of_the_programs_logger_ends_the_call_and_leaves_nothing_behind() {
    in_own_process(|| {
        log::set_logger(&Panics).unwrap();
        log::set_max_level(log::LevelFilter::Info);
        let mask = signals::mask();
        for (_, guest) in guests() {
            let mut victim = Stoppable::new(&guest);
            IS_ANGRY.store(true, Ordering::SeqCst);
            let call = || victim.sandbox.call::<()>("LogNumbered", ("text", 3_u32));
            let panic = catch_unwind(AssertUnwindSafe(call)).unwrap_err();
            IS_ANGRY.store(false, Ordering::SeqCst);
            assert_eq!(panic.downcast_ref::<&str>(), Some(&"oh no"));
            assert_eq!(victim.sandbox.state(), State::Poisoned);
            assert!(!victim.handle.interrupt(), "no call runs");
            assert_eq!((signals::mask(), signals::pending()), (mask, 0));
            victim.restored();
            assert!(victim.interrupted().0);
            victim.restored();
            assert_eq!((signals::mask(), signals::pending()), (mask, 0));
        }
    });
}

#[test]
fn a_hook_that_forks_goes_on_in_the_parent_alone() {
    in_own_process(|| {
        static CHILD: AtomicI32 = AtomicI32::new(-1);
        signals::count(libc::SIGUSR1);
        let mut victim = Stoppable::new(&demo());
        let (before, handle) = (victim.inside.count(), victim.handle.clone());
        victim.sandbox.set_signal_hook(move || {
            // SAFETY: the child ends without ever returning from the test.
            let child = unsafe { libc::fork() };
            CHILD.store(child, Ordering::SeqCst);
            assert!(child >= 0);
            if child > 0 {
                let mut status = 0;
                // SAFETY: the child is ours, and the status a local variable.
                assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
                assert_eq!(status, 0, "the child failed");
                assert!(handle.interrupt());
            }
            Ok(())
        });
        let (runner, inside, is_over) = (signals::thread_id(), &victim.inside, AtomicBool::new(false));
        thread::scope(|scope| {
            scope.spawn(|| {
                inside.wait(before);
                while !is_over.load(Ordering::SeqCst) {
                    signals::send(runner, libc::SIGUSR1);
                    thread::sleep(Duration::from_millis(1));
                }
            });
            let result = victim.sandbox.call::<()>("CallHostThenSpin", ("Inside",));
            is_over.store(true, Ordering::SeqCst);
            let code = result.unwrap_err().code();
            if CHILD.load(Ordering::SeqCst) == 0 {
                // SAFETY: ends the child at once, without the parent's handlers.
                unsafe { libc::_exit(i32::from(code != ErrorCode::State || victim.handle.interrupt())) };
            }
            assert_eq!(code, ErrorCode::Interrupted);
        });
        victim.sandbox.set_signal_hook(|| Ok(()));
        victim.restored();
    });
}

#[test]
fn a_timeout_strikes_whatever_the_hook_says() {
    in_own_process(|| {
        signals::count(libc::SIGALRM);
        let limit = Duration::from_millis(30);
        in_child(|| {
            for (_, guest) in guests() {
                let mut victim = Stoppable::with(&guest, SandboxOptions::new().timeout(limit));
                victim.sandbox.set_signal_hook(|| Ok(()));
                let ticking = Ticking::every(libc::ITIMER_REAL, Duration::from_millis(1));
                for _ in 0..10 {
                    times_out(limit, || victim.sandbox.call::<()>("Spin", ()));
                    victim.restored();
                }
                // A hook that takes longer than the call may.
                victim.sandbox.set_signal_hook(move || {
                    thread::sleep(4 * limit);
                    Ok(())
                });
                times_out(limit, || victim.sandbox.call::<()>("Spin", ()));
                drop(ticking);
                victim.restored();
            }
        });
    });
}
