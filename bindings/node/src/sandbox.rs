//! Sandboxes for JavaScript.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::{Arc, Weak};
use std::time::Duration;

use libhyperlight::handle::Operation;
use libhyperlight::{InterruptHandle, SandboxOptions, UninitializedSandbox, Value};
use napi::Env;
use napi::bindgen_prelude::{Function, Object, ObjectFinalize};
use napi_derive::napi;

use crate::external_memory::ExternalMemory;
use crate::failure::Failure;
use crate::forgotten::{self, Watched};
use crate::guard::{contain, panic_if_asked};
use crate::guest::JsGuest;
use crate::host::{self, Caller, Dispatcher};
use crate::job::Job;
use crate::options::{self, Limits};
use crate::port::{self, JsPort};
use crate::reply::{Made, Raw, Reply};
use crate::shared::{Inside, SharedSandbox};
use crate::snapshot::JsSnapshot;
use crate::value::Loose;

/// A sandbox.
#[napi(js_name = "Sandbox", custom_finalize)]
#[derive(Debug)]
pub struct JsSandbox {
    pub(crate) sandbox: Arc<SharedSandbox>,
    memory: ExternalMemory,
}

thread_local! {
    /// The sandboxes of this thread's JavaScript, for [`call_sync`].
    static SANDBOXES: RefCell<HashMap<u64, Weak<SharedSandbox>>> = RefCell::default();
}

/// Interval at which a synchronous call in a worker checks for the worker's termination. It costs less than a hundredth
/// of the guest's time.
const BREATH: Duration = Duration::from_millis(20);

/// Calls a guest function on this thread. `dispatch(slot, ...arguments)` calls host functions.
///
/// A function and not a method, because the lookup of a method's object takes longer than everything else here.
#[napi(catch_unwind)]
pub fn call_sync(
    env: Env,
    number: f64,
    dispatch: Function<'_>,
    limits: Option<Object<'_>>,
    name: String,
    arguments: Vec<Loose>,
) -> Made<Raw> {
    panic_if_asked("PanicAtTheBorder", &name);
    Made(contain(|| {
        let limits = Limits::of(limits)?;
        let found = SANDBOXES.with_borrow(|table| table.get(&number.to_bits()).and_then(Weak::upgrade));
        let sandbox = found.ok_or_else(|| Failure::state("there is no such sandbox on this thread"))?;
        let mut inside = sandbox.enter(Operation::CallFromStart)?;
        inside.ask_every(if port::is_in_a_worker() { BREATH } else { Duration::MAX })?;
        host::with(Caller::Here(Dispatcher::new(env, &dispatch)), || {
            let limits = inside.ready(limits.to_engine())?;
            inside.call(&limits, &name, arguments, |value| Raw::new(env, value))
        })
    }))
}

/// A function of the guest.
#[napi(object, object_from_js = false)]
#[derive(Debug)]
pub struct JsFunction {
    /// Its name.
    pub name: String,
    /// The kinds of its parameters.
    pub params: Vec<&'static str>,
    /// The kind of its result.
    pub returns: &'static str,
}

#[napi]
impl JsSandbox {
    /// Makes a sandbox for a guest.
    #[napi(catch_unwind, ts_return_type = "Made<Sandbox>")]
    pub fn of_guest(env: Env, guest: &JsGuest, options: Object<'_>) -> Made<Watched> {
        Made(contain(|| {
            forgotten::make_room(env);
            let options: SandboxOptions = options::read(&options)?;
            let timeout = options::timeout(&options);
            let engine = UninitializedSandbox::new(&guest.guest, options)?;
            Ok(Watched(Self::new(env, SharedSandbox::new(engine, timeout))))
        }))
    }

