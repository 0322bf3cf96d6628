//! The WASI environment of a program, and the limits of the compiler.

use libhyperlight_wasm_interface::{Bytes, Options as Given, Pair};

/// The WASI environment of a program, which programs without WASI ignore; and the limits of the compiler.
#[derive(Clone, Debug, Default)]
pub struct Options<'a> {
    /// Arguments, UTF-8, by custom the program's name first.
    pub arguments: Vec<&'a [u8]>,
    /// Variables of the environment, UTF-8: name and value.
    pub environment: Vec<(&'a [u8], &'a [u8])>,
    /// Read-only files: path, UTF-8, and contents.
    pub files: Vec<(&'a [u8], &'a [u8])>,
    /// Maximum size of the program in bytes; 0 for the compiler's own limit.
    pub max_program_size: u64,
    /// Time limit of the compilation in nanoseconds; 0 for the compiler's own limit.
    pub compile_timeout_ns: u64,
    /// Maximum number of processors for the compilation; 0 for all that are available to the process.
    pub compile_threads: u64,
}

impl Options<'_> {
    /// Runs `work` with the structure that the library takes.
    pub(crate) fn with<T>(&self, work: impl FnOnce(*const Given) -> T) -> T {
        let pairs = |pairs: &[(&[u8], &[u8])]| -> Vec<_> {
            pairs
                .iter()
                .map(|(name, value)| Pair { name: Bytes::of(name), value: Bytes::of(value) })
                .collect()
        };
        let arguments: Vec<_> = self.arguments.iter().map(|text| Bytes::of(text)).collect();
        let (environment, files) = (pairs(&self.environment), pairs(&self.files));
        let given = Given {
            arguments: arguments.as_ptr(),
            argument_count: arguments.len(),
            environment: environment.as_ptr(),
            variable_count: environment.len(),
            files: files.as_ptr(),
            file_count: files.len(),
            max_program_size: self.max_program_size,
            compile_timeout_ns: self.compile_timeout_ns,
            compile_threads: self.compile_threads,
        };
        work(&raw const given)
    }
}
