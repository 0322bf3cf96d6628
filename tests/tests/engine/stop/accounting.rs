//! Many sandboxes and threads, with interrupts at any moment. Every interrupt that reports success has ended one call,
//! of its own sandbox, and no call ends without one.
//!
//! The counts are exact because a target is interrupted again only when its last interrupted call has ended.
#![expect(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use libhyperlight::{ErrorCode, Guest, InterruptHandle, Result};
use libhyperlight_tests::random::Random;
use libhyperlight_tests::stop::Stoppable;
use libhyperlight_tests::{assert_works, demo, fails_with, on_each_guest};

/// A sandbox from the cancellers' side.
#[derive(Debug)]
struct Target {
    handle: InterruptHandle,
    /// Held by the thread that interrupts.
    canceller: Mutex<()>,
    /// Interrupts that reported success.
    hits: AtomicU64,
    /// Calls that ended as interrupted.
    ended: AtomicU64,
}

impl Target {
    /// The two sides of a new sandbox.
    fn new(guest: &Guest) -> (Arc<Self>, Stoppable) {
        let runner = Stoppable::new(guest);
        let (hits, ended) = (AtomicU64::new(0), AtomicU64::new(0));
        let handle = runner.handle.clone();
        (Arc::new(Self { handle, canceller: Mutex::default(), hits, ended }), runner)
    }

    /// Interrupts, unless the last interrupted call has not ended yet. Returns true if there was a call to stop.
    fn interrupt(&self) -> bool {
        let Ok(_one_at_a_time) = self.canceller.try_lock() else { return false };
        let is_due = self.hits.load(Ordering::SeqCst) == self.ended.load(Ordering::SeqCst);
        let hit = is_due && self.handle.interrupt();
        self.hits.fetch_add(u64::from(hit), Ordering::SeqCst);
        hit
    }

    /// Counts the outcome of a call, and restores the sandbox if it was stopped. Returns true if it was.
    fn book<T: std::fmt::Debug>(&self, runner: &mut Stoppable, result: Result<T>) -> bool {
        let Err(error) = result else { return false };
        fails_with::<()>(ErrorCode::Interrupted, Err(error));
        self.ended.fetch_add(1, Ordering::SeqCst);
        runner.sandbox.restore(&runner.fresh).unwrap();
        true
    }

    fn assert_balanced(&self) {
        let (hits, ended) = (self.hits.load(Ordering::SeqCst), self.ended.load(Ordering::SeqCst));
        assert_eq!(hits, ended, "interrupts that hit, calls that ended");
    }
}

/// Interrupts targets at random while `runners` run. Returns the number of successes.
fn interrupt_while(targets: &[Arc<Target>], cancellers: u64, runners: impl FnOnce()) -> u64 {
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        for canceller in 0..cancellers {
            let (is_over, mut random) = (&is_over, Random::new(canceller));
            scope.spawn(move || {
                while !is_over.load(Ordering::Relaxed) {
                    let pause = random.number() % 300;
                    targets[random.below(targets.len())].interrupt();
                    thread::sleep(Duration::from_micros(pause));
                }
            });
        }
        runners();
        is_over.store(true, Ordering::Relaxed);
    });
    targets.iter().for_each(|target| target.assert_balanced());
    targets.iter().map(|target| target.hits.load(Ordering::SeqCst)).sum()
}

#[test]
fn of_many_sandboxes_on_one_thread_the_target_alone_is_hit() {
    on_each_guest(|guest| {
        let mut all: Vec<_> = (0..4).map(|_| Stoppable::new(guest)).collect();
        let mut random = Random::new(1);
        for _ in 0..500 {
            let target = random.below(all.len());
            for (number, victim) in all.iter_mut().enumerate() {
                if number == target {
                    assert!(victim.interrupted().0);
                    victim.sandbox.restore(&victim.fresh).unwrap();
                } else {
                    let count = victim.sandbox.call::<u32>("HostCallLoop", ("Inside", 2_u32));
                    assert_eq!(count.unwrap(), 2);
                }
            }
        }
    });
}

#[test]
fn of_many_sandboxes_on_one_thread_the_target_alone_is_hit_at_any_moment() {
    let guest = demo();
    let mut all: Vec<_> = (0..4).map(|_| Target::new(&guest)).collect();
    let target = Arc::clone(&all[2].0);
    let hits = interrupt_while(&[Arc::clone(&target)], 2, || {
        for _ in 0..500 {
            for (own, runner) in &mut all {
                let result = runner.sandbox.call::<u32>("HostCallLoop", ("Inside", 5_u32));
                let was_stopped = own.book(runner, result);
                assert!(!was_stopped || Arc::ptr_eq(own, &target), "a stranger was hit");
            }
        }
    });
    println!("{hits} of 500 calls were hit");
}

#[test]
fn a_sandbox_is_hit_wherever_it_has_moved_to() {
    on_each_guest(|guest| {
        let (target, mut runner) = Target::new(guest);
        for round in 0..20 {
            runner = thread::spawn(move || {
                if round % 2 == 0 {
                    assert!(runner.interrupted().0);
                    runner.sandbox.restore(&runner.fresh).unwrap();
                }
                assert_works(&mut runner.sandbox);
                runner
            })
            .join()
            .unwrap();
            // Here, again, and by a handle that was made on another thread.
            assert!(!target.handle.interrupt());
            assert!(runner.interrupted().0);
            runner.restored();
        }
    });
}

