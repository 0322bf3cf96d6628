//! Pipes: a buffer, and its two ends. Each direction of a pair of sockets is one, too.

use alloc::collections::VecDeque;
use alloc::rc::Rc;
use core::cell::{Cell, RefCell};

use crate::descriptors::{ERROR, HANG_UP, IN, OUT};
use crate::errno::{Errno, Stop};

/// Bytes that a pipe holds.
pub(crate) const CAPACITY: usize = 64 << 10;

/// A write of at most so many bytes is not divided.
const ATOMIC: usize = 4096;

#[derive(Debug)]
struct Pipe {
    bytes: RefCell<VecDeque<u8>>,
    has_reader: Cell<bool>,
    has_writer: Cell<bool>,
}

/// The end that is read.
#[derive(Debug)]
pub(crate) struct Reader(Rc<Pipe>);

/// The end that is written.
#[derive(Debug)]
pub(crate) struct Writer(Rc<Pipe>);

/// Makes a pipe.
pub(crate) fn pipe() -> (Reader, Writer) {
    let pipe = Pipe {
        bytes: RefCell::new(VecDeque::new()),
        has_reader: Cell::new(true),
        has_writer: Cell::new(true),
    };
    let pipe = Rc::new(pipe);
    (Reader(Rc::clone(&pipe)), Writer(pipe))
}

impl Reader {
    /// Takes bytes; none if nobody will write any more. Waits if there are none yet.
    pub fn read(&self, into: &mut [u8]) -> Result<usize, Stop> {
        let mut bytes = self.0.bytes.borrow_mut();
        if bytes.is_empty() && !into.is_empty() {
            return if self.0.has_writer.get() { Err(Stop::Wait) } else { Ok(0) };
        }
        let len = into.len().min(bytes.len());
        for (place, byte) in into.iter_mut().zip(bytes.drain(..len)) {
            *place = byte;
        }
        Ok(len)
    }

    /// Bytes that can be read now.
    pub fn available(&self) -> usize {
        self.0.bytes.borrow().len()
    }

    pub fn readiness(&self) -> u32 {
        let data = if self.available() == 0 { 0 } else { IN };
        let end = if self.0.has_writer.get() { 0 } else { HANG_UP };
        data | end
    }

    /// Nobody reads any more.
    pub fn shut(&self) {
        self.0.has_reader.set(false);
    }
}

impl Writer {
    /// Adds bytes, as many as there is room for. Waits if there is none.
    pub fn write(&self, from: &[u8]) -> Result<usize, Stop> {
        if !self.0.has_reader.get() {
            return Err(Errno::PIPE.into());
        }
        let mut bytes = self.0.bytes.borrow_mut();
        let room = CAPACITY - bytes.len();
        if from.is_empty() {
            return Ok(0);
        }
        if room == 0 || from.len() <= ATOMIC && room < from.len() {
            return Err(Stop::Wait);
        }
        let len = from.len().min(room);
        bytes.extend(from.iter().take(len));
        Ok(len)
    }

    pub fn readiness(&self) -> u32 {
        if !self.0.has_reader.get() {
            return OUT | ERROR;
        }
        if CAPACITY - self.0.bytes.borrow().len() >= ATOMIC { OUT } else { 0 }
    }

    /// Nobody writes any more.
    pub fn shut(&self) {
        self.0.has_writer.set(false);
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.shut();
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.shut();
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;

    #[test]
    fn a_pipe_gives_what_was_written_and_ends_with_its_writer() {
        let (reader, writer) = pipe();
        let mut buffer = [0; 4];
        assert_eq!(reader.read(&mut buffer), Err(Stop::Wait));
        assert_eq!(writer.write(b"hello"), Ok(5));
        assert_eq!(reader.read(&mut buffer), Ok(4));
        assert_eq!(&buffer, b"hell");
        drop(writer);
        assert_eq!(reader.readiness(), IN | HANG_UP);
        assert_eq!(reader.read(&mut buffer), Ok(1));
        assert_eq!(reader.read(&mut buffer), Ok(0));
    }

    #[test]
    fn a_full_pipe_makes_its_writer_wait_and_a_small_write_is_not_divided() {
        let (reader, writer) = pipe();
        assert_eq!(writer.write(&vec![1; CAPACITY + 1]), Ok(CAPACITY));
        assert_eq!(writer.write(b"x"), Err(Stop::Wait));
        assert_eq!(reader.read(&mut [0; 10]), Ok(10));
        assert_eq!(writer.write(&[2; 11]), Err(Stop::Wait));
        assert_eq!(writer.write(&[2; 10]), Ok(10));
        drop(reader);
        assert_eq!(writer.write(b"x"), Err(Errno::PIPE.into()));
    }
}
