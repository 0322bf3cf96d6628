//! One call of a host function: the checks before it, and its outcome.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use libhyperlight_abi::message::HOST_SIGNATURE;
use libhyperlight_abi::{Value, ValueRef};

use super::call::Ended;
use crate::bounds::Quota;
use crate::error::{BoxError, Error, Message, Name, Result, Text};
use crate::host::{HOST_PRINT, HostError, HostFunctions, HostPanic, Registered};
use crate::text::printable;

/// One call of a host function.
pub(super) struct HostCall<'c> {
    pub name: &'c str,
    pub arguments: &'c [ValueRef<'c>],
    pub host: &'c HostFunctions,
}

impl HostCall<'_> {
    /// Calls the function. The inner result goes to the guest; the outer one ends the conversation.
    pub fn run(&self, quota: &mut Quota) -> Result<Result<Value, HostError>, Ended> {
        let name = self.name;
        // The engine answers this one itself; it is none of the program's functions.
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
            Err(refusal) => return Ok(Err(engine_error(refusal))),
        };
        let returns = function.signature.returns();
        match catch_unwind(AssertUnwindSafe(|| (function.call)(self.arguments))) {
            Ok(Ok(value)) if value.kind() == returns => Ok(Ok(value)),
            Ok(Ok(value)) => {
                let name = Name(name.to_owned());
                Ok(Err(engine_error(Message::WrongHostResult { name, found: value.kind(), returns }.into())))
            }
            Ok(Err(error)) if error.is_fatal => Err(Ended::Poisoned(host_error(error.status, error.source))),
            Ok(Err(error)) => Ok(Err(error)),
            Err(payload) => Err(panicked(payload, |said| {
                Message::HostPanicked { name: Name(name.to_owned()), said: Text(said) }.into()
            })),
        }
    }

    /// The function, if the guest may call it now with these arguments.
    fn admit(&self, quota: &mut Quota) -> Result<&Registered> {
        let name = self.name;
        quota.host_calls = quota.host_calls.checked_sub(1).ok_or(Message::ManyHostCalls)?;
        let function = self
            .host
            .find(name)
            .ok_or_else(|| Message::NoHostFunction { name: Name(printable(name, 256)) })?;
        function.signature.check(name, self.arguments)?;
        if let (HOST_PRINT, [ValueRef::String(text)]) = (name, self.arguments) {
            let left = quota.print_bytes.checked_sub(text.len() as u64);
            quota.print_bytes = left.ok_or(Message::PrintedTooMuch)?;
        }
        Ok(function)
    }
}

/// A failure of the engine's own, in place of the host function's.
pub(super) fn engine_error(error: Error) -> HostError {
    let status = error.code().number();
    HostError::new(error).with_status(status)
}

pub(super) fn host_error(status: i32, source: BoxError) -> Error {
    Error::host_function(status.max(0), source)
}

/// The end of a conversation in which the program's own code panicked. `says` makes an error of the panic's text.
pub(super) fn panicked(payload: Box<dyn Any + Send>, says: impl FnOnce(String) -> Error) -> Ended {
    let panic = HostPanic::new(payload);
    let error = says(printable(&panic.to_string(), 1024));
    Ended::Poisoned(error.with_source(panic))
}
