//! Destroys virtual machines off the caller's path.
//!
//! Closing one takes KVM 0.2 ms on a quiet machine, and milliseconds when the processors are busy. One thread of the
//! process does it, started with the first machine that is dropped. A waiting machine still has its memory and two
//! descriptors, so the queue is bounded: a program that makes and drops machines faster than the thread runs destroys
//! the next one itself. The members of a pool that ends are an exception: all are dropped at once, once, and were all
//! alive before.
//!
//! While a machine is closed, KVM waits inside the kernel for a thread of its own that belongs to this process (Linux
//! 6.13 and later, `kvm-nx-lpage-recovery`). A tool that stops all threads meanwhile and waits for that, as
//! LeakSanitizer does at exit, stops that thread first and then waits for ever. So no machine is being closed any more
//! once the process runs its exit handlers: the kernel closes the remaining ones after them.

use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Condvar, Mutex, MutexGuard, Once, PoisonError};
use std::time::Duration;

use super::Machine;
use crate::error::Result;
use crate::process::PerProcess;
use crate::stop::signal;

/// Bound of the queue while more machines are made.
const BACKLOG: usize = 32;

thread_local! {
    /// True while this thread drops machines that will not be replaced.
    static ENDS: Cell<bool> = const { Cell::new(false) };
}

/// Drops machines that will not be replaced: any number of them may wait for the thread.
pub(crate) fn destroy_all<T>(machines: Vec<T>) {
    /// Resets the mark, even if a drop of the program's own panics.
    struct Reset(bool);
    impl Drop for Reset {
        fn drop(&mut self) {
            ENDS.set(self.0);
        }
    }
    let _reset = Reset(ENDS.replace(true));
    drop(machines);
}

/// Destroys the machine, now or soon. In a forked child this closes descriptors, and touches nothing else.
pub(super) fn destroy(machine: Machine) {
    if !machine.memory.is_mapped() {
        return drop(machine);
    }
    if let Ok(reaper) = Reaper::current() {
        reaper.take(machine);
    }
}

struct Reaper {
    queue: Sender<Machine>,
    /// The queue's receiver, held by the thread while it runs.
    waiting: Mutex<Receiver<Machine>>,
    /// The number of machines in the queue.
    count: AtomicUsize,
    has_thread: Mutex<bool>,
    closing: Mutex<Closing>,
    /// Signalled when no machine is being closed any more.
    is_quiet: Condvar,
}

/// The machines that are being closed.
#[derive(Default)]
struct Closing {
    /// The number of machines that are being closed at this moment, on any thread.
    count: usize,
    /// True once the process ends: no further machine is closed.
    is_over: bool,
    /// Machines left at the end: they stay reachable, so that no tool takes them for leaks.
    kept: Vec<Machine>,
}

static CURRENT: PerProcess<Reaper> = PerProcess::new();

impl Reaper {
    /// The reaper of this process.
    fn current() -> Result<&'static Self> {
        let reaper = CURRENT.get_or_try_make(|| {
            let (queue, waiting) = channel();
            Ok(Self {
                queue,
                waiting: Mutex::new(waiting),
                count: AtomicUsize::new(0),
                has_thread: Mutex::default(),
                closing: Mutex::default(),
                is_quiet: Condvar::new(),
            })
        })?;
        static AT_EXIT: Once = Once::new();
        AT_EXIT.call_once(|| {
            // SAFETY: `at_exit` may run at any time from now on; the library is never unloaded. Handlers run in the
            // reverse order of their registration, so this one runs before those of a sanitizer, which registers at the
            // start. If there is no memory for it, the process ends as it would without it.
            let _ = unsafe { libc::atexit(at_exit) };
        });
        Ok(reaper)
    }

    /// Puts the machine into the queue, or destroys it if the queue is full or there is no thread. Two threads may find
    /// the last place at the same time; one more is harmless.
    fn take(&'static self, machine: Machine) {
        let is_full = !ENDS.get() && self.count.load(Ordering::Relaxed) >= BACKLOG;
        if is_full || !self.has_started() {
            self.close(machine);
            return;
        }
        self.count.fetch_add(1, Ordering::Relaxed);
        // It comes back, and is destroyed here, only if the thread has ended, which it does not.
        let _ = self.queue.send(machine);
    }

    /// Starts the thread, once.
    fn has_started(&'static self) -> bool {
        let mut has_thread = self.has_thread.lock().unwrap_or_else(PoisonError::into_inner);
        if !*has_thread {
            let thread = std::thread::Builder::new().name("hl-reaper".to_owned());
            *has_thread = signal::without_signals(|| thread.spawn(|| self.run())).is_ok();
        }
        *has_thread
    }

    fn run(&self) {
        let waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        for machine in waiting.iter() {
            self.close(machine);
            self.count.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// Closes the machine, unless the process ends.
    fn close(&self, machine: Machine) {
        {
            let mut closing = self.closing();
            if closing.is_over {
                closing.kept.push(machine);
                return;
            }
            closing.count += 1;
        }
        drop(machine);
        let mut closing = self.closing();
        closing.count -= 1;
        if closing.count == 0 {
            self.is_quiet.notify_all();
        }
    }

    /// Prevents any further closing, and waits for the machines that are being closed.
    fn end(&self) {
        /// Closing takes milliseconds; if the kernel takes longer than this, the process ends anyway.
        const LONGEST: Duration = Duration::from_secs(10);
        let mut closing = self.closing();
        closing.is_over = true;
        let quiet = self.is_quiet.wait_timeout_while(closing, LONGEST, |closing| closing.count > 0);
        drop(quiet);
    }

    fn closing(&self) -> MutexGuard<'_, Closing> {
        self.closing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Runs when the process ends by `exit` or by a return from `main`. A forked child has no reaper of its own until it
/// drops a machine.
extern "C" fn at_exit() {
    if let Some(reaper) = CURRENT.get() {
        reaper.end();
    }
}
