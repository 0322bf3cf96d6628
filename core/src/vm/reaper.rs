//! Destroys virtual machines off the caller's path.
//!
//! Closing one takes KVM 0.2 ms when the machine is quiet, and milliseconds when the processors are busy. One thread of the
//! process does it, started with the first machine that is dropped. If it cannot keep up, or cannot be had, the caller
//! does it itself, so that no more than a few wait.

use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Mutex, PoisonError};

use super::Machine;
use crate::error::{Error, Result};
use crate::process::PerProcess;
use crate::stop::signal;

/// Machines that may wait.
const BACKLOG: usize = 32;

/// Destroys the machine, now or soon. In a forked child that closes descriptors, and touches nothing else.
pub(super) fn destroy(machine: Machine) {
    if !machine.memory.is_mapped() {
        return drop(machine);
    }
    let refused = match Reaper::started() {
        Ok(reaper) => match reaper.queue.try_send(machine) {
            Ok(()) => return,
            Err(TrySendError::Full(machine) | TrySendError::Disconnected(machine)) => machine,
        },
        Err(_) => machine,
    };
    drop(refused);
}

struct Reaper {
    queue: SyncSender<Machine>,
    /// The queue's other end, held by the thread while it runs.
    waiting: Mutex<Receiver<Machine>>,
    has_thread: Mutex<bool>,
}

impl Reaper {
    /// The one of this process.
    fn started() -> Result<&'static Self> {
        static CURRENT: PerProcess<Reaper> = PerProcess::new();
        let reaper = CURRENT.get_or_try_make(|| {
            let (queue, waiting) = sync_channel(BACKLOG);
            Ok(Self { queue, waiting: Mutex::new(waiting), has_thread: Mutex::default() })
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

    fn run(&self) {
        let waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.iter().for_each(drop);
    }
}
