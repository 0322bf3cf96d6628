//! The WebAssembly compiler.
#![no_main]

#[path = "../../runtimes/wasm/host/tests/wasm/fuzz.rs"]
mod fuzz;

libfuzzer_sys::fuzz_target!(|program: &[u8]| fuzz::compiler(program));
