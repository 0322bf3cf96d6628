//! Threads and futexes; see `crate::threads`.

use alloc::vec::Vec;

use crate::errno::{Answer, Errno, Stop};
use crate::frame::Frame;
use crate::kernel::Kernel;
use crate::platform::Platform;
use crate::threads::{State, Thread};
use crate::user;

/// Flags of `clone`.
const MEMORY: u64 = 0x100;
const SET_POINTER: u64 = 0x8_0000;
const SET_PARENT: u64 = 0x10_0000;
const CLEAR_CHILD: u64 = 0x20_0000;
const SET_CHILD: u64 = 0x100_0000;
const THREAD: u64 = 0x1_0000;

/// Operations on futexes, and their flag for the wall clock.
const WAIT: u64 = 0;
const WAKE: u64 = 1;
const REQUEUE: u64 = 3;
const COMPARE_REQUEUE: u64 = 4;
const WAKE_OP: u64 = 5;
const WAIT_BITS: u64 = 9;
const WAKE_BITS: u64 = 10;
const OPERATION: u64 = 0x7f;
const WALL_CLOCK: u64 = 0x100;

/// All bits of a futex.
const ANY: u32 = u32::MAX;

/// Operations of `arch_prctl`.
const SET_FS: u64 = 0x1002;
const GET_FS: u64 = 0x1003;

impl<P: Platform> Kernel<P> {
    /// Starts a thread. What would be a process is refused.
    pub(super) fn clone_thread(&mut self, frame: &Frame) -> Answer {
        let [flags, stack, parent, child, pointer, _] = frame.arguments();
        if flags & (THREAD | MEMORY) != THREAD | MEMORY {
            return self.no_process("clone");
        }
        let here = self.platform.thread_pointer();
        let (len, blocked) = (self.platform.extended_len(), self.threads.current().blocked);
        let mut extended = Vec::new();
        extended.try_reserve_exact(len + 64).map_err(|_| Errno::AGAIN)?;
        extended.resize(len + 64, 0);
        self.platform.save_extended(crate::kernel::aligned(&mut extended));
        let registers = Frame { rax: 0, rsp: stack, ..*frame };
        let id = self.threads.add(|id| {
            let mut thread = Thread::new(id);
            thread.frame = registers;
            thread.pointer = if flags & SET_POINTER == 0 { here } else { pointer };
            thread.clear_at_end = if flags & CLEAR_CHILD == 0 { 0 } else { child };
            (thread.extended, thread.blocked) = (extended, blocked);
            thread
        })?;
        if flags & SET_PARENT != 0 {
            user::write(parent, id)?;
        }
        if flags & SET_CHILD != 0 {
            user::write(child, id)?;
        }
        Ok(u64::from(id))
    }

    /// Says that there are no processes, which a program may take for a passing trouble otherwise.
    pub(super) fn no_process(&mut self, name: &str) -> Answer {
        self.platform.log(format_args!("{name}: a sandbox has one process and starts no others: ENOSYS"));
        Err(Errno::NOSYS.into())
    }

    pub(super) fn futex(&mut self, [address, operation, value, time, other, bits]: [u64; 6]) -> Answer {
        let low = |value: u64| u32::try_from(value & 0xffff_ffff).unwrap_or(0);
        let max = |value: u64| u64::try_from(low(value).cast_signed()).unwrap_or(0);
        match operation & OPERATION {
            WAKE => Ok(self.wake(address, max(value), ANY)),
            WAKE_BITS => Ok(self.wake(address, max(value), low(bits))),
            WAIT | WAIT_BITS => {
                if user::read::<u32>(address)? != low(value) {
                    return Err(Errno::AGAIN.into());
                }
                let is_until = operation & OPERATION == WAIT_BITS;
                if let Some(time) = super::time::span(time)? {
                    let timeout = match (is_until, operation & WALL_CLOCK != 0) {
                        (false, _) => time,
                        (true, false) => time.saturating_sub(self.platform.monotonic_ns()),
                        (true, true) => time.saturating_sub(self.platform.wall_ns()),
                    };
                    if timeout == 0 {
                        return Err(Errno::TIMEDOUT.into());
                    }
                    self.deadline(timeout);
                }
                let bits = if is_until { low(bits) } else { ANY };
                self.threads.current().state = State::Futex { address, bits };
                Err(Stop::Wait)
            }
            REQUEUE | COMPARE_REQUEUE => {
                if operation & OPERATION == COMPARE_REQUEUE && user::read::<u32>(address)? != low(bits) {
                    return Err(Errno::AGAIN.into());
                }
                let woken = self.wake(address, max(value), ANY);
                Ok(woken + self.threads.requeue(address, other, max(time)))
            }
            WAKE_OP => {
                let old = wake_operation(other, low(bits))?;
                let mut woken = self.wake(address, max(value), ANY);
                if compares(old, low(bits)) {
                    woken += self.wake(other, max(time), ANY);
                }
                Ok(woken)
            }
            _ => Err(Errno::NOSYS.into()),
        }
    }

    fn wake(&mut self, address: u64, max: u64, bits: u32) -> u64 {
        self.threads.wake(address, max, bits)
    }

    pub(super) fn thread_control(&mut self, operation: u64, address: u64) -> Answer {
        match operation {
            SET_FS => self.platform.set_thread_pointer(address),
            GET_FS => user::write(address, self.platform.thread_pointer())?,
            _ => return Err(Errno::INVAL.into()),
        }
        Ok(0)
    }

    /// Ends the thread that runs; the last one's end is the program's.
    pub(super) fn end_thread(&mut self, status: u64) -> Answer {
        if self.threads.len() == 1 {
            return self.end(status);
        }
        let clear = self.threads.current().clear_at_end;
        if clear != 0 {
            user::write(clear, 0_u32)?;
            self.wake(clear, 1, ANY);
        }
        self.threads.remove_current();
        self.threads.changes += 1;
        self.ended = true;
        Err(Stop::Wait)
    }

    pub(super) fn end(&mut self, status: u64) -> Answer {
        // As a parent would see it.
        self.exit = Some(i32::from(u8::try_from(status & 0xff)?));
        Ok(0)
    }
}

/// Changes the second futex as its operation says. Returns what it was.
fn wake_operation(address: u64, operation: u32) -> Result<u32, Errno> {
    let old: u32 = user::read(address)?;
    let argument = operation >> 12 & 0xfff;
    let argument = if operation >> 31 == 0 { argument } else { 1 << (argument & 31) };
    let new = match operation >> 28 & 7 {
        0 => argument,
        1 => old.wrapping_add(argument),
        2 => old | argument,
        3 => old & !argument,
        4 => old ^ argument,
        _ => return Err(Errno::NOSYS),
    };
    user::write(address, new)?;
    Ok(old)
}

/// The comparison of the same operation.
fn compares(old: u32, operation: u32) -> bool {
    let (old, argument) = (old.cast_signed(), (operation & 0xfff).cast_signed());
    match operation >> 24 & 0xf {
        0 => old == argument,
        1 => old != argument,
        2 => old < argument,
        3 => old <= argument,
        4 => old > argument,
        5 => old >= argument,
        _ => false,
    }
}
