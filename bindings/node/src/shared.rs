//! A sandbox, shared by JavaScript and the thread that runs its call. The engine's handle tracks the current user and
//! the allowed operations. This file adds JavaScript's part.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use libhyperlight::handle::{self, Handle, Operation, Preparation, Remains, Starter, State};
use libhyperlight::{
    CallOptions, InterruptHandle, PooledSandbox, Sandbox, Signature, Snapshot, UninitializedSandbox, Value,
    ValueRef,
};

use crate::failure::Failure;
use crate::guard::panic_if_asked;
use crate::host;
use crate::options::Limits;
use crate::value::{Loose, fit_arguments};

/// A sandbox.
pub(crate) struct SharedSandbox {
    handle: Handle,
    /// Written once, by evolve.
    functions: OnceLock<Arc<Functions>>,
    timeout: Duration,
    pub affinity: u64,
}

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
            // The engine has the message for that.
            None => Ok(Vec::new()),
        }
    }
}

impl SharedSandbox {
    pub fn new(mut sandbox: UninitializedSandbox, timeout: Duration) -> Arc<Self> {
        sandbox.set_signal_hook(host::go_on);
        Self::with(Handle::new(sandbox), OnceLock::new(), timeout)
    }

    /// A member of a pool.
    pub fn pooled(mut member: PooledSandbox, functions: Arc<Functions>, timeout: Duration) -> Arc<Self> {
        member.set_signal_hook(host::go_on);
        Self::with(Handle::pooled(member), OnceLock::from(functions), timeout)
    }

    fn with(handle: Handle, functions: OnceLock<Arc<Functions>>, timeout: Duration) -> Arc<Self> {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Arc::new(Self { handle, functions, timeout, affinity: NEXT.fetch_add(1, Ordering::Relaxed) })
    }

    /// Enters, if the sandbox is free for the operation.
    pub fn enter(self: &Arc<Self>, operation: Operation) -> Result<Inside, Failure> {
        let inside = self.handle.enter(operation)?;
        Ok(Inside { sandbox: Arc::clone(self), inside: Some(inside) })
    }

    /// Closes: now, or when the current user leaves.
    pub fn close(&self) {
        take_away(self.handle.close());
    }

    /// Returns true if the sandbox was closed, or will be when its call ends.
    pub fn is_closed(&self) -> bool {
        self.handle.state() == State::Closed
    }

    /// The state of the sandbox.
    pub fn state(&self) -> &'static str {
        self.handle.state().name()
    }

    pub fn functions(&self) -> Option<&Arc<Functions>> {
        self.functions.get()
    }

    /// The guest's functions, or a failure that says why they are not known.
    pub fn known_functions(&self) -> Result<&Arc<Functions>, Failure> {
        if self.functions().is_none() {
            self.handle.check(Operation::Inspect)?;
        }
        self.functions().ok_or_else(|| Failure::state("the guest is just starting"))
    }

    pub fn interrupt(&self) -> Option<&InterruptHandle> {
        self.handle.interrupt_handle()
    }

    /// Fails if calls cannot be aborted.
    pub fn check_stoppable(&self) -> Result<(), Failure> {
        if self.interrupt().is_some() {
            return Ok(());
        }
        Err(Failure::invalid_argument(
            "the program ignores the real-time signal that stops guests, so that no AbortSignal can end this call",
        ))
    }

    /// The time limit of a call.
    pub fn timeout(&self, limits: &Limits) -> Duration {
        limits.timeout().unwrap_or(self.timeout)
    }
}

impl fmt::Debug for SharedSandbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedSandbox").field("handle", &self.handle).finish_non_exhaustive()
    }
}

/// The current user of a sandbox.
pub(crate) struct Inside {
    pub sandbox: Arc<SharedSandbox>,
    /// `None` only after leaving.
    inside: Option<handle::Inside>,
}

impl Inside {
    /// Moves the work to a worker thread.
    pub fn hand_over(&mut self) {
        self.inside().hand_over();
    }

    /// The sandbox before evolve.
    pub fn uninitialized(&mut self) -> Result<&mut UninitializedSandbox, Failure> {
        Ok(self.inside().uninitialized()?)
    }

    /// Sets functions for the start to call.
    pub fn prepare_by(&mut self, calls: Preparation) -> Result<(), Failure> {
        Ok(self.inside().prepare_by(calls)?)
    }

    /// Sets the interval at which a running guest stops to ask [`host::go_on`], from the next call on.
    pub fn ask_every(&mut self, interval: Duration) -> Result<(), Failure> {
        Ok(self.inside().set_signal_hook_interval(interval)?)
    }

    /// Starts the guest, unless it has started, for a call with these limits. Returns the remaining limits for the
    /// call.
    pub fn ready(&mut self, limits: CallOptions) -> Result<CallOptions, Failure> {
        let limits = self.inside().ready(limits, &mut Caller);
        self.learn_functions();
        limits
    }

    /// Starts the guest.
    pub fn evolve(&mut self, limits: &CallOptions) -> Result<(), Failure> {
        let evolved = self.inside().evolve(limits, &mut Caller);
        self.learn_functions();
        evolved.map(drop)
    }

    /// Calls a function of a guest that has evolved; `take` gets the result.
    pub fn call<R>(
        &mut self,
        limits: &CallOptions,
        name: &str,
        arguments: Vec<Loose>,
        take: impl FnOnce(ValueRef<'_>) -> Result<R, Failure>,
    ) -> Result<R, Failure> {
        panic_if_asked("PanicInACall", name);
        let values = match self.sandbox.functions() {
            Some(functions) => functions.fit(name, arguments)?,
            None => Vec::new(),
        };
        let values: Vec<_> = values.iter().map(Value::borrow).collect();
        take(self.inside().sandbox()?.call_ref_with(limits, name, &values)?)
    }

    pub fn snapshot(&mut self) -> Result<Snapshot, Failure> {
        Ok(self.inside().sandbox()?.snapshot()?)
    }

    /// Restores the guest to the snapshot.
    pub fn restore(&mut self, snapshot: &Snapshot) -> Result<(), Failure> {
        Ok(self.inside().sandbox()?.restore(snapshot)?)
    }

    /// Even if the start has failed: whoever is cancelled at its end leaves a sandbox that is ready.
    fn learn_functions(&mut self) {
        if self.sandbox.functions.get().is_none()
            && let Ok(sandbox) = self.inside().sandbox()
        {
            let functions = Arc::new(Functions::of(sandbox));
            // Nobody else is inside.
            let _ = self.sandbox.functions.set(functions);
        }
    }

    fn inside(&mut self) -> &mut handle::Inside {
        self.inside.as_mut().unwrap_or_else(|| unreachable!("taken by drop alone"))
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        take_away(self.inside.take().and_then(handle::Inside::leave));
    }
}

fn take_away(remains: Option<Remains>) {
    if let Some(mut remains) = remains {
        // Restores here, so that the next caller does not occupy a thread to wait for the pool's own.
        remains.clean();
    }
}

/// JavaScript's part in a start: it must still run to get the result.
struct Caller;

impl Starter for Caller {
    type Error = Failure;

    fn go_on(&mut self) -> Result<(), Failure> {
        host::check_caller()
    }
}
