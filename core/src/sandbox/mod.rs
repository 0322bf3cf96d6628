//! Sandboxes.

mod call;
mod channel;
mod failures;
pub(crate) mod guest_log;
mod host_call;
mod tuples;
mod uninitialized;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use libhyperlight_abi::{Value, ValueRef};

use crate::bounds::Sizes;
use crate::error::{Error, ErrorCode, Message, Name, Result, Time};
use crate::functions::Functions;
use crate::guest::Guest;
use crate::guest::origin::Origin;
use crate::host::{HostError, HostIdentity};
use crate::options::{CallOptions, SandboxOptions};
use crate::process::{Epoch, forked};
use crate::signature::Signature;
use crate::snapshot::{Frozen, Snapshot};
use crate::stop::{InterruptHandle, TimeLimits};
use crate::value::Typed;
use crate::vm::Vm;
use call::{Conversation, Ended, User};
pub use tuples::Arguments;
pub use uninitialized::UninitializedSandbox;

/// The state of a sandbox.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum State {
    /// The sandbox serves calls.
    Ready,
    /// The guest was stopped in the middle of a call. The sandbox can only be restored or dropped.
    Poisoned,
}

/// A virtual machine whose guest serves calls.
///
/// May move between threads; one thread uses it at a time. Dropping it destroys the machine.
pub struct Sandbox {
    conversation: Conversation,
    functions: Arc<Functions>,
    state: State,
    sizes: Sizes,
    epoch: Epoch,
    limits: TimeLimits,
}

impl Sandbox {
    /// Calls a guest function with a tuple of typed arguments and a typed result.
    ///
    /// The result's type must be that of the function's signature; otherwise the call fails with
    /// [`ErrorCode::Signature`] before the guest runs.
    pub fn call<R: Typed>(&mut self, name: &str, arguments: impl Arguments) -> Result<R> {
        self.call_with(&CallOptions::new(), name, arguments)
    }

    /// [`Self::call`] with options of its own.
    pub fn call_with<R: Typed>(
        &mut self,
        options: &CallOptions,
        name: &str,
        arguments: impl Arguments,
    ) -> Result<R> {
        self.check_usable()?;
        let function = self.functions.find(name)?;
        if function.signature.returns() != R::KIND {
            let (name, signature) = (Name(name.to_owned()), function.signature.clone());
            return Err(Message::OtherResultExpected { name, signature, expected: R::KIND }.into());
        }
        arguments.with_values(|values| {
            let value = self.call_ref_with(options, name, values)?;
            R::from_value(value).ok_or_else(|| Error::new(ErrorCode::Internal, "the result changed its kind"))
        })
    }

    /// Calls a guest function with values.
    pub fn call_values(&mut self, name: &str, arguments: &[Value]) -> Result<Value> {
        let borrowed: Vec<_> = arguments.iter().map(Value::borrow).collect();
        self.call_ref(name, &borrowed).map(Value::from)
    }

