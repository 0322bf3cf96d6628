//! The Linux guest of libhyperlight.
//!
//! The host lays out a program's files and the places of its objects; this program starts it, and serves its system
//! calls through the libOS. One call of a guest function is one run: the program's stack and its memory are beside
//! those of this program, and when it ends, the call returns its status.

#![no_std]

extern crate alloc;

mod clocks;
mod entry;
mod platform;
mod run;
mod single;
