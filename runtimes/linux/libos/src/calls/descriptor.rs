//! Descriptors themselves: duplicates, flags, pipes and events.

use alloc::rc::Rc;

use core::cell::Cell;

use crate::descriptors::{
    ACCESS_MODE, APPEND, CLOSE_ON_EXEC, Kind, MAX_DESCRIPTORS, NONBLOCK, OpenFile, WRITE_ONLY,
};
use crate::errno::{Answer, Errno};
use crate::kernel::Kernel;
use crate::pipe;
use crate::platform::Platform;
use crate::user;

/// Commands of `fcntl`.
const DUPLICATE: u64 = 0;
const GET_DESCRIPTOR_FLAGS: u64 = 1;
const SET_DESCRIPTOR_FLAGS: u64 = 2;
const GET_FLAGS: u64 = 3;
const SET_FLAGS: u64 = 4;
const GET_LOCK: u64 = 5;
const SET_LOCK: u64 = 6;
const SET_LOCK_WAIT: u64 = 7;
const DUPLICATE_CLOSED: u64 = 1030;
const GET_PIPE_SIZE: u64 = 1032;

/// Requests of `ioctl`.
const CLOSE_ON_EXEC_ON: u64 = 0x5451;
const CLOSE_ON_EXEC_OFF: u64 = 0x5450;
const NONBLOCK_SET: u64 = 0x5421;
const AVAILABLE: u64 = 0x541b;

/// An event that is read by ones.
const SEMAPHORE: u64 = 1;

impl<P: Platform> Kernel<P> {
    /// Opens a file under the smallest free number.
    pub(super) fn open_file(&mut self, kind: Kind, flags: u32) -> Answer {
        let file = OpenFile::new(kind, flags & !CLOSE_ON_EXEC);
        Ok(self.descriptors.open(file, flags & CLOSE_ON_EXEC != 0, 0)?)
    }

    pub(super) fn close(&mut self, number: u64) -> Answer {
        self.descriptors.close(number & 0xffff_ffff)?;
        self.threads.changes += 1;
        Ok(0)
    }

    pub(super) fn close_range(&mut self, first: u64, last: u64, flags: u64) -> Answer {
        /// Sets the flag instead of closing.
        const ONLY_FLAG: u64 = 4;
        for number in first..=last.min(MAX_DESCRIPTORS as u64) {
            if flags & ONLY_FLAG == 0 {
                let _ = self.descriptors.close(number);
            } else {
                let _ = self.descriptors.set_closes_on_exec(number, true);
            }
        }
        self.threads.changes += 1;
        Ok(0)
    }

    pub(super) fn duplicate(&mut self, number: u64, from: u64, closes_on_exec: bool) -> Answer {
        let file = self.file(number)?;
        Ok(self.descriptors.open(file, closes_on_exec, from)?)
    }

    pub(super) fn duplicate_to(&mut self, number: u64, to: u64, flags: Option<u64>) -> Answer {
        let file = self.file(number)?;
        let (number, to) = (number & 0xffff_ffff, to & 0xffff_ffff);
        if number == to {
            return if flags.is_some() { Err(Errno::INVAL.into()) } else { Ok(to) };
        }
        let closes = flags.unwrap_or(0) & u64::from(CLOSE_ON_EXEC) != 0;
        self.threads.changes += 1;
        Ok(self.descriptors.replace(file, closes, to)?)
    }

