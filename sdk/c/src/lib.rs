//! The library that a guest program in C links: the functions of `hyperlight_guest.h`, and a C library for the
//! compiler's own headers.
//!
//! The SDK for Rust does the work: it starts the program, serves calls, owns the heap. This crate offers its interface
//! as plain structs and statuses ([`value`], [`functions`], [`host`], [`failure`], [`services`]), gives memory the
//! lifetime that C code expects ([`arena`]), and provides the functions that C programs take for granted ([`libc`]).
//! Nothing in here panics on input of a C program.

#![no_std]
// The compiler knows the functions of a C library, and would compile some of them into calls of themselves.
#![no_builtins]

extern crate alloc;

mod arena;
mod constructors;
mod cplusplus;
mod failure;
mod functions;
mod host;
#[path = "../../libc/mod.rs"]
mod libc;
mod services;
mod value;
