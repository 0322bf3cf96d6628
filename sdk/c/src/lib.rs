//! What a guest program in C links: the functions of `hyperlight_guest.h`, and a C library behind the compiler's own
//! headers.
//!
//! The SDK for Rust does the work: it starts the program, serves calls, owns the heap. This crate turns its
//! interface into one of plain structs and statuses ([`value`], [`functions`], [`host`], [`failure`], [`services`]),
//! gives memory the lifetime that C code expects ([`arena`]), and carries the functions that C programs take for
//! granted ([`libc`]). Nothing in here panics on what a C program hands in.

#![no_std]
// The compiler knows what the functions of a C library do, and would express some of them by calls of themselves.
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
