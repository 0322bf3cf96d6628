//! The state that a pool, its members in use and its keeper share: taking, making and returning members.

use std::sync::{Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use super::members::{self, Grant, Members};
use crate::error::{Count, Message, Result, Time};
use crate::host::HostIdentity;
use crate::process::Epoch;
use crate::sandbox::{Sandbox, State, UninitializedSandbox};
use crate::snapshot::Snapshot;

/// The shared state of pool, members in use and keeper.
pub(super) struct Shared {
    pub epoch: Epoch,
    pub snapshot: Snapshot,
    pub template: Mutex<UninitializedSandbox>,
    /// The host functions that the members share; the template keeps them alive.
    pub host: HostIdentity,
    pub max: usize,
    pub min_idle: usize,
    pub acquire_timeout: Duration,
    pub stale_after: Duration,
    pub members: Mutex<Members>,
    /// Signalled when there may be work for the keeper.
    pub work: Condvar,
    /// Set when the keeper was started.
    pub keeper: OnceLock<()>,
}

impl Shared {
    pub fn check_process(&self) -> Result<()> {
        if self.epoch.is_current() {
            return Ok(());
        }
        Err(Message::PoolOfParent.into())
    }

    pub fn members(&self) -> MutexGuard<'_, Members> {
        // Every change is complete before anything that can panic.
        self.members.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn template(&self) -> Result<MutexGuard<'_, UninitializedSandbox>> {
        self.check_process()?;
        Ok(self.template.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub fn acquire(&self, timeout: Duration) -> Result<Sandbox> {
        let mut members = self.members();
        if let Some(member) = members.take_idle(std::thread::current().id())? {
            if members.idle_len() < self.min_idle {
                self.work.notify_one();
            }
            return Ok(member);
        }
        if members.reserve(self.max) {
            drop(members);
            return self.create();
        }
        let begun = Instant::now();
        let deadline = begun.checked_add(timeout);
        let waiter = members.enqueue();
        loop {
            if let Some(grant) = members.granted(&waiter) {
                members.waited(begun.elapsed());
                drop(members);
                return match grant {
                    Grant::Member(sandbox) => Ok(*sandbox),
                    Grant::Place => self.create(),
                    Grant::Closed => Err(members::closed()),
                };
            }
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            if left.is_some_and(|left| left.is_zero()) {
                members.leave(&waiter);
                members.waited(begun.elapsed());
                let (limit, members) = (Time(timeout), Count(self.max as u64));
                return Err(Message::NoMemberInTime { limit, members }.into());
            }
            members = match left {
                Some(left) => waiter.wait_timeout(members, left).unwrap_or_else(PoisonError::into_inner).0,
                None => waiter.wait(members).unwrap_or_else(PoisonError::into_inner),
            };
        }
    }

    /// Makes the member whose place was reserved, for use.
    fn create(&self) -> Result<Sandbox> {
        let made = self.make();
        let mut members = self.members();
        match made {
            Ok(sandbox) => {
                members.created();
                Ok(sandbox)
            }
            Err(error) => {
                members.give_up_place();
                Err(error)
            }
        }
    }

    pub fn make(&self) -> Result<Sandbox> {
        self.template()?.try_evolve()
    }

    pub fn release(&self, mut sandbox: Sandbox) {
        // The user may have put another sandbox in the member's place. Whatever its guest is, the next user would get
        // its host functions and limits.
        if sandbox.host_identity() != self.host {
            self.members().lose();
            self.work.notify_one();
            return;
        }
        // Handles and hooks of this user must not reach the next.
        let is_clean = sandbox.state() == State::Ready
            && sandbox.forget_user().is_ok()
            && sandbox.restore(&self.snapshot).is_ok();
        let mut members = self.members();
        let left = if is_clean {
            members.give(sandbox, std::thread::current().id())
        } else {
            members.give_soiled(sandbox);
            self.work.notify_one();
            None
        };
        drop(members);
        // The pool is closed: destroyed without the lock.
        drop(left);
    }
}
