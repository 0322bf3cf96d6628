//! WASI preview 1, as far as a sandbox allows: arguments, environment, clocks, random numbers, output, exit, and files
//! from the host to read. Every other function answers `ENOSYS`.
//!
//! The host is asked only to print and to wake the guest: time and entropy come with the call, and files lie in the
//! guest's own memory. No allocation depends on a program's numbers: data moves in parts, from and to its place.

mod calls;
mod clock;
mod errno;
mod files;
mod io;
mod memory;
mod output;
mod poll;
mod text;

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use libhyperlight_guest::{Result, bail};
use libhyperlight_wasm_contract::{Config, code};
use wasmtime::{ExternType, ImportType, Linker, Val, ValType};

use crate::error::load;
use crate::state::State;
use clock::Clocks;
use errno::Errno;
use files::Files;
use memory::Memory;
use output::Output;

/// The module that programs import these functions from.
const MODULE: &str = "wasi_snapshot_preview1";

/// Maximum bytes that one call moves; programs call again.
const MAX_TRANSFER: usize = 1 << 20;

type Outcome = core::result::Result<(), Errno>;

/// The surroundings of a function: the program's memory, and its environment.
struct Program<'a> {
    memory: Memory<'a>,
    wasi: &'a mut Wasi,
}

/// The environment of a program.
#[derive(Debug, Default)]
pub(crate) struct Wasi {
    arguments: Vec<&'static str>,
    environment: Vec<&'static str>,
    clocks: Clocks,
    files: Files,
    output: Output,
}

impl Wasi {
    pub fn new(config: Config<'static>) -> Self {
        Self {
            arguments: config.arguments,
            environment: config.environment,
            clocks: Clocks::default(),
            files: Files::new(config.files),
            output: Output::default(),
        }
    }

    /// Begins a call of the program.
    pub fn begin_call(&mut self) {
        self.clocks.begin();
        self.output.begin();
    }

    /// Sends the program's output that does not end a line; all of it, if the program has ended.
    pub fn end_call(&mut self, is_last: bool) {
        if is_last {
            self.output.finish();
        } else {
            self.output.flush();
        }
    }

    /// The end of the program's output on standard error in this call.
    pub fn said(&self) -> String {
        self.output.said()
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
