//! Interrupts from odd places: from a signal handler of the program's, and from a forked child.
//!
//! Each test runs in a process of its own, because it handles signals or forks.
#![expect(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use libhyperlight::{CallOptions, ErrorCode, InterruptHandle, SandboxOptions};
use libhyperlight_tests::process::in_own_process;
use libhyperlight_tests::stop::{Inside, Stoppable, in_child, times_out};
use libhyperlight_tests::{
    assert_works, demo, fails_with, guests, sandbox, signals, uninitialized, uninitialized_with,
};

static HANDLE: OnceLock<InterruptHandle> = OnceLock::new();
static HITS: AtomicU64 = AtomicU64::new(0);
static ENDED: AtomicU64 = AtomicU64::new(0);

/// Interrupts, unless the last interrupted call has not ended yet.
extern "C" fn interrupt(_: i32) {
    if let Some(handle) = HANDLE.get()
        && HITS.load(Ordering::SeqCst) == ENDED.load(Ordering::SeqCst)
        && handle.interrupt()
    {
        HITS.fetch_add(1, Ordering::SeqCst);
    }
}

/// Runs endless calls on this thread, while `send` sends the signal whose handler interrupts them; `send` is given this
/// thread's number.
fn ended_by_handler(rounds: u64, send: impl Fn(i32) + Send + Sync) {
    let mut victim = Stoppable::new(&demo());
    HANDLE.set(victim.handle.clone()).unwrap();
    signals::handle(libc::SIGUSR1, interrupt);
    let runner = signals::thread_id();
    for round in 0..rounds {
        let before = victim.inside.count();
        thread::scope(|scope| {
            let (inside, send) = (&victim.inside, &send);
            scope.spawn(move || {
                inside.wait(before);
                // The one signal may find the runner elsewhere than in the guest; it must end the call all the same.
                send(runner);
            });
            fails_with(ErrorCode::Interrupted, victim.sandbox.call::<()>("CallHostThenSpin", ("Inside",)));
        });
        assert_eq!(HITS.load(Ordering::SeqCst), round + 1);
        ENDED.fetch_add(1, Ordering::SeqCst);
        victim.restored();
    }
}

#[test]
fn a_handler_on_the_running_thread_ends_the_call() {
    in_own_process(|| {
        ended_by_handler(300, |runner| signals::send(runner, libc::SIGUSR1));
    });
}

#[test]
fn a_handler_on_another_thread_ends_the_call() {
    in_own_process(|| {
        ended_by_handler(300, |_| signals::send(signals::thread_id(), libc::SIGUSR1));
    });
}

#[test]
fn a_handler_on_whatever_thread_ends_the_call() {
    in_own_process(|| {
        ended_by_handler(300, |_| assert!(signals::queue(libc::SIGUSR1, 0)));
    });
}

#[test]
fn interrupts_by_a_storm_of_handlers_are_accounted_for_exactly() {
    in_own_process(|| {
        let mut victim = Stoppable::new(&demo());
        HANDLE.set(victim.handle.clone()).unwrap();
        signals::handle(libc::SIGUSR1, interrupt);
        let is_over = AtomicBool::new(false);
        let runner = signals::thread_id();
        let mut calls = 0_u64;
        thread::scope(|scope| {
            scope.spawn(|| {
                // The handlers run here and there.
                signals::block(signals::only(libc::SIGUSR1));
                while !is_over.load(Ordering::SeqCst) {
                    signals::send(runner, libc::SIGUSR1);
                    thread::sleep(Duration::from_micros(50));
                }
            });
            while calls < 5_000 {
                calls += 1;
                if let Err(error) = victim.sandbox.call::<u32>("HostCallLoop", ("Inside", 10_u32)) {
                    fails_with::<()>(ErrorCode::Interrupted, Err(error));
                    ENDED.fetch_add(1, Ordering::SeqCst);
                    victim.sandbox.restore(&victim.fresh).unwrap();
                }
            }
            is_over.store(true, Ordering::SeqCst);
        });
        let (hits, ended) = (HITS.load(Ordering::SeqCst), ENDED.load(Ordering::SeqCst));
        println!("{hits} of {calls} calls were hit");
        assert_eq!(hits, ended);
        assert!(hits > 0 && hits < calls);
    });
}

