//! JavaScript values, owned.
//!
//! A [`Value`] holds one reference and releases it when it is dropped. Everything that can run JavaScript, and
//! everything that allocates, can throw: such functions return [`Js`], and the exception waits in the context until
//! [`Thrown::take`]. Values are made, kept and called here; their contents are read in [`content`], [`property`] and
//! [`text`].

mod content;
mod property;
mod text;

use core::mem::ManuallyDrop;

use rquickjs_sys as qjs;

use crate::engine::{context, count};
use crate::error::{Js, Thrown};
use crate::libc::single::Single;

pub(crate) use content::PromiseState;
pub(crate) use property::{Atom, Keys};
pub(crate) use text::Text;

/// One reference to a JavaScript value.
#[repr(transparent)]
pub(crate) struct Value(qjs::JSValue);

impl Value {
    pub(crate) const UNDEFINED: Self = Self(qjs::JS_UNDEFINED);

    /// A reference to `undefined`.
    pub(crate) fn undefined() -> &'static Self {
        static UNDEFINED: Single<Value> = Single::new(Value::UNDEFINED);
        &UNDEFINED
    }

    /// Takes over a result of the engine, which may be an exception.
    ///
    /// # Safety
    /// The engine has just given this reference to its caller.
    pub(crate) unsafe fn own(raw: qjs::JSValue) -> Js<Self> {
        // SAFETY: looking at a tag is always allowed.
        if unsafe { qjs::JS_IsException(raw) } {
            // SAFETY: it is the sign of an exception.
            return Err(unsafe { Thrown::from_raw(raw) });
        }
        Ok(Self(raw))
    }

    /// Takes over a reference that is no exception.
    ///
    /// # Safety
    /// The engine has just given this reference to its caller.
    pub(crate) const unsafe fn adopt(raw: qjs::JSValue) -> Self {
        Self(raw)
    }

    /// One more reference to a borrowed value.
    ///
    /// # Safety
    /// The value is alive.
    pub(crate) unsafe fn share(raw: qjs::JSValue) -> Self {
        // SAFETY: the caller's promise.
        Self(unsafe { qjs::JS_DupValue(context(), raw) })
    }

    pub(crate) const fn bool(value: bool) -> Self {
        Self(if value { qjs::JS_TRUE } else { qjs::JS_FALSE })
    }

    pub(crate) fn number(value: f64) -> Self {
        Self(qjs::JS_NewFloat64(value))
    }

    pub(crate) fn big_i64(value: i64) -> Js<Self> {
        // SAFETY: the result is ours.
        unsafe { Self::own(qjs::JS_NewBigInt64(context(), value)) }
    }

    pub(crate) fn big_u64(value: u64) -> Js<Self> {
        // SAFETY: the result is ours.
        unsafe { Self::own(qjs::JS_NewBigUint64(context(), value)) }
    }

    pub(crate) fn string(text: &str) -> Js<Self> {
        // SAFETY: the engine copies the text; the result is ours.
        unsafe { Self::own(qjs::JS_NewStringLen(context(), text.as_ptr().cast(), text.len() as qjs::size_t)) }
    }

    /// A `Uint8Array` with a copy of the bytes.
    pub(crate) fn bytes(bytes: &[u8]) -> Js<Self> {
        // SAFETY: the engine copies the bytes; the result is ours.
        unsafe { Self::own(qjs::JS_NewUint8ArrayCopy(context(), bytes.as_ptr(), bytes.len() as qjs::size_t)) }
    }

    pub(crate) fn object() -> Js<Self> {
        // SAFETY: the result is ours.
        unsafe { Self::own(qjs::JS_NewObject(context())) }
    }

    pub(crate) fn array() -> Js<Self> {
        // SAFETY: the result is ours.
        unsafe { Self::own(qjs::JS_NewArray(context())) }
    }

    /// The reference, lent to the engine.
    pub(crate) const fn raw(&self) -> qjs::JSValue {
        self.0
    }

    /// The reference, given to the engine.
    pub(crate) fn into_raw(self) -> qjs::JSValue {
        ManuallyDrop::new(self).0
    }

    pub(crate) fn call(&self, this: &Self, arguments: &[Self]) -> Js<Self> {
        let start = arguments.as_ptr().cast_mut().cast();
        // SAFETY: all are alive. A `Value` is nothing but the engine's own struct, and the engine changes no argument.
        unsafe { Self::own(qjs::JS_Call(context(), self.0, this.0, count(arguments.len()), start)) }
    }
}

impl Clone for Value {
    fn clone(&self) -> Self {
        // SAFETY: this reference keeps the value alive.
        unsafe { Self::share(self.0) }
    }
}

impl Drop for Value {
    fn drop(&mut self) {
        // SAFETY: the reference is ours and not used again.
        unsafe { qjs::JS_FreeValue(context(), self.0) };
    }
}
