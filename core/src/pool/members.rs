//! The bookkeeping of members, under the pool's lock. Nothing here takes long.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar};
use std::thread::ThreadId;
use std::time::{Duration, Instant};

use crate::error::{Error, Message, Result};
use crate::sandbox::Sandbox;

/// The counts of a pool: its members, and its history.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct PoolStatistics {
    /// Members in use.
    pub in_use: u64,
    /// Members that are ready.
    pub idle: u64,
    /// Members made since the pool exists.
    pub created: u64,
    /// Members that could not be restored, or were replaced by another sandbox, and were dropped.
    pub replaced: u64,
    /// Acquisitions that had to wait.
    pub waits: u64,
    /// The total time of those waits.
    pub waited: Duration,
}

/// The thread that used a member last.
type LastUser = Option<ThreadId>;

/// Members and waiters, for any type of member.
pub(super) struct Members<M = Sandbox> {
    /// Most recently used last.
    idle: Vec<Idle<M>>,
    /// Returned poisoned; not ready yet.
    soiled: Vec<M>,
    waiters: VecDeque<Waiter<M>>,
    /// Members in use, being made, or being cleaned by the keeper.
    out: usize,
    is_closed: bool,
    statistics: PoolStatistics,
}

struct Idle<M> {
    sandbox: M,
    last_user: LastUser,
    since: Instant,
}

struct Waiter<M> {
    wake: Arc<Condvar>,
    grant: Option<Grant<M>>,
}

/// The answer to a waiter.
pub(super) enum Grant<M = Sandbox> {
    /// A member.
    Member(Box<M>),
    /// A place for a member that is to be made.
    Place,
    /// The pool was dropped.
    Closed,
}

impl<M> Default for Members<M> {
    fn default() -> Self {
        Self {
            idle: Vec::new(),
            soiled: Vec::new(),
            waiters: VecDeque::new(),
            out: 0,
            is_closed: false,
            statistics: PoolStatistics::default(),
        }
    }
}

