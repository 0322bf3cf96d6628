//! Errors of the runtime as errors of the guest.

use alloc::format;
use alloc::string::ToString;

use hyperlight_guest::Error;
use hyperlight_wasm_contract::code;
use wasmtime::{Trap, WasmBacktrace};

use crate::wasi::Exit;

/// The program cannot be loaded.
pub(crate) fn load(error: wasmtime::Error) -> Error {
    Error::new(code::LOAD, format!("{error:#}"))
}

/// A call ended badly: by a trap, with the Wasm functions that were running, or because a host function failed.
pub(crate) fn call(error: &wasmtime::Error) -> Error {
    if let Some(error) = error.downcast_ref::<Error>() {
        return error.clone();
    }
    if let Some(exit) = error.downcast_ref::<Exit>() {
        return Error::new(code::EXIT, exit.to_string());
    }
    let what = error.root_cause().to_string();
    let text = match error.downcast_ref::<WasmBacktrace>() {
        Some(backtrace) => format!("{what}\n{backtrace}"),
        None => what,
    };
    Error::new(if error.is::<Trap>() { code::TRAP } else { code::VALUE }, text)
}
