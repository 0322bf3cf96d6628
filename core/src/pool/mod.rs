//! Pools: sandboxes kept ready from one snapshot.
//!
//! Every acquired member is in the snapshot's state. The thread that returns a member restores it (in a few
//! microseconds, less than a hand-over would cost). The pool's own thread restores poisoned members, keeps members in
//! reserve, and destroys those that are not needed. No background thread ever runs a member's guest. A vCPU is fastest
//! on the thread that ran it last, so a thread gets the member that it used last if that is free.

mod keeper;
mod members;
mod shared;

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Condvar, Mutex, OnceLock};
use std::time::Duration;

use libhyperlight_abi::{Value, ValueRef};

#[cfg(doc)]
use crate::error::ErrorCode;
use crate::error::{Count, Message, Result};
use crate::host::{HostError, HostFunction};
use crate::options::PoolOptions;
use crate::process::Epoch;
use crate::sandbox::{Sandbox, State, UninitializedSandbox};
use crate::signature::Signature;
use crate::snapshot::Snapshot;
use crate::vm::reaper;
pub use members::PoolStatistics;
use shared::Shared;

/// Sandboxes kept ready from one snapshot. Any number of threads may use a pool.
pub struct Pool {
    shared: Arc<Shared>,
}

impl Pool {
    /// A pool without members yet. Options that do not fit the snapshot are [`ErrorCode::InvalidArgument`].
    pub fn new(snapshot: &Snapshot, options: PoolOptions) -> Result<Self> {
        let max = match options.max.or_default() {
            0 => 2 * std::thread::available_parallelism().map_or(4, std::num::NonZero::get),
            max => usize::try_from(max).unwrap_or(usize::MAX),
        };
        let min_idle = usize::try_from(options.min_idle.or_default()).unwrap_or(usize::MAX);
        if min_idle > max {
            let (most, found) = (Count(max as u64), Count(min_idle as u64));
            return Err(Message::TooManyIdle { most, found }.into());
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

    /// Registers a host function for every member, as [`UninitializedSandbox::register`] does. It runs on the threads
    /// that call members, on several at once. After the first acquisition this fails with [`ErrorCode::State`].
    pub fn register<P, F: HostFunction<P>>(&self, name: &str, function: F) -> Result<()> {
        self.shared.template()?.register(name, function)
    }

    /// Registers a host function whose signature is known only at run time; see [`Self::register`].
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

    /// Takes a member in the snapshot's state, for exclusive use; dropping it returns it. While all are in use this
    /// waits, in the order of arrival and up to the time limit in the options: then it fails with
    /// [`ErrorCode::PoolTimeout`]. A closed pool gives [`ErrorCode::Closed`].
    ///
    /// If a member must be made, this fails as [`UninitializedSandbox::evolve`] does: with
    /// [`ErrorCode::SnapshotMismatch`] if the snapshot needs host functions that are not registered, with
    /// [`ErrorCode::Resource`] if the host lacks something. A forked child gets [`ErrorCode::State`].
    pub fn acquire(&self) -> Result<PooledSandbox> {
        self.acquire_within(self.shared.acquire_timeout)
    }

    /// [`Self::acquire`] with a time limit of its own; zero never waits.
    pub fn acquire_within(&self, timeout: Duration) -> Result<PooledSandbox> {
        self.shared.check_process()?;
        keeper::start(&self.shared)?;
        let sandbox = self.shared.acquire(timeout)?;
        Ok(PooledSandbox { sandbox: Some(sandbox), shared: Arc::clone(&self.shared) })
    }

    /// The pool's counts. A forked child gets [`ErrorCode::State`].
    pub fn statistics(&self) -> Result<PoolStatistics> {
        self.shared.check_process()?;
        Ok(self.shared.members().statistics())
    }

    /// Closes the pool as its drop does, also while other threads use it: waiters and later callers get
    /// [`ErrorCode::Closed`]. Members in use stay usable.
    pub fn close(&self) {
        if self.shared.epoch.is_current() {
            // Members in use are dropped when they come back.
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

/// A member of a pool, in use. Dropping it returns it to the pool.
pub struct PooledSandbox {
    /// `None` only while it is dropped.
    sandbox: Option<Sandbox>,
    shared: Arc<Shared>,
}

impl PooledSandbox {
    /// Restores a poisoned member to the pool's snapshot before it is returned, if possible.
    pub(crate) fn clean(&mut self) {
        if let Some(sandbox) = &mut self.sandbox
            && sandbox.state() == State::Poisoned
        {
            // If this fails, the pool replaces the member.
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
        // In a forked child nothing is returned; the sandbox closes its descriptors.
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
