//! Compiles WebAssembly ahead of time for the `wasm` guest of libhyperlight.
//!
//! The machine code is made on the host, with the settings of the guest, and goes into the guest's image as a payload.
//! The compiler reads an untrusted program outside of any sandbox. It validates the program completely before it makes
//! code, and never runs it; the code runs only in the virtual machine. The [`Options`] and the bounds on programs limit
//! its time and memory.

mod cache;
mod compile;
mod deadline;
mod description;
mod inspect;
mod options;
mod process;
mod saved;
mod threads;

pub use compile::{Compiled, Error, precompile};
pub use options::{OptionError, Options};
