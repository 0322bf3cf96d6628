//! A guest program of one's own: `cargo build --release` makes `target/release/librust_guest.so`.

#![no_std]

extern crate alloc;

use alloc::format;
use alloc::string::String;

use libhyperlight_guest::{Result, ensure, guest_function, host_function};

/// A function of the host program, which registers it under this name.
#[host_function]
fn HostAdd(a: i32, b: i32) -> Result<i32>;

/// The host calls this as `Greet`.
#[guest_function("Greet")]
fn greet(name: &str) -> Result<String> {
    ensure!(!name.is_empty(), 1, "nobody to greet");
    Ok(format!("Hello, {name}!"))
}

/// Calls the host and returns its result.
#[guest_function("AddViaHost")]
fn add_via_host(a: i32, b: i32) -> Result<i32> {
    HostAdd(a, b)
}
