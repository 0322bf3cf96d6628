//! The process: who it is, what it may use, and what there is none of.

use super::numbers as n;
use crate::descriptors::MAX_DESCRIPTORS;
use crate::errno::{Answer, Errno};
use crate::frame::Frame;
use crate::kernel::Kernel;
use crate::platform::Platform;
use crate::user;

/// Limits of `getrlimit`.
const STACK: u64 = 3;
const FILES: u64 = 7;
const LIMITS: u64 = 16;

/// Operations of `prctl`.
const SET_NAME: u64 = 15;
const GET_NAME: u64 = 16;
const GET_DUMPABLE: u64 = 3;
const SET_NO_NEW_PRIVILEGES: u64 = 38;
const SET_VMA: u64 = 0x5356_4d41;

/// `GRND_NONBLOCK`, `GRND_RANDOM` and `GRND_INSECURE`.
const RANDOM_FLAGS: u64 = 7;

impl<P: Platform> Kernel<P> {
    pub(super) fn process_call(&mut self, number: u64, frame: &Frame) -> Answer {
        let [a, b, c, d, ..] = frame.arguments();
        match number {
            n::GETPID | n::GETPGRP => Ok(u64::from(self.process)),
            n::GETPGID | n::GETSID | n::SETSID | n::SETPGID => Ok(u64::from(self.process)),
            n::GETPPID => Ok(1),
            n::GETUID | n::GETGID | n::GETEUID | n::GETEGID | n::SETUID | n::SETGID => Ok(0),
            n::GETRESUID | n::GETRESGID => {
                for place in [a, b, c] {
                    user::write(place, 0_u32)?;
                }
                Ok(0)
            }
            n::GETGROUPS => Ok(0),
            n::UNAME => self.name_system(a),
            n::SYSINFO => self.system_information(a),
            n::GETRUSAGE => self.usage(b),
            n::GETRLIMIT => self.limit(a, b),
            n::PRLIMIT64 => self.limit(b, d),
            n::GETRANDOM => self.get_random(a, b, c),
            n::PRCTL => self.process_control(a, b),
            n::SCHED_GETAFFINITY => {
                if b < 8 {
                    return Err(Errno::INVAL.into());
                }
                // One processor.
                user::write(c, 1_u64)?;
                Ok(8)
            }
            n::GETCPU => {
                user::write_if(a, 0_u32)?;
                user::write_if(b, 0_u32)?;
                Ok(0)
            }
            n::SCHED_GETPARAM => {
                user::write(b, 0_u32)?;
                Ok(0)
            }
            n::SCHED_SETAFFINITY
            | n::SCHED_GETSCHEDULER
            | n::SCHED_GET_PRIORITY_MAX
            | n::SCHED_GET_PRIORITY_MIN
            | n::SETPRIORITY
            | n::SET_ROBUST_LIST => Ok(0),
            // Kernels answer 20 minus the niceness.
            n::GETPRIORITY => Ok(20),
            n::FORK => self.no_process("fork"),
            n::VFORK => self.no_process("vfork"),
            n::EXECVE => self.no_process("execve"),
            n::WAIT4 => Err(Errno::CHILD.into()),
            _ => self.missing(number),
        }
    }

    fn name_system(&mut self, into: u64) -> Answer {
        /// Bytes of each of the six parts.
        const PART: u64 = 65;
        user::zero(into, 6 * PART)?;
        let parts: [&[u8]; 5] = [b"Linux", b"sandbox", b"6.1.0", b"#1", b"x86_64"];
        for (number, part) in (0_u64..).zip(parts) {
            user::bytes_mut(into + number * PART, part.len() as u64)?.copy_from_slice(part);
        }
        Ok(0)
    }

    fn system_information(&mut self, into: u64) -> Answer {
        let uptime = self.platform.monotonic_ns() / 1_000_000_000;
        let (size, taken) = (self.memory.arena.size(), self.memory.arena.taken());
        let mut words = [0_u64; 14];
        let values = [uptime, 0, 0, 0, size, size - taken];
        words.iter_mut().zip(values).for_each(|(place, value)| *place = value);
        // Processes, behind the words of the swap; and the size of a unit.
        let last = [(10, 1), (13, 1)];
        for (number, value) in last {
            if let Some(word) = words.get_mut(number) {
                *word = value;
            }
        }
        user::write(into, words)?;
        Ok(0)
    }

    fn usage(&mut self, into: u64) -> Answer {
        let used = self.processor_ns();
        let mut words = [0_u64; 18];
        let values =
            [used / 1_000_000_000, used % 1_000_000_000 / 1000, 0, 0, self.memory.arena.taken() / 1024];
        words.iter_mut().zip(values).for_each(|(place, value)| *place = value);
        user::write(into, words)?;
        Ok(0)
    }

    fn limit(&mut self, which: u64, into: u64) -> Answer {
        if which >= LIMITS {
            return Err(Errno::INVAL.into());
        }
        let limits = match which {
            STACK => [self.memory.stack_limit(); 2],
            FILES => [MAX_DESCRIPTORS as u64; 2],
            _ => [u64::MAX; 2],
        };
        user::write_if(into, limits)?;
        Ok(0)
    }

    fn get_random(&mut self, into: u64, len: u64, flags: u64) -> Answer {
        if flags & !RANDOM_FLAGS != 0 {
            return Err(Errno::INVAL.into());
        }
        let bytes = user::bytes_mut(into, len.min(0x7fff_ffff))?;
        self.platform.random(bytes);
        Ok(bytes.len() as u64)
    }

    fn process_control(&mut self, operation: u64, argument: u64) -> Answer {
        match operation {
            SET_NAME => {
                let name = user::path(argument)?;
                let mut short = [0; 16];
                short.iter_mut().zip(name.iter().take(15)).for_each(|(place, byte)| *place = *byte);
                self.threads.current().name = short;
            }
            GET_NAME => {
                let name = self.threads.current().name;
                user::write(argument, name)?;
            }
            GET_DUMPABLE | SET_NO_NEW_PRIVILEGES => {}
            SET_VMA => return Err(Errno::INVAL.into()),
            _ => return Err(Errno::INVAL.into()),
        }
        Ok(0)
    }
}
