//! Pools: every member is in the snapshot's state, whoever had it before; waiters are served in turn.
#![expect(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use libhyperlight::{ErrorCode, Pool, PoolOptions, PooledSandbox, SandboxOptions, Snapshot};
use libhyperlight_tests::process::in_own_process;
use libhyperlight_tests::{demo, fails_with, harm, sandbox, seccomp, uninitialized};

/// Longer than any machine takes.
const PATIENCE: Duration = Duration::from_secs(60);

fn snapshot() -> Snapshot {
    let mut sandbox = uninitialized(&demo()).evolve().unwrap();
    sandbox.call::<i32>("AddToStatic", (100,)).unwrap();
    sandbox.snapshot().unwrap()
}

fn pool(options: PoolOptions) -> Pool {
    let pool = Pool::new(&snapshot(), options).unwrap();
    pool.register("HostPrint", |text: String| i32::try_from(text.len()).unwrap()).unwrap();
    pool
}

fn bump(member: &mut PooledSandbox) -> i32 {
    member.call("AddToStatic", (1,)).unwrap()
}

#[test]
fn every_checkout_is_pristine() {
    let pool = pool(PoolOptions::new().max(2));
    for _ in 0..100 {
        let mut member = pool.acquire().unwrap();
        assert_eq!(bump(&mut member), 101);
        assert_eq!(bump(&mut member), 102);
    }
    assert_eq!(pool.statistics().unwrap().created, 1);
}

#[test]
fn a_member_that_was_poisoned_comes_back_clean() {
    let pool =
        pool(PoolOptions::new().max(1).sandbox(SandboxOptions::new().cpu_time(Duration::from_millis(50))));
    for function in ["Spin", "InfiniteRecursion", "ExecuteOnHeap", "ExhaustHeap"] {
        let mut member = pool.acquire().unwrap();
        member.call::<()>(function, ()).unwrap_err();
        fails_with(ErrorCode::Poisoned, member.call::<()>("NoOp", ()));
        drop(member);
        // There is one member at most: this waits until that one has been cleaned.
        let mut member = pool.acquire_within(PATIENCE).unwrap();
        assert_eq!(bump(&mut member), 101, "after {function}");
    }
    let statistics = pool.statistics().unwrap();
    assert_eq!((statistics.created, statistics.replaced), (1, 0));
}

#[test]
fn a_member_that_its_user_restored_elsewhere_comes_back_to_the_pools_snapshot() {
    let pool = pool(PoolOptions::new().max(1));
    let mut other = uninitialized(&demo()).evolve().unwrap();
    let elsewhere = other.snapshot().unwrap();
    let mut member = pool.acquire().unwrap();
    member.restore(&elsewhere).unwrap();
    assert_eq!(bump(&mut member), 1);
    drop(member);
    assert_eq!(bump(&mut pool.acquire_within(PATIENCE).unwrap()), 101);
}

#[test]
fn a_user_who_swaps_the_sandbox_for_another_harms_nobody_else() {
    let pool = pool(PoolOptions::new().max(1));
    let mut member = pool.acquire().unwrap();
    *member = sandbox(&libhyperlight_tests::demo_c());
    drop(member);
    assert_eq!(bump(&mut pool.acquire_within(PATIENCE).unwrap()), 101);
    assert_eq!(pool.statistics().unwrap().replaced, 1);
}

#[test]
fn nor_does_one_who_swaps_it_for_one_of_the_same_guest() {
    let adding = |sum: fn(i32, i32) -> i32| {
        let mut host = uninitialized(&demo());
        host.register("HostAdd", sum).unwrap();
        host
    };
    let snapshot = adding(|a, b| a + b).evolve().unwrap().snapshot().unwrap();
    let pool = Pool::new(&snapshot, PoolOptions::new().max(1)).unwrap();
    pool.register("HostPrint", |text: String| i32::try_from(text.len()).unwrap()).unwrap();
    pool.register("HostAdd", |a: i32, b: i32| a + b).unwrap();
    let mut member = pool.acquire().unwrap();
    // Everything that a restore asks for is the same: the guest, the sizes, the signatures.
    let mut mine = adding(|_, _| 666).evolve().unwrap();
    std::mem::swap(&mut *member, &mut mine);
    assert_eq!(member.call::<i32>("Add", (2, 3)).unwrap(), 666);
    drop(member);
    let statistics = pool.statistics().unwrap();
    assert_eq!((statistics.in_use, statistics.idle, statistics.replaced), (0, 0, 1));
    let mut next = pool.acquire_within(PATIENCE).unwrap();
    assert_eq!(next.call::<i32>("Add", (2, 3)).unwrap(), 5);
    // Nor has the sandbox that was taken away lost anything; and two members may change places.
    assert_eq!(mine.call::<i32>("Add", (2, 3)).unwrap(), 5);
    std::mem::swap(&mut *next, &mut mine);
    drop(next);
    assert_eq!(pool.statistics().unwrap().replaced, 1);
}

