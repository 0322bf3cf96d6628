//! Scripts, called with values of any form: functions of the `javascript` guest without its JSON.

use std::ffi::{c_char, c_void};

use libhyperlight::handle::Operation;
use libhyperlight::{HostError, Kind, Signature, Value, ValueRef};
use libhyperlight_values::script;

use crate::any::build::{Builder, Tree};
use crate::any::read::Reader;
use crate::any::{hl_any, hl_any_fn, refused};
use crate::error::{HL_ERR_PROTOCOL, HL_ERR_SIGNATURE, hl_error, hl_status};
use crate::guard;
use crate::host::{Callback, UserData, hl_free_fn};
use crate::options::{Structure, hl_call_options};
use crate::pool::hl_pool;
use crate::sandbox::{Inside, hl_sandbox};
use crate::value::hl_bytes;

/// Maximum number of arguments of a host function.
const MAX_ARITY: usize = 1024;

/// Calls a function that a script of the `javascript` guest exports, or a global one, with values instead of JSON. A
/// promise is awaited. `options` may be NULL, `args` where `n_args` is 0. `*out` is the result, to be freed by
/// `hl_any_free`; `HL_ANY_UNDEFINED` if the function returned nothing. It does not depend on the sandbox.
///
/// Arguments are of the kinds up to `HL_ANY_RECORD`. Whole numbers from 2^53 on become big integers. An `hl_any` of
/// another kind is `HL_ERR_INVALID_ARGUMENT`, beyond its limits `HL_ERR_TOO_LARGE`: nothing was called then.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hl_script_call(
    sandbox: *mut hl_sandbox,
    options: *const hl_call_options,
    function: *const c_char,
    args: *const hl_any,
    n_args: usize,
    out: *mut *mut hl_any,
    err: *mut *mut hl_error,
) -> hl_status {
    let work = || {
        // SAFETY: passed on, here and below.
        let function = unsafe { guard::text(function, "function") }?;
        let what = format!("an argument of `{function}`");
        let mut reader = Reader::for_script(what.clone());
        // SAFETY: by the header's rules `args` points to `n_args` values, which live as long as the call.
        let arguments = unsafe { reader.items(args, n_args) }?;
        let arguments = script::encode_all(arguments, &what, &mut reader)?;
        let arguments = [ValueRef::String(function), ValueRef::String(&arguments)];
        // SAFETY: as above.
        unsafe { call(sandbox, options, "call", &arguments, "the result") }
    };
    // SAFETY: passed on.
    unsafe { guard::give(out, err, work) }
}

/// Runs a text of a script in the global scope of the `javascript` guest. `*out` is the value of its last statement,
/// to be freed by `hl_any_free`; a promise is awaited. `options` may be NULL.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hl_script_eval(
    sandbox: *mut hl_sandbox,
    options: *const hl_call_options,
    source: hl_bytes,
    out: *mut *mut hl_any,
    err: *mut *mut hl_error,
) -> hl_status {
    let work = || {
        // SAFETY: passed on.
        let source = unsafe { source.as_slice() }.ok_or_else(|| hl_error::null("source.data"))?;
        let source = str::from_utf8(source).map_err(|_| hl_error::invalid("`source` is not UTF-8"))?;
        // SAFETY: passed on.
        unsafe { call(sandbox, options, "eval", &[ValueRef::String(source)], "the value") }
    };
    // SAFETY: passed on.
    unsafe { guard::give(out, err, work) }
}

/// Registers a host function of values of any form for scripts, before evolve: `host.NAME` there. It takes at most
/// `arity` arguments, of at most 1024; those that the script leaves out are `HL_ANY_UNDEFINED`. Everything else is as
/// with `hl_sandbox_register`.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hl_script_register(
    sandbox: *mut hl_sandbox,
    name: *const c_char,
    arity: usize,
    function: hl_any_fn,
    user_data: *mut c_void,
    free_fn: hl_free_fn,
    err: *mut *mut hl_error,
) -> hl_status {
    // First of all, so that every way out frees it.
    let user_data = UserData { data: user_data, free: free_fn };
    let work = move || {
        if sandbox.is_null() {
            return Err(hl_error::null("sandbox"));
        }
        // SAFETY: passed on.
        let name = unsafe { guard::text(name, "name") }?;
        let function = function.ok_or_else(|| hl_error::null("function"))?;
        check_arity(arity)?;
        // SAFETY: passed on.
        let mut inside = unsafe { Inside::enter(sandbox, Operation::Register) }?;
        let engine = inside.inside().uninitialized()?;
        let callback = Callback { name: name.into(), function, user_data };
        Ok(engine.register_dynamic(&on_wire(name), signature()?, over_text(callback, arity))?)
    };
    // SAFETY: passed on.
    unsafe { guard::status(err, work) }
}

