//! The demo guest: a program to try the library with.
//!
//! It echoes, computes, calls back, logs and prints, and does what a host must be able to deal with: it fails, panics,
//! faults, spins, and uses up what it has, each on request. Where a function has the name of one in the reference
//! implementation's test guest, it does the same. What attacks the host is in a guest for tests,
//! `tests/guests/attacks`, which has all of this as well.

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
