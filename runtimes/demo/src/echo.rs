//! Values in, values out.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::hint::black_box;

use libhyperlight_guest::{Result, ensure, guest_function};

use crate::errors::WRONG_INPUT;

#[guest_function("Echo")]
fn echo(value: String) -> String {
    value
}

#[guest_function("EchoBytes")]
fn echo_bytes(value: Vec<u8>) -> Vec<u8> {
    value
}

#[guest_function("EchoBool")]
fn echo_bool(value: bool) -> bool {
    value
}

#[guest_function("EchoI32")]
fn echo_i32(value: i32) -> i32 {
    value
}

#[guest_function("EchoU32")]
fn echo_u32(value: u32) -> u32 {
    value
}

#[guest_function("EchoI64")]
fn echo_i64(value: i64) -> i64 {
    value
}

#[guest_function("EchoU64")]
fn echo_u64(value: u64) -> u64 {
    value
}

#[guest_function("EchoFloat")]
fn echo_float(value: f32) -> f32 {
    value
}

#[guest_function("EchoDouble")]
fn echo_double(value: f64) -> f64 {
    value
}

#[guest_function("NoOp")]
fn no_op() {}

#[guest_function("SetByteArrayToZero")]
fn set_byte_array_to_zero(mut bytes: Vec<u8>) -> Vec<u8> {
    bytes.fill(0);
    bytes
}

#[guest_function("StringLength")]
fn string_length(text: &str) -> u64 {
    text.len() as u64
}

#[guest_function("BytesLength")]
fn bytes_length(bytes: &[u8]) -> u64 {
    bytes.len() as u64
}

/// The requested number of bytes, each 0x5a: a result that is larger than its arguments.
#[guest_function("MakeBytes")]
fn make_bytes(len: u64) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let room = usize::try_from(len).is_ok_and(|len| bytes.try_reserve_exact(len).is_ok());
    ensure!(room, WRONG_INPUT, "there is no room for {len} bytes");
    bytes.resize(bytes.capacity(), 0x5a);
    Ok(bytes)
}

/// Takes a large argument and returns nothing.
#[guest_function("LargeParameters")]
fn large_parameters(bytes: Vec<u8>, text: String) {
    black_box((bytes, text));
}

#[guest_function("24K_in_8K_out")]
fn twenty_four_k_in_eight_k_out(bytes: Vec<u8>) -> Result<Vec<u8>> {
    ensure!(bytes.len() == 24 * 1024, WRONG_INPUT, "expected 24 KiB, not {} bytes", bytes.len());
    Ok(bytes.get(..8 * 1024).unwrap_or_default().into())
}

/// One parameter of each kind, as text.
#[guest_function("DescribeAll")]
#[expect(clippy::too_many_arguments, reason = "one of each kind")]
fn describe_all(
    boolean: bool,
    i32: i32,
    u32: u32,
    i64: i64,
    u64: u64,
    f32: f32,
    f64: f64,
    text: &str,
    bytes: &[u8],
) -> String {
    format!("{boolean} {i32} {u32} {i64} {u64} {f32} {f64} {text} {bytes:?}")
}

/// The largest number of parameters that a function can have.
#[guest_function("SumOfThirtyTwo")]
#[rustfmt::skip]
#[expect(clippy::too_many_arguments, reason = "that is the point of it")]
fn sum_of_thirty_two(
    a0: u32, a1: u32, a2: u32, a3: u32, a4: u32, a5: u32, a6: u32, a7: u32,
    a8: u32, a9: u32, a10: u32, a11: u32, a12: u32, a13: u32, a14: u32, a15: u32,
    a16: u32, a17: u32, a18: u32, a19: u32, a20: u32, a21: u32, a22: u32, a23: u32,
    a24: u32, a25: u32, a26: u32, a27: u32, a28: u32, a29: u32, a30: u32, a31: u32,
) -> u64 {
    [
        a0, a1, a2, a3, a4, a5, a6, a7, a8, a9, a10, a11, a12, a13, a14, a15,
        a16, a17, a18, a19, a20, a21, a22, a23, a24, a25, a26, a27, a28, a29, a30, a31,
    ]
    .into_iter()
    .map(u64::from)
    .sum()
}
