//! Destroys virtual machines off the caller's path.
//!
//! Closing one takes KVM 0.2 ms when the machine is quiet, and milliseconds when the processors are busy. One thread of the
//! process does it, started with the first machine that is dropped. If it cannot keep up, or cannot be had, the caller
//! does it itself, so that no more than a few wait.

use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};

use super::Machine;
use crate::error::{Error, Result};
use crate::process::PerProcess;
use crate::stop::signal;

/// Machines that may wait.
const BACKLOG: usize = 32;

/// Destroys the machine, now or soon. In a forked child that closes descriptors, and touches nothing else.
pub(super) fn destroy(machine: Machine) {
    if !machine.memory.is_of_this_process() {
        return drop(machine);
    }
    let refused = match queue() {
        Ok(queue) => match queue.try_send(machine) {
            Ok(()) => return,
            Err(TrySendError::Full(machine) | TrySendError::Disconnected(machine)) => machine,
        },
        Err(_) => machine,
    };
    drop(refused);
}

fn queue() -> Result<&'static SyncSender<Machine>> {
    static QUEUE: PerProcess<SyncSender<Machine>> = PerProcess::new();
    QUEUE.get_or_try_make(|| {
        let (sender, receiver) = sync_channel::<Machine>(BACKLOG);
        signal::without_signals(|| {
            std::thread::Builder::new()
                .name("hyperlight-reaper".to_owned())
                .spawn(move || receiver.into_iter().for_each(drop))
        })
        .map_err(|source| Error::resource("starting the reaper thread", source))?;
        Ok(sender)
    })
}
