//! WASI preview 1, as far as a program behind a wall can have it: arguments, environment, clocks, random numbers, what
//! it prints, its exit, and files that the host has given it to read. Every other function answers `ENOSYS`.
//!
//! Nothing in here asks the host for anything but printing: time and entropy come with the call, and files lie in the
//! guest's own memory.

mod calls;
mod errno;
mod files;
mod output;

use alloc::vec::Vec;
use core::fmt;

use hyperlight_guest::{Result, bail};
use hyperlight_wasm_contract::{Config, code};
use wasmtime::{ExternType, ImportType, Linker, Val, ValType};

use crate::error::load;
use crate::state::State;
use errno::Errno;
use files::Files;
use output::Output;

/// The module that programs import these functions from.
const MODULE: &str = "wasi_snapshot_preview1";

/// What a program finds around itself.
#[derive(Debug, Default)]
pub(crate) struct Wasi {
    arguments: Vec<&'static str>,
    environment: Vec<&'static str>,
    files: Files,
    output: Output,
}

impl Wasi {
    pub fn new(config: Config<'static>) -> Self {
        Self {
            arguments: config.arguments,
            environment: config.environment,
            files: Files::new(config.files),
            output: Output::default(),
        }
    }

    /// Lets out what the program has written without ending the line.
    pub fn end_call(&mut self) {
        self.output.flush();
    }
}

/// The program has ended itself.
#[derive(Debug)]
pub(crate) struct Exit(pub i32);

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the program ended itself with exit code {}", self.0)
    }
}

impl core::error::Error for Exit {}

/// Binds an import, if it is one of WASI's.
pub(crate) fn bind(linker: &mut Linker<State>, import: &ImportType<'_>) -> Result<bool> {
    if import.module() != MODULE {
        return Ok(false);
    }
    linker.allow_shadowing(true);
    if calls::bind(linker, MODULE, import.name()).map_err(load)? {
        return Ok(true);
    }
    let name = import.name();
    let ExternType::Func(ty) = import.ty() else {
        bail!(code::LOAD, "the import `{MODULE}` `{name}` is no function");
    };
    if !ty.results().map(|ty| matches!(ty, ValType::I32)).eq([true]) {
        bail!(code::LOAD, "the import `{MODULE}` `{name}` has a type that no function of WASI has");
    }
    linker
        .func_new(MODULE, name, ty, |_, _, results| {
            if let Some(place) = results.first_mut() {
                *place = Val::I32(Errno::NOSYS.0);
            }
            Ok(())
        })
        .map_err(load)?;
    Ok(true)
}
