//! The WebAssembly guest of libhyperlight.
//!
//! The host compiles a module or a component ahead of time and places the machine code into the guest's image as a
//! payload, where it is executed in place. This program instantiates it during its own initialisation, and publishes
//! its exports as guest functions. Without a payload it publishes nothing.

#![no_std]

extern crate alloc;

mod component;
mod engine;
mod error;
mod export;
mod json;
mod limits;
mod memory;
mod module;
mod state;
mod wasi;

use alloc::string::ToString;

use libhyperlight_guest::{Error, Result, guest_main, payload};
use libhyperlight_wasm_contract::{CODE_PAYLOAD, CONFIG_PAYLOAD, Config, ProgramKind, code};

#[guest_main]
fn start() -> Result<()> {
    let Some(machine_code) = payload(CODE_PAYLOAD) else {
        return Ok(());
    };
    let config = Config::from_bytes(payload(CONFIG_PAYLOAD).unwrap_or_default())
        .map_err(|error| Error::new(code::LOAD, error.to_string()))?;
    let engine = engine::new(&config)?;
    match config.kind {
        ProgramKind::Module => module::start(&engine, machine_code, config),
        ProgramKind::Component => component::start(&engine, machine_code),
    }
}
