//! WebAssembly programs in libhyperlight's sandboxes.
//!
//! [`compile`] makes a [`Guest`] of a module or a component. The machine code is made here, on the host, and runs only
//! in the virtual machine, on a runtime that is the library's `"wasm"` guest.
//!
//! ```
//! use libhyperlight::{SandboxOptions, UninitializedSandbox};
//! use libhyperlight_wasm::{Options, compile};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let wasm = wat::parse_str(r#"(module
//!     (import "env" "add" (func $add (param i32 i32) (result i32)))
//!     (func (export "twice") (param i32) (result i32) (call $add (local.get 0) (local.get 0))))"#)?;
//! let guest = compile(&wasm, &Options::new())?;
//! let mut sandbox = UninitializedSandbox::new(&guest, SandboxOptions::new())?;
//! sandbox.register("add", |a: i32, b: i32| a + b)?;
//! let mut sandbox = sandbox.evolve()?;
//! assert_eq!(sandbox.call::<i32>("twice", (21,))?, 42);
//! # Ok(())
//! # }
//! ```

mod program;

use std::fmt;

pub use libhyperlight_values::{BigInt, Description, Function, Type, Value};
#[cfg(feature = "serde")]
pub use libhyperlight_values::{from_value, to_value};
pub use libhyperlight_wasm_compiler::{Compiled, Error as CompileError, OptionError, Options, precompile};

pub use program::{CallError, Program};

use libhyperlight::{ErrorCode, Guest, PayloadAccess};

/// Compiles a module or a component in its binary form into a guest, whose guest functions are the program's exports.
pub fn compile(program: &[u8], options: &Options) -> Result<Guest, Error> {
    let compiled = precompile(program, options).map_err(Error::Compile)?;
    attach(&libhyperlight_builtin::wasm().map_err(Error::Guest)?, &compiled).map_err(Error::Guest)
}

/// Gives a program to the `wasm` guest.
pub fn attach(runtime: &Guest, compiled: &Compiled) -> libhyperlight::Result<Guest> {
    runtime
        .with_payload(compiled.code(), PayloadAccess::ReadExecute)?
        .with_payload(compiled.config(), PayloadAccess::Read)
}

/// The reason why there is no guest.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The program cannot be compiled.
    Compile(CompileError),
    /// The runtime cannot be loaded or the program does not fit.
    Guest(libhyperlight::Error),
}

impl Error {
    /// The code in the other languages: [`ErrorCode::GuestBinary`] for a program that cannot be run or is too large,
    /// [`ErrorCode::InvalidArgument`] for options, [`ErrorCode::Timeout`] for a compilation that took too long, else
    /// the guest's.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Compile(CompileError::Options(_)) => ErrorCode::InvalidArgument,
            Self::Compile(CompileError::Timeout) => ErrorCode::Timeout,
            Self::Compile(_) => ErrorCode::GuestBinary,
            Self::Guest(error) => error.code(),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Compile(error) => error.fmt(f),
            Self::Guest(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Compile(error) => Some(error),
            Self::Guest(error) => Some(error),
        }
    }
}
