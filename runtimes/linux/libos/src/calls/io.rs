//! Reading and writing of what is open.

use alloc::rc::Rc;
use alloc::vec;

use crate::descriptors::{APPEND, Kind, NONBLOCK, OpenFile};
use crate::errno::{Answer, Errno, Stop};
use crate::files::Device;
use crate::kernel::Kernel;
use crate::platform::Platform;
use crate::signals;
use crate::user;

/// Parts of one vector, as in Linux.
const MAX_PARTS: u64 = 1024;

/// Bytes that one call moves at most, as in Linux.
const MAX_BYTES: u64 = 0x7fff_f000;

/// Bytes of what is copied inside of the libOS at once.
const CHUNK: u64 = 64 << 10;

/// An alignment of segments that page tables cannot know is shown as this.
const SHOWN_ALIGN: u64 = 4096;

impl<P: Platform> Kernel<P> {
    pub(super) fn file(&self, number: u64) -> Result<Rc<OpenFile>, Errno> {
        self.descriptors.get(number & 0xffff_ffff).map(Rc::clone)
    }

    pub(super) fn read(&mut self, number: u64, address: u64, len: u64) -> Answer {
        let file = self.file(number)?;
        self.read_into(&file, address, len)
    }

    pub(super) fn write(&mut self, number: u64, address: u64, len: u64) -> Answer {
        let file = self.file(number)?;
        self.write_from(&file, address, len)
    }

    pub(super) fn read_vector(&mut self, number: u64, parts: u64, count: u64) -> Answer {
        let file = self.file(number)?;
        self.each_part(parts, count, |kernel, address, len| kernel.read_into(&file, address, len))
    }

    pub(super) fn write_vector(&mut self, number: u64, parts: u64, count: u64) -> Answer {
        let file = self.file(number)?;
        self.each_part(parts, count, |kernel, address, len| kernel.write_from(&file, address, len))
    }

    pub(super) fn read_at(&mut self, number: u64, address: u64, len: u64, at: u64) -> Answer {
        let file = self.file(number)?;
        self.read_contents(&file, address, len, at)
    }

    pub(super) fn write_at(&mut self, number: u64, address: u64, len: u64, at: u64) -> Answer {
        let file = self.file(number)?;
        self.write_contents(&file, address, len, at)
    }

    pub(super) fn read_vector_at(&mut self, number: u64, parts: u64, count: u64, mut at: u64) -> Answer {
        let file = self.file(number)?;
        self.each_part(parts, count, |kernel, address, len| {
            let read = kernel.read_contents(&file, address, len, at)?;
            at += read;
            Ok(read)
        })
    }

    pub(super) fn write_vector_at(&mut self, number: u64, parts: u64, count: u64, mut at: u64) -> Answer {
        let file = self.file(number)?;
        self.each_part(parts, count, |kernel, address, len| {
            let written = kernel.write_contents(&file, address, len, at)?;
            at += written;
            Ok(written)
        })
    }

    pub(super) fn seek(&mut self, number: u64, offset: u64, whence: u64) -> Answer {
        let file = self.file(number)?;
        if let Kind::Folder(_, listed) = &file.kind {
            // Any other place would be one that listing has given.
            if whence == 0 && offset == 0 {
                listed.replace(None);
            }
            file.offset.set(offset);
            return Ok(offset);
        }
        let len = match &file.kind {
            Kind::Device(_) => 0,
            _ => file.len().ok_or(Errno::SPIPE)?,
        };
        let offset = offset.cast_signed();
        let new = match whence {
            0 => Some(offset),
            1 => file.offset.get().cast_signed().checked_add(offset),
            2 => len.cast_signed().checked_add(offset),
            // Data and holes: everything is data.
            3 if offset >= 0 && offset.cast_unsigned() < len => Some(offset),
            4 if offset >= 0 && offset.cast_unsigned() < len => Some(len.cast_signed()),
            3 | 4 => return Err(Errno::NXIO.into()),
            _ => None,
        };
        let new = u64::try_from(new.ok_or(Errno::INVAL)?)?;
        file.offset.set(new);
        Ok(new)
    }

    /// Copies from a file to anything.
    pub(super) fn send_file(&mut self, to: u64, from: u64, offset: u64, len: u64) -> Answer {
        let (to, from) = (self.file(to)?, self.file(from)?);
        let mut at = if offset == 0 { from.offset.get() } else { user::read(offset)? };
        let mut sent = 0;
        while sent < len.min(MAX_BYTES) {
            let mut part = vec![0; usize::try_from((len - sent).min(CHUNK))?];
            let read = contents(&from, at, &mut part)?;
            let Some(part) = part.get(..read).filter(|part| !part.is_empty()) else {
                break;
            };
            let written = match self.write_bytes(&to, part) {
                Ok(written) => written,
                Err(_) if sent != 0 => break,
                Err(stop) => return Err(stop),
            };
            at += written;
            sent += written;
            if written < part.len() as u64 {
                break;
            }
        }
        if offset == 0 {
            from.offset.set(at);
        } else {
            user::write(offset, at)?;
        }
        Ok(sent)
    }