#[test]
fn handles_and_hooks_of_one_user_do_not_reach_the_next() {
    let pool = pool(PoolOptions::new().max(1));
    let mut member = pool.acquire().unwrap();
    let handle = member.interrupt_handle().unwrap();
    drop(member);
    let (started, has_started) = mpsc::channel();
    let stop = Arc::new(AtomicUsize::new(0));
    let stopping = Arc::clone(&stop);
    let firing = thread::spawn(move || {
        has_started.recv().unwrap();
        let mut hits = 0;
        while stopping.load(Ordering::Relaxed) == 0 {
            hits += usize::from(handle.interrupt());
        }
        hits
    });
    let mut member = pool.acquire().unwrap();
    started.send(()).unwrap();
    for _ in 0..200 {
        member.call::<()>("NoOp", ()).unwrap();
    }
    stop.store(1, Ordering::Relaxed);
    assert_eq!(firing.join().unwrap(), 0);
}

#[test]
fn who_waits_is_served_in_the_order_of_arrival() {
    let pool = Arc::new(pool(PoolOptions::new().max(1)));
    let member = pool.acquire().unwrap();
    let (served, order) = mpsc::channel();
    let waiters: Vec<_> = (0..5)
        .map(|number| {
            let (pool, served) = (Arc::clone(&pool), served.clone());
            let waits = pool.statistics().unwrap().waits;
            let waiter = thread::spawn({
                let pool = Arc::clone(&pool);
                move || {
                    let member = pool.acquire_within(PATIENCE).unwrap();
                    served.send(number).unwrap();
                    drop(member);
                }
            });
            // The next comes when this one stands in the queue.
            while pool.statistics().unwrap().waits == waits {
                thread::yield_now();
            }
            waiter
        })
        .collect();
    drop(member);
    waiters.into_iter().for_each(|waiter| waiter.join().unwrap());
    assert_eq!(order.try_iter().collect::<Vec<_>>(), [0, 1, 2, 3, 4]);
    let statistics = pool.statistics().unwrap();
    assert_eq!((statistics.waits, statistics.created), (5, 1));
    assert!(statistics.waited > Duration::ZERO);
}

#[test]
fn who_waits_too_long_is_told_so_and_loses_nothing() {
    let pool = pool(PoolOptions::new().max(1).acquire_timeout(Duration::from_millis(20)));
    let member = pool.acquire().unwrap();
    let begun = Instant::now();
    let error = fails_with(ErrorCode::PoolTimeout, pool.acquire());
    assert!(begun.elapsed() >= Duration::from_millis(20));
    assert!(error.message().contains("acquire_timeout"), "{error}");
    drop(member);
    assert_eq!(bump(&mut pool.acquire().unwrap()), 101);
    assert_eq!(pool.statistics().unwrap().in_use, 0);
}