impl<M> Members<M> {
    /// An idle member for that thread: the one that it used last, or else the most recently used one. None while others
    /// wait.
    pub fn take_idle(&mut self, user: ThreadId) -> Result<Option<M>> {
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

    /// Reserves a place for one more member, if the pool's size allows it.
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

    /// Releases the place of a reserved or cleaned member that failed: the next waiter may try.
    pub fn give_up_place(&mut self) {
        self.out -= 1;
        if self.grant(|| Grant::Place) {
            self.out += 1;
        }
    }

    /// Takes back a clean member. If the pool is closed, the member is returned, to be dropped without the lock.
    pub fn give(&mut self, sandbox: M, user: ThreadId) -> Option<M> {
        self.statistics.in_use = self.statistics.in_use.saturating_sub(1);
        self.put(sandbox, Some(user))
    }

    /// Takes back a poisoned member.
    pub fn give_soiled(&mut self, sandbox: M) {
        self.statistics.in_use = self.statistics.in_use.saturating_sub(1);
        self.out -= 1;
        self.soiled.push(sandbox);
    }

    /// Counts a member as lost, because another sandbox came back in its place.
    pub fn lose(&mut self) {
        self.statistics.in_use = self.statistics.in_use.saturating_sub(1);
        self.count_replaced();
        self.give_up_place();
    }

    /// Gives a poisoned member to the keeper.
    pub fn take_soiled(&mut self) -> Option<M> {
        let sandbox = self.soiled.pop()?;
        self.out += 1;
        Some(sandbox)
    }

    /// Takes a member that the keeper has cleaned or made.
    pub fn put(&mut self, sandbox: M, last_user: LastUser) -> Option<M> {
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

    /// Adds a member that was made in reserve.
    pub fn count_created(&mut self) {
        self.statistics.created += 1;
    }

    /// Counts a member that could not be cleaned.
    pub fn count_replaced(&mut self) {
        self.statistics.replaced += 1;
    }

    /// An idle member that nobody has used for `age`, beyond the reserve.
    pub fn take_stale(&mut self, min_idle: usize, age: Duration, now: Instant) -> Option<M> {
        let is_stale = self.idle.len() > min_idle
            && self.idle.first().is_some_and(|oldest| now.saturating_duration_since(oldest.since) >= age);
        is_stale.then(|| self.idle.remove(0).sandbox)
    }

    pub fn idle_len(&self) -> usize {
        self.idle.len()
    }

    pub fn is_closed(&self) -> bool {
        self.is_closed
    }

    /// Joins the queue. The result wakes the waiter.
    pub fn enqueue(&mut self) -> Arc<Condvar> {
        self.statistics.waits += 1;
        let wake = Arc::new(Condvar::new());
        self.waiters.push_back(Waiter { wake: Arc::clone(&wake), grant: None });
        wake
    }

    /// Takes the waiter's answer, if there is one.
    pub fn granted(&mut self, wake: &Arc<Condvar>) -> Option<Grant<M>> {
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

    /// Closes the pool. Returns the members to be dropped without the lock.
    pub fn close(&mut self) -> Vec<M> {
        self.is_closed = true;
        while self.grant(|| Grant::Closed) {}
        self.idle.drain(..).map(|idle| idle.sandbox).chain(self.soiled.drain(..)).collect()
    }

    pub fn statistics(&self) -> PoolStatistics {
        PoolStatistics { idle: self.idle.len() as u64, ..self.statistics }
    }

    /// Grants something to the first waiter.
    fn grant(&mut self, grant: impl FnOnce() -> Grant<M>) -> bool {
        let Some(first) = self.waiters.iter_mut().find(|waiter| waiter.grant.is_none()) else {
            return false;
        };
        first.grant = Some(grant());
        first.wake.notify_one();
        true
    }
}

pub(super) fn closed() -> Error {
    Message::PoolClosed.into()
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::super::keeper::STALE_AFTER;
    use super::*;

    /// The number of some other thread.
    fn another_thread() -> ThreadId {
        thread::spawn(|| thread::current().id()).join().unwrap()
    }

    /// Members by these names, all in use.
    fn in_use(count: usize) -> Members<char> {
        let mut members = Members::default();
        for _ in 0..count {
            assert!(members.reserve(count));
            members.created();
        }
        members
    }

    #[test]
    fn a_thread_gets_the_member_that_it_used_last() {
        let (one, two, three) = (another_thread(), another_thread(), another_thread());
        let mut members = in_use(3);
        members.give('a', one);
        members.give('b', two);
        members.give('c', one);
        // Of its own two the warmer one; neither the oldest nor the newest of all.
        assert_eq!(members.take_idle(two).unwrap(), Some('b'));
        assert_eq!(members.take_idle(one).unwrap(), Some('c'));
        assert_eq!(members.take_idle(one).unwrap(), Some('a'));
        assert_eq!(members.take_idle(one).unwrap(), None);
        // A thread without one gets the most recently used member of any thread.
        members.give('b', two);
        members.give('a', one);
        assert_eq!(members.take_idle(three).unwrap(), Some('a'));
        assert_eq!(members.take_idle(three).unwrap(), Some('b'));
    }

    #[test]
    fn members_that_nobody_used_for_half_a_minute_go_down_to_the_reserve() {
        let mut members = in_use(4);
        let begun = Instant::now();
        for name in ['a', 'b', 'c', 'd'] {
            members.give(name, another_thread());
        }
        let half_a_minute = Duration::from_secs(30);
        let mut take = |now| members.take_stale(2, STALE_AFTER, now);
        assert_eq!(take(begun), None);
        assert_eq!(take(begun + half_a_minute - Duration::from_nanos(1)), None);
        let later = Instant::now() + half_a_minute;
        // The oldest first, and no more than those beyond the reserve, after any time.
        assert_eq!((take(later), take(later), take(later)), (Some('a'), Some('b'), None));
        assert_eq!(take(later + 1000 * half_a_minute), None);
        assert_eq!((members.idle_len(), members.statistics().idle), (2, 2));
    }

    #[test]
    fn a_member_that_was_used_meanwhile_is_not_stale() {
        let user = another_thread();
        let mut members = in_use(2);
        members.give('a', user);
        members.give('b', user);
        let age = Duration::from_nanos(1);
        assert_eq!(members.take_idle(user).unwrap(), Some('b'));
        assert_eq!(members.take_idle(user).unwrap(), Some('a'));
        let used = Instant::now();
        members.give('a', user);
        assert_eq!(members.take_stale(0, age, used), None);
        assert_eq!(members.take_stale(0, age, Instant::now() + age), Some('a'));
        assert_eq!(members.take_stale(0, age, Instant::now() + age), None);
    }

    #[test]
    fn what_is_lost_leaves_its_place_to_who_waits() {
        let mut members = in_use(1);
        let waiter = members.enqueue();
        members.lose();
        assert!(matches!(members.granted(&waiter), Some(Grant::Place)));
        assert!(!members.reserve(1), "the place was handed on");
        members.created();
        let statistics = members.statistics();
        assert_eq!((statistics.in_use, statistics.replaced, statistics.created), (1, 1, 2));
    }
}
