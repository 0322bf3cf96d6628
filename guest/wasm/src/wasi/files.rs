//! The file system: what the host has given, to read only, and what of it is open.
//!
//! Files stay in the payload in which they came. There is one directory that a program finds open, the root of it all;
//! other directories are there because files are in them.

use alloc::string::String;
use alloc::vec::Vec;

use hyperlight_wasm_contract::File;

use super::errno::Errno;

/// Descriptors that may be open at once.
const MAX_OPEN: usize = 1024;

/// The root's path, as the program is told.
pub(super) const ROOT: &str = "/";

/// What a path leads to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Node {
    Directory,
    /// The file's number.
    File(usize),
}

/// What is open.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Open {
    Input,
    Print,
    Log,
    /// The path, empty for the root.
    Directory(String),
    File {
        index: usize,
        offset: u64,
    },
}

#[derive(Debug, Default)]
pub(super) struct Files {
    files: Vec<File<'static>>,
    open: Vec<Option<Open>>,
}

impl Files {
    pub fn new(files: Vec<File<'static>>) -> Self {
        let standard = [Open::Input, Open::Print, Open::Log, Open::Directory(String::new())];
        Self { files, open: standard.into_iter().map(Some).collect() }
    }

    pub fn get(&mut self, descriptor: i32) -> Result<&mut Open, Errno> {
        let index = usize::try_from(descriptor).map_err(|_| Errno::BADF)?;
        self.open.get_mut(index).and_then(Option::as_mut).ok_or(Errno::BADF)
    }

    /// The path of an open directory.
    pub fn directory(&mut self, descriptor: i32) -> Result<String, Errno> {
        match self.get(descriptor)? {
            Open::Directory(path) => Ok(path.clone()),
            _ => Err(Errno::NOTDIR),
        }
    }

    pub fn open(&mut self, what: Open) -> Result<i32, Errno> {
        let free = self.open.iter().position(Option::is_none);
        let index = match free {
            Some(index) => index,
            None if self.open.len() < MAX_OPEN => {
                self.open.push(None);
                self.open.len() - 1
            }
            None => return Err(Errno::MFILE),
        };
        if let Some(place) = self.open.get_mut(index) {
            *place = Some(what);
        }
        i32::try_from(index).map_err(|_| Errno::MFILE)
    }

    pub fn close(&mut self, descriptor: i32) -> Result<(), Errno> {
        self.get(descriptor)?;
        if let Some(place) = usize::try_from(descriptor).ok().and_then(|index| self.open.get_mut(index)) {
            *place = None;
        }
        Ok(())
    }

    pub fn contents(&self, index: usize) -> &'static [u8] {
        self.files.get(index).map_or(&[], |file| file.contents)
    }

    /// What lies at a path that was [`resolve`]d.
    pub fn find(&self, path: &str) -> Result<Node, Errno> {
        if let Some(index) = self.files.iter().position(|file| file.path == path) {
            return Ok(Node::File(index));
        }
        let is_directory = path.is_empty() || self.files.iter().any(|file| inside(file.path, path).is_some());
        if is_directory { Ok(Node::Directory) } else { Err(Errno::NOENT) }
    }

    /// The entries of a directory, in order.
    pub fn entries(&self, directory: &str) -> Vec<(&'static str, Node)> {
        let mut entries: Vec<(&'static str, Node)> = Vec::new();
        for (index, file) in self.files.iter().enumerate() {
            let Some(rest) = inside(file.path, directory) else {
                continue;
            };
            let entry = match rest.split_once('/') {
                Some((name, _)) => (name, Node::Directory),
                None => (rest, Node::File(index)),
            };
            if !entries.iter().any(|(name, _)| *name == entry.0) {
                entries.push(entry);
            }
        }
        entries.sort_unstable_by_key(|(name, _)| *name);
        entries
    }
}

/// A path relative to a directory, taken from the root, without `.` and `..`. None leads out of the directory.
pub(super) fn resolve(directory: &str, path: &str) -> Result<String, Errno> {
    if path.is_empty() {
        return Err(Errno::NOENT);
    }
    if path.starts_with('/') {
        return Err(Errno::NOTCAPABLE);
    }
    let mut names: Vec<&str> = Vec::new();
    for name in path.split('/') {
        match name {
            "" | "." => {}
            ".." => {
                names.pop().ok_or(Errno::NOTCAPABLE)?;
            }
            name => names.push(name),
        }
    }
    if !directory.is_empty() {
        names.insert(0, directory);
    }
    Ok(names.join("/"))
}

/// The path of a file from a directory on, if it is in there.
fn inside(file: &'static str, directory: &str) -> Option<&'static str> {
    if directory.is_empty() { Some(file) } else { file.strip_prefix(directory)?.strip_prefix('/') }
}