#[test]
fn many_threads_share_a_few_members_and_each_finds_its_own_pristine() {
    let pool = Arc::new(pool(PoolOptions::new().max(3).min_idle(1)));
    let start = Arc::new(Barrier::new(8));
    let threads: Vec<_> = (0..8)
        .map(|_| {
            let (pool, start) = (Arc::clone(&pool), Arc::clone(&start));
            thread::spawn(move || {
                start.wait();
                for _ in 0..100 {
                    let mut member = pool.acquire_within(PATIENCE).unwrap();
                    assert_eq!((bump(&mut member), bump(&mut member)), (101, 102));
                }
            })
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    let statistics = pool.statistics().unwrap();
    assert!(statistics.created <= 3, "{statistics:?}");
    assert_eq!((statistics.in_use, statistics.replaced), (0, 0));
}

#[test]
fn the_reserve_is_filled_without_being_asked() {
    let pool = pool(PoolOptions::new().max(4).min_idle(3));
    drop(pool.acquire().unwrap());
    let deadline = Instant::now() + PATIENCE;
    while pool.statistics().unwrap().idle < 3 {
        assert!(Instant::now() < deadline, "{:?}", pool.statistics());
        thread::yield_now();
    }
    assert_eq!(pool.statistics().unwrap().created, 3);
}

#[test]
fn members_that_nobody_uses_go_down_to_the_reserve() {
    let pool = pool(PoolOptions::new().max(5).min_idle(2).stale_after(Duration::from_millis(20)));
    let members: Vec<_> = (0..5).map(|_| pool.acquire().unwrap()).collect();
    drop(members);
    let deadline = Instant::now() + PATIENCE;
    loop {
        let idle = pool.statistics().unwrap().idle;
        assert!(idle >= 2, "{idle} are fewer than the reserve");
        if idle == 2 {
            break;
        }
        assert!(Instant::now() < deadline, "{:?}", pool.statistics());
        thread::yield_now();
    }
    // Several times as long as it takes to let the next one go.
    let later = Instant::now() + Duration::from_millis(200);
    while Instant::now() < later {
        assert_eq!(pool.statistics().unwrap().idle, 2);
        thread::sleep(Duration::from_millis(1));
    }
    // Of the five none was replaced by a new one.
    assert_eq!(pool.statistics().unwrap().created, 5);
}

#[test]
fn a_thread_gets_the_member_that_it_used_last() {
    in_own_process(|| {
        const WRITTEN: u32 = 500;
        const MUCH: u64 = WRITTEN as u64 * 4096 * 3 / 4;
        let pool = pool(PoolOptions::new().max(2));
        let write = |mut member: PooledSandbox| {
            member.call::<u32>("DirtyPages", (WRITTEN,)).unwrap();
        };
        // A member keeps the pages that it has written once. Only this thread writes so many: a second member that did
        // would show.
        let (mine, others) = (pool.acquire().unwrap(), pool.acquire().unwrap());
        let none = harm::anonymous();
        write(mine);
        let one = harm::anonymous();
        assert!(one > none + MUCH);
        // The other member is given back last, each time, by another thread.
        let mut others = Some(others);
        for _ in 0..5 {
            thread::scope(|scope| scope.spawn(|| drop(others.take())).join().unwrap());
            let mine = pool.acquire().unwrap();
            others = Some(thread::scope(|scope| scope.spawn(|| pool.acquire().unwrap()).join().unwrap()));
            write(mine);
            assert!(harm::anonymous() < one + MUCH);
        }
        write(others.unwrap());
        assert!(harm::anonymous() > one + MUCH, "or this test shows nothing");
    });
}

#[test]
fn dropping_a_pool_destroys_no_machine_on_the_callers_path() {
    const MEMBERS: usize = 100;
    let machines = || {
        let maps = fs::read_to_string("/proc/self/maps").unwrap();
        maps.lines().filter(|line| line.contains(" rw-p ") && line.contains("memfd:hyperlight")).count()
    };
    in_own_process(|| {
        // With this the thread that destroys them is there.
        drop(sandbox(&demo()));
        let pool = pool(PoolOptions::new().max(MEMBERS).min_idle(MEMBERS));
        drop(pool.acquire().unwrap());
        harm::wait_until(|| pool.statistics().unwrap().idle == MEMBERS as u64);
        assert!(machines() >= MEMBERS);
        let dropping = thread::spawn(|| {
            // Who destroys a machine unmaps its memory: what this thread destroys stays for ever.
            seccomp::forbid(libc::SYS_munmap, libc::EPERM);
            drop(pool);
        });
        dropping.join().unwrap();
        harm::wait_until(|| machines() == 0);
    });
}

#[test]
fn a_closed_pool_turns_waiters_away_and_its_members_live_on() {
    let pool = pool(PoolOptions::new().max(1));
    let mut member = pool.acquire().unwrap();
    let pool = Arc::new(pool);
    let weak = Arc::downgrade(&pool);
    drop(pool);
    assert!(weak.upgrade().is_none());
    assert_eq!(bump(&mut member), 101);
    drop(member);
}

#[test]
fn host_functions_are_registered_before_the_first_acquisition() {
    let pool = pool(PoolOptions::new().max(1));
    pool.register("HostAdd", |a: i32, b: i32| a + b).unwrap();
    let mut member = pool.acquire().unwrap();
    assert_eq!(member.call::<i32>("Add", (2, 3)).unwrap(), 5);
    fails_with(ErrorCode::State, pool.register("Late", || ()));
}

#[test]
fn members_need_the_host_functions_that_the_snapshot_needs() {
    let mut host = uninitialized(&demo());
    host.register("HostAdd", |a: i32, b: i32| a + b).unwrap();
    let snapshot = host.evolve().unwrap().snapshot().unwrap();
    let pool = Pool::new(&snapshot, PoolOptions::new().max(1)).unwrap();
    let error = fails_with(ErrorCode::SnapshotMismatch, pool.acquire());
    assert!(error.message().contains("HostAdd"), "{error}");
    // The place is free again, and the mend works.
    pool.register("HostAdd", |a: i32, b: i32| a + b).unwrap();
    assert_eq!(pool.acquire().unwrap().call::<i32>("Add", (2, 3)).unwrap(), 5);
}

#[test]
fn impossible_options_are_refused() {
    let snapshot = snapshot();
    let options = PoolOptions::new().max(2).min_idle(3);
    let error = fails_with(ErrorCode::InvalidArgument, Pool::new(&snapshot, options));
    assert!(error.message().contains("min_idle"), "{error}");
    let options = PoolOptions::new().sandbox(SandboxOptions::new().heap_size(1 << 30));
    fails_with(ErrorCode::InvalidArgument, Pool::new(&snapshot, options));
}

#[test]
fn closing_a_pool_turns_away_who_waits_and_who_comes() {
    let pool = Arc::new(pool(PoolOptions::new().max(1)));
    let member = pool.acquire().unwrap();
    let waiter = thread::spawn({
        let pool = Arc::clone(&pool);
        move || pool.acquire_within(PATIENCE).map(drop)
    });
    while pool.statistics().unwrap().waits == 0 {
        thread::yield_now();
    }
    pool.close();
    fails_with(ErrorCode::Closed, waiter.join().unwrap());
    fails_with(ErrorCode::Closed, pool.acquire());
    drop(member);
}