    pub(super) fn truncate(&mut self, number: u64, len: u64) -> Answer {
        let file = self.file(number)?;
        let Kind::Temporary(node) = &file.kind else {
            return Err(Errno::INVAL.into());
        };
        if !file.is_writable() || len.cast_signed() < 0 {
            return Err(Errno::INVAL.into());
        }
        let now = self.platform.wall_ns();
        let mut node = node.borrow_mut();
        node.set_len(len)?;
        node.modified = now;
        Ok(0)
    }

    pub(super) fn allocate(&mut self, number: u64, mode: u64, offset: u64, len: u64) -> Answer {
        let file = self.file(number)?;
        let Kind::Temporary(node) = &file.kind else {
            return Err(Errno::BADF.into());
        };
        if mode != 0 {
            return Err(Errno::OPNOTSUPP.into());
        }
        let end = offset.checked_add(len).ok_or(Errno::FBIG)?;
        let mut node = node.borrow_mut();
        if end > node.len() {
            node.set_len(end)?;
        }
        Ok(0)
    }

    /// Succeeds for anything that is open.
    pub(super) fn of_open(&self, number: u64) -> Answer {
        self.file(number).map(|_| 0).map_err(Stop::from)
    }

    /// Reads from the file's place on.
    pub(super) fn read_into(&mut self, file: &Rc<OpenFile>, address: u64, len: u64) -> Answer {
        if !file.is_readable() {
            return Err(Errno::BADF.into());
        }
        let into = user::bytes_mut(address, len.min(MAX_BYTES))?;
        let read = match &file.kind {
            Kind::Laid(..) | Kind::Temporary(_) | Kind::Text(_) => {
                let at = file.offset.get();
                let read = contents(file, at, into)?;
                show_alignment(file, at, into.get_mut(..read).unwrap_or_default());
                file.offset.set(at + read as u64);
                read
            }
            Kind::Input => self.platform.input(into),
            Kind::Device(Device::Null) => 0,
            Kind::Device(Device::Random) => {
                self.platform.random(into);
                into.len()
            }
            Kind::Device(Device::Full | Device::Zero) => {
                into.fill(0);
                into.len()
            }
            Kind::Reader(reader) | Kind::Socket(reader, _) => {
                let read = self.or_again(file, reader.read(into))?;
                self.threads.changes += 1;
                read
            }
            Kind::Event(count, by_one) => {
                let taken = if *by_one { count.get().min(1) } else { count.get() };
                if taken == 0 {
                    return self.or_again(file, Err(Stop::Wait));
                }
                let place = into.first_chunk_mut::<8>().ok_or(Errno::INVAL)?;
                *place = taken.to_le_bytes();
                count.set(count.get() - taken);
                self.threads.changes += 1;
                8
            }
            Kind::Folder(..) => return Err(Errno::ISDIR.into()),
            Kind::Epoll(_) | Kind::Output(_) | Kind::Writer(_) => return Err(Errno::INVAL.into()),
        };
        Ok(read as u64)
    }

    pub(super) fn write_from(&mut self, file: &Rc<OpenFile>, address: u64, len: u64) -> Answer {
        self.write_bytes(file, user::bytes(address, len.min(MAX_BYTES))?)
    }

    fn write_bytes(&mut self, file: &Rc<OpenFile>, from: &[u8]) -> Answer {
        if !file.is_writable() {
            return Err(Errno::BADF.into());
        }
        match &file.kind {
            Kind::Output(stream) => {
                if !self.platform.output(*stream, from) {
                    return Err(Errno::PIPE.into());
                }
            }
            Kind::Temporary(node) => {
                let now = self.platform.wall_ns();
                let mut node = node.borrow_mut();
                let at = if file.has(APPEND) { node.len() } else { file.offset.get() };
                node.write(at, from, now)?;
                file.offset.set(at + from.len() as u64);
            }
            Kind::Writer(writer) | Kind::Socket(_, writer) => {
                let written = writer.write(from);
                if written == Err(Errno::PIPE.into()) {
                    let thread = self.threads.current().id;
                    self.raise(signals::PIPE, Some(thread))?;
                }
                let written = self.or_again(file, written)?;
                self.threads.changes += 1;
                return Ok(written as u64);
            }
            Kind::Event(count, _) => {
                let added = u64::from_le_bytes(*from.first_chunk().ok_or(Errno::INVAL)?);
                if added == u64::MAX {
                    return Err(Errno::INVAL.into());
                }
                let Some(sum) = count.get().checked_add(added).filter(|sum| *sum != u64::MAX) else {
                    return self.or_again(file, Err(Stop::Wait));
                };
                count.set(sum);
                self.threads.changes += 1;
                return Ok(8);
            }
            Kind::Device(Device::Full) => return Err(Errno::NOSPC.into()),
            Kind::Device(_) => {}
            _ => return Err(Errno::BADF.into()),
        }
        Ok(from.len() as u64)
    }

