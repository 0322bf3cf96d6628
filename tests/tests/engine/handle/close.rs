//! Closing: by any thread, at any moment, once.
#![expect(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};
use std::thread;

use libhyperlight::handle::{Handle, Operation, State};
use libhyperlight::{ErrorCode, Pool, PoolOptions};
use libhyperlight_tests::{demo, sandbox, uninitialized};

/// Something that a sandbox owns, and that counts how often it was dropped.
struct Owned(Arc<AtomicUsize>);

impl Drop for Owned {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// A handle whose host function owns something.
fn counted(drops: &Arc<AtomicUsize>) -> Handle {
    let (mut sandbox, owned) = (uninitialized(&demo()), Owned(Arc::clone(drops)));
    sandbox.register("Owner", move || drop(Arc::clone(&owned.0))).unwrap();
    Handle::new(sandbox)
}

#[test]
fn whoever_fights_over_a_handle_is_alone_inside_and_it_is_closed_once() {
    const USERS: usize = 4;
    for _ in 0..200 {
        let drops = Arc::new(AtomicUsize::new(0));
        let (handle, barrier, is_inside) = (counted(&drops), Barrier::new(USERS + 2), AtomicBool::new(false));
        let taken = AtomicUsize::new(0);
        thread::scope(|scope| {
            for _ in 0..USERS {
                scope.spawn(|| {
                    barrier.wait();
                    loop {
                        match handle.enter(Operation::Register) {
                            Ok(mut inside) => {
                                assert!(!is_inside.swap(true, Ordering::SeqCst), "two are inside");
                                assert!(!inside.uninitialized().unwrap().unregister("Nothing").unwrap());
                                inside.hand_over();
                                is_inside.store(false, Ordering::SeqCst);
                                taken.fetch_add(usize::from(inside.leave().is_some()), Ordering::SeqCst);
                            }
                            Err(error) if error.code() == ErrorCode::Busy => thread::yield_now(),
                            Err(error) => {
                                assert_eq!(error.code(), ErrorCode::Closed, "{error}");
                                break;
                            }
                        }
                    }
                });
            }
            for _ in 0..2 {
                scope.spawn(|| {
                    barrier.wait();
                    for _ in 0..10 {
                        thread::yield_now();
                    }
                    taken.fetch_add(usize::from(handle.close().is_some()), Ordering::SeqCst);
                    assert_eq!(handle.state(), State::Closed);
                });
            }
        });
        assert_eq!(taken.load(Ordering::SeqCst), 1);
        assert_eq!(drops.load(Ordering::SeqCst), 1);
    }
}

#[test]
fn what_is_left_belongs_to_whoever_leaves_last() {
    let drops = Arc::new(AtomicUsize::new(0));
    let handle = counted(&drops);
    let inside = handle.enter(Operation::Evolve).unwrap();
    assert!(handle.close().is_none());
    assert_eq!((handle.state(), drops.load(Ordering::SeqCst)), (State::Closed, 0));
    let remains = inside.leave().unwrap();
    assert_eq!(drops.load(Ordering::SeqCst), 0);
    drop(remains);
    assert_eq!(drops.load(Ordering::SeqCst), 1);
    assert!(handle.close().is_none());
}

#[test]
fn a_user_that_is_dropped_leaves_and_takes_away_what_was_closed() {
    let drops = Arc::new(AtomicUsize::new(0));
    let handle = counted(&drops);
    drop(handle.enter(Operation::Register).unwrap());
    assert_eq!(handle.state(), State::Uninitialized);
    let inside = handle.enter(Operation::Register).unwrap();
    assert_eq!(handle.state(), State::Running);
    assert!(handle.close().is_none());
    drop(inside);
    assert_eq!(drops.load(Ordering::SeqCst), 1);
}

#[test]
fn a_handle_that_is_forgotten_takes_its_sandbox_along() {
    let drops = Arc::new(AtomicUsize::new(0));
    let handle = counted(&drops);
    let inside = handle.enter(Operation::Register).unwrap();
    drop(handle);
    assert_eq!(drops.load(Ordering::SeqCst), 0);
    drop(inside);
    assert_eq!(drops.load(Ordering::SeqCst), 1);
}

#[test]
fn a_member_goes_back_when_its_user_leaves_and_clean_if_asked() {
    let snapshot = sandbox(&demo()).snapshot().unwrap();
    let pool = Pool::new(&snapshot, PoolOptions::new().max(1)).unwrap();
    for is_cleaned in [false, true] {
        let handle = Handle::pooled(pool.acquire().unwrap());
        let mut inside = handle.enter(Operation::Call).unwrap();
        inside.sandbox().unwrap().call::<()>("Panic", ("no",)).unwrap_err();
        assert!(handle.close().is_none());
        assert_eq!(pool.statistics().unwrap().in_use, 1);
        let mut remains = inside.leave().unwrap();
        if is_cleaned {
            remains.clean();
        }
        drop(remains);
        assert_eq!(pool.statistics().unwrap().in_use, 0);
        // One that is given back clean is idle at once, and is not made anew.
        assert!(!is_cleaned || pool.statistics().unwrap().idle == 1);
    }
    assert_eq!(pool.acquire().unwrap().call::<i32>("GetStatic", ()).unwrap(), 0);
}
