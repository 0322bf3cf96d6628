//! The failures of host functions in the current call, by the tokens that the guest received for them.
//!
//! A guest may catch several failures and pass on the first. The last ones are kept, up to a bound on the memory that a
//! guest can make the host hold: an error's text often repeats the guest's input, and a traceback may hold the
//! arguments of the call.

use std::collections::VecDeque;

use libhyperlight_abi::limits::MAX_HOST_FAILURES;

use crate::error::BoxError;

/// Bound on the bytes of all kept failures: their texts and the arguments of the calls. The last one is always kept.
const MAX_BYTES: usize = 1 << 20;

/// A host function's failure: the values that the guest received, and the original.
#[derive(Debug)]
pub(super) struct Failure {
    pub token: u64,
    pub status: i32,
    pub source: BoxError,
    /// Bytes of its text and of the call's arguments.
    pub bytes: usize,
}

/// The failures of one call, oldest first.
#[derive(Debug, Default)]
pub(super) struct Failures {
    kept: VecDeque<Failure>,
    bytes: usize,
}

impl Failures {
    /// Keeps a failure, in place of the oldest if there are too many.
    pub fn keep(&mut self, failure: Failure) {
        self.bytes = self.bytes.saturating_add(failure.bytes);
        self.kept.push_back(failure);
        while self.kept.len() > MAX_HOST_FAILURES || self.kept.len() > 1 && self.bytes > MAX_BYTES {
            let oldest = self.kept.pop_front().map_or(0, |oldest| oldest.bytes);
            self.bytes = self.bytes.saturating_sub(oldest);
        }
    }

    /// Takes the failure with that token, if it is still kept.
    pub fn take(&mut self, token: u64) -> Option<Failure> {
        let at = self.kept.iter().position(|failure| failure.token == token)?;
        let found = self.kept.remove(at)?;
        self.bytes = self.bytes.saturating_sub(found.bytes);
        Some(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(token: u64, bytes: usize) -> Failure {
        Failure { token, status: 0, source: "text".into(), bytes }
    }

    #[test]
    fn the_last_ones_are_kept_and_no_more() {
        let mut failures = Failures::default();
        let last = MAX_HOST_FAILURES as u64 + 10;
        (1..=last).for_each(|token| failures.keep(failure(token, 1)));
        for token in 0..=10 {
            assert!(failures.take(token).is_none(), "{token}");
        }
        for token in 11..=last {
            assert_eq!(failures.take(token).map(|failure| failure.token), Some(token));
        }
    }

    #[test]
    fn long_ones_take_the_place_of_several() {
        let mut failures = Failures::default();
        (1..=4).for_each(|token| failures.keep(failure(token, MAX_BYTES / 4)));
        failures.keep(failure(5, MAX_BYTES / 2));
        assert_eq!(failures.kept.iter().map(|failure| failure.token).collect::<Vec<_>>(), [3, 4, 5]);
        failures.keep(failure(6, 2 * MAX_BYTES));
        assert_eq!(failures.kept.iter().map(|failure| failure.token).collect::<Vec<_>>(), [6]);
    }
}