    fn read_contents(&mut self, file: &Rc<OpenFile>, address: u64, len: u64, at: u64) -> Answer {
        if !file.is_readable() {
            return Err(Errno::BADF.into());
        }
        if at.cast_signed() < 0 {
            return Err(Errno::INVAL.into());
        }
        let into = user::bytes_mut(address, len.min(MAX_BYTES))?;
        let read = contents(file, at, into)?;
        show_alignment(file, at, into.get_mut(..read).unwrap_or_default());
        Ok(read as u64)
    }

    fn write_contents(&mut self, file: &Rc<OpenFile>, address: u64, len: u64, at: u64) -> Answer {
        if !file.is_writable() {
            return Err(Errno::BADF.into());
        }
        if at.cast_signed() < 0 {
            return Err(Errno::INVAL.into());
        }
        let from = user::bytes(address, len.min(MAX_BYTES))?;
        let Kind::Temporary(node) = &file.kind else {
            return Err(Errno::SPIPE.into());
        };
        let now = self.platform.wall_ns();
        node.borrow_mut().write(at, from, now)?;
        Ok(from.len() as u64)
    }

    /// Waits unless the file was opened to never wait.
    fn or_again<T>(&self, file: &OpenFile, answer: Result<T, Stop>) -> Result<T, Stop> {
        match answer {
            Err(Stop::Wait) if file.has(NONBLOCK) => Err(Errno::AGAIN.into()),
            answer => answer,
        }
    }

    /// Does something for each part of a vector, until one is not done in full.
    fn each_part(
        &mut self,
        parts: u64,
        count: u64,
        mut part: impl FnMut(&mut Self, u64, u64) -> Answer,
    ) -> Answer {
        if count > MAX_PARTS {
            return Err(Errno::INVAL.into());
        }
        let mut sum = 0;
        for number in 0..count {
            let [address, len] = user::read::<[u64; 2]>(parts + number * 16)?;
            match part(self, address, len) {
                Ok(done) => {
                    sum += done;
                    if done < len {
                        break;
                    }
                }
                Err(_) if sum != 0 => break,
                Err(stop) => return Err(stop),
            }
        }
        Ok(sum)
    }
}

/// Copies a file's contents from a place on.
fn contents(file: &OpenFile, at: u64, into: &mut [u8]) -> Result<usize, Errno> {
    let copy = |bytes: &[u8], into: &mut [u8]| {
        let bytes = usize::try_from(at).ok().and_then(|at| bytes.get(at..)).unwrap_or_default();
        let len = bytes.len().min(into.len());
        into.iter_mut().zip(bytes).for_each(|(place, byte)| *place = *byte);
        len
    };
    match &file.kind {
        Kind::Laid(_, entry) => Ok(copy(user::bytes(entry.data, entry.size)?, into)),
        Kind::Temporary(node) => Ok(copy(node.borrow().bytes(), into)),
        Kind::Text(text) => Ok(copy(text, into)),
        Kind::Folder(..) => Err(Errno::ISDIR),
        _ => Err(Errno::SPIPE),
    }
}

/// Shows a dynamic loader, which reads the first bytes of an object, segments that are aligned to pages.
///
/// Old linkers align segments to 2 MiB. A loader would then ask for addresses of its own choice, but objects have their
/// places. A loader is known by how little it reads; whoever reads more gets the file as it is.
fn show_alignment(file: &OpenFile, at: u64, bytes: &mut [u8]) {
    /// C libraries read 832 or 896 bytes.
    const LOADER_READS: usize = 1024;
    /// Bytes of the file's header, and of one for each segment.
    const HEADER: usize = 64;
    const SEGMENT: usize = 56;
    let Kind::Laid(_, entry) = &file.kind else {
        return;
    };
    if entry.object == 0 || at != 0 || bytes.len() > LOADER_READS || bytes.len() < HEADER {
        return;
    }
    for segment in bytes.get_mut(HEADER..).unwrap_or_default().chunks_exact_mut(SEGMENT) {
        let is_loaded = segment.starts_with(&[1, 0, 0, 0]);
        if let Some(align) = segment.get_mut(48..56).and_then(|bytes| bytes.first_chunk_mut::<8>())
            && is_loaded
            && u64::from_le_bytes(*align) > SHOWN_ALIGN
        {
            *align = SHOWN_ALIGN.to_le_bytes();
        }
    }
}
