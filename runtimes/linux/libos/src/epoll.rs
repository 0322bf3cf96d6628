//! `epoll`: a list of descriptors to be polled together.

use alloc::rc::{Rc, Weak};
use alloc::vec::Vec;

use crate::descriptors::{ERROR, HANG_UP, OpenFile};
use crate::errno::Errno;

/// A change of a readiness is reported once.
const EDGE: u32 = 1 << 31;

/// One report, then silence.
const ONE_SHOT: u32 = 1 << 30;

/// Descriptors in one list.
const MAX_INTERESTS: usize = 4096;

/// Lists within lists.
const MAX_DEPTH: u32 = 4;

/// A list of descriptors.
#[derive(Debug, Default)]
pub(crate) struct Epoll {
    interests: Vec<Interest>,
}

#[derive(Debug)]
struct Interest {
    descriptor: u64,
    file: Weak<OpenFile>,
    events: u32,
    data: u64,
    /// The readiness that was reported last, of a descriptor whose changes are asked for.
    reported: u32,
}

impl Epoll {
    pub fn add(&mut self, descriptor: u64, file: &Rc<OpenFile>, events: u32, data: u64) -> Result<(), Errno> {
        self.forget_closed();
        if self.position(descriptor, file).is_some() {
            return Err(Errno::EXIST);
        }
        if self.interests.len() == MAX_INTERESTS {
            return Err(Errno::NOSPC);
        }
        self.interests.push(Interest { descriptor, file: Rc::downgrade(file), events, data, reported: 0 });
        Ok(())
    }

    pub fn change(
        &mut self,
        descriptor: u64,
        file: &Rc<OpenFile>,
        events: u32,
        data: u64,
    ) -> Result<(), Errno> {
        let interest =
            self.position(descriptor, file).and_then(|at| self.interests.get_mut(at)).ok_or(Errno::NOENT)?;
        (interest.events, interest.data, interest.reported) = (events, data, 0);
        Ok(())
    }

    pub fn remove(&mut self, descriptor: u64, file: &Rc<OpenFile>) -> Result<(), Errno> {
        let at = self.position(descriptor, file).ok_or(Errno::NOENT)?;
        self.interests.remove(at);
        Ok(())
    }

    /// The events that are there, at most so many, each with its data.
    pub fn take(&mut self, max: usize) -> Vec<(u32, u64)> {
        self.forget_closed();
        let mut events = Vec::new();
        for interest in &mut self.interests {
            let ready = interest.ready(0);
            let new = if interest.events & EDGE != 0 { ready & !interest.reported } else { ready };
            interest.reported = ready;
            if new == 0 {
                continue;
            }
            if events.len() == max {
                // It is still to be reported.
                interest.reported = 0;
                continue;
            }
            events.push((ready, interest.data));
            if interest.events & ONE_SHOT != 0 {
                interest.events &= EDGE | ONE_SHOT;
            }
        }
        // Those that were reported wait until the others had their turn.
        let shift = events.len().min(self.interests.len());
        if events.len() == max {
            self.interests.rotate_left(shift);
        }
        events
    }

    /// Returns true if there is something to report.
    pub fn is_ready(&self) -> bool {
        self.is_ready_at(0)
    }

    fn is_ready_at(&self, depth: u32) -> bool {
        depth < MAX_DEPTH && self.interests.iter().any(|interest| interest.ready(depth) != 0)
    }

    fn position(&self, descriptor: u64, file: &Rc<OpenFile>) -> Option<usize> {
        let is_same = |interest: &Interest| {
            interest.descriptor == descriptor && interest.file.as_ptr() == Rc::as_ptr(file)
        };
        self.interests.iter().position(is_same)
    }

    fn forget_closed(&mut self) {
        self.interests.retain(|interest| interest.file.strong_count() != 0);
    }
}

impl Interest {
    fn ready(&self, depth: u32) -> u32 {
        let asked = self.events & !(EDGE | ONE_SHOT);
        if asked == 0 {
            return 0;
        }
        let Some(file) = self.file.upgrade() else {
            return 0;
        };
        let readiness = match &file.kind {
            crate::descriptors::Kind::Epoll(epoll) => {
                let is_ready = epoll.try_borrow().is_ok_and(|epoll| epoll.is_ready_at(depth + 1));
                if is_ready { crate::descriptors::IN } else { 0 }
            }
            _ => file.readiness(),
        };
        readiness & (asked | ERROR | HANG_UP)
    }
}
