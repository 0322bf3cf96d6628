//! Sleeping: the host wakes the guest.

use core::time::Duration;

use libhyperlight_guest::{Result, guest_function, host_call, time};

/// Sleeps, and returns the duration by the guest's own clock.
#[guest_function("SleepFor")]
fn sleep_for(ns: u64) -> u64 {
    let begun = time::monotonic_ns();
    time::sleep(Duration::from_nanos(ns));
    time::monotonic_ns() - begun
}

/// Calls the named host function, then sleeps.
#[guest_function("CallHostThenSleep")]
fn call_host_then_sleep(name: &str, ns: u64) -> Result<()> {
    host_call(name, &[])?;
    time::sleep(Duration::from_nanos(ns));
    Ok(())
}

/// Sleeps until that time, and returns the time after it.
#[guest_function("SleepUntil")]
fn sleep_until(deadline_ns: u64) -> u64 {
    time::sleep_until(deadline_ns);
    time::monotonic_ns()
}

/// Sleeps again and again.
#[guest_function("SleepLoop")]
fn sleep_loop(ns: u64, count: u32) {
    for _ in 0..count {
        time::sleep(Duration::from_nanos(ns));
    }
}
