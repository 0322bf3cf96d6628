//! Operations on descriptors and paths.

use super::errno::Errno;
use super::files::{Node, Open, resolve};
use super::memory::word;
use super::{MAX_TRANSFER, Outcome, Program};

/// Bytes of written data up to which it is certain that they are taken.
const PART: usize = 64 << 10;

/// Bytes of an entry of a directory before its name.
const ENTRY: usize = 24;

/// `filetype`
mod filetype {
    /// The type of a stream. A character device would be a terminal, for which programs colour their text and leave
    /// buffers out.
    pub(super) const UNKNOWN: u8 = 0;
    pub(super) const DIRECTORY: u8 = 3;
    pub(super) const REGULAR_FILE: u8 = 4;
}

/// `rights`
mod rights {
    pub(super) const READ: u64 = 1 << 1;
    pub(super) const WRITE: u64 = 1 << 6;
    pub(super) const ALL: u64 = (1 << 30) - 1;
    /// Seek and tell, which streams do not support.
    pub(super) const POSITION: u64 = 1 << 2 | 1 << 5;
}

/// `oflags`
mod oflags {
    pub(super) const CREATE: i32 = 1;
    pub(super) const DIRECTORY: i32 = 2;
    pub(super) const EXCLUSIVE: i32 = 4;
    pub(super) const TRUNCATE: i32 = 8;
}

impl From<Node> for Open {
    fn from(node: Node) -> Self {
        match node {
            Node::Directory(path) => Self::Directory(path),
            Node::File(index) => Self::File { index, offset: 0 },
        }
    }
}

