//! The interface between libhyperlight and the shared library of its WebAssembly compiler.
//!
//! The compiler is several times as large as everything else together, and many programs never need it. So it is a
//! shared library of its own, which the C library and the packages of Python and Node load when the first program is
//! compiled. Both sides are compiled with the types of this crate. The interface is private. A library of another
//! [`RELEASE`] is refused, because its code would not run on the caller's runtime.
//!
//! The library exports one function, [`ENTRY`], which returns a table of all others. Each may be called from any
//! thread.

#![no_std]

use core::ffi::CStr;

mod bytes;
mod options;

pub use bytes::Bytes;
pub use options::{Options, Pair};

/// The version number of this interface.
pub const NUMBER: u32 = 6;

/// The release, which the library and its loader must have in common.
pub const RELEASE: &str = env!("CARGO_PKG_VERSION");

/// The name of the library's file, which is also its soname.
pub const FILE: &str =
    concat!("libhyperlight_wasm.so.", env!("CARGO_PKG_VERSION_MAJOR"), ".", env!("CARGO_PKG_VERSION_MINOR"));

/// The name of the function that the library exports, an [`Entry`].
pub const ENTRY: &CStr = c"hlwm_interface";

/// The exported function. Its result lives as long as the library is loaded.
pub type Entry = unsafe extern "C" fn() -> *const Interface;

/// Status of a program: the numbers are libhyperlight's error codes, but of those whose sentence names an option.
pub mod status {
    /// Success: there is a program.
    pub const OK: i32 = 0;
    /// The options are invalid.
    pub const OPTIONS: i32 = -1;
    /// The bytes are not WebAssembly, not valid, too large, or use something unsupported.
    pub const PROGRAM: i32 = -3;
    /// The program is larger than the options allow. The message has the sizes, and no advice.
    pub const LARGE: i32 = -1003;
    /// The program may be compiled in more time. The message says what it has too much of, and gives no advice.
    pub const HEAVY: i32 = -2003;
    /// Compiling took longer than allowed.
    pub const TIMEOUT: i32 = -14;
    /// The compiler failed because of a contained bug of its own.
    pub const INTERNAL: i32 = -99;
}

/// A program, or the reason for its absence. Only the library knows its layout.
#[derive(Debug)]
#[repr(C)]
pub struct Program {
    _opaque: [u8; 0],
}

/// The functions of the library. Every pointer argument is valid during the call, and none is kept.
#[derive(Debug)]
#[repr(C)]
pub struct Interface {
    /// [`NUMBER`]. First in every version.
    pub number: u32,
    /// [`RELEASE`]. Second in every version.
    pub release: Bytes,
    /// Compiles a module or a component in its binary form. Never returns null: [`Self::status`] tells success from
    /// failure.
    pub compile: unsafe extern "C" fn(wasm: Bytes, options: *const Options) -> *mut Program,
    /// Loads a program from the bytes of [`Self::save`], in the same release, on a processor with the same features.
    /// The limits on compiling are ignored. The bytes may be untrusted, as a program may.
    pub load: unsafe extern "C" fn(saved: Bytes, options: *const Options) -> *mut Program,
    /// Makes a copy of the program with another WASI environment. Never returns null.
    pub with_options: unsafe extern "C" fn(program: *const Program, options: *const Options) -> *mut Program,
    /// Returns one of [`status`].
    pub status: unsafe extern "C" fn(program: *const Program) -> i32,
    /// Returns the reason for a missing program, UTF-8. This and the following results are borrowed while the program
    /// lives, and empty if there are none.
    pub message: unsafe extern "C" fn(program: *const Program) -> Bytes,
    /// Returns the guest's payload that is readable and executable.
    pub code: unsafe extern "C" fn(program: *const Program) -> Bytes,
    /// Returns the guest's payload that is readable.
    pub config: unsafe extern "C" fn(program: *const Program) -> Bytes,
    /// Returns the exports and imports with their types, as the module `description` of `libhyperlight_values` writes
    /// and reads them.
    pub description: unsafe extern "C" fn(program: *const Program) -> Bytes,
    /// Returns bytes for [`Self::load`], without the options; empty if there is no program, or if it is too large.
    /// [`Self::free_bytes`] frees them.
    pub save: unsafe extern "C" fn(program: *const Program) -> Bytes,
    /// Frees the result of [`Self::save`].
    pub free_bytes: unsafe extern "C" fn(bytes: Bytes),
    /// Frees a program, also one that only has a reason.
    pub free: unsafe extern "C" fn(program: *mut Program),
}

// SAFETY: it is read only, and so is the text that it points to.
unsafe impl Send for Interface {}
// SAFETY: as above.
unsafe impl Sync for Interface {}
