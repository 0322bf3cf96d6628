//! Calls of the host, and their failures.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use libhyperlight_guest::{
    Context, Error, Result, Value, ValueRef, bail, code, guest_function, host_call, host_function,
    host_signature,
};

use crate::compute::spin;
use crate::errors::UNEXPECTED;

#[host_function]
fn HostAdd(a: i32, b: i32) -> Result<i32>;

#[host_function]
fn HostMethod(message: &str) -> Result<i32>;

#[host_function]
fn HostMethod1(message: &str) -> Result<i32>;

#[host_function]
fn HostMethod4(message: &str) -> Result<()>;

#[host_function]
fn ErrorMethod(message: &str) -> Result<i32>;

#[host_function("Spin")]
fn host_spin() -> Result<()>;

#[host_function]
fn HostNoOp() -> Result<()>;

#[host_function]
fn HostEchoI32(value: i32) -> Result<i32>;

#[host_function]
fn HostEchoU32(value: u32) -> Result<u32>;

#[host_function]
fn HostEchoI64(value: i64) -> Result<i64>;

#[host_function]
fn HostEchoU64(value: u64) -> Result<u64>;

#[host_function]
fn HostEchoF32(value: f32) -> Result<f32>;

#[host_function]
fn HostEchoF64(value: f64) -> Result<f64>;

#[host_function]
fn HostEchoBool(value: bool) -> Result<bool>;

#[host_function]
fn HostEchoString(value: &str) -> Result<String>;

#[host_function]
fn HostEchoVecBytes(value: &[u8]) -> Result<Vec<u8>>;

#[guest_function("Add")]
fn add(a: i32, b: i32) -> Result<i32> {
    HostAdd(a, b)
}

#[guest_function("GuestMethod")]
fn guest_method(message: &str) -> Result<i32> {
    HostMethod(&format!("Hello from GuestFunction, {message}"))
}

#[guest_function("GuestMethod1")]
fn guest_method1(message: &str) -> Result<i32> {
    HostMethod1(&format!("Hello from GuestFunction1, {message}"))
}

#[guest_function("GuestMethod2")]
fn guest_method2(message: &str) -> Result<i32> {
    HostMethod1(&format!("Hello from GuestFunction2, {message}"))
}

#[guest_function("GuestMethod3")]
fn guest_method3(message: &str) -> Result<i32> {
    HostMethod1(&format!("Hello from GuestFunction3, {message}"))
}

#[guest_function("GuestMethod4")]
fn guest_method4() -> Result<()> {
    HostMethod4("Hello from GuestFunction4")
}

#[guest_function("CallErrorMethod")]
fn call_error_method(message: &str) -> Result<i32> {
    ErrorMethod(&format!("Error From Host: {message}"))
}

#[guest_function("RoundTripHostNoOp")]
fn round_trip_no_op() -> Result<()> {
    HostNoOp()
}

#[guest_function("RoundTripHostI32")]
fn round_trip_i32(value: i32) -> Result<i32> {
    HostEchoI32(value)
}

#[guest_function("RoundTripHostU32")]
fn round_trip_u32(value: u32) -> Result<u32> {
    HostEchoU32(value)
}

#[guest_function("RoundTripHostI64")]
fn round_trip_i64(value: i64) -> Result<i64> {
    HostEchoI64(value)
}

#[guest_function("RoundTripHostU64")]
fn round_trip_u64(value: u64) -> Result<u64> {
    HostEchoU64(value)
}

#[guest_function("RoundTripHostF32")]
fn round_trip_f32(value: f32) -> Result<f32> {
    HostEchoF32(value)
}

#[guest_function("RoundTripHostF64")]
fn round_trip_f64(value: f64) -> Result<f64> {
    HostEchoF64(value)
}

#[guest_function("RoundTripHostBool")]
fn round_trip_bool(value: bool) -> Result<bool> {
    HostEchoBool(value)
}

#[guest_function("RoundTripHostString")]
fn round_trip_string(value: &str) -> Result<String> {
    HostEchoString(value)
}

#[guest_function("RoundTripHostVecBytes")]
fn round_trip_bytes(value: &[u8]) -> Result<Vec<u8>> {
    HostEchoVecBytes(value)
}

/// The arguments must still be the same after a call of the host has reused the buffer in which they came.
#[guest_function("EchoAfterHostCall")]
fn echo_after_host_call(text: &str, bytes: &[u8]) -> Result<String> {
    HostEchoString("something else that is long enough to cover whatever lay in the buffer before it")?;
    Ok(format!("{text} {bytes:?}"))
}

