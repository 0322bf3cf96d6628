//! One call of a host function: whether the guest may make it, and what comes of it.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use libhyperlight_abi::ValueRef;
use libhyperlight_abi::message::HOST_SIGNATURE;

use super::call::Ended;
use super::host::{HOST_PRINT, HostError, HostFunctions, HostPanic, Registered};
use crate::error::{BoxError, Error, ErrorCode, Result};
use crate::options::Quota;
use crate::text::{printable, said};
use crate::value::Value;

/// One call of a host function.
pub(super) struct HostCall<'c> {
    pub name: &'c str,
    pub arguments: &'c [ValueRef<'c>],
    pub host: &'c HostFunctions,
    pub input_room: u64,
}

impl HostCall<'_> {
    /// Calls it. The inner result goes to the guest; the outer one ends the conversation.
    pub fn run(&self, quota: &mut Quota) -> Result<Result<Value, HostError>, Ended> {
        let name = self.name;
        // None of the program's functions: the engine has the answer.
        if let (HOST_SIGNATURE, [ValueRef::String(asked)]) = (name, self.arguments) {
            quota.request().map_err(Ended::Poisoned)?;
            let function = self.host.find(asked);
            return Ok(Ok(Value::Bytes(function.map_or_else(Vec::new, |found| found.signature.to_wire()))));
        }
        if quota.host_calls == 0 {
            quota.request().map_err(Ended::Poisoned)?;
        }
        let function = match self.admit(quota) {
            Ok(function) => function,
            Err(refusal) => return Ok(Err(self.engine_error(&refusal))),
        };
        let returns = function.signature.returns();
        match catch_unwind(AssertUnwindSafe(|| (function.call)(self.arguments))) {
            Ok(Ok(value)) if value.kind() == returns => Ok(Ok(value)),
            Ok(Ok(value)) => Ok(Err(self.engine_error(&Error::new(
                ErrorCode::Signature,
                format!("the host function `{name}` returned {}, its signature says {returns}", value.kind()),
            )))),
            Ok(Err(error)) if error.is_fatal => Err(Ended::Poisoned(host_error(error.status, error.source))),
            Ok(Err(error)) => Ok(Err(error)),
            Err(payload) => Err(panicked(&format!("the host function `{name}`"), payload)),
        }
    }

    /// The function, if the guest may call it now and like this.
    fn admit(&self, quota: &mut Quota) -> Result<&Registered> {
        let name = self.name;
        quota.host_calls = quota
            .host_calls
            .checked_sub(1)
            .ok_or_else(|| Error::new(ErrorCode::TooLarge, "the call has made max_host_calls host calls"))?;
        let function = self.host.find(name).ok_or_else(|| {
            Error::new(
                ErrorCode::FunctionNotFound,
                format!("the host has no function `{}`; register it before evolve", printable(name, 256)),
            )
        })?;
        function.signature.check(name, self.arguments)?;
        if let (HOST_PRINT, [ValueRef::String(text)]) = (name, self.arguments) {
            quota.print_bytes = quota.print_bytes.checked_sub(text.len() as u64).ok_or_else(|| {
                Error::new(ErrorCode::TooLarge, "the call has printed more than max_print_bytes allows")
            })?;
        }
        Ok(function)
    }

    /// A failure of the engine's own, in the place of the host function's.
    pub fn engine_error(&self, error: &Error) -> HostError {
        HostError::new(Error::new(error.code(), error.message())).with_status(error.code().number())
    }
}

pub(super) fn host_error(status: i32, source: BoxError) -> Error {
    let status = status.max(0);
    let message = said(&source.to_string(), || format!("a host function failed with status {status}"));
    Error::new(ErrorCode::HostFunction, message).with_guest_code(status).with_source(source)
}

pub(super) fn panicked(who: &str, payload: Box<dyn Any + Send>) -> Ended {
    let panic = HostPanic::new(payload);
    let text = format!("{who} panicked: {}", printable(&panic.to_string(), 1024));
    Ended::Poisoned(Error::new(ErrorCode::Internal, text).with_source(panic))
}
