//! Pools, as JavaScript has them.
//!
//! Who must wait for a member waits in JavaScript, so that a thousand requests do not become a thousand threads; there, too,
//! is decided in which order. Who comes here has a permit for a member, which is idle, can be made, or is just being made by the
//! pool for its reserve: that is all that is left to wait for.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use libhyperlight::handle::Operation;
use libhyperlight::{ErrorCode, Pool, PoolOptions, PooledSandbox};
use napi::bindgen_prelude::Object;
use napi_derive::napi;

use crate::failure::Failure;
use crate::guard::contain;
use crate::host;
use crate::job::Job;
use crate::options::{self, Limits, milliseconds};
use crate::port::JsPort;
use crate::reply::{Made, Reply};
use crate::sandbox::call;
use crate::shared::{Functions, SharedSandbox};
use crate::snapshot::JsSnapshot;
use crate::value::Loose;

/// What making a member takes at most, on a machine that has other work. Nobody who has a permit is sent away sooner.
const MOMENT: Duration = Duration::from_secs(1);

/// Sandboxes kept ready from one snapshot.
#[napi(js_name = "Pool")]
#[derive(Debug)]
pub struct JsPool {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    /// `None` once it was closed.
    pool: Mutex<Option<Arc<Pool>>>,
    /// The same for all members.
    functions: OnceLock<Arc<Functions>>,
    timeout: Duration,
}

/// What a pool has done and has.
#[napi(object, object_from_js = false)]
#[derive(Debug)]
pub struct JsPoolStatistics {
    /// Members that somebody has.
    pub in_use: f64,
    /// Members that are ready.
    pub idle: f64,
    /// Members made so far.
    pub created: f64,
    /// Members that could not be cleaned.
    pub replaced: f64,
    /// Waits for a member that was being cleaned.
    pub waits: f64,
    /// How long they took.
    pub waited_ms: f64,
}

/// One call in a member of a pool, besides its limits.
#[napi(object, object_to_js = false)]
#[derive(Debug)]
pub struct JsPoolCall {
    /// How long to wait for a member.
    pub wait_ms: Option<f64>,
    /// Whether it may be aborted.
    pub has_signal: bool,
}

#[napi]
impl JsPool {
    /// A pool without members yet.
    #[napi(catch_unwind)]
    pub fn make(snapshot: &JsSnapshot, options: Object<'_>) -> Made<JsPool> {
        Made(contain(|| {
            let options: PoolOptions = options::read(&options)?;
            let timeout = options::timeout(&options);
            let pool = Pool::new(&snapshot.snapshot, options)?;
            let shared =
                Shared { pool: Mutex::new(Some(Arc::new(pool))), functions: OnceLock::new(), timeout };
            Ok(Self { shared: Arc::new(shared) })
        }))
    }

    /// Registers the host function in that slot, for every member.
    #[napi(catch_unwind)]
    pub fn register(&self, name: String, params: Vec<String>, returns: String, slot: u32) -> Made<()> {
        Made(contain(|| {
            let signature = host::signature(&params, &returns)?;
            let function = host::function(name.clone(), slot, signature.returns());
            Ok(self.shared.pool()?.register_dynamic(&name, signature, function)?)
        }))
    }

    /// A member, made or cleaned on a thread of ours.
    #[napi(catch_unwind)]
    pub fn acquire(&self, port: &JsPort, id: u32, wait_ms: Option<f64>) -> Made<()> {
        let wait = wait_ms.map(milliseconds);
        self.start(port, id, move |shared, job| Ok(Reply::Sandbox(shared.member(job, wait)?)))
    }

    /// A call in a member that is given back at once.
    #[napi(catch_unwind)]
    pub fn call(
        &self,
        port: &JsPort,
        id: u32,
        how: JsPoolCall,
        limits: Option<Object<'_>>,
        name: String,
        arguments: Vec<Loose>,
    ) -> Made<()> {
        let wait = how.wait_ms.map(milliseconds);
        let limits = match Limits::of(limits) {
            Ok(limits) => limits,
            Err(failure) => return Made(Err(failure)),
        };
        self.start(port, id, move |shared, job| {
            let member = shared.member(job, wait)?;
            let checked = if how.has_signal { member.check_stoppable() } else { Ok(()) };
            let reply = checked.and_then(|()| {
                let mut inside = member.enter(Operation::Call)?;
                call(&mut inside, job, &limits, &name, arguments)
            });
            // Its handle first, so that giving it back finds none.
            job.finish();
            member.close();
            reply
        })
    }

    /// What the pool has done and has.
    #[napi(catch_unwind)]
    pub fn statistics(&self) -> Made<JsPoolStatistics> {
        #[expect(clippy::cast_precision_loss, reason = "nobody makes so many")]
        let number = |count: u64| count as f64;
        Made(contain(|| {
            let found = self.shared.pool()?.statistics()?;
            Ok(JsPoolStatistics {
                in_use: number(found.in_use),
                idle: number(found.idle),
                created: number(found.created),
                replaced: number(found.replaced),
                waits: number(found.waits),
                waited_ms: found.waited.as_secs_f64() * 1000.0,
            })
        }))
    }

    /// Closes the pool. Members that are out go away when they come back.
    #[napi(catch_unwind)]
    pub fn close(&self) {
        let pool = self.shared.pool.lock().unwrap_or_else(PoisonError::into_inner).take();
        drop(pool);
    }
}

impl JsPool {
    fn start<W>(&self, port: &JsPort, id: u32, work: W) -> Made<()>
    where
        W: FnOnce(&Shared, &Arc<Job>) -> Result<Reply, Failure> + Send + 'static,
    {
        Made(contain(|| {
            let shared = Arc::clone(&self.shared);
            port.start(id, 0, move |job| work(&shared, job))
        }))
    }
}

impl Shared {
    fn pool(&self) -> Result<Arc<Pool>, Failure> {
        let pool = self.pool.lock().unwrap_or_else(PoisonError::into_inner);
        pool.clone().ok_or_else(|| Failure::new(ErrorCode::Closed, "the pool was closed; make a new one"))
    }

    fn member(&self, job: &Job, wait: Option<Duration>) -> Result<Arc<SharedSandbox>, Failure> {
        let pool = self.pool()?;
        let member = match wait {
            Some(wait) => pool.acquire_within(wait.max(MOMENT))?,
            None => pool.acquire()?,
        };
        if job.is_cancelled() {
            return Err(Failure::interrupted());
        }
        let functions = Arc::clone(self.functions.get_or_init(|| Arc::new(functions(&member))));
        Ok(SharedSandbox::pooled(member, functions, self.timeout))
    }
}

fn functions(member: &PooledSandbox) -> Functions {
    Functions::of(member)
}