#[test]
fn a_forked_child_cannot_stop_its_parents_call() {
    in_own_process(|| {
        signals::count(signals::interrupt_signal());
        let mut victim = Stoppable::new(&demo());
        let idle = victim.handle.clone();
        in_child(|| assert!(!idle.interrupt()));
        let Stoppable { sandbox, handle, inside, .. } = &mut victim;
        thread::scope(|scope| {
            let forker = scope.spawn(|| {
                inside.wait(0);
                // The parent's call runs; the child's memory says so, but it is not the child's.
                in_child(|| (0..100).for_each(|_| assert!(!handle.interrupt())));
                handle.interrupt()
            });
            fails_with(ErrorCode::Interrupted, sandbox.call::<()>("CallHostThenSpin", ("Inside",)));
            assert!(forker.join().unwrap());
        });
        victim.restored();
        assert_eq!(signals::counted(signals::interrupt_signal()), 0);
    });
}

#[test]
fn a_forked_child_stops_calls_of_its_own() {
    in_own_process(|| {
        let short = Duration::from_millis(20);
        let options = SandboxOptions::new().timeout(short);
        let spins = || {
            let options = CallOptions::new().timeout(short);
            times_out(short, || sandbox(&demo()).call_with::<()>(&options, "Spin", ()));
        };
        // The parent has a timer thread and a reaper thread, which the child does not inherit.
        spins();
        for generation in 0..3 {
            in_child(|| {
                for (_, guest) in guests() {
                    let mut own = Stoppable::with(&guest, options.clone());
                    times_out(short, || own.sandbox.call::<()>("Spin", ()));
                    own.restored();
                    let mut own = Stoppable::new(&guest);
                    assert!(own.interrupted().0);
                    own.restored();
                }
                if generation == 2 {
                    in_child(spins);
                }
                assert_eq!(signals::threads_named("hl-timer").len(), 1);
                assert_eq!(signals::threads_named("hl-reaper").len(), 1);
            });
            spins();
        }
    });
}

#[test]
fn what_was_not_started_before_a_fork_can_be_stopped_behind_it() {
    in_own_process(|| {
        let short = Duration::from_millis(20);
        assert_works(&mut sandbox(&demo()));
        let mut host = uninitialized(&demo());
        let inside = Inside::default();
        inside.register(&mut host);
        let mut limited = uninitialized_with(&demo(), SandboxOptions::new().timeout(Duration::from_secs(60)));
        let before = host.interrupt_handle().unwrap();
        in_child(|| {
            let options = CallOptions::new().timeout(short);
            times_out(short, || limited.try_evolve().unwrap().call_with::<()>(&options, "Spin", ()));
            let handle = host.interrupt_handle().unwrap();
            let mut sandbox = host.try_evolve().unwrap();
            for handle in [before.clone(), handle] {
                let fresh = sandbox.snapshot().unwrap();
                let seen = inside.count();
                thread::scope(|scope| {
                    let canceller = scope.spawn(|| {
                        inside.wait(seen);
                        let hit = handle.interrupt();
                        // Ends the call, should the handle not do it.
                        signals::send(std::process::id().cast_signed(), libc::SIGUSR2);
                        hit
                    });
                    signals::count(libc::SIGUSR2);
                    sandbox
                        .set_signal_hook(|| Err(libhyperlight::HostError::new("not stopped by its handle")));
                    let error = sandbox.call::<()>("CallHostThenSpin", ("Inside",)).unwrap_err();
                    assert!(canceller.join().unwrap(), "{error}");
                });
                sandbox.restore(&fresh).unwrap();
            }
        });
        let mut sandbox = host.try_evolve().unwrap();
        assert_works(&mut sandbox);
        assert!(!before.interrupt());
    });
}
