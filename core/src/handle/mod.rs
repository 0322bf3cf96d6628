//! Handles: sandboxes that threads share, and that any thread may use, query, interrupt and close at any time.
//!
//! A [`crate::Sandbox`] has one owner at a time, and the compiler checks that. Where no compiler does (in C, Python and
//! JavaScript, and among threads that share a sandbox) a [`Handle`] tracks it at run time. Nothing ever waits: entering
//! a sandbox in use fails, and closing one takes effect when its user leaves. The other languages add only their
//! conversions.
//!
//! # States
//!
//! A thread enters for an [`Operation`], and this table answers. `+` admits it; the sandbox is then *running* until it
//! leaves in one of the other states. Anything else is the code of an error.
//!
//! | state | `state` says | call | call from start | evolve | inspect | register | restore | resume | snapshot | close |
//! |---|---|---|---|---|---|---|---|---|---|---|
//! | uninitialized | uninitialized | `State` | + | + | `State` | + | `State` | `State` | `State` | now |
//! | ready | ready | + | + | `State` | + | `State` | + | `State` | + | now |
//! | poisoned | poisoned | `Poisoned` | `Poisoned` | `State` | + | `State` | + | `Poisoned` | `Poisoned` | now |
//! | suspended | suspended | `State` | `State` | `State` | + | `State` | + | + | `State` | now |
//! | failed to start | poisoned | `Poisoned` | `Poisoned` | `Poisoned` | `Poisoned` | `Poisoned` | `Poisoned` | `Poisoned` | `Poisoned` | now |
//! | failed in its preparation | closed | `Closed` | `Closed` | `Closed` | `Closed` | `Closed` | `Closed` | `Closed` | `Closed` | now |
//! | running, here or elsewhere | running | `Busy` | `Busy` | `Busy` | `Busy` | `Busy` | `Busy` | `Busy` | `Busy` | when the user leaves |
//! | running and closed meanwhile | closed | `Closed` | `Closed` | `Closed` | `Closed` | `Closed` | `Closed` | `Closed` | `Closed` | has been said |
//! | closed | closed | `Closed` | `Closed` | `Closed` | `Closed` | `Closed` | `Closed` | `Closed` | `Closed` | has been |
//!
//! - A start that fails *before the guest has run* (no hypervisor, no memory, missing host functions) leaves the
//!   sandbox uninitialized, and may be retried. Any later failure is final: the guest's calls of host functions cannot
//!   be undone. The engine knows which of the two it was; no error code says it.
//! - *Preparation* is the part of a start that consists of calls, such as loading a script ([`Inside::prepare_by`]). If
//!   one of them fails, nothing of the sandbox is kept: half a program is worse than none.
//! - *Suspended* is a call that waits for results of host functions while nobody is inside: the guest is parked in the
//!   middle of it. A restore abandons the call. [`InterruptHandle::interrupt`] finds no call to stop, as between two
//!   calls.
//! - *Running elsewhere* is a sandbox whose user has handed it to another thread ([`Inside::hand_over`]). A thread that
//!   finds this may wait for the other one. A thread that finds it running here may be called by the user itself, and
//!   waiting would be a deadlock.
//! - In a forked child, a sandbox that was running in the parent answers `State`: its user does not exist there.
//!
//! A panic of the user leaves a sandbox poisoned, or failed if it was starting.

mod engine;
mod state;

use std::fmt;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::error::{Error, Result};
use crate::pool::PooledSandbox;
use crate::process::{Epoch, forked};
use crate::sandbox::UninitializedSandbox;
use crate::stop::InterruptHandle;
use engine::Engine;
pub use engine::{Inside, Preparation, Remains, Starter};
use state::{Closing, Refusal, Word};
pub use state::{Operation, State};

/// A sandbox that threads share. One uses it at a time. Cheap to clone.
#[derive(Clone)]
pub struct Handle {
    shared: Arc<Shared>,
}

impl Handle {
    /// A handle to a sandbox that has not started.
    pub fn new(mut sandbox: UninitializedSandbox) -> Self {
        let interrupt = sandbox.interrupt_handle().ok();
        Self::with(Engine::Uninitialized(sandbox, Preparation::new()), interrupt)
    }

    /// A handle to a member of a pool. Closing it gives the member back.
    pub fn pooled(mut member: PooledSandbox) -> Self {
        let interrupt = member.interrupt_handle().ok();
        Self::with(Engine::Pooled(member), interrupt)
    }

