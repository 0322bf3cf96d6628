//! The state of the libOS, and the way of a system call through it.

use alloc::collections::BTreeSet;
use alloc::vec::Vec;

use crate::calls::numbers;
use crate::descriptors::{Descriptors, Kind, OpenFile, WRITE_ONLY};
use crate::errno::{Answer, Errno, Stop};
use crate::files::FileSystem;
use crate::frame::Frame;
use crate::memory::{Memory, Places};
use crate::platform::{Platform, Stream};
use crate::signals::{self, Actions, Mask, Outcome, bit};
use crate::threads::{Next, State, Threads};
use libhyperlight_linux_contract::index::Index;

/// The time that a thread runs before another one that could run gets its turn at a system call.
const TURN_NS: u64 = 5_000_000;

/// Numbers of system calls that are told of when they are missing, each once.
const MAX_TOLD: usize = 512;

/// Added to a signal's number when it ends a program, as shells do.
const BY_SIGNAL: i32 = 128;

/// The libOS.
#[derive(Debug)]
pub struct Kernel<P> {
    pub(crate) platform: P,
    pub(crate) files: FileSystem,
    pub(crate) descriptors: Descriptors,
    pub(crate) memory: Memory,
    pub(crate) threads: Threads,
    pub(crate) actions: Actions,
    /// Signals that any thread may take.
    pub(crate) pending: Mask,
    /// The time at which `ALARM` is raised next, and the interval after which it is raised again.
    pub(crate) alarm: Option<(u64, u64)>,
    pub(crate) process: u32,
    pub(crate) exit: Option<i32>,
    /// The thread that ran has ended, and no other one was chosen yet.
    pub(crate) ended: bool,
    /// The thread that runs gives up its turn.
    pub(crate) yields: bool,
    /// Its arguments, each with a zero behind it.
    pub(crate) command_line: Vec<u8>,
    /// The time at which the program started.
    pub(crate) started: u64,
    /// Nanoseconds in which every thread has waited.
    idle: u64,
    switched: u64,
    told: BTreeSet<u64>,
}

/// The continuation after a system call.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Control {
    /// The program has ended with this status.
    Exit(i32),
    /// The thread continues whose registers are now in the frame.
    Resume,
}

impl<P: Platform> Kernel<P> {
    /// A kernel with one thread, and the standard streams open.
    pub fn new(mut platform: P, index: Index<'static>, places: Places, process: u32) -> Self {
        let now = platform.monotonic_ns();
        let mut descriptors = Descriptors::default();
        let streams = [
            OpenFile::new(Kind::Input, 0),
            OpenFile::new(Kind::Output(Stream::Output), WRITE_ONLY),
            OpenFile::new(Kind::Output(Stream::Error), WRITE_ONLY),
        ];
        for stream in streams {
            // An empty table has room.
            let _ = descriptors.open(stream, false, 0);
        }
        Self {
            platform,
            files: FileSystem::new(index),
            descriptors,
            memory: Memory::new(places),
            threads: Threads::new(process),
            actions: Actions::new(),
            pending: 0,
            alarm: None,
            process,
            exit: None,
            ended: false,
            yields: false,
            command_line: Vec::new(),
            started: now,
            idle: 0,
            switched: now,
            told: BTreeSet::new(),
        }
    }

    /// The outside world.
    pub fn platform(&mut self) -> &mut P {
        &mut self.platform
    }

    /// Serves the system call whose registers are in the frame. Afterwards the frame has those of the thread that
    /// continues.
    pub fn system_call(&mut self, frame: &mut Frame) -> Control {
        self.serve(frame);
        if self.threads.len() > 1 {
            self.give_turn(frame);
        }
        self.settle(frame)
    }

    /// Makes a system call, and puts its answer into the frame; or marks the thread as waiting.
    fn serve(&mut self, frame: &mut Frame) {
        let number = frame.rax;
        let answer = self.call(number, frame);
        if self.ended {
            return;
        }
        let changes = self.threads.changes;
        let thread = self.threads.current();
        match answer {
            Ok(value) => frame.rax = value,
            Err(Stop::Errno(Errno(errno))) => frame.rax = (-i64::from(errno)).cast_unsigned(),
            Err(Stop::Wait) => {
                if !matches!(thread.state, State::Futex { .. }) {
                    thread.state = State::Retry { seen: changes };
                }
                return;
            }
        }
        thread.state = State::Running;
        thread.deadline = None;
    }