    /// Makes a sandbox that continues where the snapshot was taken.
    #[napi(catch_unwind, ts_return_type = "Made<Sandbox>")]
    pub fn of_snapshot(env: Env, snapshot: &JsSnapshot, options: Object<'_>) -> Made<Watched> {
        Made(contain(|| {
            forgotten::make_room(env);
            let options: SandboxOptions = options::read(&options)?;
            let timeout = options::timeout(&options);
            let engine = UninitializedSandbox::from_snapshot(&snapshot.snapshot, options)?;
            Ok(Watched(Self::new(env, SharedSandbox::new(engine, timeout))))
        }))
    }

    /// Registers the host function in a slot.
    #[napi(catch_unwind)]
    pub fn register(&self, name: String, params: Vec<String>, returns: String, slot: u32) -> Made<()> {
        Made(contain(|| {
            let mut inside = self.sandbox.enter(Operation::Register)?;
            let signature = host::signature(&params, &returns)?;
            let function = host::function(name.clone(), slot, signature.returns());
            Ok(inside.uninitialized()?.register_dynamic(&name, signature, function)?)
        }))
    }

    /// Removes a host function. Returns true if there was one.
    #[napi(catch_unwind)]
    pub fn unregister(&self, name: String) -> Made<bool> {
        Made(contain(|| {
            let mut inside = self.sandbox.enter(Operation::Register)?;
            Ok(inside.uninitialized()?.unregister(&name)?)
        }))
    }

    /// Sets functions for the start to call, each given as its name and then texts, under the same limits. If one
    /// fails, the sandbox is closed.
    #[napi(catch_unwind)]
    pub fn prepare_by(&self, calls: Vec<Vec<String>>) -> Made<()> {
        Made(contain(|| {
            let calls = calls.into_iter().filter_map(|call| {
                let mut texts = call.into_iter();
                Some((texts.next()?, texts.collect()))
            });
            self.sandbox.enter(Operation::Register)?.prepare_by(calls.collect())
        }))
    }

    /// Starts the guest.
    #[napi(catch_unwind)]
    pub fn evolve(&self, port: &JsPort, id: u32, limits: Option<Object<'_>>) -> Made<()> {
        let limits = match Limits::of(limits) {
            Ok(limits) => limits,
            Err(failure) => return Made(Err(failure)),
        };
        self.start(port, id, Operation::Evolve, move |inside, job| {
            run(inside, job, &limits, |inside| inside.evolve(&limits.to_engine()))?;
            Ok(Reply::NOTHING)
        })
    }

    /// Calls a guest function on a worker thread.
    #[napi(catch_unwind)]
    pub fn call(
        &self,
        port: &JsPort,
        id: u32,
        limits: Option<Object<'_>>,
        name: String,
        arguments: Vec<Loose>,
    ) -> Made<()> {
        panic_if_asked("PanicAtTheBorder", &name);
        let limits = match Limits::of(limits) {
            Ok(limits) => limits,
            Err(failure) => return Made(Err(failure)),
        };
        self.start(port, id, Operation::CallFromStart, move |inside, job| {
            call(inside, job, &limits, &name, arguments)
        })
    }

    /// Fails if calls cannot be aborted.
    #[napi(catch_unwind)]
    pub fn check_stoppable(&self) -> Made<()> {
        Made(contain(|| self.sandbox.check_stoppable()))
    }

    /// The sandbox's number for [`call_sync`].
    #[napi(catch_unwind, getter)]
    pub fn number(&self) -> f64 {
        number_of(&self.sandbox)
    }

    /// Takes a snapshot.
    #[napi(catch_unwind)]
    pub fn snapshot(&self, port: &JsPort, id: u32) -> Made<()> {
        self.start(port, id, Operation::Snapshot, |inside, _| Ok(Reply::Snapshot(inside.snapshot()?)))
    }

    /// Restores the guest to the snapshot.
    #[napi(catch_unwind)]
    pub fn restore(&self, port: &JsPort, id: u32, snapshot: &JsSnapshot) -> Made<()> {
        let snapshot = snapshot.snapshot.clone();
        self.start(port, id, Operation::Restore, move |inside, _| {
            inside.restore(&snapshot)?;
            Ok(Reply::NOTHING)
        })
    }

