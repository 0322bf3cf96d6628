//! The functions, by the names and layouts of the WASI preview 1 document.

use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use hyperlight_guest::{random, time};
use wasmtime::{Caller, Extern, Linker};

use super::errno::Errno;
use super::files::{Node, Open, ROOT, resolve};
use super::{Exit, Wasi};
use crate::state::State;

/// The first descriptor that a program did not open itself and that is no stream.
const ROOT_DESCRIPTOR: i32 = 3;

/// Bytes that one call hands over at most; programs ask again.
const MAX_TRANSFER: usize = 1 << 20;

/// `filetype`
mod filetype {
    pub(super) const CHARACTER_DEVICE: u8 = 2;
    pub(super) const DIRECTORY: u8 = 3;
    pub(super) const REGULAR_FILE: u8 = 4;
}

/// `rights`
mod rights {
    pub(super) const READ: u64 = 1 << 1;
    pub(super) const WRITE: u64 = 1 << 6;
    pub(super) const ALL: u64 = (1 << 30) - 1;
    /// Seek and tell: a character device without them is a terminal, whose lines come one by one.
    pub(super) const POSITION: u64 = 1 << 2 | 1 << 5;
}

/// `oflags`
mod oflags {
    pub(super) const CREATE: i32 = 1;
    pub(super) const DIRECTORY: i32 = 2;
    pub(super) const EXCLUSIVE: i32 = 4;
    pub(super) const TRUNCATE: i32 = 8;
}

type Outcome = Result<(), Errno>;

