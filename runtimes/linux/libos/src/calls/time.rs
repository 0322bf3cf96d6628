//! Clocks, sleep and timers.

use crate::errno::{Answer, Errno, Stop};
use crate::kernel::Kernel;
use crate::platform::Platform;
use crate::user;

const SECOND: u64 = 1_000_000_000;

/// The flag of a sleep until a time.
const ABSOLUTE: u64 = 1;

/// Clock ticks in a second, for `times`.
const TICKS: u64 = 100;

/// A length of time at an address, in seconds and nanoseconds; none if the address is NULL.
pub(super) fn span(address: u64) -> Result<Option<u64>, Errno> {
    if address == 0 {
        return Ok(None);
    }
    let [seconds, ns] = user::read::<[u64; 2]>(address)?;
    if seconds.cast_signed() < 0 || ns >= SECOND {
        return Err(Errno::INVAL);
    }
    Ok(Some(seconds.saturating_mul(SECOND).saturating_add(ns)))
}

/// The same in seconds and microseconds.
pub(super) fn span_us(address: u64) -> Result<Option<u64>, Errno> {
    if address == 0 {
        return Ok(None);
    }
    let [seconds, us] = user::read::<[u64; 2]>(address)?;
    if seconds.cast_signed() < 0 || us.cast_signed() < 0 {
        return Err(Errno::INVAL);
    }
    Ok(Some(seconds.saturating_mul(SECOND).saturating_add(us.saturating_mul(1000))))
}

fn parts(ns: u64) -> [u64; 2] {
    [ns / SECOND, ns % SECOND]
}

fn parts_us(ns: u64) -> [u64; 2] {
    [ns / SECOND, ns % SECOND / 1000]
}

impl<P: Platform> Kernel<P> {
    /// The time of one of Linux's clocks.
    fn clock_ns(&mut self, clock: u64) -> Result<u64, Errno> {
        match clock & 0xffff_ffff {
            // The wall clock, exact and coarse, and atomic time.
            0 | 5 | 11 => Ok(self.platform.wall_ns()),
            // Monotonic clocks.
            1 | 4 | 6 | 7 => Ok(self.platform.monotonic_ns()),
            // The processor time of the process and of the thread, by these names or as clocks of their own.
            2 | 3 | 0x8000_0000.. => Ok(self.processor_ns()),
            _ => Err(Errno::INVAL),
        }
    }

    pub(super) fn clock(&mut self, clock: u64, into: u64) -> Answer {
        let time = self.clock_ns(clock)?;
        user::write(into, parts(time))?;
        Ok(0)
    }

    pub(super) fn clock_resolution(&mut self, clock: u64, into: u64) -> Answer {
        self.clock_ns(clock)?;
        user::write_if(into, [0_u64, 1])?;
        Ok(0)
    }

    pub(super) fn time_of_day(&mut self, into: u64) -> Answer {
        let time = self.platform.wall_ns();
        user::write_if(into, parts_us(time))?;
        Ok(0)
    }

    pub(super) fn time(&mut self, into: u64) -> Answer {
        let seconds = self.platform.wall_ns() / SECOND;
        user::write_if(into, seconds)?;
        Ok(seconds)
    }

    pub(super) fn times(&mut self, into: u64) -> Answer {
        let ticks = self.processor_ns() / (SECOND / TICKS);
        user::write_if(into, [ticks, 0_u64, 0, 0])?;
        let now = self.platform.monotonic_ns();
        Ok(now / (SECOND / TICKS))
    }

    pub(super) fn sleep(&mut self, clock: u64, flags: u64, time: u64) -> Answer {
        let time = span(time)?.ok_or(Errno::FAULT)?;
        let timeout = if flags & ABSOLUTE == 0 { time } else { time.saturating_sub(self.clock_ns(clock)?) };
        let deadline = self.deadline(timeout);
        if self.platform.monotonic_ns() >= deadline { Ok(0) } else { Err(Stop::Wait) }
    }

    pub(super) fn set_alarm(&mut self, seconds: u64) -> Answer {
        let left = self.alarm_left().0.div_ceil(SECOND);
        let now = self.platform.monotonic_ns();
        let seconds = seconds & 0xffff_ffff;
        self.alarm = (seconds != 0).then(|| (now.saturating_add(seconds * SECOND), 0));
        Ok(left)
    }

    pub(super) fn set_timer(&mut self, which: u64, new: u64, old: u64) -> Answer {
        // Others count processor time, which is not known here.
        if which != 0 {
            return Err(Errno::INVAL.into());
        }
        let (left, interval) = self.alarm_left();
        let (new_interval, value) =
            (span_us(new)?.unwrap_or(0), if new == 0 { None } else { span_us(new + 16)? });
        if old != 0 {
            user::write(old, [parts_us(interval), parts_us(left)])?;
        }
        let now = self.platform.monotonic_ns();
        self.alarm = value.filter(|value| *value != 0).map(|value| (now.saturating_add(value), new_interval));
        Ok(0)
    }

    pub(super) fn get_timer(&mut self, which: u64, into: u64) -> Answer {
        let (left, interval) = if which == 0 { self.alarm_left() } else { (0, 0) };
        user::write(into, [parts_us(interval), parts_us(left)])?;
        Ok(0)
    }

    /// The time until the alarm, and its interval.
    fn alarm_left(&mut self) -> (u64, u64) {
        let now = self.platform.monotonic_ns();
        self.alarm.map_or((0, 0), |(deadline, interval)| (deadline.saturating_sub(now).max(1), interval))
    }
}
