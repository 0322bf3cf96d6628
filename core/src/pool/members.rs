//! Who has which member: the bookkeeping under the pool's lock. Nothing here takes time.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar};
use std::thread::ThreadId;
use std::time::{Duration, Instant};

use super::{LastUser, PoolStatistics};
use crate::error::{Error, ErrorCode, Result};
use crate::sandbox::Sandbox;

/// Members and those who wait for them.
#[derive(Default)]
pub(super) struct Members {
    /// Most recently used last.
    idle: Vec<Idle>,
    /// Given back poisoned; not ready yet.
    soiled: Vec<Sandbox>,
    waiters: VecDeque<Waiter>,
    /// Members in use, being made, or being cleaned by the keeper.
    out: usize,
    is_closed: bool,
    statistics: PoolStatistics,
}

struct Idle {
    sandbox: Sandbox,
    last_user: LastUser,
    since: Instant,
}

struct Waiter {
    wake: Arc<Condvar>,
    grant: Option<Grant>,
}

/// What somebody who waited gets.
pub(super) enum Grant {
    /// A member.
    Member(Box<Sandbox>),
    /// A place for a member that is to be made.
    Place,
    /// The pool was dropped.
    Closed,
}

impl Members {
    /// An idle member for that thread: the one that it used last, or else the one that was used last. Nobody overtakes
    /// those who wait.
    pub fn take_idle(&mut self, user: ThreadId) -> Result<Option<Sandbox>> {
        if self.is_closed {
            return Err(closed());
        }
        let own = self.idle.iter().rposition(|idle| idle.last_user == Some(user));
        let Some(at) = own.or_else(|| self.idle.len().checked_sub(1)) else {
            return Ok(None);
        };
        self.out += 1;
        self.statistics.in_use += 1;
        Ok(Some(self.idle.remove(at).sandbox))
    }

    /// Reserves a place for one more member, if there may be one.
    pub fn reserve(&mut self, max: usize) -> bool {
        let may = self.out + self.idle.len() + self.soiled.len() < max;
        self.out += usize::from(may);
        may
    }

    /// The reserved member was made, and is in use.
    pub fn created(&mut self) {
        self.statistics.created += 1;
        self.statistics.in_use += 1;
    }

    /// The reserved or cleaned member will not be: whoever waits may try.
    pub fn give_up_place(&mut self) {
        self.out -= 1;
        if self.grant(|| Grant::Place) {
            self.out += 1;
        }
    }

    /// A member comes back clean. Returned if the pool is closed: to be dropped without the lock.
    pub fn give(&mut self, sandbox: Sandbox, user: ThreadId) -> Option<Sandbox> {
        self.statistics.in_use = self.statistics.in_use.saturating_sub(1);
        self.put(sandbox, Some(user))
    }

    /// A member comes back poisoned.
    pub fn give_soiled(&mut self, sandbox: Sandbox) {
        self.statistics.in_use = self.statistics.in_use.saturating_sub(1);
        self.out -= 1;
        self.soiled.push(sandbox);
    }

    /// The keeper takes a poisoned member.
    pub fn take_soiled(&mut self) -> Option<Sandbox> {
        let sandbox = self.soiled.pop()?;
        self.out += 1;
        Some(sandbox)
    }

    /// The keeper gives a member that it has cleaned or made.
    pub fn put(&mut self, sandbox: Sandbox, last_user: LastUser) -> Option<Sandbox> {
        if self.is_closed {
            self.out -= 1;
            return Some(sandbox);
        }
        if self.waiters.iter().any(|waiter| waiter.grant.is_none()) {
            self.statistics.in_use += 1;
            self.grant(|| Grant::Member(Box::new(sandbox)));
        } else {
            self.out -= 1;
            self.idle.push(Idle { sandbox, last_user, since: Instant::now() });
        }
        None
    }

    /// A member was made in reserve.
    pub fn count_created(&mut self) {
        self.statistics.created += 1;
    }

    /// A member could not be cleaned.
    pub fn count_replaced(&mut self) {
        self.statistics.replaced += 1;
    }

    /// An idle member that nobody has used for `age`, beyond the reserve.
    pub fn take_stale(&mut self, min_idle: usize, age: Duration) -> Option<Sandbox> {
        let is_stale = self.idle.len() > min_idle
            && self.idle.first().is_some_and(|oldest| oldest.since.elapsed() >= age);
        is_stale.then(|| self.idle.remove(0).sandbox)
    }

    pub fn idle_len(&self) -> usize {
        self.idle.len()
    }

    pub fn is_closed(&self) -> bool {
        self.is_closed
    }

    /// Joins the queue; woken by the result.
    pub fn enqueue(&mut self) -> Arc<Condvar> {
        self.statistics.waits += 1;
        let wake = Arc::new(Condvar::new());
        self.waiters.push_back(Waiter { wake: Arc::clone(&wake), grant: None });
        wake
    }

    /// What the waiter was granted, if it was.
    pub fn granted(&mut self, wake: &Arc<Condvar>) -> Option<Grant> {
        let at = self.waiters.iter().position(|waiter| Arc::ptr_eq(&waiter.wake, wake))?;
        self.waiters[at].grant.as_ref()?;
        self.waiters.remove(at).and_then(|waiter| waiter.grant)
    }

    /// Leaves the queue without a grant.
    pub fn leave(&mut self, wake: &Arc<Condvar>) {
        self.waiters.retain(|waiter| !Arc::ptr_eq(&waiter.wake, wake));
    }

    pub fn waited(&mut self, time: Duration) {
        self.statistics.waited += time;
    }

    /// Nothing is handed out any more. The members that are to be dropped, without the lock.
    pub fn close(&mut self) -> Vec<Sandbox> {
        self.is_closed = true;
        while self.grant(|| Grant::Closed) {}
        self.idle.drain(..).map(|idle| idle.sandbox).chain(self.soiled.drain(..)).collect()
    }

    pub fn statistics(&self) -> PoolStatistics {
        PoolStatistics { idle: self.idle.len() as u64, ..self.statistics }
    }

    /// Grants something to the first who waits.
    fn grant(&mut self, grant: impl FnOnce() -> Grant) -> bool {
        let Some(first) = self.waiters.iter_mut().find(|waiter| waiter.grant.is_none()) else {
            return false;
        };
        first.grant = Some(grant());
        first.wake.notify_one();
        true
    }
}

pub(super) fn closed() -> Error {
    Error::new(ErrorCode::Closed, "the pool was closed")
}
