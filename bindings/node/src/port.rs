//! The channel from worker threads to JavaScript: one for each environment (the main thread, each worker).
//!
//! It keeps the process alive only while calls are running. An environment may end at any moment: its running calls are
//! then cancelled, and no thread waits for JavaScript any more.
#![expect(
    unsafe_code,
    reason = "whether the port holds the event loop can be changed by Node's own functions only"
)]

use std::cell::Cell;
use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use libhyperlight::{ErrorCode, Value};
use napi::bindgen_prelude::{FnArgs, Function, ToNapiValue};
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi::{Env, Status, sys};
use napi_derive::napi;

use crate::failure::{Failure, Thrown};
use crate::guard::contain;
use crate::job::Job;
use crate::reply::Reply;
use crate::value::{Loose, ToJs, check};
use crate::worker;

/// Longest time that an ending environment waits until all its calls are cancelled.
const PATIENCE: Duration = Duration::from_millis(200);

thread_local! {
    static IS_IN_A_WORKER: Cell<bool> = const { Cell::new(false) };
}

/// Returns true if another thread can terminate the JavaScript of this thread.
pub(crate) fn is_in_a_worker() -> bool {
    IS_IN_A_WORKER.get()
}

/// A message to JavaScript.
pub(crate) enum Message {
    /// Request to call the host function in a slot, for a job.
    Ask { id: u32, slot: u32, arguments: Vec<Value> },
    /// Result of a finished job.
    Done { id: u32, reply: Reply },
}

/// The third argument of the receiving function.
#[derive(Debug)]
pub struct Payload(Contents);

#[derive(Debug)]
enum Contents {
    Arguments(Vec<Value>),
    Reply(Reply),
}

/// `receive(id, slot, payload)`; slot -1 means done. Weak: it does not hold the process by itself.
type Receiver = ThreadsafeFunction<Message, (), FnArgs<(u32, i32, Payload)>, Status, false, true, 0>;

/// The port of one environment.
pub(crate) struct Port {
    receiver: Receiver,
    jobs: Mutex<HashMap<u32, Arc<Job>>>,
    is_closed: AtomicBool,
}

impl fmt::Debug for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Port").field("jobs", &self.jobs().len()).finish_non_exhaustive()
    }
}

impl Port {
    /// Posts a message to JavaScript. `false` means that the environment is gone.
    pub fn post(&self, message: Message) -> bool {
        !self.is_closed.load(Ordering::Acquire)
            && self.receiver.call(message, ThreadsafeFunctionCallMode::NonBlocking) == Status::Ok
    }

    fn job(&self, id: u32) -> Option<Arc<Job>> {
        self.jobs().get(&id).cloned()
    }

    fn jobs(&self) -> MutexGuard<'_, HashMap<u32, Arc<Job>>> {
        // Every change of the state is complete before any code that can panic.
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Cancels the environment's calls, when it ends.
    fn close(&self) {
        self.is_closed.store(true, Ordering::Release);
        let mut jobs: Vec<_> = self.jobs().values().cloned().collect();
        let begun = Instant::now();
        // Calls that cannot be cancelled at this moment are between two system calls.
        while cancel_all(&mut jobs) && begun.elapsed() < PATIENCE {
            thread::sleep(Duration::from_micros(50));
        }
        if !jobs.is_empty() {
            // Or the kernel has no room for another signal. The environment does not wait for that; a thread does.
            // Without a thread for it, the guests end at their next call of the host.
            let _ = thread::Builder::new().name("hl-stop".to_owned()).spawn(move || {
                while cancel_all(&mut jobs) {
                    thread::sleep(Duration::from_millis(1));
                }
            });
        }
    }
}

/// Cancels the remaining jobs, and drops the cancelled ones from the list. Returns true if any remain.
fn cancel_all(jobs: &mut Vec<Arc<Job>>) -> bool {
    jobs.retain(|job| !job.cancel());
    !jobs.is_empty()
}

/// The port, as an object for JavaScript.
#[napi(js_name = "Port")]
#[derive(Debug)]
pub struct JsPort {
    port: Arc<Port>,
}

