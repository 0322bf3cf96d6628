//! File descriptors, and what they stand for.

use alloc::rc::Rc;
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};

use libhyperlight_linux_contract::index::Entry;

use crate::epoll::Epoll;
use crate::errno::Errno;
use crate::files::{Device, Listed, Shared, Status};
use crate::pipe::{Reader, Writer};
use crate::platform::Stream;

/// Descriptors that a program may have.
pub(crate) const MAX_DESCRIPTORS: usize = 1024;

/// Flags of an open file.
pub(crate) const ACCESS_MODE: u32 = 3;
pub(crate) const WRITE_ONLY: u32 = 1;
pub(crate) const READ_WRITE: u32 = 2;
pub(crate) const APPEND: u32 = 0o2000;
pub(crate) const NONBLOCK: u32 = 0o4000;
pub(crate) const CLOSE_ON_EXEC: u32 = 0o2_000_000;

/// Bits of what polling asks and answers.
pub(crate) const IN: u32 = 1;
pub(crate) const OUT: u32 = 4;
pub(crate) const ERROR: u32 = 8;
pub(crate) const HANG_UP: u32 = 16;

/// An open file, which several descriptors may stand for.
#[derive(Debug)]
pub(crate) struct OpenFile {
    pub kind: Kind,
    /// Access mode and the flags that can be changed.
    pub flags: Cell<u32>,
    pub offset: Cell<u64>,
}

/// The kind of an open file.
#[derive(Debug)]
pub(crate) enum Kind {
    Device(Device),
    Epoll(RefCell<Epoll>),
    /// A counter; if the flag is set, it is read by ones.
    Event(Cell<u64>, bool),
    /// A folder's canonical path, and its entries once they were asked for.
    Folder(Vec<u8>, RefCell<Option<Vec<Listed>>>),
    Input,
    /// A file that was laid out, and its place in the index.
    Laid(u32, Entry),
    Output(Stream),
    Reader(Reader),
    Socket(Reader, Writer),
    Temporary(Shared),
    /// A text that was made when it was opened.
    Text(Vec<u8>),
    Writer(Writer),
}

#[derive(Debug)]
struct Descriptor {
    file: Rc<OpenFile>,
    closes_on_exec: bool,
}

/// The table of descriptors.
#[derive(Debug, Default)]
pub(crate) struct Descriptors {
    table: Vec<Option<Descriptor>>,
    /// Descriptors below this are taken.
    first_free: usize,
}

impl Descriptors {
    /// The file that a descriptor stands for.
    pub fn get(&self, number: u64) -> Result<&Rc<OpenFile>, Errno> {
        self.entry(number).map(|descriptor| &descriptor.file)
    }

    /// Opens a file under the smallest number from `from` on.
    pub fn open(&mut self, file: Rc<OpenFile>, closes_on_exec: bool, from: u64) -> Result<u64, Errno> {
        let from = usize::try_from(from)?;
        if from >= MAX_DESCRIPTORS {
            return Err(Errno::INVAL);
        }
        let start = from.max(self.first_free);
        let number = (start..MAX_DESCRIPTORS)
            .find(|number| self.table.get(*number).is_none_or(Option::is_none))
            .ok_or(Errno::MFILE)?;
        if start == self.first_free {
            self.first_free = number + 1;
        }
        self.put(number, Descriptor { file, closes_on_exec });
        Ok(number as u64)
    }

    /// Opens a file under a number; what had it is closed.
    pub fn replace(&mut self, file: Rc<OpenFile>, closes_on_exec: bool, number: u64) -> Result<u64, Errno> {
        let place =
            usize::try_from(number).ok().filter(|place| *place < MAX_DESCRIPTORS).ok_or(Errno::BADF)?;
        self.put(place, Descriptor { file, closes_on_exec });
        Ok(number)
    }

    pub fn close(&mut self, number: u64) -> Result<(), Errno> {
        let place = usize::try_from(number).map_err(|_| Errno::BADF)?;
        self.table.get_mut(place).and_then(Option::take).ok_or(Errno::BADF)?;
        self.first_free = self.first_free.min(place);
        Ok(())
    }

    pub fn closes_on_exec(&self, number: u64) -> Result<bool, Errno> {
        self.entry(number).map(|descriptor| descriptor.closes_on_exec)
    }

    pub fn set_closes_on_exec(&mut self, number: u64, closes: bool) -> Result<(), Errno> {
        let place = usize::try_from(number).map_err(|_| Errno::BADF)?;
        let descriptor = self.table.get_mut(place).and_then(Option::as_mut).ok_or(Errno::BADF)?;
        descriptor.closes_on_exec = closes;
        Ok(())
    }

    fn entry(&self, number: u64) -> Result<&Descriptor, Errno> {
        let place = usize::try_from(number).map_err(|_| Errno::BADF)?;
        self.table.get(place).and_then(Option::as_ref).ok_or(Errno::BADF)
    }

    fn put(&mut self, place: usize, descriptor: Descriptor) {
        if place >= self.table.len() {
            self.table.resize_with(place + 1, || None);
        }
        if let Some(entry) = self.table.get_mut(place) {
            *entry = Some(descriptor);
        }
    }
}

impl OpenFile {
    pub fn new(kind: Kind, flags: u32) -> Rc<Self> {
        Rc::new(Self { kind, flags: Cell::new(flags), offset: Cell::new(0) })
    }

    pub fn has(&self, flag: u32) -> bool {
        self.flags.get() & flag != 0
    }

    pub fn is_readable(&self) -> bool {
        self.flags.get() & ACCESS_MODE != WRITE_ONLY
    }

    pub fn is_writable(&self) -> bool {
        matches!(self.flags.get() & ACCESS_MODE, WRITE_ONLY | READ_WRITE)
    }

    /// Lists what could be done with it now without waiting, as bits of `poll`.
    pub fn readiness(&self) -> u32 {
        match &self.kind {
            Kind::Epoll(epoll) => {
                if epoll.borrow().is_ready() {
                    IN
                } else {
                    0
                }
            }
            Kind::Event(count, _) => OUT | if count.get() == 0 { 0 } else { IN },
            Kind::Reader(reader) => reader.readiness(),
            Kind::Socket(reader, writer) => reader.readiness() | writer.readiness(),
            Kind::Writer(writer) => writer.readiness(),
            Kind::Input => IN,
            Kind::Output(_) => OUT,
            Kind::Device(_) | Kind::Folder(..) | Kind::Laid(..) | Kind::Temporary(_) | Kind::Text(_) => {
                IN | OUT
            }
        }
    }

    pub fn status(&self) -> Status {
        match &self.kind {
            Kind::Laid(number, entry) => Status::of_entry(*number, entry),
            Kind::Temporary(node) => Status::of_node(&node.borrow()),
            Kind::Folder(..) => Status::of_mode(0o040_755),
            Kind::Text(_) => Status::of_mode(0o100_444),
            Kind::Device(_) => Status::of_mode(0o020_666),
            Kind::Socket(..) => Status::of_mode(0o140_777),
            Kind::Epoll(_) | Kind::Event(..) => Status::of_mode(0o600),
            Kind::Input | Kind::Output(_) | Kind::Reader(_) | Kind::Writer(_) => Status::of_mode(0o010_600),
        }
    }

    /// Bytes of its contents, for what has contents.
    pub fn len(&self) -> Option<u64> {
        match &self.kind {
            Kind::Laid(_, entry) => Some(entry.size),
            Kind::Temporary(node) => Some(node.borrow().len()),
            Kind::Text(text) => Some(text.len() as u64),
            _ => None,
        }
    }
}
