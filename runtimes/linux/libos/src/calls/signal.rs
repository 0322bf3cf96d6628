//! System calls about signals; see `crate::signals`.

use super::time;
use crate::errno::{Answer, Errno, Stop};
use crate::frame::Frame;
use crate::kernel::Kernel;
use crate::platform::Platform;
use crate::signals::{self, Action, KILL, Mask, STOP, bit};
use crate::user;

/// Signals that cannot be blocked.
const UNBLOCKABLE: Mask = bit(KILL) | bit(STOP);

/// The smallest stack for handlers.
const MIN_STACK: u64 = 2048;

/// An alternate stack that is not used.
const DISABLED: u32 = 2;

impl<P: Platform> Kernel<P> {
    pub(super) fn action(&mut self, signal: u64, new: u64, old: u64) -> Answer {
        let signal = u32::try_from(signal & 0xffff_ffff)?;
        let before = self.actions.get(signal)?;
        if new != 0 {
            let action: Action = user::read(new)?;
            self.actions.set(signal, action)?;
            if self.actions.ignores(signal) {
                self.pending &= !bit(signal);
            }
        }
        user::write_if(old, before)?;
        Ok(0)
    }

    pub(super) fn signal_mask(&mut self, how: u64, new: u64, old: u64) -> Answer {
        let set = if new == 0 { None } else { Some(user::read::<Mask>(new)? & !UNBLOCKABLE) };
        let thread = self.threads.current();
        let before = thread.blocked;
        if let Some(set) = set {
            thread.blocked = match how {
                0 => before | set,
                1 => before & !set,
                2 => set,
                _ => return Err(Errno::INVAL.into()),
            };
        }
        user::write_if(old, before)?;
        Ok(0)
    }

    pub(super) fn pending_signals(&mut self, into: u64) -> Answer {
        let pending = self.pending | self.threads.current().pending;
        user::write(into, pending)?;
        Ok(0)
    }

    /// Waits for a signal, with another mask.
    pub(super) fn suspend(&mut self, mask: u64) -> Answer {
        let mask = user::read::<Mask>(mask)? & !UNBLOCKABLE;
        let thread = self.threads.current();
        if thread.suspended.is_none() {
            thread.suspended = Some(thread.blocked);
        }
        thread.blocked = mask;
        Err(Stop::Wait)
    }

    /// Takes a signal that is blocked, or waits for one.
    pub(super) fn wait_signal(&mut self, set: u64, information: u64, timeout: u64) -> Answer {
        let set: Mask = user::read(set)?;
        let found = (self.pending | self.threads.current().pending) & set;
        if found != 0 {
            let signal = found.trailing_zeros() + 1;
            self.pending &= !bit(signal);
            self.threads.current().pending &= !bit(signal);
            if information != 0 {
                let mut words = [0_u32; 32];
                words[0] = signal;
                user::write(information, words)?;
            }
            return Ok(u64::from(signal));
        }
        if let Some(timeout) = time::span(timeout)? {
            let deadline = self.deadline(timeout);
            if self.platform.monotonic_ns() >= deadline {
                return Err(Errno::AGAIN.into());
            }
        }
        Err(Stop::Wait)
    }

    pub(super) fn signal_return(&mut self, frame: &mut Frame) -> Answer {
        signals::leave(self.threads.current(), frame)?;
        Ok(frame.rax)
    }

    pub(super) fn signal_stack(&mut self, new: u64, old: u64) -> Answer {
        let thread = self.threads.current();
        let before = thread.signal_stack;
        if new != 0 {
            let [address, flags, size] = user::read::<[u64; 3]>(new)?;
            let flags = u32::try_from(flags & 0xffff_ffff)?;
            if flags & DISABLED == 0 && size < MIN_STACK {
                return Err(Errno::NOMEM.into());
            }
            thread.signal_stack = (address, size, flags);
        }
        let (address, size, flags) = before;
        user::write_if(old, [address, u64::from(flags), size])?;
        Ok(0)
    }

    pub(super) fn kill(&mut self, process: u64, signal: u64) -> Answer {
        let process = u32::try_from(process & 0xffff_ffff)?;
        // Itself, its group, everybody.
        if process != self.process
            && !matches!(process.cast_signed(), 0 | -1)
            && process.wrapping_neg() != self.process
        {
            return Err(Errno::SRCH.into());
        }
        self.raise(u32::try_from(signal & 0xffff_ffff)?, None)?;
        Ok(0)
    }

    pub(super) fn thread_kill(&mut self, thread: u64, signal: u64) -> Answer {
        let thread = u32::try_from(thread & 0xffff_ffff)?;
        self.threads.find(thread).ok_or(Errno::SRCH)?;
        self.raise(u32::try_from(signal & 0xffff_ffff)?, Some(thread))?;
        Ok(0)
    }
}
