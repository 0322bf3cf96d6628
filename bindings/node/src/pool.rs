//! Pools for JavaScript.
//!
//! Callers wait for a member in JavaScript, which also decides the order, so that a thousand requests do not need a
//! thousand threads. A caller here has a permit for a member, which is idle, can be made, or is just being made for the
//! pool's reserve. So only that can still be waited for.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use libhyperlight::handle::Operation;
use libhyperlight::{Error, Pool, PoolOptions, PooledSandbox};
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

/// Longest time that making a member takes on a busy machine. A caller with a permit waits at least so long.
const MOMENT: Duration = Duration::from_secs(1);

/// Sandboxes kept ready from one snapshot.
#[napi(js_name = "Pool")]
#[derive(Debug)]
pub struct JsPool {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    /// `None` after closing.
    pool: Mutex<Option<Arc<Pool>>>,
    /// The same for all members.
    functions: OnceLock<Arc<Functions>>,
    timeout: Duration,
}

/// Statistics of a pool.
#[napi(object, object_from_js = false)]
#[derive(Debug)]
pub struct JsPoolStatistics {
    /// Members in use.
    pub in_use: f64,
    /// Members that are ready.
    pub idle: f64,
    /// Members made so far.
    pub created: f64,
    /// Members dropped because they could not be restored.
    pub replaced: f64,
    /// Acquisitions that waited for a member that was being restored.
    pub waits: f64,
    /// Total time of those waits.
    pub waited_ms: f64,
}

/// One call in a member of a pool, with its settings but for the limits.
#[napi(object, object_to_js = false)]
#[derive(Debug)]
pub struct JsPoolCall {
    /// Longest wait for a member.
    pub wait_ms: Option<f64>,
    /// True if the call has an abort signal.
    pub has_signal: bool,
}

/// Fails because the pool was closed, for those who wait in JavaScript.
#[napi(catch_unwind)]
pub fn pool_closed() -> Made<()> {
    Made(Err(Error::pool_closed().into()))
}

/// Fails because none of so many members came free in time, for those who wait in JavaScript.
#[napi(catch_unwind)]
pub fn no_member_in_time(wait_ms: f64, members: u32) -> Made<()> {
    Made(Err(Error::no_member_in_time(milliseconds(wait_ms), members.into()).into()))
}

#[napi]
impl JsPool {
    /// Makes a pool, initially without members.
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

    /// Registers the host function in a slot, for every member.
    #[napi(catch_unwind)]
    pub fn register(&self, name: String, params: Vec<String>, returns: String, slot: u32) -> Made<()> {
        Made(contain(|| {
            let signature = host::signature(&params, &returns)?;
            let function = host::function(name.clone(), slot, signature.returns());
            Ok(self.shared.pool()?.register_dynamic(&name, signature, function)?)
        }))
    }

    /// Acquires a member, made or restored on a worker thread.
    #[napi(catch_unwind)]
    pub fn acquire(&self, port: &JsPort, id: u32, wait_ms: Option<f64>) -> Made<()> {
        let wait = wait_ms.map(milliseconds);
        self.start(port, id, move |shared, job| Ok(Reply::Sandbox(shared.member(job, wait)?)))
    }

    /// Calls a function in a member, which is then given back at once.
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
            // The handle is dropped first, so that giving the member back finds none.
            job.finish();
            member.close();
            reply
        })
    }

    /// Statistics of the pool.
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

    /// Closes the pool. Members in use are destroyed when they are given back.
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
        pool.clone().ok_or_else(|| Error::pool_closed().into())
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
