//! The threads that calls run on.
//!
//! As many as calls are running, shared by all environments of the process, started when they are needed and let go after
//! a while without work. libuv's own are left to files and names. A vCPU likes to stay on the thread that ran it last, so a
//! call gets the thread that its sandbox used last, if that is idle.

use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// How long a thread waits for work before it ends.
const PATIENCE: Duration = Duration::from_secs(5);

/// Calls may nest: a host function of a guest, of a callback, of a guest … The engine itself needs little.
const STACK: usize = 512 << 10;

/// What is returned is done when the thread can be had again, so that whoever is told finds it idle.
type Task = Box<dyn FnOnce() -> Ending + Send>;

type Ending = Box<dyn FnOnce()>;

/// A thread that waits for work.
struct Idle {
    worker: Arc<Worker>,
    /// What it ran last.
    affinity: u64,
}

#[derive(Default)]
struct Worker {
    task: Mutex<Option<(u64, Task)>>,
    changed: Condvar,
}

static IDLE: Mutex<Vec<Idle>> = Mutex::new(Vec::new());

/// Runs `task` on a thread, if there can be one; on the one that ran this affinity last, if it is idle.
///
/// What `task` returns is run when the thread is idle again: it must not take long.
pub(crate) fn run<E>(affinity: u64, task: impl FnOnce() -> E + Send + 'static) -> io::Result<()>
where
    E: FnOnce() + 'static,
{
    let task: Task = Box::new(|| Box::new(task()));
    let found = {
        let mut idle = lock(&IDLE);
        match idle.iter().rposition(|idle| idle.affinity == affinity) {
            Some(index) => Some(idle.remove(index)),
            // The one that was busy most recently, so that the others can end.
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
        .name("libhyperlight".to_owned())
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

    /// Leaves the list. `false`: somebody has taken this thread off it, and a task is on its way.
    fn resign(self: &Arc<Self>) -> bool {
        let mut idle = lock(&IDLE);
        let found = idle.iter().position(|idle| Arc::ptr_eq(&idle.worker, self));
        found.map(|index| idle.remove(index)).is_some()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Every change is complete before anything that can panic.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
