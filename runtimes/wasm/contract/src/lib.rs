//! The contract between the WebAssembly compiler on the host and the `wasm` guest in its virtual machine.
//!
//! The compiler makes machine code ahead of time that the guest executes in place, so both must configure the engine
//! alike: [`settings`] is called on both sides. Other facts about a program travel beside the code, as a [`Config`].

#![no_std]

extern crate alloc;

mod config;
pub mod settings;

pub use config::{Config, ConfigError, File, ProgramKind};

/// The payload that holds the machine code.
pub const CODE_PAYLOAD: usize = 0;

/// The payload that holds the [`Config`].
pub const CONFIG_PAYLOAD: usize = 1;

/// Maximum bytes of a file's path, and of a path that a program asks for.
pub const MAX_PATH: usize = 4096;

/// Numbers of the errors that the guest reports.
pub mod code {
    /// The program trapped: it divided by zero, reached beyond its memory, used up its stack, and the like.
    pub const TRAP: i32 = 1;
    /// The program ended itself by WASI's `proc_exit` in a call that was not `_start`.
    pub const EXIT: i32 = 2;
    /// The guest cannot run the code, its configuration or its imports.
    pub const LOAD: i32 = 3;
    /// An argument or a result does not fit the function's type: malformed JSON, a wrong case, a number out of range.
    pub const VALUE: i32 = 4;
    /// There is no memory of that name, or it is too small.
    pub const MEMORY: i32 = 5;
}

/// Guest functions that every module with memories has.
pub mod memory {
    /// `(name string) -> u64`: the present size of an exported memory in bytes.
    pub const SIZE: &str = "hyperlight:memory-size";
    /// `(name string, offset u64, length u64) -> bytes`: a copy of part of an exported memory.
    pub const READ: &str = "hyperlight:memory-read";
    /// `(name string, offset u64, bytes) -> void`: replaces part of an exported memory.
    pub const WRITE: &str = "hyperlight:memory-write";
}