    /// The guest's functions, once it has evolved.
    #[napi(catch_unwind, getter)]
    pub fn functions(&self) -> Made<Vec<JsFunction>> {
        let function = |(name, signature): &(String, libhyperlight::Signature)| JsFunction {
            name: name.clone(),
            params: signature.params().iter().map(|kind| kind.name()).collect(),
            returns: signature.returns().name(),
        };
        let functions = self.sandbox.known_functions();
        Made(functions.map(|functions| functions.list.iter().map(function).collect()))
    }

    /// The state of the sandbox.
    #[napi(catch_unwind, getter)]
    pub fn state(&self) -> &'static str {
        self.sandbox.state()
    }

    /// Cancels the running call. Returns true if there was one.
    #[napi(catch_unwind)]
    pub fn interrupt(&self) -> bool {
        self.sandbox.interrupt().is_some_and(InterruptHandle::interrupt)
    }

    /// Closes the sandbox: now, or when its running call ends.
    #[napi(catch_unwind)]
    pub fn close(&self, env: Env) {
        self.sandbox.close();
        self.memory.take_back(env);
    }
}

impl JsSandbox {
    /// Makes the object, on the thread of the JavaScript that gets it.
    pub(crate) fn new(env: Env, sandbox: Arc<SharedSandbox>) -> Self {
        let number = number_of(&sandbox).to_bits();
        SANDBOXES.with_borrow_mut(|table| table.insert(number, Arc::downgrade(&sandbox)));
        Self { sandbox, memory: ExternalMemory::report(env) }
    }

    /// Enters at once, so that the next caller learns that the sandbox is busy, and continues on a worker thread.
    fn start<W>(&self, port: &JsPort, id: u32, operation: Operation, work: W) -> Made<()>
    where
        W: FnOnce(&mut Inside, &Arc<Job>) -> Result<Reply, Failure> + Send + 'static,
    {
        Made(contain(|| {
            let mut inside = self.sandbox.enter(operation)?;
            // The port cancels it when the environment ends.
            inside.ask_every(Duration::MAX)?;
            inside.hand_over();
            port.start(id, self.sandbox.affinity, move |job| work(&mut inside, job))
        }))
    }
}

impl ObjectFinalize for JsSandbox {
    fn finalize(self, env: Env) -> napi::Result<()> {
        self.memory.take_back(env);
        Ok(())
    }
}

impl Drop for JsSandbox {
    fn drop(&mut self) {
        let number = number_of(&self.sandbox).to_bits();
        // The thread may be ending, and its table dropped.
        let _ = SANDBOXES.try_with(|table| table.borrow_mut().remove(&number));
    }
}

#[expect(clippy::cast_precision_loss, reason = "a counter that does not get that far")]
fn number_of(sandbox: &SharedSandbox) -> f64 {
    sandbox.affinity as f64
}

/// Calls a guest function, for a job.
pub(crate) fn call(
    inside: &mut Inside,
    job: &Arc<Job>,
    limits: &Limits,
    name: &str,
    arguments: Vec<Loose>,
) -> Result<Reply, Failure> {
    run(inside, job, limits, |inside| {
        let limits = inside.ready(limits.to_engine())?;
        inside.call(&limits, name, arguments, |value| Ok(Reply::Value(Value::from(value))))
    })
}

/// Runs the guest for a job, within its limits.
fn run<R>(
    inside: &mut Inside,
    job: &Arc<Job>,
    limits: &Limits,
    work: impl FnOnce(&mut Inside) -> Result<R, Failure>,
) -> Result<R, Failure> {
    job.begin(inside.sandbox.interrupt(), inside.sandbox.timeout(limits))?;
    host::with(Caller::Elsewhere(Arc::clone(job)), || work(inside))
}
