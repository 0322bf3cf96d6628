//! The file system: the host's files, read-only, and the open descriptors.
//!
//! Files stay in the payload in which they came. A program finds one directory open, the root. Other directories exist
//! because files are in them.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::cmp::Ordering;

use libhyperlight_wasm_contract::File;

use super::errno::Errno;

/// Descriptors that may be open at once.
const MAX_OPEN: usize = 1024;

/// The root's path, as the program sees it.
pub(super) const ROOT: &str = "/";

/// The target of a path.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Node {
    /// The path, empty for the root.
    Directory(&'static str),
    /// The file's number.
    File(usize),
}

/// An open file or directory.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Open {
    Input,
    Print,
    Log,
    /// The path, empty for the root. It is the beginning of a file's, so that descriptors take no memory of their own.
    Directory(&'static str),
    File {
        index: usize,
        offset: u64,
    },
}

#[derive(Debug, Default)]
pub(super) struct Files {
    /// In the order of their paths, so that a directory's lie side by side.
    files: Vec<File<'static>>,
    open: Vec<Option<Open>>,
}

impl Files {
    pub fn new(mut files: Vec<File<'static>>) -> Self {
        files.sort_unstable_by(|one, other| order(one.path, other.path));
        let standard = [Open::Input, Open::Print, Open::Log, Open::Directory("")];
        Self { files, open: standard.into_iter().map(Some).collect() }
    }

    pub fn get(&mut self, descriptor: i32) -> Result<&mut Open, Errno> {
        let index = usize::try_from(descriptor).map_err(|_| Errno::BADF)?;
        self.open.get_mut(index).and_then(Option::as_mut).ok_or(Errno::BADF)
    }

    /// The path of an open directory.
    pub fn directory(&mut self, descriptor: i32) -> Result<&'static str, Errno> {
        match *self.get(descriptor)? {
            Open::Directory(path) => Ok(path),
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

    /// Finds the target of a path that was [`resolve`]d.
    pub fn find(&self, path: &str) -> Result<Node, Errno> {
        if let Ok(index) = self.files.binary_search_by(|file| order(file.path, path)) {
            return Ok(Node::File(index));
        }
        if path.is_empty() {
            return Ok(Node::Directory(""));
        }
        let (_, file, _) = self.inside(path).next().ok_or(Errno::NOENT)?;
        file.get(..path.len()).map(Node::Directory).ok_or(Errno::NOENT)
    }

    /// The entries of a directory in the order of their names, each once.
    pub fn entries(&self, directory: &str) -> impl Iterator<Item = (&'static str, Node)> {
        let mut last = None;
        self.inside(directory).filter_map(move |(index, path, rest)| {
            let entry = match rest.split_once('/') {
                Some((name, below)) => (name, Node::Directory(path.get(..path.len() - below.len() - 1)?)),
                None => (rest, Node::File(index)),
            };
            (last.replace(entry.0) != Some(entry.0)).then_some(entry)
        })
    }

    /// The files in a directory and below it: the number of each, its path, and the part of the path after the
    /// directory's.
    fn inside(&self, directory: &str) -> impl Iterator<Item = (usize, &'static str, &'static str)> {
        let start = if directory.is_empty() { String::new() } else { format!("{directory}/") };
        let first = self.files.partition_point(|file| order(file.path, &start).is_lt());
        let rest = self.files.get(first..).unwrap_or_default().iter().enumerate();
        rest.map_while(move |(number, file)| {
            Some((first + number, file.path, file.path.strip_prefix(start.as_str())?))
        })
    }
}

/// The order of paths: by the first name, then by the next. No name has a NUL.
fn order(one: &str, other: &str) -> Ordering {
    let key = |byte| if byte == b'/' { 0 } else { byte };
    one.bytes().map(key).cmp(other.bytes().map(key))
}

/// A path relative to a directory, as a path from the root without `.` and `..`. None leads out of the directory.
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