#[guest_function("CallHostSpin")]
fn call_host_spin() -> Result<()> {
    host_spin()
}

/// Calls the named host function, then never returns.
#[guest_function("CallHostThenSpin")]
fn call_host_then_spin(name: &str) -> Result<()> {
    host_call(name, &[])?;
    spin()
}

#[guest_function("HostCallLoop")]
fn host_call_loop(name: &str, count: u32) -> Result<u32> {
    for _ in 0..count {
        host_call(name, &[])?;
    }
    Ok(count)
}

#[guest_function("CallGivenParamlessHostFuncThatReturnsI64")]
fn call_given_paramless_host_function(name: &str) -> Result<i64> {
    match host_call(name, &[])? {
        Value::I64(value) => Ok(value),
        other => bail!(code::SIGNATURE, "`{name}` returned {}, not i64", other.kind()),
    }
}

/// The error text that the guest saw.
#[guest_function("CallHostExpectError")]
fn call_host_expect_error(name: &str) -> Result<String> {
    match host_call(name, &[]) {
        Ok(_) => bail!(UNEXPECTED, "`{name}` did not fail"),
        Err(error) => Ok(error.message),
    }
}

/// The code that the guest saw.
#[guest_function("CallHostExpectErrorCode")]
fn call_host_expect_error_code(name: &str) -> Result<i32> {
    match host_call(name, &[]) {
        Ok(_) => bail!(UNEXPECTED, "`{name}` did not fail"),
        Err(error) => Ok(error.code),
    }
}

/// Passes the host's failure on with more words; the host still raises the original.
#[guest_function("CallHostWithContext")]
fn call_host_with_context(name: &str) -> Result<()> {
    host_call(name, &[]).with_context(|| format!("while calling `{name}`"))?;
    Ok(())
}

/// Answers the host's failure with an error of its own.
#[guest_function("CallHostReplaceError")]
fn call_host_replace_error(name: &str) -> Result<()> {
    if let Err(error) = host_call(name, &[]) {
        bail!(UNEXPECTED, "the guest's own words for: {}", error.message);
    }
    Ok(())
}

/// Answers the host's failure with an error of its own, which names it as its cause.
#[guest_function("CallHostCauseError")]
fn call_host_cause_error(name: &str) -> Result<()> {
    host_call(name, &[]).map(drop).map_err(|cause| Error::new(UNEXPECTED, "because of it").with_cause(&cause))
}

/// Two failures of the host. The first of them is passed on, with a token that is no longer the last.
#[guest_function("CallHostPassFirstError")]
fn call_host_pass_first_error(first: &str, second: &str) -> Result<()> {
    let result = host_call(first, &[]);
    let _ = host_call(second, &[]);
    result.map(drop)
}

/// One failure of `first`, and that many of `second`; the first is passed on.
#[guest_function("CallHostPassErrorOfLongAgo")]
fn call_host_pass_error_of_long_ago(first: &str, second: &str, count: u32) -> Result<()> {
    let result = host_call(first, &[]);
    for _ in 0..count {
        let _ = host_call(second, &[]);
    }
    result.map(drop)
}

/// The kinds of a host function: of its result, then of its parameters. Empty if the host has no such function.
#[guest_function("SignatureOfHostFunction")]
fn signature_of_host_function(name: &str) -> Result<Vec<u8>> {
    let Some(signature) = host_signature(name)? else { return Ok(Vec::new()) };
    let kinds = [signature.returns].into_iter().chain(signature.params);
    Ok(kinds.map(|kind| kind.code().to_le_bytes()[0]).collect())
}

/// Calls the named host function with that many bytes.
#[guest_function("CallHostWithBytes")]
fn call_host_with_bytes(name: &str, len: u64) -> Result<()> {
    let bytes = alloc::vec![0x5a; usize::try_from(len).unwrap_or(usize::MAX)];
    host_call(name, &[ValueRef::Bytes(&bytes)])?;
    Ok(())
}

/// Calls the named host function with arguments of kinds that it may not have.
#[guest_function("CallHostWithWrongArguments")]
fn call_host_with_wrong_arguments(name: &str) -> Result<()> {
    host_call(name, &[ValueRef::F64(1.5), ValueRef::String("text")])?;
    Ok(())
}
