//! Waiting for several files at once.

use core::cell::RefCell;

use super::descriptor::READ_AND_WRITE;
use crate::descriptors::{CLOSE_ON_EXEC, ERROR, HANG_UP, IN, Kind, MAX_DESCRIPTORS, OUT};
use crate::epoll::Epoll;
use crate::errno::{Answer, Errno, Stop};
use crate::kernel::Kernel;
use crate::platform::Platform;
use crate::user;

/// Answer of `poll` for a number that nothing has.
const INVALID: u32 = 32;

/// Other names of the same readiness.
const IN_TOO: u32 = 0x40;
const OUT_TOO: u32 = 0x100;

const EPOLL_ADD: u64 = 1;
const EPOLL_REMOVE: u64 = 2;
const EPOLL_CHANGE: u64 = 3;

/// A limit in milliseconds, of which a negative one is none.
pub(super) fn milliseconds(timeout: u64) -> Option<u64> {
    let timeout = u32::try_from(timeout & 0xffff_ffff).unwrap_or(0).cast_signed();
    u64::try_from(timeout).ok().map(|ms| ms * 1_000_000)
}

impl<P: Platform> Kernel<P> {
    pub(super) fn poll(&mut self, list: u64, count: u64, timeout: Option<u64>) -> Answer {
        if count > MAX_DESCRIPTORS as u64 {
            return Err(Errno::INVAL.into());
        }
        let mut ready = 0;
        for number in 0..count {
            let place = list + number * 8;
            // The descriptor, then what is asked for, and the place of the answer, in 16 bits each.
            let [descriptor, events] = user::read::<[u32; 2]>(place)?;
            let asked = events & 0xffff;
            let answer = if descriptor.cast_signed() < 0 {
                0
            } else {
                match self.file(u64::from(descriptor)) {
                    Ok(file) => all_names(file.readiness()) & (asked | ERROR | HANG_UP),
                    Err(_) => INVALID,
                }
            };
            user::write(place + 6, u16::try_from(answer)?)?;
            ready += u64::from(answer != 0);
        }
        self.unless_late(ready, timeout)
    }

    pub(super) fn select(&mut self, count: u64, sets: [u64; 3], timeout: Option<u64>) -> Answer {
        let count = count.min(MAX_DESCRIPTORS as u64);
        let words = count.div_ceil(64);
        let asked_of = [IN | HANG_UP | ERROR, OUT | ERROR, 0];
        let mut ready = 0;
        // First a look, because a call that is made again must find the sets as they were.
        let mut answers = [[0_u64; MAX_DESCRIPTORS / 64]; 3];
        for ((set, asked), answer) in sets.into_iter().zip(asked_of).zip(&mut answers) {
            if set == 0 {
                continue;
            }
            for (word, answer) in (0..words).zip(answer) {
                let wanted: u64 = user::read(set + word * 8)?;
                for bit in (0..64).filter(|bit| wanted >> bit & 1 != 0 && word * 64 + bit < count) {
                    if self.file(word * 64 + bit)?.readiness() & asked != 0 {
                        *answer |= 1 << bit;
                        ready += 1;
                    }
                }
            }
        }
        let answer = self.unless_late(ready, timeout)?;
        for (set, words_of) in sets.into_iter().zip(answers) {
            if set != 0 {
                for (word, value) in (0..words).zip(words_of) {
                    user::write(set + word * 8, value)?;
                }
            }
        }
        Ok(answer)
    }

    pub(super) fn make_epoll(&mut self, flags: u64) -> Answer {
        let flags = u32::try_from(flags)?;
        self.open_file(Kind::Epoll(RefCell::new(Epoll::default())), flags & CLOSE_ON_EXEC | READ_AND_WRITE)
    }

    pub(super) fn control_epoll(&mut self, epoll: u64, command: u64, number: u64, event: u64) -> Answer {
        let (list, file) = (self.file(epoll)?, self.file(number)?);
        let Kind::Epoll(epoll) = &list.kind else {
            return Err(Errno::INVAL.into());
        };
        if alloc::rc::Rc::ptr_eq(&list, &file) {
            return Err(Errno::INVAL.into());
        }
        if matches!(file.kind, Kind::Laid(..) | Kind::Temporary(_) | Kind::Folder(..) | Kind::Text(_)) {
            return Err(Errno::PERM.into());
        }
        let number = number & 0xffff_ffff;
        let mut epoll = epoll.borrow_mut();
        self.threads.changes += 1;
        if command == EPOLL_REMOVE {
            epoll.remove(number, &file)?;
            return Ok(0);
        }
        // The structure is packed.
        let events = user::read(event)?;
        let data = user::read(event + 4)?;
        match command {
            EPOLL_ADD => epoll.add(number, &file, events, data)?,
            EPOLL_CHANGE => epoll.change(number, &file, events, data)?,
            _ => return Err(Errno::INVAL.into()),
        }
        Ok(0)
    }

    pub(super) fn wait_epoll(&mut self, epoll: u64, into: u64, max: u64, timeout: Option<u64>) -> Answer {
        let list = self.file(epoll)?;
        let Kind::Epoll(epoll) = &list.kind else {
            return Err(Errno::INVAL.into());
        };
        let max = u32::try_from(max)?.cast_signed();
        let max = usize::try_from(max).ok().filter(|max| *max != 0).ok_or(Errno::INVAL)?;
        let events = epoll.borrow_mut().take(max);
        for (number, (ready, data)) in (0_u64..).zip(&events) {
            user::write(into + number * 12, *ready)?;
            user::write(into + number * 12 + 4, *data)?;
        }
        self.unless_late(events.len() as u64, timeout)
    }

    /// Answers if something is ready or the time is over; else waits.
    fn unless_late(&mut self, ready: u64, timeout: Option<u64>) -> Answer {
        if ready != 0 || timeout == Some(0) {
            return Ok(ready);
        }
        if let Some(timeout) = timeout {
            let deadline = self.deadline(timeout);
            if self.platform.monotonic_ns() >= deadline {
                return Ok(0);
            }
        }
        Err(Stop::Wait)
    }
}

fn all_names(readiness: u32) -> u32 {
    let more = |bit, other| if readiness & bit != 0 { other } else { 0 };
    readiness | more(IN, IN_TOO) | more(OUT, OUT_TOO)
}
