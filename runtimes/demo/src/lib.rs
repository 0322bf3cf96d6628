//! The demo guest: a program to try the library with, and to test it against.
//!
//! Besides harmless examples it holds everything that a test needs a guest to do wrong: it faults, exhausts, spins,
//! tries privileged instructions and breaks the wire contract, each on request. Where a function has the name of one
//! in the reference implementation's test guest, it does the same.

#![no_std]

extern crate alloc;

mod compute;
mod echo;
mod errors;
mod faults;
mod host;
mod hostile;
mod log;
mod memory;
mod payload;
mod print;
mod privileged;
mod sleep;
mod stack;
mod state;
