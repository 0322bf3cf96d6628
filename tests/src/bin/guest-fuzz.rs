//! Executes random bytes as guest code: `guest-fuzz [SECONDS [SEED]]`. Prints the seed, and how the executions ended.
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a program: it prints what it finds, and stops at what it did not expect"
)]

use std::time::{Duration, SystemTime};

use libhyperlight_tests::guest_fuzz::GuestFuzz;

/// After as much time a new guest, with other code.
const ROUND: Duration = Duration::from_secs(5);

fn main() {
    let mut arguments = std::env::args().skip(1);
    let seconds: u64 = arguments.next().map_or(60, |text| text.parse().unwrap());
    let clock = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    let mut seed =
        arguments.next().map_or_else(|| u64::from(clock.subsec_nanos()), |text| text.parse().unwrap());
    let (mut left, mut executions) = (Duration::from_secs(seconds), 0);
    while !left.is_zero() {
        println!("seed {seed}");
        let mut fuzz = GuestFuzz::new(seed);
        let round = left.min(ROUND);
        let steps = fuzz.run(round);
        executions += steps;
        println!("  {steps} executions: {:?}", fuzz.ends);
        (left, seed) = (left - round, seed.wrapping_add(1));
    }
    println!("{executions} executions");
}
