//! Functions of this guest that scripts can call.
//!
//! A function is given as a plain Rust function or a closure that captures nothing: it has no size, so the engine needs
//! no pointer to it, and each gets an entry of its own at compile time.

use core::ffi::{CStr, c_int};
use core::ptr::NonNull;
use core::slice;

use rquickjs_sys as qjs;

use crate::engine::{context, count};
use crate::error::Js;
use crate::value::Value;

/// The arguments of a call. Missing ones are `undefined`.
pub(crate) struct Arguments<'a>(&'a [Value]);

impl<'a> Arguments<'a> {
    pub(crate) fn get(&self, index: usize) -> &'a Value {
        match self.0.get(index) {
            Some(value) => value,
            None => Value::undefined(),
        }
    }

    pub(crate) const fn as_slice(&self) -> &'a [Value] {
        self.0
    }
}

/// A function with a name and a number of parameters to show.
pub(crate) fn function<F>(name: &CStr, parameters: usize, _body: F) -> Js<Value>
where
    F: Fn(Arguments<'_>) -> Js<Value> + Copy + 'static,
{
    const { assert!(size_of::<F>() == 0, "the function must not capture anything") };
    // SAFETY: the engine copies the name; the entry is a function of the type that the engine calls.
    unsafe {
        Value::own(qjs::JS_NewCFunction2(
            context(),
            Some(entry::<F>),
            name.as_ptr(),
            count(parameters),
            qjs::JSCFunctionEnum_JS_CFUNC_generic,
            0,
        ))
    }
}

/// A function that is given `data` with each call.
pub(crate) fn function_with<F>(data: &Value, parameters: usize, _body: F) -> Js<Value>
where
    F: Fn(&Value, Arguments<'_>) -> Js<Value> + Copy + 'static,
{
    const { assert!(size_of::<F>() == 0, "the function must not capture anything") };
    // SAFETY: the engine makes a reference of its own to the data.
    unsafe {
        Value::own(qjs::JS_NewCFunctionData(
            context(),
            Some(entry_with::<F>),
            count(parameters),
            0,
            1,
            &mut data.raw(),
        ))
    }
}

unsafe extern "C" fn entry<F>(
    _context: *mut qjs::JSContext,
    _this: qjs::JSValue,
    count: c_int,
    arguments: *mut qjs::JSValue,
) -> qjs::JSValue
where
    F: Fn(Arguments<'_>) -> Js<Value> + Copy,
{
    // SAFETY: `F` has no size, so that any aligned address is one of its values, and it is `Copy`; the engine gives so
    // many arguments.
    unsafe { raw(NonNull::<F>::dangling().as_ref()(borrow(arguments, count))) }
}

unsafe extern "C" fn entry_with<F>(
    _context: *mut qjs::JSContext,
    _this: qjs::JSValue,
    count: c_int,
    arguments: *mut qjs::JSValue,
    _magic: c_int,
    data: *mut qjs::JSValue,
) -> qjs::JSValue
where
    F: Fn(&Value, Arguments<'_>) -> Js<Value> + Copy,
{
    // SAFETY: as for `entry`; the function holds its data, of which there is one.
    unsafe { raw(NonNull::<F>::dangling().as_ref()(&*data.cast::<Value>(), borrow(arguments, count))) }
}

/// The engine's arguments, borrowed.
///
/// # Safety
/// There are so many, and they outlive the call.
unsafe fn borrow<'a>(arguments: *mut qjs::JSValue, count: c_int) -> Arguments<'a> {
    let count = usize::try_from(count).unwrap_or(0);
    if count == 0 {
        return Arguments(&[]);
    }
    // SAFETY: the caller's promise. A `Value` is nothing but the engine's own struct, and a borrowed one is not
    // dropped.
    Arguments(unsafe { slice::from_raw_parts(arguments.cast::<Value>(), count) })
}

/// A result as the engine wants it.
fn raw(result: Js<Value>) -> qjs::JSValue {
    match result {
        Ok(value) => value.into_raw(),
        // The exception waits in the context already.
        Err(_) => qjs::JS_EXCEPTION,
    }
}