    /// Goes on until a thread can run or the program has ended.
    fn settle(&mut self, frame: &mut Frame) -> Control {
        loop {
            if let Some(status) = self.exit {
                return Control::Exit(status);
            }
            self.raise_alarm();
            if !self.ended && self.threads.current().state == State::Running {
                self.take_signals(frame, None);
                if self.exit.is_none() {
                    return Control::Resume;
                }
                continue;
            }
            if let Some(number) = self.interrupted() {
                self.switch(frame, number);
                let call = frame.rax;
                let thread = self.threads.current();
                (thread.state, thread.deadline) = (State::Running, None);
                self.take_signals(frame, Some(call));
                continue;
            }
            let now = self.platform.monotonic_ns();
            match self.threads.next(now) {
                Next::Thread(number) => {
                    self.switch(frame, number);
                    self.go_on(frame);
                }
                Next::Nobody(deadline) => {
                    let alarm = self.alarm.map(|(deadline, _)| deadline);
                    let until = deadline.into_iter().chain(alarm).min();
                    // With nothing to wait for, the program waits until its caller ends it, as it would anywhere.
                    self.platform.wait_until(until.unwrap_or(u64::MAX));
                    let waited = self.platform.monotonic_ns().saturating_sub(now);
                    self.idle = self.idle.saturating_add(waited);
                }
            }
        }
    }

    /// Lets another thread run if it has waited for long, or if the one that runs asks for it.
    fn give_turn(&mut self, frame: &mut Frame) {
        if self.ended || self.threads.current().state != State::Running {
            return;
        }
        let now = self.platform.monotonic_ns();
        if !core::mem::take(&mut self.yields) && now.saturating_sub(self.switched) < TURN_NS {
            return;
        }
        self.switched = now;
        if let Next::Thread(number) = self.threads.next(now) {
            self.switch(frame, number);
            self.go_on(frame);
        }
    }

    /// Lets the thread go on that was chosen: one that waits looks if it still has to.
    fn go_on(&mut self, frame: &mut Frame) {
        match self.threads.current().state {
            State::Running => {}
            State::Retry { .. } => self.serve(frame),
            State::Futex { .. } => {
                frame.rax = (-i64::from(Errno::TIMEDOUT.0)).cast_unsigned();
                let thread = self.threads.current();
                (thread.state, thread.deadline) = (State::Running, None);
            }
        }
    }

    /// Makes a thread the one that runs. A thread that has ended is not saved, because it is not there any more.
    fn switch(&mut self, frame: &mut Frame, number: usize) {
        if !core::mem::take(&mut self.ended) {
            if self.threads.is_current(number) {
                return;
            }
            let len = self.platform.extended_len();
            let pointer = self.platform.thread_pointer();
            let thread = self.threads.current();
            thread.frame = *frame;
            thread.pointer = pointer;
            if thread.extended.is_empty() {
                // Aligned within, because the allocator gives no alignment of 64.
                thread.extended.resize(len + 64, 0);
            }
            self.platform.save_extended(aligned(&mut thread.extended));
        }
        self.threads.choose(number);
        let thread = self.threads.current();
        *frame = thread.frame;
        self.platform.set_thread_pointer(thread.pointer);
        if !thread.extended.is_empty() {
            self.platform.load_extended(aligned(&mut thread.extended));
        }
    }

    /// The thread that waits although there is a signal for it, if there is one.
    fn interrupted(&self) -> Option<usize> {
        self.threads.iter().position(|thread| {
            thread.state != State::Running && self.deliverable(thread.pending, thread.blocked) != 0
        })
    }

    fn deliverable(&self, pending: Mask, blocked: Mask) -> Mask {
        (self.pending | pending) & !blocked
    }

