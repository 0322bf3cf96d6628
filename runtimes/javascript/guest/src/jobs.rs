//! Promises: their reactions run before a call returns, and unhandled rejections are logged.
//!
//! A guest waits for nothing. When no reaction is left to run, a pending promise stays pending for ever, and the call
//! that was to return its value fails with that reason.

use alloc::vec::Vec;
use core::cell::RefCell;
use core::ffi::c_void;
use core::ptr;

use rquickjs_sys as qjs;
use sdk::Error;

use crate::engine::runtime;
use crate::error::{Failure, Js, Thrown, UNSETTLED, describe};
use crate::libc::single::Single;
use crate::value::{PromiseState, Value};
use crate::{console, globals};

/// Maximum number of unhandled rejections that are kept for one call; a script could make any number.
const KEPT: usize = 16;

/// Promises that were rejected while nobody had asked for their result, and the reasons.
static UNHANDLED: Single<RefCell<Vec<(Value, Value)>>> = Single::new(RefCell::new(Vec::new()));

/// Makes the engine report rejections that nothing handles.
pub(crate) fn start() {
    // SAFETY: the runtime exists; the function has the type that the engine calls.
    unsafe { qjs::JS_SetHostPromiseRejectionTracker(runtime(), Some(rejected), ptr::null_mut()) };
}

/// Runs every reaction that is ready, and those that become ready by it. The error is a fault of the engine's own,
/// which is a lack of memory: reactions that throw reject promises.
pub(crate) fn drain() -> Option<Value> {
    let mut failure = None;
    loop {
        let mut context = ptr::null_mut();
        // SAFETY: the runtime exists; the engine says in which context something went wrong.
        match unsafe { qjs::JS_ExecutePendingJob(runtime(), &raw mut context) } {
            0 => return failure,
            // SAFETY: the engine has thrown.
            result if result < 0 => failure = Some(unsafe { Thrown::from_raw(qjs::JS_EXCEPTION) }.take()),
            _ => {}
        }
    }
}

/// Resolves a value for its receiver: a promise, and any other object with a `then`, to its result.
pub(crate) fn resolve(value: Value) -> core::result::Result<Value, Failure> {
    settle(awaitable(value)?)
}

/// Settles a value: a promise to its result.
pub(crate) fn settle(value: Value) -> core::result::Result<Value, Failure> {
    let failure = drain();
    match value.promise_state() {
        None => Ok(value),
        Some(PromiseState::Fulfilled(result)) => Ok(result),
        Some(PromiseState::Rejected(reason)) => {
            handled(&value);
            Err(Thrown::throw(reason).into())
        }
        Some(PromiseState::Pending) => Err(match failure {
            Some(failure) => Thrown::throw(failure).into(),
            None => {
                let message = "the promise is still pending, and nothing is left to run that could settle it";
                Error::new(UNSETTLED, message).into()
            }
        }),
    }
}

/// A value as `await` sees it: what has a `then` is asked for its result by that.
fn awaitable(value: Value) -> Js<Value> {
    if !value.is_object() || value.promise_state().is_some() {
        return Ok(value);
    }
    let then = value.get("then")?;
    if then.is_function() { globals::adopt(&value, &then) } else { Ok(value) }
}

/// Logs the unhandled rejections, and forgets them.
pub(crate) fn report_unhandled() {
    let unhandled = core::mem::take(&mut *UNHANDLED.borrow_mut());
    for (_, reason) in &unhandled {
        console::log(sdk::log::Level::Error, format_args!("Uncaught (in promise) {}", describe(reason)));
    }
}

/// Marks a rejection as handled by the caller.
fn handled(promise: &Value) {
    let mut unhandled = UNHANDLED.borrow_mut();
    let place = unhandled.iter().position(|(rejected, _)| rejected.is_same_object(promise));
    let entry = place.map(|place| unhandled.remove(place));
    drop(unhandled);
    drop(entry);
}

unsafe extern "C" fn rejected(
    _context: *mut qjs::JSContext,
    promise: qjs::JSValue,
    reason: qjs::JSValue,
    is_handled: bool,
    _opaque: *mut c_void,
) {
    // SAFETY: the engine lends both for the time of this call.
    let (promise, reason) = unsafe { (Value::share(promise), Value::share(reason)) };
    if is_handled {
        handled(&promise);
        return;
    }
    let mut unhandled = UNHANDLED.borrow_mut();
    if unhandled.len() < KEPT {
        unhandled.push((promise, reason));
    }
}
