//! The native half of the Node package.
//!
//! A thin border around the crate `libhyperlight`. The public interface is written in JavaScript (`lib/`): classes,
//! options, promises, host functions. This half converts values exactly ([`value`]) and shares sandboxes with the
//! threads that use them ([`shared`]). It runs calls on the thread of JavaScript, or on threads of its own
//! ([`worker`]), which talk to JavaScript through one [`port`] for each environment.
//!
//! Nothing here owns a JavaScript value: functions and exceptions stay in JavaScript and have numbers here. So the
//! garbage collector sees everything, and nothing is released on a wrong thread. Failures are returned as data
//! ([`failure`]); JavaScript turns them into errors.

#![deny(unsafe_code)]
#![expect(
    clippy::use_self,
    reason = "the macros copy signatures out of their impl, where `Self` means nothing"
)]
#![cfg_attr(test, allow(dead_code, reason = "unit tests have no Node that would call it"))]

#[cfg(panic = "abort")]
compile_error!("the addon contains panics and throws them as errors; build it with panic = \"unwind\"");

mod external_memory;
mod failure;
mod forgotten;
mod guard;
mod guest;
mod host;
mod job;
mod options;
mod pool;
mod port;
mod reply;
mod sandbox;
mod shared;
mod snapshot;
mod value;
mod values;
mod wasm;
mod worker;
