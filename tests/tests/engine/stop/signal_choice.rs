//! The choice of the signal that stops guests: the default, another one, an unsuitable one; and a full queue of
//! signals.
//!
//! Each test runs in a process of its own, because the choice is the process's.
#![expect(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use libhyperlight::{
    CallOptions, ErrorCode, Sandbox, SandboxOptions, Snapshot, State, UninitializedSandbox,
    set_interrupt_signal,
};
use libhyperlight_tests::process::in_own_process;
use libhyperlight_tests::signals::{self, interrupt_signal};
use libhyperlight_tests::stop::{Stoppable, times_out};
use libhyperlight_tests::{assert_works, demo, fails_with, guests, sandbox, uninitialized};

const SHORT: Duration = Duration::from_millis(20);

fn short() -> CallOptions {
    CallOptions::new().timeout(SHORT)
}

#[test]
fn any_real_time_signal_will_do() {
    in_own_process(|| {
        let mut victim = Stoppable::new(&demo());
        for signal in libc::SIGRTMIN()..=libc::SIGRTMAX() {
            set_interrupt_signal(signal).unwrap();
            assert!(victim.interrupted().0, "signal {signal}");
            victim.restored();
            times_out(SHORT, || victim.sandbox.call_with::<()>(&short(), "Spin", ()));
            victim.restored();
        }
        assert_eq!(signals::pending(), 0);
    });
}

#[test]
fn no_other_signal_will_do() {
    in_own_process(|| {
        let mut victim = Stoppable::new(&demo());
        let (first, last) = (libc::SIGRTMIN(), libc::SIGRTMAX());
        for bad in [
            i32::MIN,
            -1,
            0,
            libc::SIGINT,
            libc::SIGKILL,
            libc::SIGUSR1,
            32,
            33,
            first - 1,
            last + 1,
            65,
            i32::MAX,
        ] {
            let error = fails_with(ErrorCode::InvalidArgument, set_interrupt_signal(bad));
            let expected = format!("signal {bad} is not a real-time signal; those are {first} to {last}");
            assert_eq!(error.message(), expected);
        }
        // The choice is what it was.
        assert!(victim.interrupted().0);
        victim.restored();
    });
}

#[test]
fn a_signal_that_is_ignored_is_refused_with_the_reason_and_the_mend() {
    in_own_process(|| {
        let signal = interrupt_signal();
        signals::act(signal, libc::SIG_IGN);
        let refusal = format!(
            "signal {signal} is ignored by the program, so that it cannot stop a guest; choose another by set_interrupt_signal"
        );
        let is_refused = |result: libhyperlight::Result<()>| {
            assert_eq!(fails_with(ErrorCode::InvalidArgument, result).message(), refusal);
        };
        is_refused(set_interrupt_signal(signal));
        for (_, guest) in guests() {
            let mut host = uninitialized(&guest);
            is_refused(host.interrupt_handle().map(drop));
            let mut sandbox = host.evolve().unwrap();
            is_refused(sandbox.interrupt_handle().map(drop));
            // A call with a limit is refused, and the sandbox none the worse for it.
            for _ in 0..3 {
                is_refused(sandbox.call_with::<i32>(&short(), "AddToStatic", (1,)).map(drop));
                assert_eq!(sandbox.state(), State::Ready);
                assert_works(&mut sandbox);
            }
            assert_eq!(sandbox.call::<i32>("GetStatic", ()).unwrap(), 0);
            let limited = SandboxOptions::new().timeout(SHORT);
            let start = UninitializedSandbox::new(&guest, limited).unwrap().evolve();
            is_refused(start.map(drop));
        }
        set_interrupt_signal(signal + 1).unwrap();
        let mut victim = Stoppable::new(&demo());
        assert!(victim.interrupted().0);
        victim.restored();
    });
}

#[test]
fn a_call_that_was_refused_does_not_use_up_what_makes_clones_differ() {
    in_own_process(|| {
        for (_, guest) in guests() {
            let mut source = sandbox(&guest);
            assert_eq!(source.call::<Vec<u8>>("RandomBytes", (32_u32,)).unwrap().len(), 32);
            let snapshot = source.snapshot().unwrap();
            let mut clones = [clone_of(&snapshot), clone_of(&snapshot)];
            // The first call of each brings fresh entropy along; it must not be lost with a call that never ran.
            signals::act(interrupt_signal(), libc::SIG_IGN);
            for clone in &mut clones {
                let refused = clone.call_with::<Vec<u8>>(&short(), "RandomBytes", (32_u32,));
                fails_with(ErrorCode::InvalidArgument, refused);
            }
            signals::act(interrupt_signal(), libc::SIG_DFL);
            let drawn = clones.map(|mut clone| clone.call::<Vec<u8>>("RandomBytes", (32_u32,)).unwrap());
            assert_ne!(drawn[0], drawn[1], "two clones drew the same random bytes");
        }
    });
}

fn clone_of(snapshot: &Snapshot) -> Sandbox {
    let mut host = UninitializedSandbox::from_snapshot(snapshot, SandboxOptions::new()).unwrap();
    host.register("HostPrint", |text: String| i32::try_from(text.len()).unwrap()).unwrap();
    host.evolve().unwrap()
}

