//! The threads that compile, and the queue in front of them.
//!
//! A compilation takes as much memory as its program asks for, and as many processors as there are. So all threads of
//! the process together compile no more at once than the process has processors. Later ones wait, in the order of
//! arrival and within their time limit. The threads are made for one compilation and have ended when it returns: none
//! waits for work.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use rayon_core::ThreadPoolBuilder;

use crate::compile::Error;
use crate::deadline::Deadline;
use crate::process::PerProcess;

/// The name of the threads.
const NAME: &str = "hl-compile";

/// Bytes of each thread's stack: as many as the main thread of a program has.
const STACK: usize = 8 << 20;

/// The queue of the process. A forked child has none of the threads that were in its parent's.
static WAITERS: PerProcess<Waiters> = PerProcess::new();

#[derive(Debug, Default)]
struct Waiters {
    queue: Mutex<Queue>,
    changed: Condvar,
}

/// The compilations that run, and those that wait.
#[derive(Debug, Default)]
struct Queue {
    /// Processors that are compiling.
    busy: usize,
    /// The numbers of the waiting compilations, the first one first.
    waiting: VecDeque<u64>,
    next: u64,
}

/// The right to compile, on this many processors, until it is dropped.
#[derive(Debug)]
pub(crate) struct Turn {
    threads: usize,
}

impl Turn {
    /// Waits for a turn, and takes as many of the requested processors as are free then.
    pub fn wait(wanted: usize, deadline: Deadline) -> Result<Self, Error> {
        let processors = processors();
        let waiters = waiters();
        let mut queue = waiters.lock();
        let number = queue.next;
        queue.next = queue.next.wrapping_add(1);
        queue.waiting.push_back(number);
        loop {
            if queue.waiting.front() == Some(&number) && queue.busy < processors {
                queue.waiting.pop_front();
                let threads = wanted.clamp(1, processors - queue.busy);
                queue.busy += threads;
                drop(queue);
                // The next one may have a turn as well.
                waiters.changed.notify_all();
                return Ok(Self { threads });
            }
            if let Err(error) = deadline.check() {
                queue.waiting.retain(|waiting| *waiting != number);
                drop(queue);
                waiters.changed.notify_all();
                return Err(error);
            }
            queue = match deadline.left() {
                Some(left) => {
                    waiters.changed.wait_timeout(queue, left).unwrap_or_else(PoisonError::into_inner).0
                }
                None => waiters.changed.wait(queue).unwrap_or_else(PoisonError::into_inner),
            };
        }
    }

    pub fn threads(&self) -> usize {
        self.threads
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let waiters = waiters();
        let mut queue = waiters.lock();
        queue.busy = queue.busy.saturating_sub(self.threads);
        drop(queue);
        waiters.changed.notify_all();
    }
}

/// Processors that are available to the process.
pub(crate) fn processors() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

/// Runs work on threads that end with it, each of which obeys the deadline; `None` if no threads can be made.
pub(crate) fn run<T: Send>(threads: usize, deadline: Deadline, work: impl FnOnce() -> T + Send) -> Option<T> {
    thread::scope(|scope| {
        let mut started = Vec::new();
        let signals = Signals::block();
        let pool = ThreadPoolBuilder::new().num_threads(threads).spawn_handler(|member| {
            let builder = thread::Builder::new().name(NAME.to_owned()).stack_size(STACK);
            started.push(builder.spawn_scoped(scope, move || deadline.watch(|| member.run()))?);
            Ok(())
        });
        let pool = pool.build();
        // All threads have been started, with the mask of this one.
        drop(signals);
        let done = pool.ok().map(|pool| catch_unwind(AssertUnwindSafe(|| pool.install(work))));
        // The pool is gone, and its threads are about to end.
        for member in started {
            drop(member.join());
        }
        done.map(|done| done.unwrap_or_else(|panic| resume_unwind(panic)))
    })
}

fn waiters() -> &'static Waiters {
    WAITERS.get(|_| Waiters::default())
}

impl Waiters {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        // A panic while the queue is locked cannot leave it half-changed.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// All signals, blocked for this thread and for those that it starts: the program's handlers run on the program's own
/// threads.
struct Signals {
    before: libc::sigset_t,
}

impl Signals {
    fn block() -> Self {
        // SAFETY: `sigfillset` fills in the one, `pthread_sigmask` the other, and neither keeps a pointer.
        unsafe {
            let mut all = std::mem::zeroed();
            let mut before = std::mem::zeroed();
            libc::sigfillset(&raw mut all);
            libc::pthread_sigmask(libc::SIG_SETMASK, &raw const all, &raw mut before);
            Self { before }
        }
    }
}

impl Drop for Signals {
    fn drop(&mut self) {
        // SAFETY: the mask is the one that this thread had.
        unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &raw const self.before, std::ptr::null_mut()) };
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use super::*;

    /// Case 38.
    #[test]
    fn no_more_compile_at_once_than_there_are_processors() {
        let (busy, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        thread::scope(|scope| {
            for _ in 0..20 {
                scope.spawn(|| {
                    let turn = Turn::wait(usize::MAX, Deadline::after(Duration::MAX)).unwrap();
                    most.fetch_max(
                        busy.fetch_add(turn.threads(), Ordering::SeqCst) + turn.threads(),
                        Ordering::SeqCst,
                    );
                    thread::yield_now();
                    busy.fetch_sub(turn.threads(), Ordering::SeqCst);
                });
            }
        });
        assert!(most.into_inner() <= processors());
    }

    #[test]
    fn who_waits_has_a_limit_too_and_leaves_the_queue() {
        let all = Turn::wait(usize::MAX, Deadline::after(Duration::MAX)).unwrap();
        let rest: Vec<_> = (all.threads()..processors())
            .map(|_| Turn::wait(1, Deadline::after(Duration::MAX)).unwrap())
            .collect();
        let late = Turn::wait(1, Deadline::after(Duration::from_millis(10)));
        assert_eq!(late.unwrap_err(), Error::Timeout);
        drop((all, rest));
        assert!(Turn::wait(1, Deadline::after(Duration::MAX)).is_ok());
    }

    #[test]
    fn the_threads_obey_the_deadline_take_no_signal_and_are_gone_afterwards() {
        let masked = run(2, Deadline::after(Duration::MAX), || {
            // SAFETY: as above.
            unsafe {
                let mut mask = std::mem::zeroed();
                libc::pthread_sigmask(libc::SIG_BLOCK, std::ptr::null(), &raw mut mask);
                libc::sigismember(&raw const mask, libc::SIGTERM)
            }
        });
        assert_eq!(masked, Some(1));
        let late = Deadline::after(Duration::ZERO);
        let mut is_behind = false;
        let done = late.bound(|| {
            run(2, late, || {
                drop(cranelift_codegen::timing::compile());
                is_behind = true;
            })
        });
        assert_eq!((done, is_behind), (None, false));
        let named = |entry: std::io::Result<std::fs::DirEntry>| {
            let name = entry.map(|entry| std::fs::read_to_string(entry.path().join("comm")));
            name.is_ok_and(|name| name.is_ok_and(|name| name.trim() == NAME))
        };
        // The kernel lists a thread for a moment after its end.
        let began = std::time::Instant::now();
        while std::fs::read_dir("/proc/self/task").unwrap().any(named) {
            assert!(began.elapsed() < Duration::from_secs(60));
            thread::yield_now();
        }
    }
}
