//! The WASI environment of a program, and the limits of the compiler.

use crate::bytes::{Bytes, array};

/// A variable of the environment, both UTF-8, or a file: its path, UTF-8, and its contents.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Pair {
    /// The name of the variable, or the path.
    pub name: Bytes,
    /// The value, or the contents.
    pub value: Bytes,
}

/// The WASI environment of a program, and the limits of the compiler.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Options {
    /// The program's arguments, UTF-8, its name first.
    pub arguments: *const Bytes,
    /// Number of elements.
    pub argument_count: usize,
    /// Variables of the environment.
    pub environment: *const Pair,
    /// Number of elements.
    pub variable_count: usize,
    /// Files.
    pub files: *const Pair,
    /// Number of elements.
    pub file_count: usize,
    /// Maximum size of the program in bytes; 0 for the default.
    pub max_program_size: u64,
    /// Time limit of the compilation in nanoseconds; 0 for the default.
    pub compile_timeout_ns: u64,
    /// Maximum number of processors for the compilation; 0 for the default.
    pub compile_threads: u64,
}

impl Options {
    /// Borrows the program's arguments.
    ///
    /// # Safety
    ///
    /// The pointers are valid for the given numbers of elements, as long as `'a`; here and below.
    pub const unsafe fn arguments<'a>(&self) -> &'a [Bytes] {
        // SAFETY: the caller's promise.
        unsafe { array(self.arguments, self.argument_count) }
    }

    /// Variables of the environment.
    ///
    /// # Safety
    ///
    /// As above.
    pub const unsafe fn environment<'a>(&self) -> &'a [Pair] {
        // SAFETY: the caller's promise.
        unsafe { array(self.environment, self.variable_count) }
    }

    /// Files.
    ///
    /// # Safety
    ///
    /// As above.
    pub const unsafe fn files<'a>(&self) -> &'a [Pair] {
        // SAFETY: the caller's promise.
        unsafe { array(self.files, self.file_count) }
    }
}
