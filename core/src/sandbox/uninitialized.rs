//! A sandbox before its guest has started.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use libhyperlight_abi::{Kind, Value, ValueRef};

use super::call::{SignalHook, User};
use super::{Sandbox, StartFailed, checked_interval};
#[cfg(doc)]
use crate::error::ErrorCode;
use crate::error::{Message, Result};
use crate::guest::Guest;
use crate::host::{HostError, HostFunction, HostFunctions, HostIdentity, Registered};
use crate::options::{CallOptions, SandboxOptions};
use crate::signature::Signature;
use crate::snapshot::Snapshot;
use crate::stop::{InterruptHandle, Stopper};

/// A sandbox that takes host functions, and becomes a [`Sandbox`] by [`Self::evolve`].
///
/// Makes no virtual machine yet, so it costs next to nothing.
pub struct UninitializedSandbox {
    source: Source,
    options: SandboxOptions,
    host: Arc<HostFunctions>,
    /// The stopper of the next sandbox that is started; handles to it may exist already.
    stopper: Stopper,
    on_signal: Option<Arc<SignalHook>>,
}

/// The source of a sandbox.
#[derive(Debug)]
enum Source {
    Guest(Guest),
    Snapshot(Snapshot),
}

impl UninitializedSandbox {
    /// Makes a sandbox for a guest. [`ErrorCode::InvalidArgument`] if a size is above its maximum.
    pub fn new(guest: &Guest, options: SandboxOptions) -> Result<Self> {
        options.sizes()?;
        let (host, stopper) = (Arc::new(HostFunctions::new()), Stopper::new()?);
        Ok(Self { source: Source::Guest(guest.clone()), options, host, stopper, on_signal: None })
    }

    /// Makes a sandbox that continues from a snapshot: its [`Self::evolve`] runs no guest code.
    ///
    /// The host functions of the snapshotted sandbox must be registered again. Evolve fails with
    /// [`ErrorCode::SnapshotMismatch`] and lists those that are missing or different. Sizes are the snapshot's: another
    /// size in the options is [`ErrorCode::InvalidArgument`].
    pub fn from_snapshot(snapshot: &Snapshot, options: SandboxOptions) -> Result<Self> {
        options.check_against(&snapshot.shared.sizes)?;
        let (host, stopper) = (Arc::new(HostFunctions::new()), Stopper::new()?);
        Ok(Self { source: Source::Snapshot(snapshot.clone()), options, host, stopper, on_signal: None })
    }

    /// Registers a closure as a host function, in place of an existing one with that name. The signature is the
    /// closure's. It runs on the thread that makes the call.
    pub fn register<P, F: HostFunction<P>>(&mut self, name: &str, function: F) -> Result<()> {
        let signature = Signature::new(F::PARAMS, F::RETURNS)?;
        self.insert(name, signature, move |arguments| function.invoke(arguments))
    }

