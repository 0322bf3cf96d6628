//! The guest of the tests: the demo guest's functions, and the misbehaviour that tests need. It faults in every way,
//! tries privileged instructions, and breaks the wire contract, each on request.

#![no_std]

extern crate alloc;

mod faults;
mod hostile;
mod privileged;