/// Binds the function of that name, if there is one that does more than to refuse.
#[rustfmt::skip]
pub(super) fn bind(linker: &mut Linker<State>, module: &str, name: &str) -> wasmtime::Result<bool> {
    type C<'a> = Caller<'a, State>;
    match name {
        "args_get" => linker.func_wrap(module, name, |mut c: C<'_>, list: i32, texts: i32| {
            run(&mut c, |p| { let t = p.wasi.arguments.clone(); p.put_texts(&t, list, texts) })
        }),
        "args_sizes_get" => linker.func_wrap(module, name, |mut c: C<'_>, count: i32, size: i32| {
            run(&mut c, |p| { let t = p.wasi.arguments.clone(); p.put_sizes(&t, count, size) })
        }),
        "environ_get" => linker.func_wrap(module, name, |mut c: C<'_>, list: i32, texts: i32| {
            run(&mut c, |p| { let t = p.wasi.environment.clone(); p.put_texts(&t, list, texts) })
        }),
        "environ_sizes_get" => linker.func_wrap(module, name, |mut c: C<'_>, count: i32, size: i32| {
            run(&mut c, |p| { let t = p.wasi.environment.clone(); p.put_sizes(&t, count, size) })
        }),
        "clock_res_get" => linker.func_wrap(module, name, |mut c: C<'_>, clock: i32, out: i32| {
            run(&mut c, |p| { now(clock)?; p.put(out, &1_u64.to_le_bytes()) })
        }),
        "clock_time_get" => linker.func_wrap(module, name, |mut c: C<'_>, clock: i32, _precision: i64, out: i32| {
            run(&mut c, |p| p.put(out, &now(clock)?.to_le_bytes()))
        }),
        "fd_close" => linker.func_wrap(module, name, |mut c: C<'_>, fd: i32| {
            run(&mut c, |p| p.wasi.files.close(fd))
        }),
        "fd_fdstat_get" => linker.func_wrap(module, name, |mut c: C<'_>, fd: i32, out: i32| {
            run(&mut c, |p| p.fdstat(fd, out))
        }),
        "fd_fdstat_set_flags" => linker.func_wrap(module, name, |mut c: C<'_>, fd: i32, flags: i32| {
            run(&mut c, |p| { p.wasi.files.get(fd)?; if flags == 0 { Ok(()) } else { Err(Errno::NOSYS) } })
        }),
        "fd_filestat_get" => linker.func_wrap(module, name, |mut c: C<'_>, fd: i32, out: i32| {
            run(&mut c, |p| { let open = p.wasi.files.get(fd)?.clone(); p.filestat(&open, out) })
        }),
        "fd_pread" => linker.func_wrap(module, name, |mut c: C<'_>, fd: i32, list: i32, count: i32, offset: i64, out: i32| {
            run(&mut c, |p| p.read(fd, list, count, Some(offset), out))
        }),
        "fd_prestat_dir_name" => linker.func_wrap(module, name, |mut c: C<'_>, fd: i32, out: i32, len: i32| {
            run(&mut c, |p| {
                p.preopened(fd)?;
                if usize::try_from(len) != Ok(ROOT.len()) { return Err(Errno::INVAL); }
                p.put(out, ROOT.as_bytes())
            })
        }),
        "fd_prestat_get" => linker.func_wrap(module, name, |mut c: C<'_>, fd: i32, out: i32| {
            run(&mut c, |p| { p.preopened(fd)?; p.put(out, &(u64::from(word(ROOT.len())?) << 32).to_le_bytes()) })
        }),
        "fd_read" => linker.func_wrap(module, name, |mut c: C<'_>, fd: i32, list: i32, count: i32, out: i32| {
            run(&mut c, |p| p.read(fd, list, count, None, out))
        }),
        "fd_readdir" => linker.func_wrap(module, name, |mut c: C<'_>, fd: i32, to: i32, len: i32, cookie: i64, out: i32| {
            run(&mut c, |p| p.readdir(fd, to, len, cookie, out))
        }),
        "fd_seek" => linker.func_wrap(module, name, |mut c: C<'_>, fd: i32, offset: i64, whence: i32, out: i32| {
            run(&mut c, |p| p.seek(fd, offset, whence, out))
        }),
        "fd_tell" => linker.func_wrap(module, name, |mut c: C<'_>, fd: i32, out: i32| {
            run(&mut c, |p| p.seek(fd, 0, 1, out))
        }),
        "fd_write" => linker.func_wrap(module, name, |mut c: C<'_>, fd: i32, list: i32, count: i32, out: i32| {
            run(&mut c, |p| p.write(fd, list, count, out))
        }),
        "path_filestat_get" => linker.func_wrap(module, name, |mut c: C<'_>, fd: i32, _flags: i32, path: i32, len: i32, out: i32| {
            run(&mut c, |p| {
                let (path, node) = p.path(fd, path, len)?;
                let open = match node {
                    Node::Directory => Open::Directory(path),
                    Node::File(index) => Open::File { index, offset: 0 },
                };
                p.filestat(&open, out)
            })
        }),
        "path_open" => linker.func_wrap(module, name, |mut c: C<'_>, fd: i32, _dirflags: i32, path: i32, len: i32, oflags: i32, base: i64, _inheriting: i64, fdflags: i32, out: i32| {
            run(&mut c, |p| p.open(fd, (path, len), oflags, base, fdflags, out))
        }),
        "proc_exit" => linker.func_wrap(module, name, |_: C<'_>, status: i32| -> wasmtime::Result<()> {
            Err(wasmtime::Error::new(Exit(status)))
        }),
        "random_get" => linker.func_wrap(module, name, |mut c: C<'_>, out: i32, len: i32| {
            run(&mut c, |p| { random::fill(p.part(out, len)?); Ok(()) })
        }),
        "sched_yield" => linker.func_wrap(module, name, |_: C<'_>| Errno::SUCCESS.0),
        _ => return Ok(false),
    }?;
    Ok(true)
}

/// The program's memory, and what it finds around itself.
struct Program<'a> {
    memory: &'a mut [u8],
    wasi: &'a mut Wasi,
}

/// Runs a function over both.
fn run(caller: &mut Caller<'_, State>, call: impl FnOnce(&mut Program<'_>) -> Outcome) -> i32 {
    let Some(Extern::Memory(memory)) = caller.get_export("memory") else {
        return Errno::FAULT.0;
    };
    let (memory, state) = memory.data_and_store_mut(caller);
    match call(&mut Program { memory, wasi: &mut state.wasi }) {
        Ok(()) => Errno::SUCCESS.0,
        Err(errno) => errno.0,
    }
}

