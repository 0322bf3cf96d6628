//! The C interface of libhyperlight.
//!
//! A thin border around the crate `libhyperlight`. It checks the caller's pointers, kinds, text and sizes, tracks
//! ownership and use of handles, and lets no panic through. `include/hyperlight.h` is generated from these files, so
//! the doc comments here address people who read C. The rules that hold for every function are at the top of the
//! header; the `SAFETY` comments refer to them as *the header's rules*.
//!
//! One file for each noun; `guard.rs` is the border itself.

#![expect(non_camel_case_types, reason = "types have the names that the header gives them")]
#![expect(
    clippy::missing_safety_doc,
    reason = "doc comments go into the header; its rules are the safety contract"
)]

#[cfg(panic = "abort")]
compile_error!("the C library contains panics and reports them as errors; build it with panic = \"unwind\"");

mod description;
mod guard;
mod structures;

// In the order in which the header has them.

pub mod version;

pub mod codes;

pub mod error;

pub mod value;

pub mod guest;

pub mod options;

pub mod sandbox;

pub mod function;

pub mod interrupt;

pub mod snapshot;

pub mod pool;

pub mod any;

pub mod script;

pub mod wasm;

pub mod wasm_call;

pub mod host;

pub mod log;