impl Program<'_> {
    pub(super) fn fdstat(&mut self, descriptor: i32, out: usize) -> Outcome {
        let (kind, base) = match self.wasi.files.get(descriptor)? {
            Open::Input | Open::Print | Open::Log => (filetype::UNKNOWN, rights::ALL & !rights::POSITION),
            Open::Directory(_) => (filetype::DIRECTORY, rights::ALL & !rights::WRITE),
            Open::File { .. } => (filetype::REGULAR_FILE, rights::ALL & !rights::WRITE),
        };
        let mut bytes = [0; 24];
        bytes[0] = kind;
        bytes[8..16].copy_from_slice(&base.to_le_bytes());
        bytes[16..].copy_from_slice(&rights::ALL.to_le_bytes());
        self.memory.put(out, &bytes)
    }

    pub(super) fn filestat(&mut self, open: Open, out: usize) -> Outcome {
        let (kind, node, size) = match open {
            Open::Input | Open::Print | Open::Log => (filetype::UNKNOWN, 0, 0),
            Open::Directory(path) => (filetype::DIRECTORY, number(Node::Directory(path)), 0),
            Open::File { index, .. } => {
                let size = self.wasi.files.contents(index).len() as u64;
                (filetype::REGULAR_FILE, number(Node::File(index)), size)
            }
        };
        // Device, node, type, links, size, three times.
        let words = [0, node, u64::from(kind), 1, size, 0, 0, 0];
        self.memory.put(out, words.map(u64::to_le_bytes).as_flattened())
    }

    /// Finds the target of a path, from a directory on.
    pub(super) fn find(&mut self, descriptor: i32, path: usize, len: usize) -> Result<Node, Errno> {
        let directory = self.wasi.files.directory(descriptor)?;
        let text = self.memory.path(path, len)?;
        let node = self.wasi.files.find(&resolve(directory, text)?)?;
        if text.ends_with('/') && matches!(node, Node::File(_)) {
            return Err(Errno::NOTDIR);
        }
        Ok(node)
    }

    pub(super) fn open(
        &mut self,
        fd: i32,
        path: (usize, usize),
        flags: i32,
        base: i64,
        fdflags: i32,
        out: usize,
    ) -> Outcome {
        let node = match self.find(fd, path.0, path.1) {
            // A file that does not exist and shall be created.
            Err(Errno::NOENT) if flags & oflags::CREATE != 0 => return Err(Errno::ROFS),
            found => found?,
        };
        let writes = base.cast_unsigned() & rights::WRITE != 0 && base.cast_unsigned() & rights::READ == 0;
        if flags & (oflags::EXCLUSIVE | oflags::TRUNCATE) != 0 || writes || fdflags & 1 != 0 {
            return Err(Errno::ROFS);
        }
        match node {
            Node::File(_) if flags & oflags::DIRECTORY != 0 => return Err(Errno::NOTDIR),
            Node::File(_) if base.cast_unsigned() & rights::WRITE != 0 => return Err(Errno::ROFS),
            Node::Directory(_) | Node::File(_) => {}
        }
        let descriptor = self.wasi.files.open(node.into())?;
        self.memory.put(out, &descriptor.to_le_bytes())
    }

    pub(super) fn read(
        &mut self,
        fd: i32,
        list: usize,
        count: usize,
        at: Option<i64>,
        out: usize,
    ) -> Outcome {
        let (index, start) = match *self.wasi.files.get(fd)? {
            Open::File { index, offset } => (index, offset),
            // Standard input is at its end.
            Open::Input => return self.memory.put_word(out, 0),
            Open::Directory(_) => return Err(Errno::ISDIR),
            Open::Print | Open::Log => return Err(Errno::BADF),
        };
        let start = match at {
            Some(at) => u64::try_from(at).map_err(|_| Errno::INVAL)?,
            None => start,
        };
        let contents = self.wasi.files.contents(index);
        let mut rest =
            usize::try_from(start).ok().and_then(|start| contents.get(start..)).unwrap_or_default();
        let mut total = 0;
        self.memory.check_buffers(list, count)?;
        for number in 0..count {
            if rest.is_empty() {
                break;
            }
            let (to, len) = self.memory.buffer(list, number)?;
            let (head, tail) = rest.split_at(rest.len().min(len));
            self.memory.put(to, head)?;
            total += head.len();
            rest = tail;
        }
        if at.is_none() {
            *self.wasi.files.get(fd)? = Open::File { index, offset: start + total as u64 };
        }
        self.memory.put_word(out, total)
    }

    /// Writes part by part. An error after a part was written is left for the next call.
    pub(super) fn write(&mut self, fd: i32, list: usize, count: usize, out: usize) -> Outcome {
        let stream = *self.wasi.files.get(fd)?;
        if !matches!(stream, Open::Print | Open::Log) {
            return Err(Errno::BADF);
        }
        self.memory.check_buffers(list, count)?;
        let mut total = 0;
        for number in 0..count {
            let (from, len) = self.memory.buffer(list, number)?;
            let outcome = self.write_buffer(stream, from, len.min(MAX_TRANSFER - total), &mut total);
            match outcome {
                Err(errno) if total == 0 => return Err(errno),
                Err(_) => break,
                Ok(()) => {}
            }
            if total == MAX_TRANSFER {
                break;
            }
        }
        self.memory.put_word(out, total)
    }

    fn write_buffer(&mut self, stream: Open, from: usize, len: usize, total: &mut usize) -> Outcome {
        for part in self.memory.part(from, len)?.chunks(PART) {
            match stream {
                Open::Print => self.wasi.output.print(part)?,
                _ => self.wasi.output.log(part),
            }
            *total += part.len();
        }
        Ok(())
    }

    /// Lists a directory. The last entry is cut where it does not fit: a full buffer tells the program that there is
    /// more.
    pub(super) fn readdir(&mut self, fd: i32, to: usize, len: usize, cookie: i64, out: usize) -> Outcome {
        let directory = self.wasi.files.directory(fd)?;
        let skip = usize::try_from(cookie).map_err(|_| Errno::INVAL)?;
        let mut room = self.memory.part(to, len)?;
        let here = Node::Directory(directory);
        let above = Node::Directory(directory.rsplit_once('/').map_or("", |(above, _)| above));
        let entries = [(".", here), ("..", above)].into_iter().chain(self.wasi.files.entries(directory));
        for (place, (name, node)) in entries.enumerate().skip(skip) {
            let kind = match node {
                Node::Directory(_) => filetype::DIRECTORY,
                Node::File(_) => filetype::REGULAR_FILE,
            };
            let mut entry = [0; ENTRY];
            entry[..8].copy_from_slice(&(place as u64 + 1).to_le_bytes());
            entry[8..16].copy_from_slice(&number(node).to_le_bytes());
            entry[16..20].copy_from_slice(&word(name.len())?.to_le_bytes());
            entry[20] = kind;
            for bytes in [&entry[..], name.as_bytes()] {
                let cut = room.len().min(bytes.len());
                let (place, rest) = core::mem::take(&mut room).split_at_mut(cut);
                place.copy_from_slice(bytes.get(..place.len()).unwrap_or_default());
                room = rest;
            }
            if room.is_empty() {
                break;
            }
        }
        let written = len - room.len();
        self.memory.put_word(out, written)
    }

    pub(super) fn seek(&mut self, fd: i32, offset: i64, whence: i32, out: usize) -> Outcome {
        let Open::File { index, offset: old } = *self.wasi.files.get(fd)? else {
            return Err(Errno::SPIPE);
        };
        let base = match whence {
            0 => 0,
            1 => old,
            2 => self.wasi.files.contents(index).len() as u64,
            _ => return Err(Errno::INVAL),
        };
        let new = base.checked_add_signed(offset).ok_or(Errno::INVAL)?;
        *self.wasi.files.get(fd)? = Open::File { index, offset: new };
        self.memory.put(out, &new.to_le_bytes())
    }
}

/// The number of a node. Directories have no other than that of their path (FNV-1a).
fn number(node: Node) -> u64 {
    match node {
        Node::Directory(path) => path
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)),
        Node::File(index) => index as u64 + 1,
    }
}
