//! Samples: taking them in turns, and evaluating them.

use std::array;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// True for a few rounds only, to see that everything runs: `--smoke`.
static IS_SMOKE: AtomicBool = AtomicBool::new(false);

/// Makes every measurement from now on a short one, whose figures mean nothing.
pub fn smoke() {
    IS_SMOKE.store(true, Ordering::Relaxed);
}

/// As many rounds, or a few.
pub fn rounds(count: usize) -> usize {
    if IS_SMOKE.load(Ordering::Relaxed) { count.min(3) } else { count }
}

/// Measures several things in turns, one of each in a round, so that other load on the machine affects all of them. A
/// twentieth of the rounds comes first, uncounted, to warm everything up.
pub fn in_turns<const N: usize>(count: usize, mut round: impl FnMut(&mut [Samples; N])) -> [Samples; N] {
    let samples = || array::from_fn(|_| Samples::default());
    let mut uncounted = samples();
    (0..rounds(count / 20 + 1)).for_each(|_| round(&mut uncounted));
    let mut counted = samples();
    (0..rounds(count)).for_each(|_| round(&mut counted));
    counted
}

/// Times of one thing, in nanoseconds.
#[derive(Clone, Debug, Default)]
pub struct Samples(Vec<f64>);

impl Samples {
    /// Times `work` once.
    pub fn time<R>(&mut self, work: impl FnOnce() -> R) -> R {
        let start = Instant::now();
        let result = work();
        self.add(start.elapsed());
        result
    }

    /// Times `times` repetitions together, for work that is too short to be timed alone.
    pub fn time_many(&mut self, times: u32, mut work: impl FnMut()) {
        let start = Instant::now();
        for _ in 0..times {
            work();
        }
        self.add(start.elapsed() / times);
    }

    /// Adds a time.
    pub fn add(&mut self, time: Duration) {
        self.0.push(time.as_secs_f64() * 1e9);
    }

    /// Every one, in the order in which they were added.
    pub fn all(&self) -> impl Iterator<Item = f64> {
        self.0.iter().copied()
    }

    /// The time that `share` of the samples stay below.
    pub fn quantile(&self, share: f64) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        let last = sorted.len().saturating_sub(1);
        sorted.get((last as f64 * share).round() as usize).copied().unwrap_or(f64::NAN)
    }
}
