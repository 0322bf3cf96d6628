//! SDK for guest programs of libhyperlight.
//!
//! A guest program is an ordinary `cdylib` of the stock toolchain. It has no `main` that runs to an end. The host
//! starts it once; it publishes its functions, and then sleeps until one of them is called. This crate provides
//! everything between that and a plain Rust function: the entry point, the heap, the panic handler, the exchange of
//! frames with the host, and the few C functions that compilers take for granted.
//!
//! ```ignore
//! #![no_std]
//! use libhyperlight_guest::{Result, guest_function, host_function};
//!
//! #[host_function]
//! fn HostAdd(a: i32, b: i32) -> Result<i32>;
//!
//! #[guest_function("Add")]
//! fn add(a: i32, b: i32) -> Result<i32> {
//!     HostAdd(a, b)
//! }
//! ```
//!
//! Attributes publish functions at compile time; a language runtime that learns its functions when it starts uses
//! [`register`], [`declare_host_function`] and [`host_call`] from a [`guest_main`] instead.
//!
//! A guest has one thread and no interrupts, so nothing in here locks.

#![no_std]

extern crate alloc;

mod boot;
mod channel;
mod context;
mod dispatch;
mod entry;
mod error;
mod function;
pub mod heap;
mod host;
mod incoming;
mod logger;
mod mem;
mod panic;
pub mod random;
mod single;
mod system_call;
mod text;
pub mod time;
mod value;

pub use libhyperlight_abi::{Kind, Value, ValueRef, limits};
pub use libhyperlight_guest_macros::{guest_function, guest_main, host_function};
pub use log;

pub use boot::{boot_info, payload, stack};
pub use error::{Context, Error, Result, code};
pub use function::{declare_host_function, register};
pub use host::{HostSignature, host_call, host_signature};
pub use panic::abort;

/// The expansion of the attributes. No part of the interface.
#[doc(hidden)]
pub mod __private {
    pub use alloc::format;

    pub use crate::function::{Declaration, Function, Item, signature};
    pub use crate::host::HostResult;
    pub use crate::incoming::Arguments;
    pub use crate::value::{Argument, Borrowed, Outcome, Parameter, Returned};
}
