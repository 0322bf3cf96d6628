//! The timer: one thread of the process that ends calls whose time is up.
//!
//! Arming costs two atomic operations, no system call: a call stores its deadline beside its run word, and wakes the
//! timer only if that would sleep longer. (A POSIX timer costs two system calls for each call, and is bound to one
//! thread.) When the timer wakes, at the earliest deadline, it looks at every armed sandbox. It starts with the first
//! call that has a limit, and blocks every signal, so that no handler of the program's runs on it.

use std::sync::atomic::{AtomicU64, Ordering, fence};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use super::run::{NEVER, RunState};
use super::signal;
use crate::clock;
use crate::error::{Error, Result};
use crate::process::PerProcess;

pub(super) struct Timer {
    /// The thread's next wake-up, on the monotonic clock.
    wakes_at: AtomicU64,
    watched: Mutex<Watched>,
    changed: Condvar,
}

#[derive(Default)]
struct Watched {
    runs: Vec<Weak<RunState>>,
    /// True once the thread was started.
    has_thread: bool,
}

impl Watched {
    /// Adds a sandbox. From time to time, dropped ones are removed here: the timer itself may not look for a year.
    fn push(&mut self, run: &Arc<RunState>) {
        if self.runs.len() == self.runs.capacity() {
            self.runs.retain(|weak| weak.strong_count() > 0);
            // The number may double before the next removal.
            self.runs.reserve(self.runs.len() + 1);
        }
        self.runs.push(Arc::downgrade(run));
    }
}

impl Timer {
    /// The timer of this process.
    pub fn get() -> Result<&'static Self> {
        static CURRENT: PerProcess<Timer> = PerProcess::new();
        CURRENT.get_or_try_make(|| {
            Ok(Self { wakes_at: AtomicU64::new(NEVER), watched: Mutex::default(), changed: Condvar::new() })
        })
    }

    /// Watches a sandbox until it is dropped. Starts the thread for the first one.
    pub fn watch(&'static self, run: &Arc<RunState>) -> Result<()> {
        let mut watched = self.watched();
        if !watched.has_thread {
            signal::without_signals(|| {
                std::thread::Builder::new().name("hl-timer".to_owned()).spawn(|| self.run())
            })
            .map_err(|source| Error::resource("starting the timer thread", source))?;
            watched.has_thread = true;
        }
        watched.push(run);
        Ok(())
    }

    /// Notifies the timer that a watched sandbox has stored a deadline.
    pub fn armed(&self, deadline: u64) {
        // Pairs with the fence in `run`: either this notices that the thread looks again, or the thread notices the
        // call.
        fence(Ordering::SeqCst);
        if deadline < self.wakes_at.load(Ordering::SeqCst) {
            let _lock = self.watched();
            self.changed.notify_one();
        }
    }

    fn run(&self) {
        let mut watched = self.watched();
        loop {
            // A deadline that is stored from here on wakes the thread; an earlier one is seen below.
            self.wakes_at.store(NEVER, Ordering::SeqCst);
            fence(Ordering::SeqCst);
            let now = clock::now(libc::CLOCK_MONOTONIC);
            let mut next = NEVER;
            watched.runs.retain(|weak| {
                let run = weak.upgrade();
                next = run.as_ref().map_or(next, |run| next.min(run.look(now)));
                run.is_some()
            });
            self.wakes_at.store(next, Ordering::SeqCst);
            watched = match next.checked_sub(clock::now(libc::CLOCK_MONOTONIC)) {
                Some(_) if next == NEVER => {
                    self.changed.wait(watched).unwrap_or_else(PoisonError::into_inner)
                }
                Some(sleep) => {
                    self.changed
                        .wait_timeout(watched, Duration::from_nanos(sleep))
                        .unwrap_or_else(PoisonError::into_inner)
                        .0
                }
                None => watched,
            };
        }
    }

    fn watched(&self) -> MutexGuard<'_, Watched> {
        self.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn sandboxes_that_are_gone_are_not_kept() {
        let run = || Arc::new(RunState::new().unwrap());
        let (mut watched, alive) = (Watched::default(), run());
        watched.push(&alive);
        for _ in 0..100_000 {
            watched.push(&run());
        }
        assert!(watched.runs.capacity() < 100, "{} are kept", watched.runs.len());
        assert!(watched.runs.iter().any(|weak| weak.strong_count() > 0));

        let many: Vec<_> = (0..1000).map(|_| run()).collect();
        many.iter().for_each(|run| watched.push(run));
        assert_eq!(watched.runs.iter().filter(|weak| weak.strong_count() > 0).count(), 1001);
    }
}
