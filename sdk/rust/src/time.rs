//! The host's clocks, read without a VM exit; and sleep, which asks the host.
//!
//! Each call brings the time, and the time-stamp counter measures from there. If the host does not know the counter's
//! rate, the clocks stand still during a call, except for its sleeps.

use core::cell::Cell;
use core::time::Duration;

use crate::context::{self, Arrival};
use crate::single::Single;

/// The last reading, by generation: within a generation, the monotonic clock never goes back.
static LAST: Single<Cell<(u64, u64)>> = Single::new(Cell::new((0, 0)));

/// Returns the host's monotonic clock in nanoseconds. It does not go back, but it may jump ahead between calls.
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

/// Returns the host's wall clock: nanoseconds since 1970-01-01 UTC.
pub fn wall_ns() -> u64 {
    let arrival = context::current();
    arrival.context.wall_ns.saturating_add(elapsed_ns(&arrival))
}

/// Sleeps for a duration; see [`sleep_until`].
pub fn sleep(duration: Duration) {
    let duration = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
    sleep_until(monotonic_ns().saturating_add(duration));
}

/// Sleeps until a time of the clock of [`monotonic_ns`]; returns at once if it has passed. Meanwhile the guest uses no
/// processor time. The host may end the call at any time: then this does not return.
pub fn sleep_until(deadline_ns: u64) {
    if deadline_ns > monotonic_ns() {
        context::wait(deadline_ns);
    }
}

/// Returns the frequency of the time-stamp counter in hertz, if the host knows it.
pub fn tsc_hz() -> Option<u64> {
    Some(context::current().context.tsc_hz).filter(|hz| *hz != 0)
}

/// Reads the time-stamp counter.
pub fn tsc() -> u64 {
    context::ticks()
}

/// Returns the nanoseconds since the context arrived.
fn elapsed_ns(arrival: &Arrival) -> u64 {
    let hz = u128::from(arrival.context.tsc_hz);
    let ticks = u128::from(context::ticks().saturating_sub(arrival.ticks));
    (ticks * 1_000_000_000).checked_div(hz).and_then(|ns| u64::try_from(ns).ok()).unwrap_or(0)
}
