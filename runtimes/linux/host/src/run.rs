//! One run of a program: what it gets, and what comes of it.

use std::collections::BTreeMap;
use std::time::Duration;

use libhyperlight::{CallOptions, Error, Result};
use libhyperlight_linux_contract::request::{Kind, MAX_REQUEST, header};

use crate::error::invalid;
use crate::exchange::{Exchange, OutputHook, Running, Stream};
use crate::path;

/// Arguments, environment, input, files and limits of one run.
#[derive(Default)]
pub struct Run {
    args: Vec<Vec<u8>>,
    env: Vec<Vec<u8>>,
    stdin: Vec<u8>,
    files: BTreeMap<Vec<u8>, Vec<u8>>,
    folder: Option<Vec<u8>>,
    timeout: Option<Duration>,
    max_output: Option<u64>,
    hook: Option<OutputHook>,
}

/// The results of a run.
#[derive(Debug)]
pub struct Outcome {
    /// The way in which the program ended.
    pub ended: Ended,
    /// Everything that it printed to standard output, also if it was stopped.
    pub stdout: Vec<u8>,
    /// The same of standard error.
    pub stderr: Vec<u8>,
    /// The files in memory at its end, by their paths; none if it was stopped. The paths are absolute, without `.` and
    /// `..`, and chosen by the program: what is written under them belongs into a folder of its own.
    pub files: BTreeMap<Vec<u8>, Vec<u8>>,
    /// True if it printed or wrote more than is allowed: then its next attempt failed with a closed pipe, or files are
    /// missing here.
    pub is_cut: bool,
}

/// The end of a program.
#[derive(Debug)]
#[non_exhaustive]
pub enum Ended {
    /// By itself, with this status; by a signal, with 128 and its number, as a shell shows it.
    Exit(i32),
    /// It was stopped: by a limit, or because it faulted.
    Stopped(Error),
}

impl Run {
    /// Starts without arguments, environment and input.
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends arguments, which follow the program's name.
    pub fn args(mut self, args: impl IntoIterator<Item = impl AsRef<[u8]>>) -> Self {
        self.args.extend(args.into_iter().map(|arg| arg.as_ref().to_vec()));
        self
    }

    /// Sets a variable of the environment.
    pub fn env(mut self, name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Self {
        self.env.push([name.as_ref(), b"=", value.as_ref()].concat());
        self
    }

    /// Sets what the program reads from standard input: nothing unless set.
    pub fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin = bytes.into();
        self
    }

    /// Puts a file where the program can change it.
    pub fn file(mut self, path: impl AsRef<[u8]>, contents: impl Into<Vec<u8>>) -> Self {
        self.files.insert(path.as_ref().to_vec(), contents.into());
        self
    }

    /// Sets the working folder: `/` unless set.
    pub fn folder(mut self, path: impl AsRef<[u8]>) -> Self {
        self.folder = Some(path.as_ref().to_vec());
        self
    }

    /// Limits the time, in place of the program's own limit.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Limits the bytes of all that the program prints, and of all files that come back: 64 MiB each unless set.
    pub fn max_output(mut self, bytes: u64) -> Self {
        self.max_output = Some(bytes);
        self
    }

    /// Calls a function with each piece of output when it is printed. It is kept for the outcome, too.
    pub fn on_output(mut self, hook: impl FnMut(Stream, &[u8]) + Send + 'static) -> Self {
        self.hook = Some(Box::new(hook));
        self
    }

    /// Writes the request for the guest.
    pub(crate) fn request(&self, program: &[u8], name: &[u8], file_limit: u64, jit: bool) -> Result<Vec<u8>> {
        let mut request = Vec::new();
        let folder = self.folder.as_deref().unwrap_or(b"/");
        path::names(folder)?;
        let mut add = |kind, parts: &[&[u8]]| -> Result<()> {
            let len: usize = parts.iter().map(|part| part.len()).sum();
            let len = u32::try_from(len).ok().filter(|len| request.len() + *len as usize <= MAX_REQUEST);
            let len = len.ok_or_else(|| {
                invalid(format!(
                    "arguments, environment and paths take over {MAX_REQUEST} bytes; pass them in a file"
                ))
            })?;
            request.extend(header(kind, len));
            parts.iter().for_each(|part| request.extend_from_slice(part));
            Ok(())
        };
        add(Kind::Program, &[program])?;
        add(Kind::Folder, &[folder])?;
        add(Kind::FileLimit, &[&file_limit.to_le_bytes()])?;
        if jit {
            add(Kind::Jit, &[])?;
        }
        for argument in std::iter::once(name).chain(self.args.iter().map(|arg| &**arg)) {
            check_text(argument)?;
            add(Kind::Argument, &[argument])?;
        }
        for variable in &self.env {
            check_text(variable)?;
            add(Kind::Variable, &[variable])?;
        }
        for (path, contents) in &self.files {
            path::names(path)?;
            let (permissions, len) = (0o644_u32.to_le_bytes(), (contents.len() as u64).to_le_bytes());
            add(Kind::File, &[&permissions, &len, path])?;
        }
        Ok(request)
    }

    /// Hands streams and files to the host functions, for one call.
    pub(crate) fn start(self, exchange: &Exchange) -> (CallOptions, Running<'_>) {
        let mut limits = CallOptions::new();
        if let Some(timeout) = self.timeout {
            limits = limits.timeout(timeout);
        }
        let files = self.files.into_values().collect();
        (limits, exchange.start(self.stdin, files, self.max_output, self.hook))
    }
}

impl Outcome {
    /// Returns true if the program ended by itself with status 0.
    pub fn is_success(&self) -> bool {
        matches!(self.ended, Ended::Exit(0))
    }

    /// The status, unless it was stopped.
    pub fn status(&self) -> Option<i32> {
        match &self.ended {
            Ended::Exit(status) => Some(*status),
            Ended::Stopped(_) => None,
        }
    }
}

impl std::fmt::Debug for Run {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Run")
            .field("args", &self.args.len())
            .field("files", &self.files.len())
            .finish_non_exhaustive()
    }
}

/// Fails for what C strings cannot be.
fn check_text(text: &[u8]) -> Result<()> {
    if text.contains(&0) { Err(invalid("an argument or a variable has a zero in it")) } else { Ok(()) }
}
