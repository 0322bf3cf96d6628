//! A sandbox, who is inside it, and when it really goes away.
//!
//! JavaScript may hold a sandbox in several places and close it at any moment, also from a callback. One flag says whether
//! somebody is inside: then everybody else is told `ERR_HL_BUSY`, and closing is left to whoever is inside.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use libhyperlight::{
    CallOptions, ErrorCode, InterruptHandle, Moment, PooledSandbox, Sandbox, Signature, Snapshot, State,
    UninitializedSandbox, Value, ValueRef,
};

use crate::failure::Failure;
use crate::guard::panic_if_asked;
use crate::host::{self, is_before_the_guest};
use crate::options::Limits;
use crate::value::{Loose, fit_arguments};

const UNINITIALIZED: u8 = 0;
const READY: u8 = 1;
const POISONED: u8 = 2;

/// A sandbox, shared by JavaScript and the thread that runs its call.
pub(crate) struct Cell {
    is_busy: AtomicBool,
    is_closing: AtomicBool,
    state: AtomicU8,
    /// Written once, by evolve.
    functions: OnceLock<Arc<Functions>>,
    /// Stops the calls; `None` if the program ignores the signal that does. Dropped before the engine: a pool makes a
    /// member's handles worthless if any are left.
    interrupt: Option<InterruptHandle>,
    timeout: Duration,
    pub affinity: u64,
    /// Locked by whoever has set `is_busy`, so that nobody ever waits for it.
    inner: Mutex<Inner>,
}

struct Inner {
    engine: Engine,
    /// Poisoned, whatever the engine says.
    is_broken: bool,
}

enum Engine {
    Closed,
    Evolved(Sandbox),
    /// With the snapshot that its pool is of.
    Pooled(PooledSandbox, Snapshot),
    Uninitialized(UninitializedSandbox, Preparation),
}

/// Calls that belong to the start of a sandbox, such as the loading of a script: each the name of a guest function and its
/// arguments.
pub(crate) type Preparation = Vec<Vec<String>>;

/// The functions of a guest.
#[derive(Debug)]
pub(crate) struct Functions {
    pub list: Vec<(String, Signature)>,
    by_name: HashMap<String, usize>,
}

impl Functions {
    pub fn of(sandbox: &Sandbox) -> Self {
        let list: Vec<_> =
            sandbox.functions().map(|(name, signature)| (name.to_owned(), signature.clone())).collect();
        let by_name = list.iter().enumerate().map(|(index, (name, _))| (name.clone(), index)).collect();
        Self { list, by_name }
    }

    fn fit(&self, name: &str, arguments: Vec<Loose>) -> Result<Vec<Value>, Failure> {
        match self.by_name.get(name).and_then(|index| self.list.get(*index)) {
            Some((_, signature)) => fit_arguments(name, signature, arguments),
            // The engine knows how to say that.
            None => Ok(Vec::new()),
        }
    }
}

impl Cell {
    pub fn new(mut engine: UninitializedSandbox, timeout: Duration) -> Arc<Self> {
        let interrupt = engine.interrupt_handle().ok();
        engine.set_signal_hook(host::go_on);
        let engine = Engine::Uninitialized(engine, Preparation::new());
        Self::with(engine, UNINITIALIZED, interrupt, OnceLock::new(), timeout)
    }

    /// A member of a pool.
    pub fn pooled(
        mut member: PooledSandbox,
        snapshot: Snapshot,
        functions: Arc<Functions>,
        timeout: Duration,
    ) -> Arc<Self> {
        let interrupt = member.interrupt_handle().ok();
        member.set_signal_hook(host::go_on);
        Self::with(Engine::Pooled(member, snapshot), READY, interrupt, OnceLock::from(functions), timeout)
    }

    fn with(
        engine: Engine,
        state: u8,
        interrupt: Option<InterruptHandle>,
        functions: OnceLock<Arc<Functions>>,
        timeout: Duration,
    ) -> Arc<Self> {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Arc::new(Self {
            is_busy: AtomicBool::new(false),
            is_closing: AtomicBool::new(false),
            state: AtomicU8::new(state),
            functions,
            interrupt,
            timeout,
            affinity: NEXT.fetch_add(1, Ordering::Relaxed),
            inner: Mutex::new(Inner { engine, is_broken: false }),
        })
    }

    /// Whether it was closed, or will be when its call ends.
    pub fn is_closing(&self) -> bool {
        self.is_closing.load(Ordering::Acquire)
    }

