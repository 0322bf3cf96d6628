//! Threads: cooperative, switched where one of them waits.
//!
//! A thread that waits for something that can be asked for (a pipe, an event, a time) makes its system call again when
//! something has changed. One that waits for a futex is woken by another thread. What a thread is lies in memory, so
//! that a snapshot has it.

use alloc::vec;
use alloc::vec::Vec;

use crate::errno::Errno;
use crate::frame::Frame;
use crate::signals::Mask;

/// Threads that a program may have at once.
pub(crate) const MAX_THREADS: usize = 1024;

/// A thread that does not run now, or the one that does.
#[derive(Debug)]
pub(crate) struct Thread {
    pub id: u32,
    pub state: State,
    /// Registers at its system call; of the thread that runs, those of its last switch.
    pub frame: Frame,
    /// Base of `%fs`.
    pub pointer: u64,
    /// The processor's extended state; empty before it was switched away from for the first time.
    pub extended: Vec<u8>,
    /// Address at which a zero is written, and a futex woken, when it ends.
    pub clear_at_end: u64,
    /// The time at which the system call that it makes is over, if it has a limit. Kept while the call is made again.
    pub deadline: Option<u64>,
    pub blocked: Mask,
    pub pending: Mask,
    /// The mask that comes back when a handler returns that interrupted `sigsuspend`.
    pub suspended: Option<Mask>,
    /// Stack for signal handlers: address, size, flags.
    pub signal_stack: (u64, u64, u32),
    pub name: [u8; 16],
}

/// The doing of a thread.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum State {
    /// It waits at a futex's address, to be woken by these bits.
    Futex {
        address: u64,
        bits: u32,
    },
    /// It makes its system call again when something has changed since this time.
    Retry {
        seen: u64,
    },
    Running,
}

/// All threads.
#[derive(Debug)]
pub(crate) struct Threads {
    /// The one that runs is `current`.
    all: Vec<Thread>,
    current: usize,
    next_id: u32,
    /// Counts what may have ended somebody's waiting.
    pub changes: u64,
}

impl Thread {
    pub fn new(id: u32) -> Self {
        Self {
            id,
            state: State::Running,
            frame: Frame::default(),
            pointer: 0,
            extended: Vec::new(),
            clear_at_end: 0,
            deadline: None,
            blocked: 0,
            pending: 0,
            suspended: None,
            signal_stack: (0, 0, 2),
            name: *b"main\0\0\0\0\0\0\0\0\0\0\0\0",
        }
    }
}

impl Threads {
    /// Starts with one thread.
    pub fn new(process: u32) -> Self {
        Self { all: vec![Thread::new(process)], current: 0, next_id: process + 1, changes: 0 }
    }

    pub fn len(&self) -> usize {
        self.all.len()
    }

    pub fn current(&mut self) -> &mut Thread {
        // The last thread is never removed, and `current` is always one of them.
        match self.all.get_mut(self.current) {
            Some(thread) => thread,
            None => unreachable!("there is a thread that runs"),
        }
    }

    pub fn is_current(&self, number: usize) -> bool {
        self.current == number
    }

    pub fn iter(&self) -> impl Iterator<Item = &Thread> {
        self.all.iter()
    }

    pub fn find(&mut self, id: u32) -> Option<&mut Thread> {
        self.all.iter_mut().find(|thread| thread.id == id)
    }

    /// Adds a thread with a new number.
    pub fn add(&mut self, make: impl FnOnce(u32) -> Thread) -> Result<u32, Errno> {
        if self.all.len() == MAX_THREADS {
            return Err(Errno::AGAIN);
        }
        let id = self.next_id;
        self.next_id += 1;
        self.all.push(make(id));
        Ok(id)
    }

    /// Removes the thread that runs. The next one is then to be chosen.
    pub fn remove_current(&mut self) {
        if self.current < self.all.len() {
            self.all.remove(self.current);
        }
        // The search for the next one starts behind this.
        self.current = self.current.checked_sub(1).unwrap_or_else(|| self.all.len().saturating_sub(1));
    }

    /// Wakes threads that wait at an address, at most so many. Returns how many these were.
    pub fn wake(&mut self, address: u64, max: u64, bits: u32) -> u64 {
        let mut woken = 0;
        let first = self.current;
        let len = self.all.len();
        for step in 1..=len {
            if woken == max {
                break;
            }
            let Some(thread) = self.all.get_mut((first + step) % len) else {
                continue;
            };
            if let State::Futex { address: waits_at, bits: waits_for } = thread.state
                && waits_at == address
                && waits_for & bits != 0
            {
                thread.state = State::Running;
                thread.frame.rax = 0;
                thread.deadline = None;
                woken += 1;
            }
        }
        woken
    }

    /// Lets threads that wait at one address wait at another one.
    pub fn requeue(&mut self, from: u64, to: u64, max: u64) -> u64 {
        let mut moved = 0;
        for thread in &mut self.all {
            if let State::Futex { address, .. } = &mut thread.state
                && *address == from
                && moved < max
            {
                *address = to;
                moved += 1;
            }
        }
        moved
    }

    /// The next thread that can go on, from the one behind `current`; and if none can, the first deadline.
    pub fn next(&self, now: u64) -> Next {
        let len = self.all.len();
        let mut deadline = None;
        for step in 1..=len {
            let number = (self.current + step) % len;
            let Some(thread) = self.all.get(number) else {
                continue;
            };
            let is_late = thread.deadline.is_some_and(|deadline| deadline <= now);
            match thread.state {
                State::Running => return Next::Thread(number),
                State::Retry { seen } if seen != self.changes || is_late => return Next::Thread(number),
                State::Futex { .. } if is_late => return Next::Thread(number),
                State::Retry { .. } | State::Futex { .. } => {
                    deadline = match (deadline, thread.deadline) {
                        (Some(one), Some(other)) => Some(u64::min(one, other)),
                        (one, other) => one.or(other),
                    };
                }
            }
        }
        Next::Nobody(deadline)
    }

    /// Makes another thread the one that runs.
    pub fn choose(&mut self, number: usize) {
        self.current = number;
    }
}

/// The choice of a thread.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Next {
    /// Nobody can go on before that time, if there is one.
    Nobody(Option<u64>),
    /// The one at that place.
    Thread(usize),
}
