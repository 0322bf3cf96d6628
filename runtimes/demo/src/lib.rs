//! The demo guest: a program to try the library with.
//!
//! It echoes, computes, calls back, logs and prints. On request it also does the things that a host must handle: it
//! fails, panics, faults, spins, and exhausts its memory. A function with the name of one in the reference
//! implementation's test guest does the same. Attacks on the host are in a guest for tests, `tests/guests/attacks`,
//! which contains this one.

#![no_std]

extern crate alloc;

mod compute;
mod echo;
mod errors;
pub mod faults;
mod host;
mod log;
pub mod memory;
mod payload;
mod print;
mod sleep;
mod stack;
mod state;
