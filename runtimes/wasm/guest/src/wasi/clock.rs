//! WASI's clocks: the host's two, and processor time.

use libhyperlight_guest::time;

use super::errno::Errno;

/// Clocks, and the part of the monotonic one that the call has slept.
#[derive(Debug, Default)]
pub(super) struct Clocks {
    slept: u64,
}

/// A clock that can be waited for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Clock {
    Wall,
    Monotonic,
}

impl Clock {
    /// The clock of that number.
    pub fn new(number: u32) -> Result<Self, Errno> {
        match number {
            0 => Ok(Self::Wall),
            1 => Ok(Self::Monotonic),
            // Processor time stands still while its program waits.
            2 | 3 => Err(Errno::NOTSUP),
            _ => Err(Errno::INVAL),
        }
    }

    pub fn now(self) -> u64 {
        match self {
            Self::Wall => time::wall_ns(),
            Self::Monotonic => time::monotonic_ns(),
        }
    }
}

impl Clocks {
    /// Nanoseconds of the clock of that number.
    pub fn now(&self, number: u32) -> Result<u64, Errno> {
        match number {
            // A program has a processor to itself, but for when it sleeps.
            2 | 3 => Ok(time::monotonic_ns().saturating_sub(self.slept)),
            _ => Ok(Clock::new(number)?.now()),
        }
    }

    /// Begins a call. Earlier sleeps are forgotten, because the clock can be another host's.
    pub fn begin(&mut self) {
        self.slept = 0;
    }

    /// Waits until that time of the monotonic clock. Returns the time after it.
    pub fn wait(&mut self, deadline: u64) -> u64 {
        let before = time::monotonic_ns();
        time::sleep_until(deadline);
        // The sleep lasted until then, even if the clock is coarser than that.
        let after = time::monotonic_ns().max(deadline);
        self.slept = self.slept.saturating_add(after.saturating_sub(before));
        after
    }
}
