//! Tests of the engine, a module for each aspect.
//!
//! They are one program, because most of the build time is linking. The tests run on threads of one process. A test
//! that inspects the process, or changes it for good, runs in a process of its own
//! ([`libhyperlight_tests::process::in_own_process`]).

mod calls;
mod elf;
mod guests;
mod handle;
mod hostile;
mod javascript;
mod placement;
mod pool;
mod process;
mod random;
mod snapshot;
mod stop;
