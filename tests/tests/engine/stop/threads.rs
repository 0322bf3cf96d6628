//! The library's threads: one timer and one reaper in a process, from their first use on, which take no signals, hold
//! no files and sleep when there is nothing to do.
//!
//! Each test runs in a process of its own, because it counts what all threads share.
#![expect(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

use std::fs;
use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use libhyperlight::{CallOptions, Guest, SandboxOptions};
use libhyperlight_tests::process::in_own_process;
use libhyperlight_tests::signals::{self, Thread, only};
use libhyperlight_tests::stop::{Stoppable, times_out};
use libhyperlight_tests::{assert_works, demo, harm, sandbox, uninitialized};

const SHORT: Duration = Duration::from_millis(10);

fn timers() -> Vec<Thread> {
    signals::threads_named("hl-timer")
}

fn reapers() -> Vec<Thread> {
    signals::threads_named("hl-reaper")
}

fn counts() -> (usize, usize) {
    (timers().len(), reapers().len())
}

/// Confirms that there are so many timers and reapers, and soon no more. A thread takes its name when it first runs.
#[track_caller]
fn assert_counts(timers: usize, reapers: usize) {
    signals::wait_until("a thread's name", || counts().0 >= timers && counts().1 >= reapers);
    thread::sleep(Duration::from_millis(30));
    assert_eq!(counts(), (timers, reapers), "timers, reapers");
}

#[test]
fn each_is_started_once_and_by_its_first_use() {
    in_own_process(|| {
        let guest = demo();
        let mut unlimited = sandbox(&guest);
        assert_works(&mut unlimited);
        assert_counts(0, 0);
        // An interrupt needs no thread, nor does a sandbox that has a limit but has not started.
        let mut victim = Stoppable::new(&guest);
        assert!(victim.interrupted().0);
        victim.restored();
        let limited = SandboxOptions::new().timeout(Duration::from_secs(60));
        let host = libhyperlight_tests::uninitialized_with(&guest, limited);
        assert_counts(0, 0);
        let mut limited = host.evolve().unwrap();
        assert_counts(1, 0);
        let short = CallOptions::new().timeout(SHORT);
        times_out(SHORT, || limited.call_with::<()>(&short, "Spin", ()));
        drop(limited);
        assert_counts(1, 1);
        for _ in 0..20 {
            let mut victim = Stoppable::new(&guest);
            let options = CallOptions::new().timeout(SHORT).cpu_time(SHORT);
            times_out(SHORT, || victim.sandbox.call_with::<()>(&options, "Spin", ()));
        }
        assert_counts(1, 1);
    });
}

#[test]
fn threads_that_are_all_the_first_start_one_of_each() {
    for _ in 0..4 {
        // A process has one first time.
        in_own_process(|| {
            let guest = demo();
            let together = Barrier::new(8);
            thread::scope(|scope| {
                for _ in 0..8 {
                    scope.spawn(|| {
                        let mut sandbox = sandbox(&guest);
                        let options = CallOptions::new().timeout(Duration::from_secs(60));
                        together.wait();
                        sandbox.call_with::<()>(&options, "NoOp", ()).unwrap();
                        together.wait();
                        drop(sandbox);
                    });
                }
            });
            assert_counts(1, 1);
        });
    }
}

#[test]
fn they_have_every_signal_blocked() {
    in_own_process(|| {
        start_both(&demo());
        // But the two that cannot be blocked, and the two that the C library keeps for itself.
        let kept = only(libc::SIGKILL) | only(libc::SIGSTOP) | only(32) | only(33);
        for thread in timers().into_iter().chain(reapers()) {
            assert_eq!(thread.blocked | kept, u64::MAX, "{thread:?}");
            assert_eq!(thread.blocked & kept, 0, "{thread:?}");
        }
    });
}

fn start_both(guest: &Guest) {
    let mut victim = Stoppable::with(guest, SandboxOptions::new().timeout(SHORT));
    times_out(SHORT, || victim.sandbox.call::<()>("Spin", ()));
    drop(victim);
    assert_counts(1, 1);
}

#[test]
fn they_sleep_when_there_is_nothing_to_do() {
    in_own_process(|| {
        let guest = demo();
        start_both(&guest);
        let mut idle = Stoppable::with(&guest, SandboxOptions::new().timeout(SHORT));
        // Well, or too late: its deadline passes.
        let _ = idle.sandbox.call::<()>("NoOp", ());
        at_rest();
    });
}

#[test]
fn calls_in_time_do_not_wake_the_timer() {
    in_own_process(|| {
        let guest = demo();
        start_both(&guest);
        let mut busy = Stoppable::with(&guest, SandboxOptions::new().timeout(Duration::from_secs(3600)));
        assert_works(&mut busy.sandbox);
        let before = at_rest();
        (0..1000).for_each(|_| assert_works(&mut busy.sandbox));
        let wakings: u64 = wakings().iter().zip(&before).map(|(after, before)| after - before).sum();
        // A busy kernel puts them to sleep a few times for reasons of its own.
        assert!(wakings <= 20, "woke {wakings} times for 2000 calls");
    });
}

/// Waits until neither has woken up for half a second; the [`wakings`] by then. On a busy machine they may still have
/// to do what an idle one has long done.
fn at_rest() -> Vec<u64> {
    for _ in 0..60 {
        let before = wakings();
        thread::sleep(Duration::from_millis(500));
        if wakings() == before {
            return before;
        }
    }
    panic!("they wake up again and again")
}

/// The number of times that each of them has gone to sleep by itself.
fn wakings() -> Vec<u64> {
    let threads = timers().into_iter().chain(reapers());
    let count = |thread: Thread| {
        let status = fs::read_to_string(format!("/proc/self/task/{}/status", thread.id)).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
        line.unwrap().trim().parse().unwrap()
    };
    threads.map(count).collect()
}

#[test]
fn stopping_opens_no_file_and_what_is_open_is_closed_on_exec() {
    in_own_process(|| {
        let guest = demo();
        let inherited = harm::files();
        let host = uninitialized(&guest);
        let mut victim = Stoppable::from(host);
        // What snapshots and restores need is open from here on.
        assert!(victim.interrupted().0);
        victim.restored();
        let before = harm::files();
        for _ in 0..10 {
            let options = CallOptions::new().timeout(SHORT).cpu_time(SHORT);
            times_out(SHORT, || victim.sandbox.call_with::<()>(&options, "Spin", ()));
            victim.restored();
            assert!(victim.interrupted().0);
            victim.restored();
        }
        assert_eq!(harm::files(), before);
        for (fd, file) in before.into_iter().filter(|file| !inherited.contains(file)) {
            // SAFETY: the call only answers.
            let flags = unsafe { libc::fcntl(fd, libc::F_GETFD) };
            assert_eq!(flags & libc::FD_CLOEXEC, libc::FD_CLOEXEC, "{file}");
        }
    });
}
