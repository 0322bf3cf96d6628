//! Host functions: they carry a guest's call to a JavaScript function.
//!
//! The engine holds only a slot number in a table of JavaScript functions. So the garbage collector can collect the
//! table's owner with everything that its functions refer to. The running call on this thread ([`Caller`]) knows the
//! table. A synchronous call calls the function directly; any other posts the request through its [`Job`] and waits.
#![expect(unsafe_code, reason = "calls a JavaScript function with values made for it")]

use std::cell::RefCell;
use std::ptr;
use std::rc::Rc;
use std::sync::Arc;

use libhyperlight::{HostError, Kind, MAX_PARAMETERS, Signature, Value, ValueRef};
use napi::bindgen_prelude::{FromNapiValue, Function, Object, ToNapiValue};
use napi::{Env, JsValue, sys};

use crate::failure::{Failure, HostFailure, Thrown};
use crate::guard::panic_if_asked;
use crate::job::Job;
use crate::value::{Loose, ToJs, check, kind};

/// The caller of the guest that runs on this thread.
pub(crate) enum Caller {
    /// JavaScript, on this thread: its dispatcher, `(slot, ...arguments) => result`.
    Here(Dispatcher),
    /// A worker thread of this addon.
    Elsewhere(Arc<Job>),
}

/// The dispatcher of the running synchronous call. It never leaves the thread, nor outlives the call.
pub(crate) struct Dispatcher {
    env: sys::napi_env,
    function: sys::napi_value,
}

impl Dispatcher {
    pub fn new(env: Env, function: &Function<'_>) -> Self {
        Self { env: env.raw(), function: function.raw() }
    }
}

thread_local! {
    static CALLER: RefCell<Option<Rc<Caller>>> = const { RefCell::new(None) };
}

/// Runs `work`, with `caller` as the target of host functions.
pub(crate) fn with<R>(caller: Caller, work: impl FnOnce() -> R) -> R {
    struct Restore(Option<Rc<Caller>>);
    impl Drop for Restore {
        fn drop(&mut self) {
            let outer = self.0.take();
            CALLER.with(|current| *current.borrow_mut() = outer);
        }
    }
    // A host function may itself call another sandbox.
    let _restore = Restore(CALLER.with(|current| current.borrow_mut().replace(Rc::new(caller))));
    work()
}

/// Fails if the guest that runs on this thread must stop, because JavaScript cannot take its result. That is so while a
/// worker is being terminated, or the process ends, inside a synchronous call.
pub(crate) fn go_on() -> Result<(), HostError> {
    if is_wanted() { Ok(()) } else { Err(host_error(HostFailure::Cancelled)) }
}

/// Checks the same as [`go_on`] between two steps of a call, while no guest is running.
pub(crate) fn check_caller() -> Result<(), Failure> {
    if is_wanted() { Ok(()) } else { Err(Failure::interrupted()) }
}

fn is_wanted() -> bool {
    let caller = CALLER.with(|current| current.borrow().clone());
    match caller.as_deref() {
        Some(Caller::Here(dispatcher)) => dispatcher.may_run(),
        Some(Caller::Elsewhere(job)) => !job.is_cancelled(),
        None => true,
    }
}

/// Makes a signature from the names of kinds.
pub(crate) fn signature(params: &[String], returns: &str) -> Result<Signature, Failure> {
    let params: Vec<_> = params
        .iter()
        .enumerate()
        .map(|(index, name)| kind(name, &format!("params[{index}]")))
        .collect::<Result<_, _>>()?;
    let signature = Signature::new(&params, kind(returns, "returns")?)?;
    // A function's `length` does not tell how many parameters it has.
    Ok(signature
        .leaving_out(MAX_PARAMETERS, "guests give the arguments that params lists at its registration"))
}

