//! Tests of the engine, a module for each of its sides.
//!
//! One program, because linking is what most of the time of building tests goes into. Its tests run on threads of one
//! process: what looks at the process, or changes it for good, is done in a process of its own
//! ([`libhyperlight_tests::process::in_own_process`]).

mod calls;
mod elf;
mod guests;
mod handle;
mod hostile;
mod javascript;
mod pool;
mod process;
mod random;
mod snapshot;
mod stop;
