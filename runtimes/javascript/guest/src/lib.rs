//! The JavaScript guest of libhyperlight: QuickJS-ng in a sandbox of its own.
//!
//! | function | does |
//! |---|---|
//! | `load(name, source)` | runs a script, or a module, whose exports become callable |
//! | `module(name, source)` | makes a module importable |
//! | `eval(source) -> json` | runs a script for its completion value |
//! | `call(function, arguments) -> json` | calls a function by name, with a JSON array of arguments |
//!
//! The first payload, if there is one, is loaded as `main` when the guest starts; each further one is an importable
//! module: its name, a NUL, its source. Promises are awaited. [`json`] says how values are written, [`host`] how
//! scripts call the host, [`error`] what becomes of exceptions, [`globals`] what scripts find besides the language.
//!
//! The engine is C code that a hostile script may break. The sandbox is around all of it: a script that takes the
//! engine over gains nothing that it could not ask for anyway, a processor and the host functions.

#![no_std]
// The compiler knows the functions of a C library, and would implement some of them by calls of themselves.
#![no_builtins]

extern crate alloc;
// The name by which the C library knows the SDK.
extern crate libhyperlight_guest as sdk;

mod base64;
mod clock;
mod console;
mod details;
mod encodings;
mod engine;
mod error;
mod functions;
mod globals;
mod host;
mod inspect;
mod jobs;
mod json;
mod json_modules;
#[path = "../../../../sdk/libc/mod.rs"]
mod libc;
mod memory;
mod modules;
mod native;
mod reserve;
mod value;

use alloc::string::String;

use sdk::{Error, Result, code, guest_main, payload};

use crate::error::{Failure, Js, finish};

#[guest_main]
fn main() -> Result<()> {
    engine::start()?;
    jobs::start();
    modules::start();
    finish(prepare().map_err(Failure::from))?;
    reserve::start();
    clock::start();
    memory::settle();
    for index in 1.. {
        let Some(bytes) = payload(index) else {
            break;
        };
        let text = text(index, bytes)?;
        let Some((name, source)) = text.split_once('\0') else {
            let message = alloc::format!("payload {index} is no module: a name, a NUL, a source");
            return Err(Error::new(code::INVALID_ARGUMENT, message));
        };
        modules::add(name, source)?;
    }
    match payload(0) {
        Some(bytes) => functions::run_source("main", String::from(text(0, bytes)?)),
        None => Ok(()),
    }
}

fn prepare() -> Js<()> {
    globals::start()?;
    json::start()
}

fn text(index: usize, bytes: &'static [u8]) -> Result<&'static str> {
    str::from_utf8(bytes)
        .map_err(|_| Error::new(code::INVALID_ARGUMENT, alloc::format!("payload {index} is no UTF-8")))
}