    /// Registers a host function whose signature is known only at run time. It gets arguments of the signature's kinds.
    /// A result of another kind is an error in the guest.
    pub fn register_dynamic(
        &mut self,
        name: &str,
        signature: Signature,
        function: impl Fn(&[ValueRef<'_>]) -> Result<Value, HostError> + Send + Sync + 'static,
    ) -> Result<()> {
        self.insert(name, signature, function)
    }

    /// Removes a host function; also `HostPrint`, which every sandbox starts with. Returns true if the function
    /// existed.
    pub fn unregister(&mut self, name: &str) -> Result<bool> {
        Ok(self.host_functions()?.remove(name))
    }

    /// A handle that interrupts the evolve of this sandbox, and the calls after it, from any thread.
    pub fn interrupt_handle(&mut self) -> Result<InterruptHandle> {
        self.stopper.handle()
    }

    /// Sets the signal hook of the evolve and of the calls after it; see [`Sandbox::set_signal_hook`].
    pub fn set_signal_hook(&mut self, hook: impl Fn() -> Result<(), HostError> + Send + Sync + 'static) {
        self.on_signal = Some(Arc::new(hook));
    }

    /// Sets the interval at which the hook is called, too; see [`Sandbox::set_signal_hook_interval`].
    pub fn set_signal_hook_interval(&mut self, interval: Duration) -> Result<()> {
        self.stopper.set_wakeup_interval(checked_interval(interval)?);
        Ok(())
    }

    /// Starts the guest: makes the virtual machine, runs the guest's own initialisation, reads its list of functions. A
    /// sandbox from a snapshot continues from it.
    ///
    /// Fails with [`ErrorCode::HypervisorUnavailable`] or [`ErrorCode::Resource`] if the host cannot provide a virtual
    /// machine. A guest that fails while it starts gives the errors of a call: [`ErrorCode::GuestFault`],
    /// [`ErrorCode::GuestAbort`], [`ErrorCode::Timeout`] and so on, and [`ErrorCode::Protocol`] if its list of
    /// functions is wrong. A snapshot gives [`ErrorCode::SnapshotMismatch`] if it needs host functions that are not
    /// registered. A forked child gets [`ErrorCode::State`].
    pub fn evolve(mut self) -> Result<Sandbox> {
        self.try_evolve()
    }

    /// Like [`Self::evolve`], but keeps the registered functions, so that a failed start can be retried. Repeated after
    /// a success it starts another sandbox, which shares the host functions. They may then be called on several threads
    /// at once, and no more can be registered.
    pub fn try_evolve(&mut self) -> Result<Sandbox> {
        self.try_evolve_with(&CallOptions::new())
    }

    /// [`Self::try_evolve`] with limits of its own, for a start that is part of a call. The limits of later calls stay
    /// the sandbox's.
    pub fn try_evolve_with(&mut self, options: &CallOptions) -> Result<Sandbox> {
        self.start(options).map_err(|failed| failed.error)
    }

    /// [`Self::try_evolve_with`], for callers that must know if the guest has run before the failure.
    pub(crate) fn start(&mut self, options: &CallOptions) -> Result<Sandbox, StartFailed> {
        // The handles given out belong to the sandbox that starts now, or to the next attempt if this one fails.
        let next = self.stopper.successor()?;
        let user = User {
            host: Arc::clone(&self.host),
            stopper: self.stopper.twin(),
            on_signal: self.on_signal.clone(),
        };
        let sandbox = match &self.source {
            Source::Guest(guest) => Sandbox::start(guest, &self.options, options, user)?,
            Source::Snapshot(snapshot) => Sandbox::resume(&snapshot.shared, &self.options, user)?,
        };
        self.stopper = next;
        Ok(sandbox)
    }

    /// The identity of the host functions, shared by the sandboxes that are started from this one.
    pub(crate) fn host_identity(&self) -> HostIdentity {
        HostIdentity::of(&self.host)
    }

    fn insert(
        &mut self,
        name: &str,
        signature: Signature,
        call: impl Fn(&[ValueRef<'_>]) -> Result<Value, HostError> + Send + Sync + 'static,
    ) -> Result<()> {
        self.host_functions()?.insert(name, Registered { signature, call: Box::new(call) })
    }

    fn host_functions(&mut self) -> Result<&mut HostFunctions> {
        Arc::get_mut(&mut self.host).ok_or_else(|| Message::TooLateForTwins.into())
    }
}

impl fmt::Debug for UninitializedSandbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UninitializedSandbox")
            .field("source", &self.source)
            .field("options", &self.options)
            .field("host", &self.host)
            .finish_non_exhaustive()
    }
}

impl Signature {
    /// A signature whose kinds are known to be valid.
    pub(crate) fn from_kinds(params: &[Kind], returns: Kind) -> Self {
        Self::new(params, returns).unwrap_or_else(|_| unreachable!("constant kinds are valid"))
    }
}