    /// Calls a guest function, copying arguments and result no more than once. Text and bytes of the result are
    /// borrowed from the sandbox until its next use.
    pub fn call_ref(&mut self, name: &str, arguments: &[ValueRef<'_>]) -> Result<ValueRef<'_>> {
        self.call_ref_with(&CallOptions::new(), name, arguments)
    }

    /// [`Self::call_ref`] with options of its own.
    pub fn call_ref_with(
        &mut self,
        options: &CallOptions,
        name: &str,
        arguments: &[ValueRef<'_>],
    ) -> Result<ValueRef<'_>> {
        self.check_usable()?;
        let limits = options.limits(&self.limits);
        let Self { conversation, functions, state, .. } = self;
        let function = functions.find(name)?;
        function.signature.check(name, arguments)?;
        // Poisoned until the guest is known to be parked; so it stays poisoned if a panic unwinds through here.
        *state = State::Poisoned;
        match conversation.call(name, arguments, &limits) {
            Ok(()) => {
                let value = call::result(conversation.frame(), name, &function.signature)?;
                *state = State::Ready;
                Ok(value)
            }
            Err(Ended::Ready(error)) => {
                *state = State::Ready;
                Err(error)
            }
            Err(ended) => Err(ended.into_error()),
        }
    }

    /// Takes a snapshot. The sandbox is unchanged.
    ///
    /// Fails with [`ErrorCode::Poisoned`] if an earlier call stopped the guest in the middle, with
    /// [`ErrorCode::Resource`] if the host lacks memory or descriptors, and with [`ErrorCode::State`] in a forked
    /// child.
    pub fn snapshot(&mut self) -> Result<Snapshot> {
        self.check_usable()?;
        let frozen = self.conversation.freeze(&self.functions, self.sizes)?;
        Ok(Snapshot { shared: Arc::new(frozen) })
    }

    /// Restores the guest to a snapshot: memory, registers, and everything else that it can have changed. A poisoned
    /// sandbox becomes ready.
    ///
    /// Takes any snapshot of a sandbox with the same guest and sizes. Another snapshot, or one that needs host
    /// functions that this sandbox lacks, is an [`ErrorCode::SnapshotMismatch`], whose message lists all differences. A
    /// forked child gets [`ErrorCode::State`]. Both leave the sandbox unchanged; any other failure poisons it.
    pub fn restore(&mut self, snapshot: &Snapshot) -> Result<()> {
        self.check_process()?;
        let frozen = &snapshot.shared;
        frozen.check_sandbox(self.conversation.origin(), self.conversation.layout(), &self.sizes)?;
        frozen.check_host(self.conversation.host())?;
        self.state = State::Poisoned;
        self.conversation.restore(frozen)?;
        self.functions = Arc::clone(&frozen.functions);
        self.state = State::Ready;
        Ok(())
    }

    /// A copy of the guest's whole memory, for tests of restores.
    #[doc(hidden)]
    pub fn dump_memory(&self) -> Result<Vec<u8>> {
        self.check_process()?;
        self.conversation.dump_memory()
    }

    /// The machine, for tests that need states that no guest can time.
    #[cfg(test)]
    pub(crate) fn vm(&mut self) -> &mut Vm {
        self.conversation.vm()
    }

    /// The guest's functions, in the guest's order.
    pub fn functions(&self) -> impl ExactSizeIterator<Item = (&str, &Signature)> {
        self.functions.list.iter().map(|function| (&*function.name, &function.signature))
    }

    /// The host functions that the guest declares to call. The host need not have all of them.
    pub fn declared_host_functions(&self) -> impl ExactSizeIterator<Item = (&str, &Signature)> {
        self.functions.declared.iter().map(|function| (&*function.name, &function.signature))
    }

    /// A handle that interrupts this sandbox's calls from any thread. Each later call costs two more system calls.
    pub fn interrupt_handle(&mut self) -> Result<InterruptHandle> {
        self.conversation.stopper().handle()
    }

    /// Sets the signal hook, for languages whose signal handlers only note a signal. The hook runs on the calling
    /// thread, after a signal of the program's own has interrupted the guest and its handler has run. An error from it
    /// ends the call: [`ErrorCode::Interrupted`] with that error as its source, and the sandbox is poisoned. A signal
    /// that arrives just before the guest runs or sleeps may reach the hook late, unless
    /// [`Self::set_signal_hook_interval`] is set.
    pub fn set_signal_hook(&mut self, hook: impl Fn() -> Result<(), HostError> + Send + Sync + 'static) {
        self.conversation.set_signal_hook(Arc::new(hook));
    }

    /// Calls the hook of [`Self::set_signal_hook`] at this interval, too, while the guest runs. Less than a millisecond
    /// is [`ErrorCode::InvalidArgument`]; [`Duration::MAX`] is never. For programs that poll for a reason to end
    /// instead of getting a signal. Each time costs the guest an exit and a signal.
    pub fn set_signal_hook_interval(&mut self, interval: Duration) -> Result<()> {
        self.conversation.stopper().set_wakeup_interval(checked_interval(interval)?);
        Ok(())
    }

    /// Detaches the user: handles given out have no effect any more, and the signal hook is removed.
    pub(crate) fn forget_user(&mut self) -> Result<()> {
        self.conversation.forget_user()
    }

    /// Poisons the sandbox: its user panicked at an unknown point.
    pub(crate) fn poison(&mut self) {
        self.state = State::Poisoned;
    }

    /// The identity of the sandbox's host functions.
    pub(crate) fn host_identity(&self) -> HostIdentity {
        self.conversation.host_identity()
    }

    /// The state of the sandbox.
    pub fn state(&self) -> State {
        self.state
    }

    /// Makes the machine, lets the guest initialise itself, and reads its list of functions.
    fn start(
        guest: &Guest,
        options: &SandboxOptions,
        its: &CallOptions,
        user: User,
    ) -> Result<Self, StartFailed> {
        let epoch = Epoch::current()?;
        let sizes = options.sizes()?;
        let image = guest.image(&sizes)?;
        let vm = Vm::new(image)?;
        let limits = options.limits();
        let mut conversation = Conversation::new(vm, Origin::Guest(guest.clone()), user, options.quota());
        conversation.start(&its.limits(&limits))?;
        let functions = Functions::read(conversation.frame())
            .map_err(|error| StartFailed { error, has_guest_run: true })?;
        let functions = Arc::new(functions);
        Ok(Self { conversation, functions, state: State::Ready, sizes, epoch, limits })
    }

    /// Makes a machine whose guest continues from the snapshot. No guest code runs.
    fn resume(frozen: &Frozen, options: &SandboxOptions, user: User) -> Result<Self> {
        frozen.check_host(&user.host)?;
        let epoch = Epoch::current()?;
        let vm = Vm::from_snapshot(frozen)?;
        let mut conversation = Conversation::new(vm, frozen.origin.clone(), user, options.quota());
        conversation.resume(frozen);
        Ok(Self {
            conversation,
            functions: Arc::clone(&frozen.functions),
            state: State::Ready,
            sizes: frozen.sizes,
            epoch,
            limits: options.limits(),
        })
    }

    fn check_usable(&self) -> Result<()> {
        self.check_process()?;
        match self.state {
            State::Ready => Ok(()),
            State::Poisoned => Err(Message::Poisoned.into()),
        }
    }

    fn check_process(&self) -> Result<()> {
        if !self.epoch.is_current() {
            return Err(forked());
        }
        Ok(())
    }
}

/// A start that failed.
#[derive(Debug)]
pub(crate) struct StartFailed {
    pub error: Error,
    /// True if code of the guest may have run, and may have called the host.
    pub has_guest_run: bool,
}

impl From<Error> for StartFailed {
    fn from(error: Error) -> Self {
        Self { error, has_guest_run: false }
    }
}

impl From<Ended> for StartFailed {
    fn from(ended: Ended) -> Self {
        // Only a guest that was not let run is `Ready` here.
        let has_guest_run = !matches!(ended, Ended::Ready(_));
        Self { error: ended.into_error(), has_guest_run }
    }
}

/// The interval, if a hook may be called so often.
fn checked_interval(interval: Duration) -> Result<Duration> {
    const SHORTEST: Duration = Duration::from_millis(1);
    if interval < SHORTEST {
        return Err(Message::HookTooOften { shortest: Time(SHORTEST), found: Time(interval) }.into());
    }
    Ok(interval)
}

impl fmt::Debug for Sandbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let functions = self.functions.list.len();
        f.debug_struct("Sandbox")
            .field("state", &self.state)
            .field("functions", &functions)
            .finish_non_exhaustive()
    }
}
