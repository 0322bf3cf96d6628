//! `make soak`: random operations on sandboxes for some time, by two threads at once; the process must not grow by it.
//!
//!     soak [SECONDS [SEED]]
//!
//! Ends with `N passed, N failed`.
#![expect(clippy::print_stdout, reason = "a program: it prints what it finds")]

use std::env;
use std::process::ExitCode;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use libhyperlight_tests::soak::soak;

fn main() -> ExitCode {
    if let Err(error) = libhyperlight::probe() {
        println!("no hypervisor: {error}");
        return ExitCode::FAILURE;
    }
    let numbers: Result<Vec<u64>, _> = env::args().skip(1).map(|number| number.parse()).collect();
    let Ok(numbers) = numbers else {
        println!("usage: soak [SECONDS [SEED]]");
        return ExitCode::FAILURE;
    };
    let seconds = numbers.first().copied().unwrap_or(60);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let seed = numbers.get(1).copied().unwrap_or(now.as_secs());
    println!("{seconds} seconds with seed {seed}");

    let outcome = soak(seed, Duration::from_secs(seconds), 500);
    for (operation, times) in &outcome.done {
        println!("{times:>10} {operation}");
    }
    let (warm, most) = outcome.resident;
    println!("{} MiB were resident when warm, {} MiB at most afterwards", warm >> 20, most >> 20);
    for failure in &outcome.failures {
        println!("FAILED: {failure}");
    }
    println!("{} passed, {} failed", outcome.passed, outcome.failures.len());
    if outcome.failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
