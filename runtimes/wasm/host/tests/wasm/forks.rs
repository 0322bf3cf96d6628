//! Compiling in a forked child of a process whose other threads compile.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use libhyperlight_wasm::{Options, precompile};

/// Seconds that a child has: it ends within one of them, or never.
const PATIENCE: u32 = 60;

/// The exit status of a child that has compiled.
const DONE: i32 = 7;

/// Locks that the threads of the parent held at the fork stay locked in the child for ever: those of the queue, of the
/// cache, and of the compiler itself.
#[test]
fn a_child_compiles_whatever_the_threads_of_its_parent_were_doing() {
    let stop = AtomicBool::new(false);
    // It was compiled before: the lock is held for a good part of the time that looking for it takes.
    let known = program(0);
    let outcomes = thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    assert!(precompile(&known, &Options::new()).is_ok());
                }
            });
        }
        scope.spawn(|| {
            (1..).take_while(|_| !stop.load(Ordering::Relaxed)).for_each(|number| assert!(compiles(number)))
        });
        let outcomes: Vec<_> =
            (0..300).map(|number| status_of_child(|| compiles(1 << 20 | number))).collect();
        stop.store(true, Ordering::Relaxed);
        outcomes
    });
    let hung = outcomes.iter().filter(|status| **status != DONE << 8).count();
    assert_eq!(hung, 0, "of {} children: {outcomes:?}", outcomes.len());
}

/// A child finds what its parent has compiled, unless that was being changed.
#[test]
fn a_child_of_one_thread_has_what_its_parent_has_compiled() {
    let status = status_of_child(|| {
        precompile(&program(2 << 20), &Options::new()).is_ok_and(|compiled| {
            let address = compiled.code().as_ptr();
            let status = status_of_child(|| {
                precompile(&program(2 << 20), &Options::new())
                    .is_ok_and(|again| again.code().as_ptr() == address)
            });
            status == DONE << 8
        })
    });
    assert_eq!(status, DONE << 8);
}

/// A module that differs from those of other numbers.
fn program(number: usize) -> Vec<u8> {
    wat::parse_str(format!("(module (func (export \"f\") (result i32) (i32.const {number})))")).unwrap()
}

fn compiles(number: usize) -> bool {
    precompile(&program(number), &Options::new()).is_ok()
}

/// The status of a child that does some work, by `waitpid`.
fn status_of_child(work: impl FnOnce() -> bool) -> i32 {
    // SAFETY: the child runs the work and ends, without going back into the program of tests.
    unsafe {
        match libc::fork() {
            0 => {
                libc::alarm(PATIENCE);
                let is_done = work();
                libc::_exit(if is_done { DONE } else { 1 });
            }
            child => {
                assert!(child > 0, "{}", std::io::Error::last_os_error());
                let mut status = 0;
                assert_eq!(libc::waitpid(child, &raw mut status, 0), child);
                status
            }
        }
    }
}