#[test]
fn a_choice_is_for_the_calls_that_start_after_it() {
    in_own_process(|| {
        let mut victim = Stoppable::new(&demo());
        let before = victim.inside.count();
        let Stoppable { sandbox, handle, inside, .. } = &mut victim;
        thread::scope(|scope| {
            scope.spawn(|| {
                inside.wait(before);
                // The call has the old one blocked; it is by that one that it can be stopped.
                set_interrupt_signal(interrupt_signal() + 1).unwrap();
                assert!(handle.interrupt());
            });
            fails_with(ErrorCode::Interrupted, sandbox.call::<()>("CallHostThenSpin", ("Inside",)));
        });
        victim.restored();
        assert!(victim.interrupted().0);
        victim.restored();
        assert_eq!(signals::pending(), 0);
    });
}

/// The kernel takes no more real-time signals for this user's processes while this lives.
struct FullQueue(libc::rlimit);

impl FullQueue {
    fn new() -> Self {
        let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
        // SAFETY: the call writes the limit given.
        assert_eq!(unsafe { libc::getrlimit(libc::RLIMIT_SIGPENDING, &raw mut limit) }, 0);
        Self::set(libc::rlimit { rlim_cur: 0, ..limit });
        Self(limit)
    }

    fn set(limit: libc::rlimit) {
        // SAFETY: the call reads the limit given.
        assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_SIGPENDING, &raw const limit) }, 0);
    }
}

impl Drop for FullQueue {
    fn drop(&mut self) {
        Self::set(self.0);
    }
}

#[test]
fn a_full_queue_of_signals_is_said_and_passes() {
    in_own_process(|| {
        for (_, guest) in guests() {
            let mut victim = Stoppable::new(&guest);
            let mut interrupted = || {
                let before = victim.inside.count();
                let Stoppable { sandbox, handle, inside, .. } = &mut victim;
                let hits = thread::scope(|scope| {
                    let canceller = scope.spawn(|| {
                        inside.wait(before);
                        thread::sleep(Duration::from_millis(50));
                        let full = FullQueue::new();
                        let hits = (0..100).filter(|_| handle.interrupt()).count();
                        drop(full);
                        assert!(handle.interrupt());
                        hits
                    });
                    fails_with(ErrorCode::Interrupted, sandbox.call::<()>("CallHostThenSpin", ("Inside",)));
                    canceller.join().unwrap()
                });
                victim.restored();
                hits
            };
            // On a busy machine it may still be in the host function then, where no signal is needed.
            assert!((0..100).any(|_| interrupted() == 0));
        }
    });
}

#[test]
fn a_timeout_waits_for_room_in_the_queue() {
    in_own_process(|| {
        let mut victim = Stoppable::new(&demo());
        let handle = victim.handle.clone();
        for interrupts_too in [false, true] {
            thread::scope(|scope| {
                let full = FullQueue::new();
                let start = Instant::now();
                let handle = &handle;
                let canceller = scope.spawn(move || {
                    let mut hits = 0;
                    while start.elapsed() < 5 * SHORT {
                        // An interrupt that comes to nothing does not take the timeout's place.
                        hits += u32::from(interrupts_too && handle.interrupt());
                    }
                    drop(full);
                    hits
                });
                let error = times_out(SHORT, || victim.sandbox.call_with::<()>(&short(), "Spin", ()));
                assert!(start.elapsed() >= 5 * SHORT);
                assert_eq!(error.message(), "the call took longer than its timeout of 20ms");
                assert_eq!(canceller.join().unwrap(), 0);
            });
            victim.restored();
        }
    });
}

#[test]
fn an_interrupt_that_could_not_be_sent_ends_nothing() {
    in_own_process(|| {
        let mut victim = Stoppable::new(&demo());
        let handle = victim.handle.clone();
        let (is_over, hits, ended) = (AtomicBool::new(false), AtomicU64::new(0), AtomicU64::new(0));
        let mut good = 0;
        // A guest that goes in and out without pause meets every moment of an interrupt that comes to nothing. When it
        // is in the host function, no signal is needed, and the interrupt hits.
        thread::scope(|scope| {
            let _full = FullQueue::new();
            scope.spawn(|| {
                while !is_over.load(Ordering::SeqCst) {
                    // One that hits waits for its call to end.
                    if hits.load(Ordering::SeqCst) == ended.load(Ordering::SeqCst) {
                        hits.fetch_add(u64::from(handle.interrupt()), Ordering::SeqCst);
                    }
                }
            });
            let start = Instant::now();
            while start.elapsed() < Duration::from_secs(2) {
                match victim.sandbox.call::<u32>("HostCallLoop", ("Inside", 5_u32)) {
                    Ok(_) => good += 1,
                    Err(error) => {
                        fails_with::<()>(ErrorCode::Interrupted, Err(error));
                        ended.fetch_add(1, Ordering::SeqCst);
                        victim.sandbox.restore(&victim.fresh).unwrap();
                    }
                }
            }
            is_over.store(true, Ordering::SeqCst);
        });
        let (hit, ended) = (hits.into_inner(), ended.into_inner());
        assert_eq!(hit, ended, "interrupts that say they hit, calls that ended");
        println!("beside interrupts that mostly came to nothing {good} calls went well, {hit} were hit");
        assert_works(&mut victim.sandbox);
    });
}

#[test]
fn a_timeout_beside_a_full_queue_is_told_as_one() {
    in_own_process(|| {
        let mut victim = Stoppable::new(&demo());
        let options = CallOptions::new().timeout(Duration::from_millis(2));
        let _full = FullQueue::new();
        let start = Instant::now();
        while start.elapsed() < Duration::from_secs(2) {
            let result = victim.sandbox.call_with::<u32>(&options, "HostCallLoop", ("Inside", u32::MAX));
            fails_with(ErrorCode::Timeout, result);
            victim.restored();
        }
    });
}
