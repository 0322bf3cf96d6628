//! The contents of a handle, and its current user.

use std::fmt;
use std::sync::Arc;
use std::thread::{self, ThreadId};
use std::time::Duration;

use libhyperlight_abi::ValueRef;

use super::Shared;
use super::state::{Phase, Refusal};
use crate::clock::Moment;
use crate::error::{Error, Result};
use crate::options::CallOptions;
use crate::pool::PooledSandbox;
use crate::sandbox::{Sandbox, StartFailed, State, UninitializedSandbox};

/// Calls that belong to the start of a sandbox, such as the loading of a script: names of guest functions with their
/// string arguments.
pub type Preparation = Vec<(String, Vec<String>)>;

/// The caller's part in a start.
pub trait Starter {
    /// The error type of the start.
    type Error: From<Error>;

    /// Called before each step. An error ends the start.
    fn go_on(&mut self) -> Result<(), Self::Error> {
        Ok(())
    }

    /// Called after a failure from before the guest has run. Returns true if the caller has removed the cause; the
    /// start is then retried at once.
    fn has_mended(&mut self, error: &Error) -> bool {
        let _ = error;
        false
    }
}

/// A caller without a part in the start.
impl Starter for () {
    type Error = Error;
}

/// The contents of a sandbox that was closed. Dropping it destroys the machine, or returns a member to its pool, and
/// frees the host functions.
pub struct Remains(Box<Engine>);

impl Remains {
    pub(super) fn new(engine: Box<Engine>) -> Self {
        Self(engine)
    }

    /// Restores a poisoned member of a pool to the pool's snapshot, on this thread. Otherwise the pool's own thread
    /// would do that, and the next acquisition might wait for it. If this fails, the pool replaces the member.
    pub fn clean(&mut self) {
        if let Engine::Pooled(member) = &mut *self.0 {
            member.clean();
        }
    }
}

impl fmt::Debug for Remains {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Remains").field(&self.0).finish()
    }
}

/// The exclusive use of a sandbox, until [`Self::leave`] or drop.
///
/// Moves between threads. If the sandbox was closed meanwhile, dropping this destroys it.
pub struct Inside {
    shared: Arc<Shared>,
    /// `None` only after the user has left.
    engine: Option<Box<Engine>>,
    /// The thread that entered, if it was unwinding then: that panic is none of the sandbox's.
    unwinding: Option<ThreadId>,
}

impl Inside {
    pub(super) fn new(shared: Arc<Shared>, engine: Box<Engine>) -> Self {
        Self { shared, engine: Some(engine), unwinding: unwinding() }
    }

    /// Notes that another thread than the one that entered goes on with the use.
    pub fn hand_over(&self) {
        self.shared.hand_over();
    }

    /// Leaves. Returns the contents if the sandbox was closed meanwhile.
    pub fn leave(mut self) -> Option<Remains> {
        self.put_back()
    }

    /// True if the guest has not been started.
    pub fn is_uninitialized(&self) -> bool {
        matches!(self.engine.as_deref(), Some(Engine::Uninitialized(..)))
    }

    /// The sandbox before its start.
    pub fn uninitialized(&mut self) -> Result<&mut UninitializedSandbox> {
        match self.engine()? {
            Engine::Uninitialized(sandbox, _) => Ok(sandbox),
            other => Err(other.refusal(Refusal::TooLate)),
        }
    }

    /// The sandbox after its start.
    pub fn sandbox(&mut self) -> Result<&mut Sandbox> {
        match self.engine()? {
            Engine::Evolved(sandbox) => Ok(sandbox),
            Engine::Pooled(member) => Ok(member),
            other => Err(other.refusal(Refusal::Started)),
        }
    }

    /// Adds calls to the start, under the same limits. If one of them fails, the sandbox is discarded.
    pub fn prepare_by(&mut self, calls: Preparation) -> Result<()> {
        match self.engine()? {
            Engine::Uninitialized(_, preparation) => *preparation = calls,
            other => return Err(other.refusal(Refusal::TooLate)),
        }
        Ok(())
    }

    /// Sets the interval at which the signal hook is called; see [`Sandbox::set_signal_hook_interval`].
    pub fn set_signal_hook_interval(&mut self, interval: Duration) -> Result<()> {
        match self.engine()? {
            Engine::Uninitialized(sandbox, _) | Engine::Failed(sandbox, _) => {
                sandbox.set_signal_hook_interval(interval)
            }
            Engine::Evolved(sandbox) => sandbox.set_signal_hook_interval(interval),
            Engine::Pooled(member) => member.set_signal_hook_interval(interval),
            Engine::Discarded => Ok(()),
        }
    }

