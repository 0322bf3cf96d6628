//! Unmodified Linux programs in libhyperlight's sandboxes.
//!
//! A program's files, those of its libraries and whatever else is asked for are laid out in a guest's memory: no image
//! is built, and nothing of the host's file system can be reached from inside. Their bytes are one part of memory that
//! never changes, and that all sandboxes of a process share. Each ELF object is mapped in advance where the program's
//! own loader will find it, and the system calls in it become jumps to the libOS, a guest program that serves them
//! without leaving the virtual machine.
//!
//! [`Program`] runs one program again and again, each time as if for the first time; [`Files`] collects the files. The
//! builder takes them, and everything in them, for hostile.

mod elf;
mod error;
mod exchange;
mod files;
mod index;
mod layout;
mod libraries;
mod path;
mod place;
mod program;
mod rewrite;
mod run;
#[cfg(test)]
mod samples;
mod starts;

pub use exchange::Stream;
pub use files::{Files, Listed, Skipped};
pub use layout::Unplaced;
pub use libraries::Missing;
pub use program::{Program, ProgramBuilder};
pub use run::{Ended, Outcome, Run};