    /// Lets the thread that runs take its signals. `call` is the number of the system call that they interrupt.
    fn take_signals(&mut self, frame: &mut Frame, mut call: Option<u64>) {
        loop {
            let thread = self.threads.current();
            let (pending, blocked) = (thread.pending, thread.blocked);
            let set = self.deliverable(pending, blocked);
            if set == 0 {
                break;
            }
            let signal = set.trailing_zeros() + 1;
            self.pending &= !bit(signal);
            self.threads.current().pending &= !bit(signal);
            if self.actions.ignores(signal) {
                continue;
            }
            if let Some(number) = call.take() {
                let [_, flags, ..] = self.actions.get(signal).unwrap_or_default();
                if flags & signals::RESTART != 0 && numbers::restarts(number) {
                    // The two bytes of the instruction are there, even where it was rewritten.
                    (frame.rax, frame.rip) = (number, frame.rip.wrapping_sub(2));
                } else {
                    frame.rax = (-i64::from(Errno::INTR.0)).cast_unsigned();
                }
            }
            if let Outcome::End(signal) = self.actions.deliver(signal, self.threads.current(), frame) {
                self.exit = Some(BY_SIGNAL + signal.cast_signed());
                return;
            }
        }
        if let Some(number) = call {
            // All signals were ignored: the call goes on.
            frame.rax = number;
            self.serve(frame);
        }
    }

    /// Raises a signal for the process, or for one thread.
    pub(crate) fn raise(&mut self, signal: u32, thread: Option<u32>) -> Result<(), Errno> {
        if signal == 0 {
            return Ok(());
        }
        if signal > signals::COUNT {
            return Err(Errno::INVAL);
        }
        let is_blocked = match thread {
            Some(id) => self.threads.find(id).ok_or(Errno::SRCH)?.blocked & bit(signal) != 0,
            None => self.threads.iter().all(|thread| thread.blocked & bit(signal) != 0),
        };
        if self.actions.ignores(signal) && !is_blocked {
            return Ok(());
        }
        if signal == signals::KILL {
            self.exit = Some(BY_SIGNAL + signal.cast_signed());
            return Ok(());
        }
        match thread.and_then(|id| self.threads.find(id)) {
            Some(thread) => thread.pending |= bit(signal),
            None => self.pending |= bit(signal),
        }
        self.threads.changes += 1;
        Ok(())
    }

    fn raise_alarm(&mut self) {
        let Some((deadline, interval)) = self.alarm else {
            return;
        };
        let now = self.platform.monotonic_ns();
        if now < deadline {
            return;
        }
        self.alarm = (interval != 0).then(|| (now.saturating_add(interval), interval));
        // The number is one of a signal.
        let _ = self.raise(signals::ALARM, None);
    }

    /// Says that a system call is missing, once.
    pub(crate) fn missing(&mut self, number: u64) -> Answer {
        if self.told.len() < MAX_TOLD && self.told.insert(number) {
            match numbers::name(number) {
                Some(name) => {
                    self.platform.log(format_args!("the system call {name} ({number}) is not there: ENOSYS"))
                }
                None => self.platform.log(format_args!("there is no system call {number}: ENOSYS")),
            }
        }
        Err(Errno::NOSYS.into())
    }

    /// The processor time of the process: all that has passed, but for what it has waited.
    pub(crate) fn processor_ns(&mut self) -> u64 {
        self.platform.monotonic_ns().saturating_sub(self.started).saturating_sub(self.idle)
    }

    /// The time at which the current call gives up, if it is made for the first time so long from now.
    pub(crate) fn deadline(&mut self, timeout_ns: u64) -> u64 {
        if let Some(deadline) = self.threads.current().deadline {
            return deadline;
        }
        let deadline = self.platform.monotonic_ns().saturating_add(timeout_ns);
        self.threads.current().deadline = Some(deadline);
        deadline
    }
}

/// The part of a buffer that starts at a multiple of 64.
pub(crate) fn aligned(buffer: &mut [u8]) -> &mut [u8] {
    let start = buffer.as_ptr().align_offset(64);
    buffer.get_mut(start..).unwrap_or_default()
}