/// Registers a host function of values of any form for every member of a pool, as `hl_pool_register` and
/// `hl_script_register` do.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn hl_script_register_for_pool(
    pool: *mut hl_pool,
    name: *const c_char,
    arity: usize,
    function: hl_any_fn,
    user_data: *mut c_void,
    free_fn: hl_free_fn,
    err: *mut *mut hl_error,
) -> hl_status {
    // First of all, so that every way out frees it.
    let user_data = UserData { data: user_data, free: free_fn };
    let work = move || {
        // SAFETY: passed on.
        let pool = unsafe { guard::deref(pool, "pool") }?.pool();
        // SAFETY: passed on.
        let name = unsafe { guard::text(name, "name") }?;
        let function = function.ok_or_else(|| hl_error::null("function"))?;
        check_arity(arity)?;
        let callback = Callback { name: name.into(), function, user_data };
        Ok(pool.register_dynamic(&on_wire(name), signature()?, over_text(callback, arity))?)
    };
    // SAFETY: passed on.
    unsafe { guard::status(err, work) }
}

fn check_arity(arity: usize) -> Result<(), hl_error> {
    if arity <= MAX_ARITY {
        return Ok(());
    }
    Err(hl_error::invalid(format!(
        "a host function for scripts takes at most {MAX_ARITY} arguments, but `arity` is {arity}"
    )))
}

/// The name by which the guest finds a host function of any values.
fn on_wire(name: &str) -> String {
    format!("json:{name}")
}

/// The signature of such a function on the wire.
fn signature() -> libhyperlight::Result<Signature> {
    Signature::new(&[Kind::String], Kind::String)
}

/// The function on strings instead of values.
fn over_text(
    callback: Callback<hl_any>,
    arity: usize,
) -> impl Fn(&[ValueRef<'_>]) -> Result<Value, HostError> + Send + Sync + 'static {
    move |values| {
        let text = match values {
            [ValueRef::String(text)] => *text,
            // The engine lets nothing else through.
            _ => "[]",
        };
        let name = &callback.name;
        let mut builder = Builder::default();
        let what = format!("the arguments of `{name}`");
        let given = script::decode_all(text, &what, &mut builder).map_err(refused)?;
        let Some(given) = builder.items_of(&given) else {
            return Err(HostError::new(format!("{what} are no list")).with_status(HL_ERR_PROTOCOL));
        };
        let found = given.len();
        if found > arity {
            let text = format!("`{name}` takes at most {arity} arguments, the guest gave {found}");
            return Err(HostError::new(text).with_status(HL_ERR_SIGNATURE));
        }
        let mut arguments = given.to_vec();
        arguments.resize(arity, hl_any::UNDEFINED);
        let what = callback.result();
        let mut reader = Reader::for_script(what.clone());
        callback.call_any(&arguments, |result| script::encode(result, &what, &mut reader)).map(Value::String)
    }
}

/// Calls a function of the guest that returns the text of a script's value.
unsafe fn call(
    sandbox: *mut hl_sandbox,
    options: *const hl_call_options,
    function: &str,
    arguments: &[ValueRef<'_>],
    what: &str,
) -> Result<*mut hl_any, hl_error> {
    if sandbox.is_null() {
        return Err(hl_error::null("sandbox"));
    }
    // SAFETY: passed on.
    let options = unsafe { hl_call_options::read(options) }?;
    // SAFETY: passed on.
    let mut inside = unsafe { Inside::enter(sandbox, Operation::Call) }?;
    let result = inside.inside().sandbox()?.call_ref_with(&options, function, arguments)?;
    let ValueRef::String(text) = result else {
        let text = format!("{what} is no string, but {}: the guest is none for scripts", result.kind());
        return Err(hl_error::new(HL_ERR_PROTOCOL, text));
    };
    let mut builder = Builder::default();
    let value = script::decode(text, what, &mut builder)?.unwrap_or(hl_any::UNDEFINED);
    Ok(Tree::into_raw(value, builder))
}