    pub(super) fn control(&mut self, number: u64, command: u64, argument: u64) -> Answer {
        /// A flag that programs expect beside the others: large files.
        const LARGE_FILE: u32 = 0o100_000;
        let file = self.file(number)?;
        let number = number & 0xffff_ffff;
        match command & 0xffff_ffff {
            DUPLICATE => self.duplicate(number, argument, false),
            DUPLICATE_CLOSED => self.duplicate(number, argument, true),
            GET_DESCRIPTOR_FLAGS => Ok(u64::from(self.descriptors.closes_on_exec(number)?)),
            SET_DESCRIPTOR_FLAGS => {
                self.descriptors.set_closes_on_exec(number, argument & 1 != 0)?;
                Ok(0)
            }
            GET_FLAGS => Ok(u64::from(file.flags.get() | LARGE_FILE)),
            SET_FLAGS => {
                let changed = APPEND | NONBLOCK;
                let new = u32::try_from(argument & 0xffff_ffff)? & changed;
                file.flags.set(file.flags.get() & !changed | new);
                Ok(0)
            }
            GET_LOCK => {
                // Nobody else has a lock: `F_UNLCK`.
                user::write(argument, 2_u16)?;
                Ok(0)
            }
            SET_LOCK | SET_LOCK_WAIT => Ok(0),
            GET_PIPE_SIZE if matches!(file.kind, Kind::Reader(_) | Kind::Writer(_)) => {
                Ok(pipe::CAPACITY as u64)
            }
            _ => Err(Errno::INVAL.into()),
        }
    }

    pub(super) fn device_control(&mut self, number: u64, request: u64, argument: u64) -> Answer {
        let file = self.file(number)?;
        match request & 0xffff_ffff {
            CLOSE_ON_EXEC_ON => self.descriptors.set_closes_on_exec(number, true)?,
            CLOSE_ON_EXEC_OFF => self.descriptors.set_closes_on_exec(number, false)?,
            NONBLOCK_SET => {
                let set = if user::read::<u32>(argument)? == 0 { 0 } else { NONBLOCK };
                file.flags.set(file.flags.get() & !NONBLOCK | set);
            }
            AVAILABLE => {
                let available = match &file.kind {
                    Kind::Reader(reader) | Kind::Socket(reader, _) => reader.available() as u64,
                    _ => file.len().ok_or(Errno::NOTTY)?.saturating_sub(file.offset.get()),
                };
                user::write(argument, u32::try_from(available).unwrap_or(u32::MAX >> 1))?;
            }
            // Nothing is a terminal.
            _ => return Err(Errno::NOTTY.into()),
        }
        Ok(0)
    }

    pub(super) fn pipe(&mut self, numbers: u64, flags: u64) -> Answer {
        let flags = u32::try_from(flags)?;
        if flags & !(CLOSE_ON_EXEC | NONBLOCK | 0o40_000) != 0 {
            return Err(Errno::INVAL.into());
        }
        let (reader, writer) = pipe::pipe();
        let kept = flags & NONBLOCK;
        self.open_two(
            numbers,
            OpenFile::new(Kind::Reader(reader), kept),
            OpenFile::new(Kind::Writer(writer), kept | WRITE_ONLY),
            flags & CLOSE_ON_EXEC != 0,
        )
    }

    /// Opens two files and tells their numbers, or opens neither.
    pub(super) fn open_two(
        &mut self,
        numbers: u64,
        one: Rc<OpenFile>,
        other: Rc<OpenFile>,
        closes_on_exec: bool,
    ) -> Answer {
        let first = self.descriptors.open(one, closes_on_exec, 0)?;
        let second = self.descriptors.open(other, closes_on_exec, 0).inspect_err(|_| {
            let _ = self.descriptors.close(first);
        })?;
        user::write(numbers, [u32::try_from(first)?, u32::try_from(second)?])?;
        Ok(0)
    }

    pub(super) fn event(&mut self, count: u64, flags: u64) -> Answer {
        let flags_wide = flags;
        let flags = u32::try_from(flags)?;
        let kind = Kind::Event(Cell::new(count & 0xffff_ffff), flags_wide & SEMAPHORE != 0);
        self.open_file(kind, flags & (CLOSE_ON_EXEC | NONBLOCK) | READ_AND_WRITE)
    }
}

/// Access mode of what is both read and written.
pub(super) const READ_AND_WRITE: u32 = ACCESS_MODE & crate::descriptors::READ_WRITE;
