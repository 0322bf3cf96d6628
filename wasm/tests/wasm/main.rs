//! WebAssembly programs in real virtual machines.
//!
//! One program of tests, because each would carry the whole compiler.
#![expect(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

mod bounds;
mod common;
mod components;
mod escapes;
mod exports;
mod imports;
mod lifecycle;
mod memories;
mod refusals;
mod traps;
mod wasi;
mod wasi_bounds;
mod wasi_output;
mod wasi_waits;
