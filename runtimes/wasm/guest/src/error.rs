//! Errors of the runtime as errors of the guest.

use alloc::format;
use alloc::string::{String, ToString};
use core::fmt;

use libhyperlight_guest::Error;
use libhyperlight_wasm_contract::code;
use wasmtime::{Trap, WasmBacktrace};

use crate::wasi::Exit;

/// The end of a program's output on standard error before it failed.
#[derive(Debug)]
pub(crate) struct Said(pub String);

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "standard error: {}", self.0)
    }
}

impl core::error::Error for Said {}

/// The program cannot be loaded.
pub(crate) fn load(error: wasmtime::Error) -> Error {
    Error::new(code::LOAD, format!("{error:#}"))
}

/// A failed call: by a trap, with the Wasm functions that were running, or because a host function failed.
pub(crate) fn call(error: &wasmtime::Error) -> Error {
    if let Some(error) = error.downcast_ref::<Error>() {
        return error.clone();
    }
    let mut text = error.root_cause().to_string();
    if let Some(said) = error.downcast_ref::<Said>().filter(|said| !said.0.is_empty()) {
        text = format!("{text}\n{said}");
    }
    if error.is::<Exit>() {
        return Error::new(code::EXIT, text);
    }
    if let Some(backtrace) = error.downcast_ref::<WasmBacktrace>() {
        text = format!("{text}\n{backtrace}");
    }
    Error::new(if error.is::<Trap>() { code::TRAP } else { code::VALUE }, text)
}
