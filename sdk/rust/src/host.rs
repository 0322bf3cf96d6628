//! Calls of host functions.

use alloc::format;
use alloc::vec::Vec;

use libhyperlight_abi::limits::{MAX_NAME_LEN, MAX_PARAMETERS};
use libhyperlight_abi::message::HOST_SIGNATURE;
use libhyperlight_abi::{AbortReason, FrameKind, Kind, SignatureRef, Value, ValueRef};

use crate::channel;
use crate::error::{Error, Result, code};
use crate::incoming::Incoming;
use crate::panic::give_up;
use crate::value::Returned;

/// Calls the host function of a name. It need not have been declared.
///
/// If the running guest function returns the error of a host function, the host raises the original failure; see
/// [`Error::is_from_host`].
pub fn host_call(name: &str, arguments: &[ValueRef<'_>]) -> Result<Value> {
    call(name, arguments, |value| Ok(Value::from(*value)))
}

/// Asks for the signature of a host function; `None` if the host has none of that name. Costs one VM exit.
///
/// The host's functions cannot change while the guest lives, but a snapshot may continue on a host with more functions.
/// A guest may keep a signature, and should ask again after a `None`.
pub fn host_signature(name: &str) -> Result<Option<HostSignature>> {
    call(HOST_SIGNATURE, &[ValueRef::String(name)], |value| match value {
        ValueRef::Bytes([]) => Ok(None),
        ValueRef::Bytes(wire) => match SignatureRef::decode(wire) {
            Ok(wire) => Ok(Some(HostSignature { params: wire.params().collect(), returns: wire.returns() })),
            Err(_) => give_up(AbortReason::Abort, code::PROTOCOL, "the host sent a broken signature"),
        },
        _ => give_up(AbortReason::Abort, code::PROTOCOL, "the host sent no signature"),
    })
}

/// The kinds of a host function's parameters and of its result.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct HostSignature {
    /// The parameters, in order.
    pub params: Vec<Kind>,
    /// The result; `Void` if there is none.
    pub returns: Kind,
}

/// A type that a declared host function can return. Every host function can fail.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the result of a host function",
    label = "not `libhyperlight_guest::Result` of a type that crosses the wall",
    note = "results are `libhyperlight_guest::Result` of (), bool, i32, u32, i64, u64, f32, f64, String and Vec<u8>"
)]
pub trait HostResult: Sized {
    /// The kind of the value on the wire.
    const KIND: Kind;

    /// Calls the function.
    fn call(name: &str, arguments: &[ValueRef<'_>]) -> Self;
}

impl<T: Returned> HostResult for Result<T> {
    const KIND: Kind = T::KIND;

    fn call(name: &str, arguments: &[ValueRef<'_>]) -> Self {
        call(name, arguments, |value| {
            T::take(value).ok_or_else(|| {
                let (found, expected) = (value.kind(), T::KIND);
                Error::new(
                    code::SIGNATURE,
                    format!("the host function `{name}` returned {found}, not {expected}"),
                )
            })
        })
    }
}

fn call<T>(
    name: &str,
    arguments: &[ValueRef<'_>],
    take: impl FnOnce(&ValueRef<'_>) -> Result<T>,
) -> Result<T> {
    if name.is_empty() || name.len() > MAX_NAME_LEN || arguments.len() > MAX_PARAMETERS {
        let message = format!(
            "a host function has a name of 1 to {MAX_NAME_LEN} bytes and at most {MAX_PARAMETERS} arguments"
        );
        return Err(Error::new(code::INVALID_ARGUMENT, message));
    }
    if let Err(full) = channel::post(FrameKind::HostCall, &[ValueRef::String(name)], arguments) {
        let (needed, capacity) = (full.needed, full.capacity);
        let message = format!(
            "the arguments of the host function `{name}` take {needed} bytes of {capacity}: raise the output size"
        );
        return Err(Error::too_large(message));
    }
    channel::exchange(|message| match message {
        Incoming::HostResult(value) => take(&value),
        Incoming::HostError { token, status, message } => Err(Error::from_host(token, status, message)),
        _ => give_up(AbortReason::Abort, code::PROTOCOL, "the host did not answer a call of a host function"),
    })
}
