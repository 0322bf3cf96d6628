//! Scripts, called with values of any form: functions of the `javascript` guest without its JSON.

use std::ffi::c_char;

use libhyperlight::ValueRef;
use libhyperlight::handle::Operation;
use libhyperlight_values::script;

use crate::any::build::{Builder, Tree};
use crate::any::hl_any;
use crate::any::read::Reader;
use crate::error::{HL_ERR_PROTOCOL, hl_error, hl_status};
use crate::guard;
use crate::options::{Structure, hl_call_options};
use crate::sandbox::{Inside, hl_sandbox};
use crate::value::hl_bytes;

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