/// Makes the host function for a slot of the caller's table.
pub(crate) fn function(
    name: String,
    slot: u32,
    returns: Kind,
) -> impl Fn(&[ValueRef<'_>]) -> Result<Value, HostError> + Send + Sync + 'static {
    move |arguments| {
        panic_if_asked("PanicInAHostFunction", &name);
        let caller = CALLER.with(|current| current.borrow().clone());
        let result = match caller.as_deref() {
            Some(Caller::Here(dispatcher)) => dispatcher.call(slot, arguments),
            Some(Caller::Elsewhere(job)) => {
                job.ask(slot, arguments.iter().map(|value| Value::from(*value)).collect())
            }
            None => Err(HostFailure::Cancelled),
        };
        let value = result.and_then(|loose| {
            loose
                .fit(returns, || format!("the result of the host function `{name}`"))
                .map_err(|wrong| HostFailure::Wrong(Box::new(wrong)))
        });
        value.map_err(host_error)
    }
}

fn host_error(failure: HostFailure) -> HostError {
    match &failure {
        HostFailure::Thrown(_) => HostError::new(failure),
        HostFailure::Wrong(wrong) => {
            let status = wrong.code.number();
            HostError::new(failure).with_status(status)
        }
        // The guest must not handle these itself.
        HostFailure::Cancelled | HostFailure::TimedOut(_) => HostError::new(failure).fatal(),
    }
}

impl Dispatcher {
    /// Returns true if JavaScript may still run in its environment.
    fn may_run(&self) -> bool {
        let mut is_equal = false;
        // SAFETY: the environment and the function are live here. The call has no effect and runs no code, but Node
        // first checks that JavaScript may run.
        let asked =
            unsafe { sys::napi_strict_equals(self.env, self.function, self.function, &raw mut is_equal) };
        check(asked).is_ok()
    }

    fn call(&self, slot: u32, arguments: &[ValueRef<'_>]) -> Result<Loose, HostFailure> {
        let mut scope = ptr::null_mut();
        // SAFETY: a synchronous call is running on this thread, so the environment is live.
        let opened = check(unsafe { sys::napi_open_handle_scope(self.env, &raw mut scope) });
        let result = opened.and_then(|()| {
            // SAFETY: as above, and the dispatcher is an argument of that call.
            let answer = unsafe { self.call_in_scope(slot, arguments) };
            // SAFETY: opened above; nothing of it is used any more, since an answer is a copy.
            check(unsafe { sys::napi_close_handle_scope(self.env, scope) })?;
            answer
        });
        match result {
            Ok(Ok(loose)) => Ok(loose),
            Ok(Err(thrown)) => Err(HostFailure::Thrown(thrown)),
            // The dispatcher catches exceptions of functions. So JavaScript is being stopped: `worker.terminate()`, or
            // `process.exit()` in a worker.
            Err(_) => Err(HostFailure::Cancelled),
        }
    }

    /// # Safety
    ///
    /// The environment and the dispatcher are live.
    unsafe fn call_in_scope(
        &self,
        slot: u32,
        arguments: &[ValueRef<'_>],
    ) -> napi::Result<Result<Loose, Thrown>> {
        let mut values = Vec::with_capacity(arguments.len() + 1);
        // SAFETY: the caller's promise, here and below.
        values.push(unsafe { u32::to_napi_value(self.env, slot) }?);
        for argument in arguments {
            // SAFETY: as above.
            values.push(unsafe { ToJs::to_napi_value(self.env, ToJs(*argument)) }?);
        }
        let (mut this, mut result) = (ptr::null_mut(), ptr::null_mut());
        // SAFETY: as above.
        check(unsafe { sys::napi_get_undefined(self.env, &raw mut this) })?;
        // SAFETY: as above; the values were just made.
        check(unsafe {
            sys::napi_call_function(
                self.env,
                this,
                self.function,
                values.len(),
                values.as_ptr(),
                &raw mut result,
            )
        })?;
        // SAFETY: the result of that call.
        let loose = unsafe { Loose::from_napi_value(self.env, result) }?;
        if loose != Loose::Other("an object") {
            return Ok(Ok(loose));
        }
        // SAFETY: it is an object, so says the line before.
        let object = unsafe { Object::from_napi_value(self.env, result) }?;
        Ok(match object.get::<u32>("thrown")? {
            Some(number) => {
                let text = object.get::<String>("text")?.unwrap_or_default();
                Err(Thrown { number, text })
            }
            None => Ok(loose),
        })
    }
}