    /// Starts the guest, unless it has started, for a call with these limits. Returns the limits that remain for the
    /// call.
    pub fn ready<S: Starter>(
        &mut self,
        limits: CallOptions,
        starter: &mut S,
    ) -> Result<CallOptions, S::Error> {
        if !self.is_uninitialized() {
            return Ok(limits);
        }
        let begun = self.evolve(&limits, starter)?;
        starter.go_on()?;
        Ok(limits.since(begun))
    }

    /// Starts the guest and prepares it, under one limit. Returns the moment from which the limit counts.
    pub fn evolve<S: Starter>(&mut self, limits: &CallOptions, starter: &mut S) -> Result<Moment, S::Error> {
        starter.go_on()?;
        let begun = Moment::now();
        let limits = limits.clone().since(begun);
        let engine = self.engine()?;
        let mut started = loop {
            match engine.start(&limits) {
                Ok(sandbox) => break sandbox,
                Err(error) if matches!(engine, Engine::Uninitialized(..)) && starter.has_mended(&error) => {}
                Err(error) => return Err(error.into()),
            }
        };
        let preparation = match std::mem::replace(engine, Engine::Discarded) {
            Engine::Failed(_, preparation) => preparation,
            _ => Preparation::new(),
        };
        for (name, texts) in &preparation {
            starter.go_on()?;
            let arguments: Vec<_> = texts.iter().map(|text| ValueRef::String(text)).collect();
            started.call_ref_with(&limits, name, &arguments)?;
        }
        *engine = Engine::Evolved(started);
        Ok(begun)
    }

    fn engine(&mut self) -> Result<&mut Engine> {
        self.engine.as_deref_mut().ok_or_else(|| Refusal::Closed.error())
    }

    fn put_back(&mut self) -> Option<Remains> {
        let mut engine = self.engine.take()?;
        let unwinding = unwinding();
        if unwinding.is_some() && unwinding != self.unwinding {
            match &mut *engine {
                Engine::Evolved(sandbox) => sandbox.poison(),
                Engine::Pooled(member) => member.poison(),
                // A start that is going on has failed anyway.
                Engine::Uninitialized(..) | Engine::Failed(..) | Engine::Discarded => {}
            }
        }
        self.shared.leave(engine)
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        drop(self.put_back());
    }
}

impl fmt::Debug for Inside {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inside").field("engine", &self.engine).finish_non_exhaustive()
    }
}

/// This thread, if it is unwinding.
fn unwinding() -> Option<ThreadId> {
    thread::panicking().then(|| thread::current().id())
}

/// A sandbox at any time of its life.
#[derive(Debug)]
pub(super) enum Engine {
    Uninitialized(UninitializedSandbox, Preparation),
    /// The start failed, or is going on. The host functions live until the handle is closed.
    Failed(UninitializedSandbox, Preparation),
    Evolved(Sandbox),
    Pooled(PooledSandbox),
    /// The preparation failed, or is going on.
    Discarded,
}

impl Engine {
    /// The phase of the sandbox while nobody is inside.
    pub fn phase(&self) -> Phase {
        let of = |sandbox: &Sandbox| match sandbox.state() {
            State::Ready => Phase::Ready,
            State::Poisoned => Phase::Poisoned,
        };
        match self {
            Self::Uninitialized(..) => Phase::Uninitialized,
            Self::Failed(..) => Phase::Failed,
            Self::Evolved(sandbox) => of(sandbox),
            Self::Pooled(member) => of(member),
            Self::Discarded => Phase::Discarded,
        }
    }

    /// Starts the guest. After a failure from before the guest has run, the sandbox is unchanged.
    fn start(&mut self, limits: &CallOptions) -> Result<Sandbox> {
        match std::mem::replace(self, Self::Discarded) {
            // Failed until it is seen to have started: so it is, too, if a panic unwinds through here.
            Self::Uninitialized(sandbox, preparation) => *self = Self::Failed(sandbox, preparation),
            other => {
                *self = other;
                return Err(self.refusal(Refusal::Started));
            }
        }
        let Self::Failed(sandbox, _) = self else { return Err(Refusal::Discarded.error()) };
        sandbox.start(limits).map_err(|StartFailed { error, has_guest_run }| {
            if !has_guest_run
                && let Self::Failed(sandbox, preparation) = std::mem::replace(self, Self::Discarded)
            {
                *self = Self::Uninitialized(sandbox, preparation);
            }
            error
        })
    }

    /// The reason why the sandbox does not suit the request; `otherwise` if it serves calls.
    fn refusal(&self, otherwise: Refusal) -> Error {
        let refusal = match self {
            Self::Uninitialized(..) => Refusal::NotStarted,
            Self::Failed(..) => Refusal::Failed,
            Self::Evolved(_) | Self::Pooled(_) => otherwise,
            Self::Discarded => Refusal::Discarded,
        };
        refusal.error()
    }
}
