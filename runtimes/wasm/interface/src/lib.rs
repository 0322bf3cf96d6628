//! The interface between libhyperlight and the shared library of its WebAssembly compiler.
//!
//! The compiler is several times as large as everything else together, and many programs never need it. So it is a shared
//! library of its own, which the C library and the packages of Python and Node load when the first program is compiled. Both
//! sides are compiled with the types of this crate. The interface is private: a library of another [`RELEASE`] is refused,
//! because its code would not run on the runtime that the caller carries.
//!
//! The library exports one function, [`ENTRY`], which gives a table of all others. Each may be called from any thread.

#![no_std]

use core::ffi::CStr;

mod bytes;
mod description;
mod options;

pub use bytes::Bytes;
pub use description::{Description, Function, Member, Shape, Type};
pub use options::{Options, Pair};

/// The number of the interface that this crate describes.
pub const NUMBER: u32 = 4;

/// The release that the library and whoever loads it must have in common.
pub const RELEASE: &str = env!("CARGO_PKG_VERSION");

/// The name of the library's file, which is its soname, too.
pub const FILE: &str =
    concat!("libhyperlight_wasm.so.", env!("CARGO_PKG_VERSION_MAJOR"), ".", env!("CARGO_PKG_VERSION_MINOR"));

/// The name of the function that the library exports, an [`Entry`].
pub const ENTRY: &CStr = c"hlwm_interface";

/// The function that the library exports. What it gives lives as long as the library is loaded.
pub type Entry = unsafe extern "C" fn() -> *const Interface;

/// What became of a program: the numbers are those of the error codes of libhyperlight.
pub mod status {
    /// There is a program.
    pub const OK: i32 = 0;
    /// The options are not acceptable.
    pub const OPTIONS: i32 = -1;
    /// The bytes are no WebAssembly, or not valid, or too large, or use something that is not supported.
    pub const PROGRAM: i32 = -3;
    /// Compiling took longer than allowed.
    pub const TIMEOUT: i32 = -14;
    /// The compiler failed by a bug of its own, which was contained.
    pub const INTERNAL: i32 = -99;
}

/// A program, or the reason why there is none. The library knows more of it.
#[derive(Debug)]
#[repr(C)]
pub struct Program {
    _opaque: [u8; 0],
}

/// The functions of the library. Every pointer that is passed is valid for the time of the call, and none is kept.
#[derive(Debug)]
#[repr(C)]
pub struct Interface {
    /// [`NUMBER`]. Stands first in every version.
    pub number: u32,
    /// [`RELEASE`]. Stands second in every version.
    pub release: Bytes,
    /// Compiles a module or a component in its binary form. Never returns null: [`Self::status`] tells whether there is a program.
    pub compile: unsafe extern "C" fn(wasm: Bytes, options: *const Options) -> *mut Program,
    /// The same of bytes that [`Self::save`] gave, in the same release, on a processor with the same features. No limit on compiling means
    /// anything. The bytes may come from anybody, as a program may.
    pub load: unsafe extern "C" fn(saved: Bytes, options: *const Options) -> *mut Program,
    /// The same program with other surroundings. Never returns null.
    pub with_options: unsafe extern "C" fn(program: *const Program, options: *const Options) -> *mut Program,
    /// One of [`status`].
    pub status: unsafe extern "C" fn(program: *const Program) -> i32,
    /// The reason why there is no program, UTF-8. This and what follows are lent for as long as the program lives, and empty where there
    /// is nothing.
    pub message: unsafe extern "C" fn(program: *const Program) -> Bytes,
    /// The payload of the guest that is readable and executable.
    pub code: unsafe extern "C" fn(program: *const Program) -> Bytes,
    /// The payload of the guest that is readable.
    pub config: unsafe extern "C" fn(program: *const Program) -> Bytes,
    /// What it exports and imports, as JSON: see `description.rs` of the compiler.
    pub description: unsafe extern "C" fn(program: *const Program) -> Bytes,
    /// The same as structures; null if there is no program. Freed by [`Self::free_types`].
    pub types: unsafe extern "C" fn(program: *const Program) -> *mut Description,
    /// Frees what [`Self::types`] gave.
    pub free_types: unsafe extern "C" fn(description: *mut Description),
    /// What [`Self::load`] takes, without the options; empty if there is no program, or it is too large. Freed by [`Self::free_bytes`].
    pub save: unsafe extern "C" fn(program: *const Program) -> Bytes,
    /// Frees what [`Self::save`] gave.
    pub free_bytes: unsafe extern "C" fn(bytes: Bytes),
    /// Frees a program, or the reason why there is none.
    pub free: unsafe extern "C" fn(program: *mut Program),
}

// SAFETY: it is read only, and so is the text that it points to.
unsafe impl Send for Interface {}
// SAFETY: as above.
unsafe impl Sync for Interface {}
