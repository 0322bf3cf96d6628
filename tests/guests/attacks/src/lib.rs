//! The guest of the tests: what the demo guest does, and whatever a test needs a guest to do wrong. It faults in every
//! way, tries privileged instructions, and breaks the wire contract, each on request.

#![no_std]

extern crate alloc;

mod faults;
mod hostile;
mod privileged;