    /// Enters, if nobody is inside.
    pub fn enter(self: &Arc<Self>) -> Result<Inside, Failure> {
        if self.is_closing() {
            return Err(Failure::new(ErrorCode::Closed, "the sandbox was closed; make a new one"));
        }
        if self.is_busy.swap(true, Ordering::Acquire) {
            return Err(Failure::new(
                ErrorCode::Busy,
                "the sandbox is in use: await its running call first, or make another sandbox",
            ));
        }
        Ok(Inside { cell: Arc::clone(self) })
    }

    /// Goes away: now, or when whoever is inside leaves.
    pub fn close(&self) {
        self.is_closing.store(true, Ordering::SeqCst);
        if !self.is_busy.swap(true, Ordering::SeqCst) {
            self.empty();
        }
    }

    /// What it can do next.
    pub fn state(&self) -> &'static str {
        let is_closing = self.is_closing();
        match self.state.load(Ordering::Acquire) {
            _ if is_closing => "closed",
            _ if self.is_busy.load(Ordering::Acquire) => "running",
            UNINITIALIZED => "uninitialized",
            READY => "ready",
            _ => "poisoned",
        }
    }

    pub fn functions(&self) -> Option<&Arc<Functions>> {
        self.functions.get()
    }

    pub fn interrupt(&self) -> Option<&InterruptHandle> {
        self.interrupt.as_ref()
    }

    /// Whether a call can be aborted.
    pub fn check_stoppable(&self) -> Result<(), Failure> {
        if self.interrupt.is_some() {
            return Ok(());
        }
        Err(Failure::invalid_argument(
            "the program ignores the real-time signal that stops guests, so that no AbortSignal can end this call",
        ))
    }

    /// How long a call may take.
    pub fn timeout(&self, limits: Limits) -> Duration {
        limits.timeout.unwrap_or(self.timeout)
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the engine away; `is_busy` stays set for ever.
    fn empty(&self) {
        let mut engine = std::mem::replace(&mut self.inner().engine, Engine::Closed);
        if let Engine::Pooled(member, snapshot) = &mut engine
            && member.state() == State::Poisoned
        {
            // Given back as it is, it would be cleaned by the pool's own thread, and whoever comes next would wait on a thread.
            // Where that fails, the pool replaces it.
            let _ = member.restore(snapshot);
        }
        drop(engine);
    }
}

impl fmt::Debug for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cell").field("state", &self.state()).finish_non_exhaustive()
    }
}

/// The one who is inside.
pub(crate) struct Inside {
    pub cell: Arc<Cell>,
}

impl Inside {
    /// The engine before evolve; `rule` says what was attempted too late.
    pub fn uninitialized<R>(
        &self,
        rule: &str,
        work: impl FnOnce(&mut UninitializedSandbox) -> Result<R, Failure>,
    ) -> Result<R, Failure> {
        match &mut *self.cell.inner() {
            Inner { engine: Engine::Evolved(_) | Engine::Pooled(..), .. } => Err(Failure::state(rule)),
            Inner { is_broken: true, .. } => Err(Failure::poisoned()),
            Inner { engine: Engine::Uninitialized(engine, _), .. } => work(engine),
            Inner { engine: Engine::Closed, .. } => Err(closed()),
        }
    }

    /// What is to be called when the guest starts. Nothing may have started it yet.
    pub fn prepare_by(&self, calls: Preparation) {
        if let Engine::Uninitialized(_, preparation) = &mut self.cell.inner().engine {
            *preparation = calls;
        }
    }

    /// How often the guest is left to ask [`host::go_on`], from the next call on.
    pub fn ask_every(&self, interval: Duration) -> Result<(), Failure> {
        match &mut self.cell.inner().engine {
            Engine::Closed => return Err(closed()),
            Engine::Evolved(sandbox) => sandbox.set_signal_hook_interval(interval)?,
            Engine::Pooled(member, _) => member.set_signal_hook_interval(interval)?,
            Engine::Uninitialized(engine, _) => engine.set_signal_hook_interval(interval)?,
        }
        Ok(())
    }

    /// Starts the guest, unless it has started, for a call with these limits. What is left of them is for the call.
    pub fn ready(&self, limits: CallOptions) -> Result<CallOptions, Failure> {
        if !matches!(self.cell.inner().engine, Engine::Uninitialized(..)) {
            return Ok(limits);
        }
        let moment = self.evolve(&limits)?;
        host::check_caller()?;
        Ok(limits.since(moment))
    }

