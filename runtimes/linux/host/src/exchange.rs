//! The host's end of a run: streams and files, exchanged by host functions while the program runs.
//!
//! Everything belongs to one run and is dropped with it. What a program prints or writes counts against a limit before
//! it is kept.

use std::collections::BTreeMap;
use std::fmt;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use libhyperlight::{Result, UninitializedSandbox};
use libhyperlight_linux_contract::request::{INPUT, OUTPUT, READ_FILE, WRITE_FILE};

use crate::path;
use crate::run::{Ended, Outcome};

/// Bytes of output and of files that one run may have, unless it says otherwise.
const MAX_OUTPUT: u64 = 64 << 20;

/// Files that come back from one run.
const MAX_FILES: usize = 1 << 16;

/// A stream that a program prints to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Stream {
    /// Standard error.
    Stderr,
    /// Standard output.
    Stdout,
}

/// A function that is called with output.
pub(crate) type OutputHook = Box<dyn FnMut(Stream, &[u8]) + Send>;

/// The data that the host functions work with; empty between runs.
#[derive(Clone, Debug, Default)]
pub(crate) struct Exchange(Arc<Mutex<Current>>);

/// A run that goes on. Whatever ends it, its streams and files are dropped.
#[derive(Debug)]
pub(crate) struct Running<'e>(&'e Exchange);

#[derive(Default)]
struct Current {
    stdin: Vec<u8>,
    read: usize,
    given: Vec<Vec<u8>>,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
    files: BTreeMap<Vec<u8>, Vec<u8>>,
    printed: u64,
    written: u64,
    max_output: u64,
    is_cut: bool,
    hook: Option<OutputHook>,
}

impl Exchange {
    /// Registers the functions.
    pub fn register(&self, sandbox: &mut UninitializedSandbox) -> Result<()> {
        let exchange = self.clone();
        sandbox
            .register(OUTPUT, move |stream: u32, bytes: Vec<u8>| exchange.current().print(stream, &bytes))?;
        let exchange = self.clone();
        sandbox.register(INPUT, move |max: u32| exchange.current().input(max))?;
        let exchange = self.clone();
        sandbox.register(READ_FILE, move |number: u32, offset: u64, max: u32| {
            exchange.current().given(number, offset, max)
        })?;
        let exchange = self.clone();
        sandbox.register(WRITE_FILE, move |path: Vec<u8>, _permissions: u32, offset: u64, bytes: Vec<u8>| {
            exchange.current().write(path, offset, &bytes);
        })
    }

    /// Starts a run.
    pub fn start(
        &self,
        stdin: Vec<u8>,
        given: Vec<Vec<u8>>,
        max_output: Option<u64>,
        hook: Option<OutputHook>,
    ) -> Running<'_> {
        let max_output = max_output.unwrap_or(MAX_OUTPUT);
        *self.current() = Current { stdin, given, max_output, hook, ..Current::default() };
        Running(self)
    }

    fn current(&self) -> MutexGuard<'_, Current> {
        // A hook that panics leaves nothing half-done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Running<'_> {
    /// Ends the run with all that came of it.
    pub fn finish(self, ended: Ended) -> Outcome {
        let current = mem::take(&mut *self.0.current());
        let files = if matches!(ended, Ended::Exit(_)) { current.files } else { BTreeMap::new() };
        Outcome { ended, stdout: current.stdout, stderr: current.stderr, files, is_cut: current.is_cut }
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        *self.0.current() = Current::default();
    }
}

impl Current {
    /// Takes output. Returns false if it is too much.
    fn print(&mut self, stream: u32, bytes: &[u8]) -> bool {
        let (stream, kept) = match stream {
            1 => (Stream::Stdout, &mut self.stdout),
            2 => (Stream::Stderr, &mut self.stderr),
            _ => return false,
        };
        let printed = self.printed.saturating_add(bytes.len() as u64);
        if printed > self.max_output {
            self.is_cut = true;
            return false;
        }
        self.printed = printed;
        kept.extend_from_slice(bytes);
        if let Some(hook) = &mut self.hook {
            hook(stream, bytes);
        }
        true
    }

    /// Gives the next part of standard input.
    fn input(&mut self, max: u32) -> Vec<u8> {
        let rest = self.stdin.get(self.read..).unwrap_or_default();
        let part = rest.get(..max as usize).unwrap_or(rest).to_vec();
        self.read += part.len();
        part
    }

    /// Gives a part of a file of the run.
    fn given(&self, number: u32, offset: u64, max: u32) -> Vec<u8> {
        let file = self.given.get(number as usize).map_or(&[][..], |file| file);
        let rest = usize::try_from(offset).ok().and_then(|offset| file.get(offset..)).unwrap_or_default();
        rest.get(..max as usize).unwrap_or(rest).to_vec()
    }

    /// Takes a part of a file that the program has made. Parts come in order. A path that no file of a guest has is not
    /// taken: whoever writes the files to a folder must not be led out of it.
    fn write(&mut self, path: Vec<u8>, offset: u64, bytes: &[u8]) {
        let written = self.written.saturating_add((path.len() + bytes.len()) as u64);
        let is_new = !self.files.contains_key(&path);
        if written > self.max_output || !path::is_plain(&path) || is_new && self.files.len() == MAX_FILES {
            self.is_cut = true;
            self.files.remove(&path);
            return;
        }
        let file = if offset == 0 {
            self.files.entry(path).or_default()
        } else {
            // A file whose beginning was not taken has no rest, either.
            let Some(file) = self.files.get_mut(&path) else { return };
            file
        };
        if file.len() as u64 == offset {
            self.written = written;
            file.extend_from_slice(bytes);
        }
    }
}

impl fmt::Debug for Current {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Current")
            .field("printed", &self.printed)
            .field("written", &self.written)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_of_files_come_back() {
        let mut current = Current { max_output: 1 << 20, ..Current::default() };
        let long = [b"/".to_vec(), vec![b'x'; 256]].concat();
        let wrong: [&[u8]; 13] = [
            b"",
            b"/",
            b"name",
            b"/..",
            b"../name",
            b"/a/../../name",
            b"/a/..",
            b"/a/./b",
            b"/a//b",
            b"//a",
            b"/a/",
            b"/a\0b",
            &long,
        ];
        for path in wrong {
            current.is_cut = false;
            current.write(path.to_vec(), 0, b"bytes");
            assert!(current.files.is_empty() && current.is_cut, "{}", path.escape_ascii());
        }
        current.is_cut = false;
        let right: [&[u8]; 4] = [b"/name", b"/a/..b", b"/a/b..", b"/...\n/\xff"];
        for path in right {
            current.write(path.to_vec(), 0, b"by");
            current.write(path.to_vec(), 2, b"tes");
            assert_eq!(current.files.get(path).map(Vec::as_slice), Some(&b"bytes"[..]));
        }
        assert!(!current.is_cut);
    }
}
