//! Sandboxes, as JavaScript has them.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::{Arc, Weak};
use std::time::Duration;

use libhyperlight::{InterruptHandle, UninitializedSandbox, Value};
use napi::Env;
use napi::bindgen_prelude::{Function, ObjectFinalize};
use napi_derive::napi;

use crate::cell::{Cell, Inside};
use crate::failure::Failure;
use crate::forgotten::{self, Watched};
use crate::guard::{contain, panic_if_asked};
use crate::guest::JsGuest;
use crate::host::{self, Caller, Dispatcher};
use crate::job::Job;
use crate::options::{JsSandboxOptions, Limits};
use crate::port::{self, JsPort};
use crate::reply::{Made, Raw, Reply};
use crate::snapshot::JsSnapshot;
use crate::value::Loose;
use crate::weight::Weight;

/// A sandbox.
#[napi(js_name = "Sandbox", custom_finalize)]
#[derive(Debug)]
pub struct JsSandbox {
    pub(crate) cell: Arc<Cell>,
    weight: Weight,
}

thread_local! {
    /// The sandboxes of this thread's JavaScript, for [`call_sync`].
    static CELLS: RefCell<HashMap<u64, Weak<Cell>>> = RefCell::default();
}

/// How often a synchronous call in a worker looks whether the worker is being terminated. It costs less than a hundredth of
/// the guest's time.
const BREATH: Duration = Duration::from_millis(20);