impl Program<'_> {
    /// Part of the memory. Addresses and lengths are unsigned in the program.
    fn part(&mut self, start: i32, len: i32) -> Result<&mut [u8], Errno> {
        let (start, len) = (start.cast_unsigned() as usize, len.cast_unsigned() as usize);
        self.memory.get_mut(start..start + len).ok_or(Errno::FAULT)
    }

    fn put(&mut self, to: i32, bytes: &[u8]) -> Outcome {
        let len = i32::try_from(bytes.len()).map_err(|_| Errno::FAULT)?;
        self.part(to, len)?.copy_from_slice(bytes);
        Ok(())
    }

    fn put_word(&mut self, to: i32, value: usize) -> Outcome {
        self.put(to, &word(value)?.to_le_bytes())
    }

    fn text(&mut self, start: i32, len: i32) -> Result<String, Errno> {
        core::str::from_utf8(self.part(start, len)?).map(String::from).map_err(|_| Errno::INVAL)
    }

    /// The buffers of a list: first byte and length of each.
    fn buffers(&mut self, list: i32, count: i32) -> Result<Vec<(i32, i32)>, Errno> {
        let len = count.checked_mul(8).ok_or(Errno::INVAL)?;
        let words = self
            .part(list, len)?
            .chunks_exact(4)
            .map(|bytes| bytes.try_into().map(i32::from_le_bytes).unwrap_or_default());
        let words: Vec<i32> = words.collect();
        Ok(words.chunks_exact(2).filter_map(|pair| Some((*pair.first()?, *pair.last()?))).collect())
    }

    /// Arguments or variables: a list of addresses, and the texts, each with a NUL.
    fn put_texts(&mut self, texts: &[&str], list: i32, to: i32) -> Outcome {
        let (mut entry, mut at) = (list, to);
        for text in texts {
            self.put(entry, &at.to_le_bytes())?;
            self.put(at, text.as_bytes())?;
            let end = at.wrapping_add_unsigned(word(text.len())?);
            self.put(end, &[0])?;
            (entry, at) = (entry.wrapping_add(4), end.wrapping_add(1));
        }
        Ok(())
    }

    fn put_sizes(&mut self, texts: &[&str], count: i32, size: i32) -> Outcome {
        self.put_word(count, texts.len())?;
        self.put_word(size, texts.iter().map(|text| text.len() + 1).sum())
    }

    fn preopened(&mut self, descriptor: i32) -> Outcome {
        let is_root = descriptor == ROOT_DESCRIPTOR && self.wasi.files.directory(descriptor)?.is_empty();
        if is_root { Ok(()) } else { Err(Errno::BADF) }
    }

    fn fdstat(&mut self, descriptor: i32, out: i32) -> Outcome {
        let (kind, base) = match self.wasi.files.get(descriptor)? {
            Open::Input | Open::Print | Open::Log => {
                (filetype::CHARACTER_DEVICE, rights::ALL & !rights::POSITION)
            }
            Open::Directory(_) => (filetype::DIRECTORY, rights::ALL & !rights::WRITE),
            Open::File { .. } => (filetype::REGULAR_FILE, rights::ALL & !rights::WRITE),
        };
        let mut bytes = [0; 24];
        bytes[0] = kind;
        bytes[8..16].copy_from_slice(&base.to_le_bytes());
        bytes[16..].copy_from_slice(&rights::ALL.to_le_bytes());
        self.put(out, &bytes)
    }

    fn filestat(&mut self, open: &Open, out: i32) -> Outcome {
        let (kind, node, size) = match open {
            Open::Input | Open::Print | Open::Log => (filetype::CHARACTER_DEVICE, 0, 0),
            Open::Directory(path) => (filetype::DIRECTORY, hash(path), 0),
            Open::File { index, .. } => {
                (filetype::REGULAR_FILE, *index as u64 + 1, self.wasi.files.contents(*index).len() as u64)
            }
        };
        // Device, node, type, links, size, three times.
        let words = [0, node, u64::from(kind), 1, size, 0, 0, 0];
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        self.put(out, &bytes)
    }

    /// A path from a directory on, and what it leads to.
    fn path(&mut self, descriptor: i32, path: i32, len: i32) -> Result<(String, Node), Errno> {
        let directory = self.wasi.files.directory(descriptor)?;
        let text = self.text(path, len)?;
        let path = resolve(&directory, &text)?;
        let node = self.wasi.files.find(&path)?;
        if text.ends_with('/') && node != Node::Directory {
            return Err(Errno::NOTDIR);
        }
        Ok((path, node))
    }

    fn open(&mut self, fd: i32, name: (i32, i32), flags: i32, base: i64, fdflags: i32, out: i32) -> Outcome {
        let (path, node) = match self.path(fd, name.0, name.1) {
            // A file that is not there and shall be made.
            Err(Errno::NOENT) if flags & oflags::CREATE != 0 => return Err(Errno::ROFS),
            found => found?,
        };
        let writes = base.cast_unsigned() & rights::WRITE != 0 && base.cast_unsigned() & rights::READ == 0;
        if flags & (oflags::EXCLUSIVE | oflags::TRUNCATE) != 0 || writes || fdflags & 1 != 0 {
            return Err(Errno::ROFS);
        }
        let open = match node {
            Node::Directory => Open::Directory(path),
            Node::File(_) if flags & oflags::DIRECTORY != 0 => return Err(Errno::NOTDIR),
            Node::File(_) if base.cast_unsigned() & rights::WRITE != 0 => return Err(Errno::ROFS),
            Node::File(index) => Open::File { index, offset: 0 },
        };
        let descriptor = self.wasi.files.open(open)?;
        self.put(out, &descriptor.to_le_bytes())
    }

    fn read(&mut self, fd: i32, list: i32, count: i32, at: Option<i64>, out: i32) -> Outcome {
        let (index, start) = match self.wasi.files.get(fd)? {
            Open::File { index, offset } => (*index, *offset),
            // Nobody types anything.
            Open::Input => return self.put_word(out, 0),
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
        for (to, len) in self.buffers(list, count)? {
            let (head, tail) = rest.split_at(rest.len().min(len.cast_unsigned() as usize));
            self.put(to, head)?;
            total += head.len();
            rest = tail;
        }
        if at.is_none() {
            *self.wasi.files.get(fd)? = Open::File { index, offset: start + total as u64 };
        }
        self.put_word(out, total)
    }

    fn write(&mut self, fd: i32, list: i32, count: i32, out: i32) -> Outcome {
        let print = match self.wasi.files.get(fd)? {
            Open::Print => true,
            Open::Log => false,
            Open::Directory(_) | Open::File { .. } | Open::Input => return Err(Errno::BADF),
        };
        let mut total = 0;
        for (from, len) in self.buffers(list, count)? {
            let len = len.cast_unsigned() as usize;
            let taken = len.min(MAX_TRANSFER - total);
            let bytes = self.part(from, i32::try_from(taken).map_err(|_| Errno::FAULT)?)?.to_vec();
            if print {
                self.wasi.output.print(&bytes)?;
            } else {
                self.wasi.output.log(&bytes);
            }
            total += taken;
            if taken < len {
                break;
            }
        }
        self.put_word(out, total)
    }

    fn readdir(&mut self, fd: i32, to: i32, len: i32, cookie: i64, out: i32) -> Outcome {
        let directory = self.wasi.files.directory(fd)?;
        let skip = usize::try_from(cookie).map_err(|_| Errno::INVAL)?;
        let mut bytes = vec![];
        let entries = self.wasi.files.entries(&directory);
        let dots = [(".", Node::Directory), ("..", Node::Directory)];
        for (number, (name, node)) in dots.into_iter().chain(entries).enumerate().skip(skip) {
            let (kind, node) = match node {
                Node::Directory => (filetype::DIRECTORY, hash(name)),
                Node::File(index) => (filetype::REGULAR_FILE, index as u64 + 1),
            };
            bytes.extend_from_slice(&(number as u64 + 1).to_le_bytes());
            bytes.extend_from_slice(&node.to_le_bytes());
            bytes.extend_from_slice(&word(name.len())?.to_le_bytes());
            bytes.extend_from_slice(&u32::from(kind).to_le_bytes());
            bytes.extend_from_slice(name.as_bytes());
        }
        // What does not fit is cut: a full buffer tells the program that there is more.
        bytes.truncate(len.cast_unsigned() as usize);
        self.put(to, &bytes)?;
        self.put_word(out, bytes.len())
    }

    fn seek(&mut self, fd: i32, offset: i64, whence: i32, out: i32) -> Outcome {
        let Open::File { index, offset: old } = self.wasi.files.get(fd)?.clone() else {
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
        self.put(out, &new.to_le_bytes())
    }
}

/// Nanoseconds of a clock: 0 is the wall's, 1 the monotonic one. There are none of processor time.
fn now(clock: i32) -> Result<u64, Errno> {
    match clock {
        0 => Ok(time::wall_ns()),
        1 => Ok(time::monotonic_ns()),
        _ => Err(Errno::INVAL),
    }
}

fn word(value: usize) -> Result<u32, Errno> {
    u32::try_from(value).map_err(|_| Errno::OVERFLOW)
}

/// A number for a directory, which has no other (FNV-1a).
fn hash(path: &str) -> u64 {
    path.bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
}
