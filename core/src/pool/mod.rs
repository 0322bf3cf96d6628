//! Pools: sandboxes kept ready from one snapshot.
//!
//! Whoever acquires a member gets it as the snapshot has it, whatever its last user did. A member that was used well is
//! brought back by the thread that gives it back (a few microseconds, less than a hand-over would cost); one that was
//! poisoned, by the pool's own thread, which also keeps members in reserve and lets go of those that nobody needs. No
//! background thread ever runs a member's guest: a vCPU likes to stay on the thread that ran it last, so that is also the
//! member that a thread gets if it is free.

mod keeper;
mod members;

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::ThreadId;
use std::time::{Duration, Instant};

use libhyperlight_abi::ValueRef;

use crate::error::{Error, ErrorCode, Result};
use crate::options::PoolOptions;
use crate::process::Epoch;
use crate::sandbox::{HostError, HostFunction, HostIdentity, Sandbox, State, UninitializedSandbox};
use crate::signature::Signature;
use crate::snapshot::Snapshot;
use crate::value::Value;
use crate::vm::reaper;
use members::{Grant, Members};

/// What a pool has done and has.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct PoolStatistics {
    /// Members that somebody has acquired.
    pub in_use: u64,
    /// Members that are ready.
    pub idle: u64,
    /// Members made since the pool was.
    pub created: u64,
    /// Members that could not be brought back, or that did not come back, and were dropped.
    pub replaced: u64,
    /// Acquisitions that had to wait.
    pub waits: u64,
    /// How long they waited, together.
    pub waited: Duration,
}

/// Sandboxes kept ready from one snapshot. Used from any number of threads.
pub struct Pool {
    shared: Arc<Shared>,
}