/// Calls a guest function on this thread. `dispatch(slot, ...arguments)` calls host functions.
///
/// Not a method, because finding out which object a method belongs to takes longer than everything else here.
#[napi(catch_unwind)]
pub fn call_sync(
    env: Env,
    number: f64,
    dispatch: Function<'_>,
    timeout_ms: Option<f64>,
    cpu_time_ms: Option<f64>,
    name: String,
    arguments: Vec<Loose>,
) -> Made<Raw> {
    let limits = Limits::new(timeout_ms, cpu_time_ms);
    panic_if_asked("PanicAtTheBorder", &name);
    Made(contain(|| {
        let cell = CELLS.with_borrow(|cells| cells.get(&number.to_bits()).and_then(Weak::upgrade));
        let inside =
            cell.ok_or_else(|| Failure::state("there is no such sandbox on this thread"))?.enter()?;
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
    /// A sandbox for a guest.
    #[napi(catch_unwind, ts_return_type = "Made<Sandbox>")]
    pub fn of_guest(env: Env, guest: &JsGuest, options: JsSandboxOptions) -> Made<Watched> {
        Made(contain(|| {
            forgotten::make_room(env);
            let engine = UninitializedSandbox::new(&guest.guest, options.to_engine())?;
            Ok(Watched(Self::new(env, Cell::new(engine, options.timeout()))))
        }))
    }

    /// A sandbox that goes on where the snapshot was taken.
    #[napi(catch_unwind, ts_return_type = "Made<Sandbox>")]
    pub fn of_snapshot(env: Env, snapshot: &JsSnapshot, options: JsSandboxOptions) -> Made<Watched> {
        Made(contain(|| {
            forgotten::make_room(env);
            let engine = UninitializedSandbox::from_snapshot(&snapshot.snapshot, options.to_engine())?;
            Ok(Watched(Self::new(env, Cell::new(engine, options.timeout()))))
        }))
    }

    /// Registers the host function in that slot.
    #[napi(catch_unwind)]
    pub fn register(&self, name: String, params: Vec<String>, returns: String, slot: u32) -> Made<()> {
        Made(contain(|| {
            let inside = self.cell.enter()?;
            let signature = host::signature(&params, &returns)?;
            inside.uninitialized("host functions are registered before evolve", |engine| {
                let function = host::function(name.clone(), slot, signature.returns());
                Ok(engine.register_dynamic(&name, signature, function)?)
            })
        }))
    }

    /// Removes a host function. Whether there was one.
    #[napi(catch_unwind)]
    pub fn unregister(&self, name: String) -> Made<bool> {
        Made(contain(|| {
            let inside = self.cell.enter()?;
            inside.uninitialized("host functions are removed before evolve", |engine| {
                Ok(engine.unregister(&name)?)
            })
        }))
    }

    /// Has the start call these functions, each with its name first and then texts, under the same limits. If one fails, the
    /// sandbox is closed.
    #[napi(catch_unwind)]
    pub fn prepare_by(&self, calls: Vec<Vec<String>>) -> Made<()> {
        Made(contain(|| {
            self.cell.enter()?.prepare_by(calls);
            Ok(())
        }))
    }

    /// Starts the guest.
    #[napi(catch_unwind)]
    pub fn evolve(
        &self,
        port: &JsPort,
        id: u32,
        timeout_ms: Option<f64>,
        cpu_time_ms: Option<f64>,
    ) -> Made<()> {
        let limits = Limits::new(timeout_ms, cpu_time_ms);
        self.start(port, id, move |inside, job| {
            run(inside, job, limits, || inside.evolve(&limits.to_engine()))?;
            Ok(Reply::NOTHING)
        })
    }

    /// Calls a guest function on a thread of ours.
    #[napi(catch_unwind)]
    pub fn call(
        &self,
        port: &JsPort,
        id: u32,
        timeout_ms: Option<f64>,
        cpu_time_ms: Option<f64>,
        name: String,
        arguments: Vec<Loose>,
    ) -> Made<()> {
        let limits = Limits::new(timeout_ms, cpu_time_ms);
        panic_if_asked("PanicAtTheBorder", &name);
        self.start(port, id, move |inside, job| call(inside, job, limits, &name, arguments))
    }

    /// Fails if no call can be aborted.
    #[napi(catch_unwind)]
    pub fn check_stoppable(&self) -> Made<()> {
        Made(contain(|| self.cell.check_stoppable()))
    }

    /// By which [`call_sync`] knows this sandbox.
    #[napi(catch_unwind, getter)]
    pub fn number(&self) -> f64 {
        number_of(&self.cell)
    }

    /// Takes a snapshot.
    #[napi(catch_unwind)]
    pub fn snapshot(&self, port: &JsPort, id: u32) -> Made<()> {
        self.start(port, id, |inside, _| Ok(Reply::Snapshot(inside.snapshot()?)))
    }

    /// Brings the guest back.
    #[napi(catch_unwind)]
    pub fn restore(&self, port: &JsPort, id: u32, snapshot: &JsSnapshot) -> Made<()> {
        let snapshot = snapshot.snapshot.clone();
        self.start(port, id, move |inside, _| {
            inside.restore(&snapshot)?;
            Ok(Reply::NOTHING)
        })
    }

    /// The guest's functions, once it has evolved.
    #[napi(catch_unwind, getter)]
    pub fn functions(&self) -> Option<Vec<JsFunction>> {
        let functions = self.cell.functions()?;
        let function = |(name, signature): &(String, libhyperlight::Signature)| JsFunction {
            name: name.clone(),
            params: signature.params().iter().map(|kind| kind.name()).collect(),
            returns: signature.returns().name(),
        };
        Some(functions.list.iter().map(function).collect())
    }

    /// What the sandbox can do next.
    #[napi(catch_unwind, getter)]
    pub fn state(&self) -> &'static str {
        self.cell.state()
    }

    /// Stops the running call. Whether there was one.
    #[napi(catch_unwind)]
    pub fn interrupt(&self) -> bool {
        self.cell.interrupt().is_some_and(InterruptHandle::interrupt)
    }

    /// Closes the sandbox: now, or when its running call ends.
    #[napi(catch_unwind)]
    pub fn close(&self, env: Env) {
        self.cell.close();
        self.weight.take_away(env);
    }
}

impl JsSandbox {
    /// On the thread of the JavaScript that gets it.
    pub(crate) fn new(env: Env, cell: Arc<Cell>) -> Self {
        CELLS.with_borrow_mut(|cells| cells.insert(number_of(&cell).to_bits(), Arc::downgrade(&cell)));
        Self { cell, weight: Weight::put(env) }
    }

    /// Enters now, so that the next one is told that the sandbox is busy, and goes on on a thread of ours.
    fn start<W>(&self, port: &JsPort, id: u32, work: W) -> Made<()>
    where
        W: FnOnce(&Inside, &Arc<Job>) -> Result<Reply, Failure> + Send + 'static,
    {
        Made(contain(|| {
            let inside = self.cell.enter()?;
            // The port cancels it where it must end.
            inside.ask_every(Duration::MAX)?;
            port.start(id, self.cell.affinity, move |job| work(&inside, job))
        }))
    }
}

impl ObjectFinalize for JsSandbox {
    fn finalize(self, env: Env) -> napi::Result<()> {
        self.weight.take_away(env);
        Ok(())
    }
}

impl Drop for JsSandbox {
    fn drop(&mut self) {
        let number = number_of(&self.cell).to_bits();
        // The thread may be ending, and its table gone.
        let _ = CELLS.try_with(|cells| cells.borrow_mut().remove(&number));
    }
}

#[expect(clippy::cast_precision_loss, reason = "a counter that does not get that far")]
fn number_of(cell: &Cell) -> f64 {
    cell.affinity as f64
}

/// Calls a function of the guest, for a job.
pub(crate) fn call(
    inside: &Inside,
    job: &Arc<Job>,
    limits: Limits,
    name: &str,
    arguments: Vec<Loose>,
) -> Result<Reply, Failure> {
    run(inside, job, limits, || {
        let limits = inside.ready(limits.to_engine())?;
        inside.call(&limits, name, arguments, |value| Ok(Reply::Value(Value::from(value))))
    })
}

/// Lets the guest run for a job, within its limits.
fn run<R>(
    inside: &Inside,
    job: &Arc<Job>,
    limits: Limits,
    work: impl FnOnce() -> Result<R, Failure>,
) -> Result<R, Failure> {
    job.begin(inside.cell.interrupt(), inside.cell.timeout(limits))?;
    host::with(Caller::Elsewhere(Arc::clone(job)), work)
}
