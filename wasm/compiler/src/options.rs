//! What a program finds around itself: WASI's arguments, environment and files.

use std::fmt;

use hyperlight_wasm_contract::File;

/// What a program finds around itself. Programs that do not use WASI take no notice of it.
#[derive(Clone, Debug, Default)]
pub struct Options {
    arguments: Vec<String>,
    environment: Vec<String>,
    files: Vec<(String, Vec<u8>)>,
}

impl Options {
    /// No arguments, no environment, no files.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an argument. The first is by custom the program's name.
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

    /// Adds a file that the program can read but not change. The path is relative to the program's root, with `/` between
    /// names; directories are there because files are in them.
    pub fn file(mut self, path: &str, contents: impl Into<Vec<u8>>) -> Result<Self, OptionError> {
        let path = path.strip_prefix('/').unwrap_or(path);
        let is_name = |name: &str| !matches!(name, "" | "." | "..") && !name.contains('\0');
        if !path.split('/').all(is_name) {
            return Err(OptionError(format!(
                "a file's path has names between its `/`, none of them empty, `.` or `..`, found {path:?}"
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

/// An option that no program could have.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct OptionError(pub(crate) String);

impl fmt::Display for OptionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for OptionError {}