impl Pool {
    /// A pool without members yet. Options that the snapshot's sandbox could not have are
    /// [`ErrorCode::InvalidArgument`].
    pub fn new(snapshot: &Snapshot, options: PoolOptions) -> Result<Self> {
        let max = match options.max.or_default() {
            0 => 2 * std::thread::available_parallelism().map_or(4, std::num::NonZero::get),
            max => usize::try_from(max).unwrap_or(usize::MAX),
        };
        let min_idle = usize::try_from(options.min_idle.or_default()).unwrap_or(usize::MAX);
        if min_idle > max {
            return Err(Error::invalid_argument(format!(
                "min_idle is at most max, which is {max}, found {min_idle}"
            )));
        }
        let template = UninitializedSandbox::from_snapshot(snapshot, options.sandbox)?;
        let shared = Shared {
            epoch: Epoch::current()?,
            snapshot: snapshot.clone(),
            host: template.host_identity(),
            template: Mutex::new(template),
            max,
            min_idle,
            acquire_timeout: options.acquire_timeout.time().unwrap_or(Duration::MAX),
            stale_after: options.stale_after.unwrap_or(keeper::STALE_AFTER),
            members: Mutex::default(),
            work: Condvar::new(),
            keeper: OnceLock::new(),
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Registers a host function for every member, as [`UninitializedSandbox::register`] does. It is called on the threads
    /// that call members, on several at once. Before the first acquisition; [`ErrorCode::State`] later.
    pub fn register<P, F: HostFunction<P>>(&self, name: &str, function: F) -> Result<()> {
        self.shared.template()?.register(name, function)
    }

    /// Registers a host function whose signature is known at run time only; see [`Self::register`].
    pub fn register_dynamic(
        &self,
        name: &str,
        signature: Signature,
        function: impl Fn(&[ValueRef<'_>]) -> Result<Value, HostError> + Send + Sync + 'static,
    ) -> Result<()> {
        self.shared.template()?.register_dynamic(name, signature, function)
    }

    /// Removes a host function, also `HostPrint`; see [`Self::register`].
    pub fn unregister(&self, name: &str) -> Result<bool> {
        self.shared.template()?.unregister(name)
    }

    /// A member as the snapshot has it, exclusively; dropping it gives it back. Waits in the order of arrival while all are
    /// in use, as long as the options say: then [`ErrorCode::PoolTimeout`]. [`ErrorCode::Closed`] once the pool is.
    ///
    /// Where a member must be made, what [`UninitializedSandbox::evolve`] says of snapshots: [`ErrorCode::SnapshotMismatch`]
    /// if the snapshot needs host functions that are not registered, [`ErrorCode::Resource`] if the host lacks something. In a
    /// forked child [`ErrorCode::State`].
    pub fn acquire(&self) -> Result<PooledSandbox> {
        self.acquire_within(self.shared.acquire_timeout)
    }

    /// [`Self::acquire`] with a time of its own; zero asks without waiting.
    pub fn acquire_within(&self, timeout: Duration) -> Result<PooledSandbox> {
        self.shared.check_process()?;
        let sandbox = self.shared.acquire(timeout)?;
        Ok(PooledSandbox { sandbox: Some(sandbox), shared: Arc::clone(&self.shared) })
    }

    /// What the pool has done and has. In a forked child [`ErrorCode::State`].
    pub fn statistics(&self) -> Result<PoolStatistics> {
        self.shared.check_process()?;
        Ok(self.shared.members().statistics())
    }

    /// Does at once what dropping the pool does, also while other threads use it: whoever waits for a member, or asks for
    /// one later, gets [`ErrorCode::Closed`]. Members that are out stay usable.
    pub fn close(&self) {
        if self.shared.epoch.is_current() {
            // Members that are out are dropped when they come back.
            let idle = self.shared.members().close();
            self.shared.work.notify_all();
            reaper::destroy_all(idle);
        }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.close();
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("max", &self.shared.max).finish_non_exhaustive()
    }
}

/// A member of a pool, in use. Dropping it gives it back.
pub struct PooledSandbox {
    /// `None` only while it is dropped.
    sandbox: Option<Sandbox>,
    shared: Arc<Shared>,
}

impl PooledSandbox {
    /// Brings a poisoned member back to the pool's snapshot before it is given back, if that can be.
    pub(crate) fn clean(&mut self) {
        if let Some(sandbox) = &mut self.sandbox
            && sandbox.state() == State::Poisoned
        {
            // Where it fails, the pool replaces the member.
            let _ = sandbox.restore(&self.shared.snapshot);
        }
    }
}

impl Deref for PooledSandbox {
    type Target = Sandbox;

    fn deref(&self) -> &Sandbox {
        self.sandbox.as_ref().unwrap_or_else(|| unreachable!("taken by drop alone"))
    }
}

impl DerefMut for PooledSandbox {
    fn deref_mut(&mut self) -> &mut Sandbox {
        self.sandbox.as_mut().unwrap_or_else(|| unreachable!("taken by drop alone"))
    }
}

impl Drop for PooledSandbox {
    fn drop(&mut self) {
        // In a forked child nothing is given back; the sandbox closes its descriptors.
        if let Some(sandbox) = self.sandbox.take()
            && self.shared.epoch.is_current()
        {
            self.shared.release(sandbox);
        }
    }
}

impl fmt::Debug for PooledSandbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PooledSandbox").field(&self.sandbox).finish()
    }
}

/// What pool, members in use and keeper share.
struct Shared {
    epoch: Epoch,
    snapshot: Snapshot,
    template: Mutex<UninitializedSandbox>,
    /// Which host functions the members share; the template keeps them alive.
    host: HostIdentity,
    max: usize,
    min_idle: usize,
    acquire_timeout: Duration,
    stale_after: Duration,
    members: Mutex<Members>,
    /// There may be work for the keeper.
    work: Condvar,
    /// Set when the keeper was started.
    keeper: OnceLock<()>,
}

impl Shared {
    fn check_process(&self) -> Result<()> {
        if self.epoch.is_current() {
            return Ok(());
        }
        Err(Error::new(
            ErrorCode::State,
            "the pool belongs to the process that this one was forked from; make a new one here",
        ))
    }

    fn members(&self) -> MutexGuard<'_, Members> {
        // Every change is complete before anything that can panic.
        self.members.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn template(&self) -> Result<MutexGuard<'_, UninitializedSandbox>> {
        self.check_process()?;
        Ok(self.template.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn acquire(self: &Arc<Self>, timeout: Duration) -> Result<Sandbox> {
        keeper::start(self)?;
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
                return Err(Error::new(
                    ErrorCode::PoolTimeout,
                    format!(
                        "no member of the pool came free within acquire_timeout, {timeout:?}; all {} are in use",
                        self.max
                    ),
                ));
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

    fn make(&self) -> Result<Sandbox> {
        self.template()?.try_evolve()
    }

    fn release(&self, mut sandbox: Sandbox) {
        // A user may have put another sandbox in the member's place. Whatever its guest, the next user would get its host
        // functions and limits.
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

/// The thread that used a member last.
type LastUser = Option<ThreadId>;
