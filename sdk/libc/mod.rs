//! The part of a C library that makes sense without an operating system, one file for each C header.
//!
//! C code in guest programs includes the headers of the build machine's C library. These definitions therefore follow
//! the binary interface of those headers on x86-64. (glibc and musl agree on it, with a few names that only one of them
//! uses.) They are the functions themselves, and the symbols that macros and `_FORTIFY_SOURCE` expand to. There are no
//! files, processes, signals, locales or wide characters, and one thread. Functions that need more are not defined, so
//! that a program that calls them fails to link.
//!
//! Every function trusts its caller exactly as far as the C standard does. A guest that breaks that trust harms
//! only itself.
//!
//! This folder is a module of each program that carries a C library: `sdk/c` and `runtimes/javascript/guest`. It is not
//! a crate, because it needs `#![no_builtins]`: the compiler knows the functions of a C library, and would compile some
//! of them into calls of themselves. A library crate with that attribute is left out of link-time optimisation in a
//! form that not every linker reads. `printf.c` is compiled by the build scripts of those programs.

mod ctype;
pub mod errno;
mod fortify;
pub mod malloc;
mod math;
mod number;
mod printf;
mod pthread;
pub mod random;
mod setjmp;
pub mod single;
mod sort;
pub mod stdio;
mod stdlib;
mod strftime;
mod string;
pub mod text;
mod time;