#[napi]
impl JsPort {
    /// Makes a port that calls `receive(id, slot, payload)`.
    #[napi(constructor, catch_unwind)]
    pub fn new(
        env: Env,
        is_in_a_worker: bool,
        receive: Function<'_, FnArgs<(u32, i32, Payload)>, ()>,
    ) -> napi::Result<Self> {
        IS_IN_A_WORKER.set(is_in_a_worker);
        let receiver =
            receive.build_threadsafe_function::<Message>().weak::<true>().build_callback(|context| {
                Ok(FnArgs::from(match context.value {
                    Message::Ask { id, slot, arguments } => {
                        (id, i32::try_from(slot).unwrap_or(i32::MAX), Payload(Contents::Arguments(arguments)))
                    }
                    Message::Done { id, reply } => (id, -1, Payload(Contents::Reply(reply))),
                }))
            })?;
        let port = Arc::new(Port { receiver, jobs: Mutex::default(), is_closed: AtomicBool::new(false) });
        env.add_env_cleanup_hook(Arc::clone(&port), |port| port.close())?;
        Ok(Self { port })
    }

    /// Passes the host function's result to the waiting job.
    #[napi(catch_unwind)]
    pub fn answer(&self, id: u32, value: Loose) {
        if let Some(job) = self.port.job(id) {
            job.answer(Ok(value));
        }
    }

    /// Passes the host function's exception to the waiting job.
    #[napi(catch_unwind)]
    pub fn fail(&self, id: u32, number: u32, text: String) {
        if let Some(job) = self.port.job(id) {
            job.answer(Err(Thrown { number, text }));
        }
    }

    /// Cancels the job. `false` means that it must be cancelled again.
    #[napi(catch_unwind)]
    pub fn cancel(&self, id: u32) -> bool {
        self.port.job(id).is_none_or(|job| job.cancel())
    }

    /// Sets whether the event loop waits for this port.
    #[napi(catch_unwind)]
    pub fn hold(&self, env: Env, holds: bool) -> napi::Result<()> {
        let handle = &self.port.receiver.handle;
        handle.with_read_aborted(|is_aborted| {
            if is_aborted {
                return Ok(());
            }
            let raw = handle.get_raw();
            // SAFETY: on the environment's own thread, and the function is alive: it is not aborted.
            check(unsafe {
                if holds {
                    sys::napi_ref_threadsafe_function(env.raw(), raw)
                } else {
                    sys::napi_unref_threadsafe_function(env.raw(), raw)
                }
            })
        })
    }
}

impl JsPort {
    /// Runs `work` on a worker thread and posts its result to JavaScript. Everything that `work` owns is dropped by
    /// then. `affinity` names the work that the thread should have run last.
    pub(crate) fn start<W>(&self, id: u32, affinity: u64, work: W) -> Result<(), Failure>
    where
        W: FnOnce(&Arc<Job>) -> Result<Reply, Failure> + Send + 'static,
    {
        let job = Arc::new(Job::new(id, Arc::clone(&self.port)));
        self.port.jobs().insert(id, Arc::clone(&job));
        let started = worker::run(affinity, move || {
            let reply = contain(|| work(&job)).unwrap_or_else(Reply::Failure);
            job.finish();
            job.port.jobs().remove(&id);
            move || {
                job.port.post(Message::Done { id, reply });
            }
        });
        started.map_err(|error| {
            self.port.jobs().remove(&id);
            Failure::new(ErrorCode::Resource, format!("starting a thread failed: {error}"))
        })
    }
}

impl ToNapiValue for Payload {
    unsafe fn to_napi_value(env: sys::napi_env, this: Self) -> napi::Result<sys::napi_value> {
        // SAFETY: the caller's promise is passed on.
        unsafe {
            match this.0 {
                Contents::Reply(reply) => Reply::to_napi_value(env, reply),
                Contents::Arguments(values) => {
                    let values: Vec<_> = values.iter().map(|value| ToJs(value.borrow())).collect();
                    Vec::to_napi_value(env, values)
                }
            }
        }
    }
}
