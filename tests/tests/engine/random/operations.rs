//! Random operations on sandboxes against their models: each follows its model, whatever happens to it or to others.
#![expect(clippy::print_stdout, reason = "who wants to see a failure again needs the seed")]

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use libhyperlight_tests::operations::World;

/// Plays until the time is up. Prints the seed, and the step of a failure.
fn play(seed: u64, time: Duration) {
    let (start, mut world, mut steps) = (Instant::now(), World::new(seed), 0);
    while start.elapsed() < time {
        let step = catch_unwind(AssertUnwindSafe(|| world.step()));
        steps += 1;
        if let Err(panic) = step {
            println!("that was step {steps} of the world of seed {seed}");
            resume_unwind(panic);
        }
    }
    println!("seed {seed}: {steps} steps, {:?}", world.done().collect::<Vec<_>>());
    world.clear();
}

#[test]
fn a_world_that_is_always_the_same_goes_as_its_model_says() {
    play(1, Duration::from_secs(4));
}

#[test]
fn a_world_that_is_new_each_time_goes_as_its_model_says() {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    play(u64::from(now.subsec_nanos()) ^ now.as_secs(), Duration::from_secs(4));
}
