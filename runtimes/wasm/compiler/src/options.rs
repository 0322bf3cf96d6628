//! A program's surroundings (WASI's arguments, environment and files), and the bounds on its compilation.

use std::fmt;
use std::num::NonZeroUsize;
use std::time::Duration;

use libhyperlight_wasm_contract::{File, MAX_PATH};

/// Maximum size of a program in bytes, unless set.
const MAX_PROGRAM_SIZE: usize = 64 << 20;

/// Time limit of compiling, unless set.
const COMPILE_TIMEOUT: Duration = Duration::from_secs(60);

/// A program's surroundings, which only programs with WASI use, and the bounds on its compilation.
#[derive(Clone, Debug)]
pub struct Options {
    arguments: Vec<String>,
    environment: Vec<String>,
    files: Vec<(String, Vec<u8>)>,
    max_program_size: usize,
    compile_timeout: Duration,
    compile_threads: usize,
    links: bool,
}

impl Options {
    /// No arguments, no environment, no files; programs of 64 MiB, and a minute for one.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an argument. The first one is by convention the program's name.
    pub fn argument(mut self, text: impl Into<String>) -> Result<Self, OptionError> {
        let text = text.into();
        if text.contains('\0') {
            return Err(OptionError(format!("an argument has no NUL, found {text:?}")));
        }
        self.arguments.push(text);
        Ok(self)
    }

    /// Adds a variable of the environment.
    pub fn variable(mut self, name: &str, value: &str) -> Result<Self, OptionError> {
        if name.is_empty() || name.contains(['=', '\0']) || value.contains('\0') {
            return Err(OptionError(format!(
                "a variable's name is not empty and has neither `=` nor NUL, its value no NUL, found {name:?}"
            )));
        }
        self.environment.push(format!("{name}={value}"));
        Ok(self)
    }

    /// Adds a file that the program can read but not change. The path is relative to the program's root, with `/`
    /// between names. Directories exist implicitly.
    pub fn file(mut self, path: &str, contents: impl Into<Vec<u8>>) -> Result<Self, OptionError> {
        let path = path.strip_prefix('/').unwrap_or(path);
        let is_name = |name: &str| !matches!(name, "" | "." | "..") && !name.contains('\0');
        if !path.split('/').all(is_name) {
            return Err(OptionError(format!(
                "a file's path has names between its `/`, none of them empty, `.` or `..`, found {path:?}"
            )));
        }
        if path.len() > MAX_PATH {
            return Err(OptionError(format!(
                "a file's path has at most {MAX_PATH} bytes, found {}",
                path.len()
            )));
        }
        let clashes = self.files.iter().any(|(other, _)| {
            let is_inside = |inner: &str, outer: &str| {
                inner.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            };
            is_inside(path, other) || is_inside(other, path)
        });
        if clashes {
            return Err(OptionError(format!("the path {path:?} is taken by another file or directory")));
        }
        self.files.push((path.to_owned(), contents.into()));
        Ok(self)
    }

    /// Maximum size of a program in bytes: 64 MiB unless set.
    pub fn max_program_size(mut self, bytes: usize) -> Self {
        self.max_program_size = bytes;
        self
    }

    /// Time limit of compiling, in real time: a minute unless set. It includes waiting while others compile in the same
    /// process ([`Self::compile_threads`]). The clock is checked during validation, and before each pass over a
    /// function. In a host program that is built with `panic = "abort"` the limit applies to validation alone.
    pub fn compile_timeout(mut self, limit: Duration) -> Self {
        self.compile_timeout = limit;
        self
    }

    /// Number of processors that compile: all that are available to the process unless set, and never more than those,
    /// for all threads of the process together. The threads exist only during the compilation; small programs need
    /// none.
    pub fn compile_threads(mut self, most: NonZeroUsize) -> Self {
        self.compile_threads = most.get();
        self
    }

    /// Allows imports that no host provides, for modules that are linked to others in the sandbox: for the conformance
    /// tests.
    #[doc(hidden)]
    pub fn link_to_others(mut self) -> Self {
        self.links = true;
        self
    }

    pub(crate) fn most(&self) -> usize {
        self.max_program_size
    }

    pub(crate) fn time(&self) -> Duration {
        self.compile_timeout
    }

    pub(crate) fn most_threads(&self) -> usize {
        self.compile_threads
    }

    pub(crate) fn links(&self) -> bool {
        self.links
    }

    pub(crate) fn arguments(&self) -> impl Iterator<Item = &str> {
        self.arguments.iter().map(String::as_str)
    }

    pub(crate) fn environment(&self) -> impl Iterator<Item = &str> {
        self.environment.iter().map(String::as_str)
    }

    pub(crate) fn files(&self) -> impl Iterator<Item = File<'_>> {
        self.files.iter().map(|(path, contents)| File { path, contents })
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            arguments: Vec::new(),
            environment: Vec::new(),
            files: Vec::new(),
            max_program_size: MAX_PROGRAM_SIZE,
            compile_timeout: COMPILE_TIMEOUT,
            compile_threads: usize::MAX,
            links: false,
        }
    }
}

/// An option that no program could have.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct OptionError(pub(crate) String);

impl fmt::Display for OptionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for OptionError {}
