//! Worker threads, which run the calls.
//!
//! There are as many as running calls. All environments of the process share them. They start when needed and end after
//! a while without work. libuv's own threads are left to files and names. A vCPU runs best on the thread that ran it
//! last. So a call gets the thread that its sandbox used last, if that is idle.

use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// Idle time after which a thread ends.
const PATIENCE: Duration = Duration::from_secs(5);

/// Stack size of a thread. Calls may nest: a host function of a guest, of a callback, of a guest … The engine itself
/// needs little.
const STACK: usize = 512 << 10;

/// A task. The function that it returns runs when the thread is idle again, so that whoever it notifies can use the
/// thread.
type Task = Box<dyn FnOnce() -> Ending + Send>;

type Ending = Box<dyn FnOnce()>;

/// A thread that waits for work.
struct Idle {
    worker: Arc<Worker>,
    /// Affinity of its last task.
    affinity: u64,
}

#[derive(Default)]
struct Worker {
    task: Mutex<Option<(u64, Task)>>,
    changed: Condvar,
}

static IDLE: Mutex<Vec<Idle>> = Mutex::new(Vec::new());

/// Runs `task` on a thread, if one can be had: on the one that last ran this affinity, if it is idle.
///
/// The function that `task` returns runs when the thread is idle again. It must not take long.
pub(crate) fn run<E>(affinity: u64, task: impl FnOnce() -> E + Send + 'static) -> io::Result<()>
where
    E: FnOnce() + 'static,
{
    let task: Task = Box::new(|| Box::new(task()));
    let found = {
        let mut idle = lock(&IDLE);
        match idle.iter().rposition(|idle| idle.affinity == affinity) {
            Some(index) => Some(idle.remove(index)),
            // The most recently busy thread, so that the others can end.
            None => idle.pop(),
        }
    };
    if let Some(Idle { worker, .. }) = found {
        worker.give(affinity, task);
        return Ok(());
    }
    let worker = Arc::new(Worker::default());
    let on_thread = Arc::clone(&worker);
    thread::Builder::new()
        .name("hl-call".to_owned())
        .stack_size(STACK)
        .spawn(move || on_thread.work(affinity, task))
        .map(drop)
}

impl Worker {
    fn give(&self, affinity: u64, task: Task) {
        *lock(&self.task) = Some((affinity, task));
        self.changed.notify_one();
    }

    fn work(self: Arc<Self>, mut affinity: u64, mut task: Task) {
        loop {
            let ending = task();
            lock(&IDLE).push(Idle { worker: Arc::clone(&self), affinity });
            ending();
            match self.wait() {
                Some(next) => (affinity, task) = next,
                None => return,
            }
        }
    }

    /// The next task; `None` if there was none for a while.
    fn wait(self: &Arc<Self>) -> Option<(u64, Task)> {
        let mut task = lock(&self.task);
        loop {
            if let Some(found) = task.take() {
                return Some(found);
            }
            let (guard, waited) =
                self.changed.wait_timeout(task, PATIENCE).unwrap_or_else(PoisonError::into_inner);
            task = guard;
            if waited.timed_out() && task.is_none() {
                drop(task);
                if self.resign() {
                    return None;
                }
                task = lock(&self.task);
            }
        }
    }

    /// Removes this thread from the list. `false` means that it was already taken, and a task is on its way.
    fn resign(self: &Arc<Self>) -> bool {
        let mut idle = lock(&IDLE);
        let found = idle.iter().position(|idle| Arc::ptr_eq(&idle.worker, self));
        found.map(|index| idle.remove(index)).is_some()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Every change of the state is complete before any code that can panic.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
