//! The program's own signals while calls run: handlers run, nothing is lost, and no call ends because of them.
//!
//! Each test runs in a process of its own, because it handles signals.
#![expect(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use libhyperlight::{CallOptions, ErrorCode, SandboxOptions};
use libhyperlight_tests::process::in_own_process;
use libhyperlight_tests::signals::{self, Ticking, interrupt_signal, only};
use libhyperlight_tests::stop::{PROMPT, Stoppable, in_child, timed, times_out};
use libhyperlight_tests::{assert_works, demo, fails_with, guests};

/// Stops a call that makes no progress, which would otherwise hang the test.
fn patient() -> SandboxOptions {
    SandboxOptions::new().timeout(Duration::from_secs(20))
}

/// Calls for about `time`, some of them interrupted or timed out. Returns the number of successes.
fn calls_of_every_kind(victim: &mut Stoppable, time: Duration) -> u32 {
    let start = std::time::Instant::now();
    let mut good = 0;
    while start.elapsed() < time {
        assert_works(&mut victim.sandbox);
        assert!(victim.sandbox.call::<u64>("SpinForMs", (5_u32,)).unwrap() > 0);
        assert_eq!(victim.sandbox.call::<u32>("HostCallLoop", ("Inside", 100_u32)).unwrap(), 100);
        good += 4;
        assert!(victim.interrupted().0);
        victim.restored();
        let short = Duration::from_millis(3);
        let options = CallOptions::new().timeout(short);
        times_out(short, || victim.sandbox.call_with::<()>(&options, "Spin", ()));
        victim.restored();
    }
    good
}

#[test]
fn a_clock_that_ticks_a_thousand_times_a_second_ends_no_call() {
    in_own_process(|| {
        for (which, signal) in [(libc::ITIMER_REAL, libc::SIGALRM), (libc::ITIMER_PROF, libc::SIGPROF)] {
            signals::count(signal);
            // In a child, whose one thread gets every tick.
            in_child(|| {
                for (language, guest) in guests() {
                    let mut victim = Stoppable::with(&guest, patient());
                    let before = signals::counted(signal);
                    let ticking = Ticking::every(which, Duration::from_millis(1));
                    let mut good = calls_of_every_kind(&mut victim, Duration::from_secs(1));
                    // SIGPROF follows processor time, of which there is little on a busy machine, and the kernel's own
                    // clock, which may tick a hundred times a second.
                    for _ in 0..30 {
                        if signals::counted(signal) - before < 20 {
                            good += calls_of_every_kind(&mut victim, Duration::from_secs(1));
                        }
                    }
                    drop(ticking);
                    let ticks = signals::counted(signal) - before;
                    println!("{language}: {good} calls beside {ticks} of signal {signal}");
                    assert!(ticks >= 20, "{ticks}");
                }
            });
        }
    });
}

#[test]
fn a_storm_of_ended_children_ends_no_call() {
    in_own_process(|| {
        signals::count(libc::SIGCHLD);
        let mut victim = Stoppable::with(&demo(), patient());
        let is_over = AtomicBool::new(false);
        thread::scope(|scope| {
            let parent = scope.spawn(|| {
                let mut children = 0;
                while !is_over.load(Ordering::Relaxed) {
                    assert!(Command::new("true").status().unwrap().success());
                    children += 1;
                }
                children
            });
            calls_of_every_kind(&mut victim, Duration::from_secs(1));
            is_over.store(true, Ordering::Relaxed);
            let children: u32 = parent.join().unwrap();
            println!("{children} children, {} handlers", signals::counted(libc::SIGCHLD));
        });
        assert!(signals::counted(libc::SIGCHLD) > 0);
    });
}

#[test]
fn a_storm_of_signals_at_the_running_thread_lets_the_guest_get_on() {
    in_own_process(|| {
        signals::count(libc::SIGUSR1);
        let mut victim = Stoppable::with(&demo(), patient());
        let (runner, is_over) = (signals::thread_id(), AtomicBool::new(false));
        let sent = thread::scope(|scope| {
            let sender = scope.spawn(|| {
                let mut sent = 0_u64;
                while !is_over.load(Ordering::Relaxed) {
                    signals::send(runner, libc::SIGUSR1);
                    sent += 1;
                    thread::sleep(Duration::from_micros(20));
                }
                sent
            });
            calls_of_every_kind(&mut victim, Duration::from_secs(1));
            is_over.store(true, Ordering::Relaxed);
            sender.join().unwrap()
        });
        // Of an ordinary signal one waits at a time; the others that come meanwhile are the same one.
        let counted = signals::counted(libc::SIGUSR1);
        println!("{sent} sent, {counted} handled");
        assert!(counted > 0 && counted <= sent);
    });
}

