//! Destroys virtual machines off the caller's path.
//!
//! Closing one takes KVM 0.2 ms when the machine is quiet, and milliseconds when the processors are busy. One thread of the
//! process does it, started with the first machine that is dropped. What waits for it still has its memory and two
//! descriptors, so that only so many may wait: a program that makes and drops machines faster than the thread gets to run
//! destroys the next one itself. A pool that ends is different: its members are dropped at once, once, and were all alive before.

use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, PoisonError};

use super::Machine;
use crate::error::{Error, Result};
use crate::process::PerProcess;
use crate::stop::signal;

/// Machines that may wait while others are made.
const BACKLOG: usize = 32;

thread_local! {
    /// Whether this thread drops machines that will not be replaced.
    static ENDS: Cell<bool> = const { Cell::new(false) };
}

/// Drops machines of which no new ones will take the place: however many they are, all wait for the thread.
pub(crate) fn destroy_all<T>(machines: Vec<T>) {
    /// What belongs to the program may be dropped with a machine, and may panic.
    struct Reset(bool);
    impl Drop for Reset {
        fn drop(&mut self) {
            ENDS.set(self.0);
        }
    }
    let _reset = Reset(ENDS.replace(true));
    drop(machines);
}

/// Destroys the machine, now or soon. In a forked child that closes descriptors, and touches nothing else.
pub(super) fn destroy(machine: Machine) {
    if !machine.memory.is_mapped() {
        return drop(machine);
    }
    if let Ok(reaper) = Reaper::started() {
        reaper.take(machine);
    }
}

struct Reaper {
    queue: Sender<Machine>,
    /// The queue's other end, held by the thread while it runs.
    waiting: Mutex<Receiver<Machine>>,
    /// How many wait.
    count: AtomicUsize,
    has_thread: Mutex<bool>,
}

impl Reaper {
    /// The one of this process.
    fn started() -> Result<&'static Self> {
        static CURRENT: PerProcess<Reaper> = PerProcess::new();
        let reaper = CURRENT.get_or_try_make(|| {
            let (queue, waiting) = channel();
            Ok(Self {
                queue,
                waiting: Mutex::new(waiting),
                count: AtomicUsize::new(0),
                has_thread: Mutex::default(),
            })
        })?;
        // Under a lock, so that it is started once.
        let mut has_thread = reaper.has_thread.lock().unwrap_or_else(PoisonError::into_inner);
        if !*has_thread {
            signal::without_signals(|| {
                std::thread::Builder::new().name("hyperlight-reaper".to_owned()).spawn(|| reaper.run())
            })
            .map_err(|source| Error::resource("starting the reaper thread", source))?;
            *has_thread = true;
        }
        Ok(reaper)
    }

    /// Lets the machine wait, or destroys it if too many do. Two threads may find the last place at the same time; one more
    /// is no harm.
    fn take(&self, machine: Machine) {
        if !ENDS.get() && self.count.load(Ordering::Relaxed) >= BACKLOG {
            return drop(machine);
        }
        self.count.fetch_add(1, Ordering::Relaxed);
        // It comes back, and is destroyed here, only if the thread has ended, which it does not.
        let _ = self.queue.send(machine);
    }

    fn run(&self) {
        let waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        for machine in waiting.iter() {
            drop(machine);
            self.count.fetch_sub(1, Ordering::Relaxed);
        }
    }
}