    fn with(engine: Engine, interrupt: Option<InterruptHandle>) -> Self {
        let word = AtomicU8::new(Word::new(engine.phase()).to_bits());
        let engine = Mutex::new(Some(Box::new(engine)));
        Self { shared: Arc::new(Shared { word, epoch: AtomicU64::new(0), interrupt, engine }) }
    }

    /// Enters the sandbox, if the operation is allowed now; see the table of the [module](self).
    pub fn enter(&self, operation: Operation) -> Result<Inside> {
        let shared = &self.shared;
        let epoch = Epoch::current()?.number();
        let entered = shared.change(|word| {
            let entered = word.enter(operation)?;
            // Before the word, with which others find it. Whoever else is about to enter stores the same.
            shared.epoch.store(epoch, Ordering::Relaxed);
            Ok::<_, Refusal>((entered, ()))
        });
        entered.map_err(|refusal| shared.error(refusal))?;
        match shared.engine().take() {
            Some(engine) => Ok(Inside::new(Arc::clone(shared), engine)),
            // The word is left running for ever. This cannot happen: only a user inside takes the engine.
            None => Err(Refusal::Closed.error()),
        }
    }

    /// Fails exactly if [`Self::enter`] would fail now.
    pub fn check(&self, operation: Operation) -> Result<()> {
        self.shared.word().enter(operation).map(drop).map_err(|refusal| self.shared.error(refusal))
    }

    /// Closes the sandbox: nobody can enter any more. The caller drops the contents that this returns; if somebody is
    /// inside, that user does. May be repeated.
    pub fn close(&self) -> Option<Remains> {
        let closed = self.shared.change(|word| Ok::<_, Refusal>(word.close()));
        match closed {
            Ok(Closing::Now) => self.shared.take_away(),
            Ok(Closing::Later | Closing::Done) | Err(_) => None,
        }
    }

    /// The state of the sandbox. May be called at any time.
    pub fn state(&self) -> State {
        self.shared.word().state()
    }

    /// The handle that interrupts its calls. `None` if the program ignores the signal that this needs.
    pub fn interrupt_handle(&self) -> Option<&InterruptHandle> {
        self.shared.interrupt.as_ref()
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle").field("state", &self.state()).finish_non_exhaustive()
    }
}

/// The state that all clones of a handle share.
struct Shared {
    /// A [`Word`].
    word: AtomicU8,
    /// The [`Epoch`] of whoever entered last: a sandbox that has not started may be used in a forked child.
    epoch: AtomicU64,
    /// Dropped before the engine: a pool makes a member's handles worthless if any are left.
    interrupt: Option<InterruptHandle>,
    /// The contents, unless somebody is inside and holds them. Locked only for a moment, by a thread that has just
    /// changed the word in its own favour.
    engine: Mutex<Option<Box<Engine>>>,
}

impl Shared {
    fn word(&self) -> Word {
        Word::from_bits(self.word.load(Ordering::Acquire))
    }

    fn error(&self, refusal: Refusal) -> Error {
        // Whoever is inside exists in the parent process only.
        if refusal == Refusal::Busy && !Epoch::from_number(self.epoch.load(Ordering::Relaxed)).is_current() {
            return forked();
        }
        refusal.error()
    }

    fn change<R, E>(&self, change: impl Fn(Word) -> Result<(Word, R), E>) -> Result<R, E> {
        let mut found = self.word.load(Ordering::Acquire);
        loop {
            let (next, result) = change(Word::from_bits(found))?;
            let next = next.to_bits();
            match self.word.compare_exchange_weak(found, next, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => return Ok(result),
                Err(changed) => found = changed,
            }
        }
    }

    fn engine(&self) -> MutexGuard<'_, Option<Box<Engine>>> {
        // Every change is complete before anything that can panic.
        self.engine.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts the engine back. Returns the contents if the sandbox was closed meanwhile.
    fn leave(&self, engine: Box<Engine>) -> Option<Remains> {
        let left = engine.phase();
        *self.engine() = Some(engine);
        let is_closed = self.change(|word| {
            let next = word.leave(left);
            Ok::<_, Refusal>((next, next.is_closed()))
        });
        if is_closed == Ok(true) { self.take_away() } else { None }
    }

    fn hand_over(&self) {
        let _ = self.change(|word| Ok::<_, Refusal>((word.hand_over(), ())));
    }

    /// Takes the contents after the caller has closed the handle.
    fn take_away(&self) -> Option<Remains> {
        self.engine().take().map(Remains::new)
    }
}
