//! Replies to JavaScript: a value, a new object, or a failure as data (`{ failed: true, code, … }`).
#![expect(unsafe_code, reason = "makes JavaScript values of several types")]

use std::sync::Arc;

use libhyperlight::{Snapshot, Value, ValueRef};
use libhyperlight_wasm_loader::Program;
use napi::bindgen_prelude::{BigInt, Object, ToNapiValue};
use napi::{Env, JsValue, sys};

use crate::failure::{Failure, access};
use crate::forgotten::Watched;
use crate::sandbox::JsSandbox;
use crate::shared::SharedSandbox;
use crate::snapshot::JsSnapshot;
use crate::value::ToJs;
use crate::wasm::JsProgram;

/// A result that may come from another thread.
#[derive(Debug)]
pub(crate) enum Reply {
    Failure(Failure),
    Program(Program),
    Sandbox(Arc<SharedSandbox>),
    Snapshot(Snapshot),
    Value(Value),
}

impl Reply {
    pub const NOTHING: Self = Self::Value(Value::Void);
}

/// A result of an operation on the JavaScript thread.
#[derive(Debug)]
pub struct Made<T>(pub Result<T, Failure>);

impl<T: ToNapiValue> ToNapiValue for Made<T> {
    unsafe fn to_napi_value(env: sys::napi_env, this: Self) -> napi::Result<sys::napi_value> {
        match this.0 {
            // SAFETY: the caller's promise is passed on, here and below.
            Ok(made) => unsafe { T::to_napi_value(env, made) },
            // SAFETY: as above.
            Err(failure) => unsafe { Failure::to_napi_value(env, failure) },
        }
    }
}

/// The result of a synchronous call, converted while the sandbox still lends it.
#[derive(Debug)]
pub struct Raw(sys::napi_value);

impl Raw {
    pub fn new(env: Env, value: ValueRef<'_>) -> Result<Self, Failure> {
        // SAFETY: JavaScript is calling us in this environment.
        let made = unsafe { ToJs::to_napi_value(env.raw(), ToJs(value)) };
        made.map(Self).map_err(|error| {
            Failure::new(libhyperlight::ErrorCode::Resource, format!("Node cannot hold the result: {error}"))
        })
    }
}

impl ToNapiValue for Raw {
    unsafe fn to_napi_value(_env: sys::napi_env, this: Self) -> napi::Result<sys::napi_value> {
        Ok(this.0)
    }
}

impl ToNapiValue for Reply {
    unsafe fn to_napi_value(env: sys::napi_env, this: Self) -> napi::Result<sys::napi_value> {
        // SAFETY: the caller's promise is passed on.
        unsafe {
            match this {
                Self::Failure(failure) => Failure::to_napi_value(env, failure),
                Self::Program(program) => JsProgram::to_napi_value(env, JsProgram::new(program)),
                Self::Sandbox(sandbox) => {
                    Watched::to_napi_value(env, Watched(JsSandbox::new(Env::from_raw(env), sandbox)))
                }
                Self::Snapshot(snapshot) => {
                    JsSnapshot::to_napi_value(env, JsSnapshot::new(Env::from_raw(env), snapshot))
                }
                Self::Value(value) => ToJs::to_napi_value(env, ToJs(value.borrow())),
            }
        }
    }
}

impl ToNapiValue for Failure {
    unsafe fn to_napi_value(env: sys::napi_env, this: Self) -> napi::Result<sys::napi_value> {
        Ok(this.object(&Env::from_raw(env))?.raw())
    }
}

impl Failure {
    fn object<'e>(self, env: &'e Env) -> napi::Result<Object<'e>> {
        let mut object = Object::new(env)?;
        object.set("failed", true)?;
        object.set("code", self.code_name())?;
        object.set("message", self.message)?;
        object.set("guestCode", self.guest_code)?;
        object.set("details", self.details)?;
        object.set("thrown", self.thrown)?;
        if let Some(cause) = self.cause {
            object.set("cause", cause.object(env)?)?;
        }
        if let Some(fault) = self.fault {
            let mut out = Object::new(env)?;
            out.set("kind", fault.kind.name())?;
            out.set("vector", u32::from(fault.vector))?;
            out.set("instruction", BigInt::from(fault.instruction))?;
            out.set("address", BigInt::from(fault.address))?;
            out.set("access", access(fault.access))?;
            out.set("function", fault.function)?;
            object.set("fault", out)?;
        }
        Ok(object)
    }
}
