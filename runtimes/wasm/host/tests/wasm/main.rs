//! WebAssembly programs in real virtual machines.
//!
//! One program of tests, because each would carry the whole compiler.
#![expect(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

mod bombs;
mod bounds;
mod calls;
mod common;
mod components;
mod corpus;
mod encode;
mod escapes;
mod exports;
mod forks;
mod fuzz;
mod heavy;
mod imports;
mod lifecycle;
mod memories;
mod program;
mod refusals;
mod saved;
#[cfg(feature = "serde")]
mod serde;
mod traps;
mod wasi;
mod wasi_bounds;
mod wasi_output;
mod wasi_waits;