#[test]
fn the_programs_signals_with_the_number_of_the_interrupts_all_reach_their_handler() {
    in_own_process(|| {
        const SENT: usize = 1000;
        let signal = interrupt_signal();
        signals::count(signal);
        let runner = signals::thread_id();
        for (language, guest) in guests() {
            let mut victim = Stoppable::with(&guest, patient());
            let before = signals::counted(signal);
            thread::scope(|scope| {
                let sender = scope.spawn(|| {
                    // The process's are for the runner too: this thread does not take them.
                    signals::block(only(signal));
                    for number in 0..SENT {
                        let is_queued = match number % 2 {
                            0 => signals::queue_to(runner, signal, number),
                            _ => signals::queue(signal, number),
                        };
                        assert!(is_queued);
                        thread::sleep(Duration::from_micros(500));
                    }
                });
                while !sender.is_finished() {
                    calls_of_every_kind(&mut victim, Duration::from_millis(100));
                }
            });
            signals::wait_until("the last of them", || signals::pending() == 0);
            assert_eq!(signals::counted(signal) - before, SENT as u64, "{language}");
        }
    });
}

#[test]
fn a_signal_with_the_number_of_the_interrupts_is_handled_while_the_call_goes_on() {
    in_own_process(|| {
        let signal = interrupt_signal();
        signals::count(signal);
        for (number, (_, guest)) in (1..).zip(guests()) {
            let mut victim = Stoppable::with(&guest, patient());
            let runner = signals::thread_id();
            let Stoppable { sandbox, handle, inside, .. } = &mut victim;
            let (result, took) = timed(|| {
                thread::scope(|scope| {
                    scope.spawn(|| {
                        inside.wait(0);
                        assert!(signals::queue_to(runner, signal, 0));
                        // Its handler does not wait for the call's end.
                        signals::wait_until("the handler", || signals::counted(signal) == number);
                        assert!(handle.interrupt());
                    });
                    sandbox.call::<()>("CallHostThenSpin", ("Inside",))
                })
            });
            fails_with(ErrorCode::Interrupted, result);
            assert!(took < PROMPT, "{took:?}");
            victim.restored();
        }
    });
}

#[test]
fn what_the_caller_blocks_waits_for_the_callers_sake_and_holds_up_nothing() {
    in_own_process(|| {
        for signal in [libc::SIGUSR1, libc::SIGTERM, interrupt_signal() + 1, interrupt_signal()] {
            signals::count(signal);
            let before = signals::block(only(signal));
            let (runner, mut victim) = (signals::thread_id(), Stoppable::with(&demo(), patient()));
            signals::send(runner, signal);
            assert_eq!(signals::pending(), only(signal));
            let (good, took) = timed(|| calls_of_every_kind(&mut victim, Duration::from_millis(100)));
            assert!(good > 0 && took < PROMPT, "signal {signal}: {good} calls in {took:?}");
            assert_eq!((signals::counted(signal), signals::pending()), (0, only(signal)));
            // And one that comes while the guest runs.
            thread::scope(|scope| {
                scope.spawn(|| {
                    thread::sleep(Duration::from_millis(10));
                    signals::send(runner, signal);
                });
                assert!(victim.sandbox.call::<u64>("SpinForMs", (50_u32,)).unwrap() > 0);
            });
            assert_eq!((signals::counted(signal), signals::pending()), (0, only(signal)));
            signals::set_mask(before);
            // An ordinary signal that waits is not counted up.
            let expected = if signal < libc::SIGRTMIN() { 1 } else { 2 };
            assert_eq!((signals::counted(signal), signals::pending()), (expected, 0), "signal {signal}");
        }
    });
}

#[test]
fn a_thread_that_waits_for_the_signal_gets_what_was_sent_to_the_process() {
    in_own_process(|| {
        const SENT: usize = 200;
        let signal = interrupt_signal();
        // As programs with a thread for signals do: blocked everywhere, and waited for in one place. The child has no
        // threads but those that inherit this mask.
        signals::block(only(signal));
        in_child(|| {
            let mut victim = Stoppable::with(&demo(), patient());
            thread::scope(|scope| {
                let receiver = scope.spawn(|| (0..SENT).map(|_| received(signal)).collect::<Vec<_>>());
                let sender = scope.spawn(|| {
                    for number in 0..SENT {
                        assert!(signals::queue(signal, number));
                        thread::sleep(Duration::from_millis(1));
                    }
                });
                while !(sender.is_finished() && receiver.is_finished()) {
                    calls_of_every_kind(&mut victim, Duration::from_millis(50));
                }
                let mut received = receiver.join().unwrap();
                received.sort_unstable();
                assert!(received.into_iter().eq(0..SENT));
            });
            assert_eq!(signals::pending(), 0);
        });
    });
}

/// Waits for the signal, and takes its value.
fn received(signal: i32) -> usize {
    // SAFETY: all-zero values of these C structs are valid.
    let (mut set, mut info): (libc::sigset_t, libc::siginfo_t) = unsafe { std::mem::zeroed() };
    // SAFETY: the set is alive and the number is one of a signal.
    assert_eq!(unsafe { libc::sigaddset(&raw mut set, signal) }, 0);
    let patience = libc::timespec { tv_sec: 10, tv_nsec: 0 };
    loop {
        // SAFETY: all three are alive.
        let found = unsafe { libc::sigtimedwait(&raw const set, &raw mut info, &raw const patience) };
        let error = std::io::Error::last_os_error();
        if found == signal {
            break;
        }
        // It was woken for a signal that another thread took first (sigtimedwait(2), EINTR): programs wait again.
        assert_eq!(error.raw_os_error(), Some(libc::EINTR), "{error}");
    }
    // SAFETY: a signal that was sent by sigqueue has a value.
    unsafe { info.si_value() }.sival_ptr.addr()
}
