//! The host's clocks, read without asking the host; and sleeping, for which it is asked.
//!
//! Each call brings the time; from there on the time-stamp counter measures. On a host that does not know the
//! counter's rate the clocks stand still during a call, but for what it sleeps.

use core::cell::Cell;
use core::time::Duration;

use crate::context::{self, Arrival};
use crate::single::Single;

/// The last reading, by generation: within one, the monotonic clock never goes back.
static LAST: Single<Cell<(u64, u64)>> = Single::new(Cell::new((0, 0)));

/// Nanoseconds of the host's monotonic clock. It does not go back, but it may jump ahead between calls.
pub fn monotonic_ns() -> u64 {
    let arrival = context::current();
    let now = arrival.context.monotonic_ns.saturating_add(elapsed_ns(&arrival));
    let generation = arrival.context.generation;
    let (of, last) = LAST.get();
    // The counter's rate is an approximation: a new call's time may lie a little before the old one's estimate.
    let now = if of == generation { now.max(last) } else { now };
    LAST.set((generation, now));
    now
}

/// Nanoseconds since 1970-01-01 UTC, by the host's clock.
pub fn wall_ns() -> u64 {
    let arrival = context::current();
    arrival.context.wall_ns.saturating_add(elapsed_ns(&arrival))
}

/// Sleeps for that long; see [`sleep_until`].
pub fn sleep(duration: Duration) {
    let duration = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
    sleep_until(monotonic_ns().saturating_add(duration));
}

/// Sleeps until that time on the clock of [`monotonic_ns`], not at all if it has passed. Meanwhile the guest takes no
/// processor time. The host may end the call, as it may at any time: then this does not return.
pub fn sleep_until(deadline_ns: u64) {
    if deadline_ns > monotonic_ns() {
        context::wait(deadline_ns);
    }
}

/// Ticks of the time-stamp counter in a second, where the host knows them.
pub fn tsc_hz() -> Option<u64> {
    Some(context::current().context.tsc_hz).filter(|hz| *hz != 0)
}

/// The time-stamp counter.
pub fn tsc() -> u64 {
    context::ticks()
}

/// Nanoseconds since the context came.
fn elapsed_ns(arrival: &Arrival) -> u64 {
    let hz = u128::from(arrival.context.tsc_hz);
    let ticks = u128::from(context::ticks().saturating_sub(arrival.ticks));
    (ticks * 1_000_000_000).checked_div(hz).and_then(|ns| u64::try_from(ns).ok()).unwrap_or(0)
}
