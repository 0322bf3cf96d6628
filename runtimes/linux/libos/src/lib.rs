//! The libOS: system calls of Linux for a program in a guest of libhyperlight.
//!
//! It runs in the same address space and with the same rights as the program, as a C library does. Nothing of the
//! sandbox's safety rests on it: whatever a program does to it, it can do to itself. What it needs of the world comes
//! through [`Platform`], so that its tests run on the host.

#![no_std]

extern crate alloc;

mod calls;
mod descriptors;
mod epoll;
mod errno;
mod files;
mod frame;
mod kernel;
mod loader;
mod memory;
mod pipe;
mod platform;
mod signals;
mod threads;
mod user;

pub use errno::Errno;
pub use frame::Frame;
pub use kernel::{Control, Kernel};
pub use loader::Start;
pub use memory::Places;
pub use platform::{Platform, Stream};
