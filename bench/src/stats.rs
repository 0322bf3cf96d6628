//! Samples, and what they say.

use std::time::{Duration, Instant};

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

    /// Times `times` repetitions together, for what is too short to be timed alone.
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