    /// Starts the guest. All of that has one limit, which began at the moment that is returned.
    pub fn evolve(&self, limits: &CallOptions) -> Result<Moment, Failure> {
        let moment = Moment::now();
        let limits = limits.clone().since(moment);
        let result = self
            .uninitialized("the sandbox has evolved already", |engine| Ok(engine.try_evolve_with(&limits)))?;
        let mut inner = self.cell.inner();
        let mut sandbox = match result {
            Ok(sandbox) => sandbox,
            Err(error) => {
                inner.is_broken = !is_before_the_guest(error.code());
                return Err(error.into());
            }
        };
        let functions = Arc::new(Functions::of(&sandbox));
        // It is closed if the preparation fails: half a program is worse than none.
        if let Engine::Uninitialized(_, preparation) = std::mem::replace(&mut inner.engine, Engine::Closed) {
            prepare(&mut sandbox, &limits, &preparation)
                .inspect_err(|_| self.cell.is_closing.store(true, Ordering::SeqCst))?;
        }
        // Nobody has evolved it before.
        let _ = self.cell.functions.set(functions);
        inner.engine = Engine::Evolved(sandbox);
        Ok(moment)
    }

    /// Calls a function of the guest, which has evolved; `take` gets the result.
    pub fn call<R>(
        &self,
        limits: &CallOptions,
        name: &str,
        arguments: Vec<Loose>,
        take: impl FnOnce(ValueRef<'_>) -> Result<R, Failure>,
    ) -> Result<R, Failure> {
        panic_if_asked("PanicInACall", name);
        let values = match self.cell.functions() {
            Some(functions) => functions.fit(name, arguments)?,
            None => Vec::new(),
        };
        let values: Vec<_> = values.iter().map(Value::borrow).collect();
        self.evolved(|sandbox| take(sandbox.call_ref_with(limits, name, &values)?))
    }

    pub fn snapshot(&self) -> Result<Snapshot, Failure> {
        self.evolved(|sandbox| Ok(sandbox.snapshot()?))
    }

    /// Brings the guest back. Mends a panic, too.
    pub fn restore(&self, snapshot: &Snapshot) -> Result<(), Failure> {
        let mut inner = self.cell.inner();
        inner.engine.sandbox()?.restore(snapshot)?;
        inner.is_broken = false;
        Ok(())
    }

    fn evolved<R>(&self, work: impl FnOnce(&mut Sandbox) -> Result<R, Failure>) -> Result<R, Failure> {
        let mut inner = self.cell.inner();
        if inner.is_broken {
            return Err(Failure::poisoned());
        }
        work(inner.engine.sandbox()?)
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        let cell = &self.cell;
        {
            let mut inner = cell.inner();
            inner.is_broken |= std::thread::panicking();
            let state = match &inner.engine {
                _ if inner.is_broken => POISONED,
                Engine::Uninitialized(..) => UNINITIALIZED,
                Engine::Evolved(sandbox) if sandbox.state() == State::Ready => READY,
                Engine::Pooled(member, _) if member.state() == State::Ready => READY,
                Engine::Evolved(_) | Engine::Pooled(..) | Engine::Closed => POISONED,
            };
            cell.state.store(state, Ordering::Release);
        }
        cell.is_busy.store(false, Ordering::SeqCst);
        // Closed meanwhile: whoever sets the flag first takes it away.
        if cell.is_closing.load(Ordering::SeqCst) && !cell.is_busy.swap(true, Ordering::SeqCst) {
            cell.empty();
        }
    }
}

impl Engine {
    fn sandbox(&mut self) -> Result<&mut Sandbox, Failure> {
        match self {
            Self::Evolved(sandbox) => Ok(sandbox),
            Self::Pooled(member, _) => Ok(member),
            Self::Uninitialized(..) => Err(Failure::state("the sandbox must evolve first")),
            Self::Closed => Err(closed()),
        }
    }
}

fn prepare(sandbox: &mut Sandbox, limits: &CallOptions, preparation: &Preparation) -> Result<(), Failure> {
    for call in preparation {
        let Some((name, arguments)) = call.split_first() else { continue };
        host::check_caller()?;
        let arguments: Vec<_> = arguments.iter().map(|text| ValueRef::String(text)).collect();
        sandbox.call_ref_with(limits, name, &arguments)?;
    }
    Ok(())
}

fn closed() -> Failure {
    Failure::new(ErrorCode::Closed, "the sandbox was closed; make a new one")
}
