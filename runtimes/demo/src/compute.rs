//! Time, random numbers, and work of a given duration.

use alloc::vec;
use alloc::vec::Vec;
use core::hint::{black_box, spin_loop};

use libhyperlight_guest::{Result, ensure, guest_function, random, time};

use crate::errors::UNEXPECTED;

#[guest_function("Spin")]
fn spin_for_ever() {
    spin()
}

/// Runs until the call is stopped.
pub fn spin() -> ! {
    loop {
        spin_loop();
    }
}

/// Runs for that long, and returns the number of rounds.
#[guest_function("SpinForMs")]
fn spin_for_ms(ms: u32) -> Result<u64> {
    let Some(hz) = time::tsc_hz() else {
        libhyperlight_guest::bail!(UNEXPECTED, "the host does not know the rate of the time-stamp counter");
    };
    let ticks = u128::from(hz) * u128::from(ms) / 1000;
    let start = time::tsc();
    let mut rounds = 0;
    while u128::from(time::tsc().wrapping_sub(start)) < ticks {
        rounds += 1;
        spin_loop();
    }
    Ok(rounds)
}

#[guest_function("Fibonacci")]
fn fibonacci(n: u32) -> u64 {
    if black_box(n) < 2 { u64::from(n) } else { fibonacci(n - 1) + fibonacci(n - 2) }
}

#[guest_function("RandomBytes")]
fn random_bytes(len: u32) -> Vec<u8> {
    let mut bytes = vec![0; len as usize];
    random::fill(&mut bytes);
    bytes
}

/// The host's monotonic clock, in nanoseconds.
#[guest_function("GuestTime")]
fn guest_time() -> u64 {
    time::monotonic_ns()
}

/// The host's wall clock, in nanoseconds since 1970.
#[guest_function("GuestWallTime")]
fn guest_wall_time() -> u64 {
    time::wall_ns()
}

/// Reads the clock that often, and fails if it ever goes back.
#[guest_function("CheckClock")]
fn check_clock(readings: u32) -> Result<u64> {
    let mut last = time::monotonic_ns();
    for _ in 0..readings {
        let now = time::monotonic_ns();
        ensure!(now >= last, UNEXPECTED, "the clock went back from {last} to {now}");
        last = now;
    }
    Ok(last)
}

/// Sets every bit of every SSE register: a restore must clear them.
#[guest_function("UseSSE2Registers")]
fn use_sse2_registers() {
    // SAFETY: the registers that are written are declared.
    unsafe {
        core::arch::asm!(
            "pcmpeqd xmm0, xmm0",
            "movdqa xmm1, xmm0",
            "movdqa xmm2, xmm0",
            "movdqa xmm3, xmm0",
            "movdqa xmm4, xmm0",
            "movdqa xmm5, xmm0",
            "movdqa xmm6, xmm0",
            "movdqa xmm7, xmm0",
            "movdqa xmm8, xmm0",
            "movdqa xmm9, xmm0",
            "movdqa xmm10, xmm0",
            "movdqa xmm11, xmm0",
            "movdqa xmm12, xmm0",
            "movdqa xmm13, xmm0",
            "movdqa xmm14, xmm0",
            "movdqa xmm15, xmm0",
            out("xmm0") _, out("xmm1") _, out("xmm2") _, out("xmm3") _,
            out("xmm4") _, out("xmm5") _, out("xmm6") _, out("xmm7") _,
            out("xmm8") _, out("xmm9") _, out("xmm10") _, out("xmm11") _,
            out("xmm12") _, out("xmm13") _, out("xmm14") _, out("xmm15") _,
            options(nomem, nostack),
        );
    }
}