#[test]
fn random_interrupts_at_pooled_sandboxes_are_accounted_for_exactly() {
    const THREADS: u64 = 24;
    const ITERATIONS: u64 = 80;
    let guest = demo();
    let (targets, pool): (Vec<_>, Vec<_>) = (0..THREADS).map(|_| Target::new(&guest)).unzip();
    let pool: Mutex<Vec<_>> = Mutex::new(targets.iter().cloned().zip(pool).collect());
    let done = AtomicU64::new(0);
    let hits = interrupt_while(&targets, 4, || {
        thread::scope(|scope| {
            for seed in 0..THREADS {
                let (pool, done, mut random) = (&pool, &done, Random::new(seed + 100));
                scope.spawn(move || {
                    for _ in 0..ITERATIONS {
                        let (target, mut runner) = {
                            let mut pool = pool.lock().unwrap();
                            let any = random.below(pool.len());
                            pool.swap_remove(any)
                        };
                        let stopped = match random.below(3) {
                            0 => {
                                let result = runner.sandbox.call::<u64>("SpinForMs", (2_u32,));
                                target.book(&mut runner, result)
                            }
                            1 => {
                                let result = runner.sandbox.call::<u32>("HostCallLoop", ("Inside", 30_u32));
                                target.book(&mut runner, result)
                            }
                            _ => {
                                let result = runner.sandbox.call::<String>("Echo", ("text",));
                                target.book(&mut runner, result)
                            }
                        };
                        done.fetch_add(u64::from(!stopped), Ordering::Relaxed);
                        pool.lock().unwrap().push((target, runner));
                    }
                });
            }
        });
    });
    println!("{hits} of {} calls were hit", THREADS * ITERATIONS);
    assert_eq!(hits + done.into_inner(), THREADS * ITERATIONS);
    for (_, runner) in pool.lock().unwrap().iter_mut() {
        assert_works(&mut runner.sandbox);
    }
}

#[test]
fn endless_calls_on_many_threads_are_each_ended_by_an_interrupt() {
    const THREADS: u64 = 24;
    const ITERATIONS: u64 = 25;
    on_each_guest(|guest| {
        let (targets, runners): (Vec<_>, Vec<_>) = (0..THREADS).map(|_| Target::new(guest)).unzip();
        let hits = interrupt_while(&targets, 3, || {
            thread::scope(|scope| {
                for (target, mut runner) in targets.iter().zip(runners) {
                    scope.spawn(move || {
                        for _ in 0..ITERATIONS {
                            let result = runner.sandbox.call::<()>("Spin", ());
                            assert!(target.book(&mut runner, result));
                        }
                    });
                }
            });
        });
        assert_eq!(hits, THREADS * ITERATIONS);
    });
}

#[test]
fn endless_calls_of_sandboxes_that_go_round_among_threads_are_each_ended_by_an_interrupt() {
    const THREADS: usize = 16;
    const SANDBOXES: usize = 16;
    const ROUNDS: usize = 2;
    let guest = demo();
    let (targets, runners): (Vec<_>, Vec<_>) = (0..SANDBOXES).map(|_| Target::new(&guest)).unzip();
    let hits = interrupt_while(&targets, 3, || {
        let (first, mut receive) = channel::<(Arc<Target>, Stoppable)>();
        thread::scope(|scope| {
            for _ in 0..THREADS * ROUNDS {
                let (next, receive_next) = channel();
                let from = std::mem::replace(&mut receive, receive_next);
                scope.spawn(move || {
                    for (target, mut runner) in from {
                        let result = runner.sandbox.call::<()>("Spin", ());
                        assert!(target.book(&mut runner, result));
                        next.send((target, runner)).unwrap();
                    }
                });
            }
            for (target, runner) in targets.iter().zip(runners) {
                first.send((Arc::clone(target), runner)).unwrap();
            }
            drop(first);
            assert_eq!(receive.iter().count(), SANDBOXES);
        });
    });
    assert_eq!(hits, (THREADS * ROUNDS * SANDBOXES) as u64);
}

#[test]
fn eight_threads_that_interrupt_at_once_end_one_call() {
    on_each_guest(|guest| {
        let mut victim = Stoppable::new(guest);
        for _ in 0..50 {
            let before = victim.inside.count();
            let Stoppable { sandbox, handle, inside, .. } = &mut victim;
            let hits: u64 = thread::scope(|scope| {
                let cancellers: Vec<_> = (0..8)
                    .map(|_| {
                        scope.spawn(|| {
                            inside.wait(before);
                            u64::from(handle.interrupt()) + u64::from(handle.interrupt())
                        })
                    })
                    .collect();
                fails_with(ErrorCode::Interrupted, sandbox.call::<()>("CallHostThenSpin", ("Inside",)));
                cancellers.into_iter().map(|canceller| canceller.join().unwrap()).sum()
            });
            // Who comes late finds no call any more; one at least has ended it.
            assert!((1..=16).contains(&hits), "{hits}");
            assert!(!victim.handle.interrupt());
            victim.restored();
        }
    });
}

#[test]
fn ten_thousand_stopped_calls_leave_no_stale_interrupt_and_no_stale_memory() {
    let guest = demo();
    let (target, mut runner) = Target::new(&guest);
    let hits = interrupt_while(&[Arc::clone(&target)], 1, || {
        for _ in 0..10_000 {
            let result = runner.sandbox.call::<i32>("AddToStatic", (1,));
            let result = result.and_then(|_| runner.sandbox.call::<u32>("HostCallLoop", ("Inside", 3_u32)));
            if !target.book(&mut runner, result) {
                runner.sandbox.restore(&runner.fresh).unwrap();
            }
        }
    });
    assert_eq!(runner.sandbox.call::<i32>("GetStatic", ()).unwrap(), 0);
    println!("{hits} of 20000 calls were hit");
}
