//! The arena: addresses for anonymous memory.
//!
//! Everything from [`Arena::fresh`] on was never handed out, and is zero because the engine made it so. What is below
//! and free has been used, and is zeroed when it is handed out again.

use alloc::collections::BTreeMap;

use crate::errno::Errno;
use crate::user;

/// A range of addresses, parts of which are handed out.
#[derive(Debug)]
pub(crate) struct Arena {
    start: u64,
    end: u64,
    fresh: u64,
    /// Free ranges below `fresh`, by their starts; no two of them touch.
    free: BTreeMap<u64, u64>,
}

impl Arena {
    pub fn new(start: u64, end: u64) -> Self {
        Self { start, end, fresh: start, free: BTreeMap::new() }
    }

    pub fn contains(&self, address: u64) -> bool {
        (self.start..self.end).contains(&address)
    }

    /// The range that was handed out at some time.
    pub fn used(&self) -> (u64, u64) {
        (self.start, self.fresh)
    }

    /// Bytes that are handed out.
    pub fn taken(&self) -> u64 {
        self.fresh - self.start - self.free.iter().map(|(start, end)| end - start).sum::<u64>()
    }

    /// Bytes in all.
    pub fn size(&self) -> u64 {
        self.end - self.start
    }

    /// Takes zeroed memory of whole pages.
    pub fn take(&mut self, len: u64) -> Result<u64, Errno> {
        let found =
            self.free.iter().find(|(start, end)| *end - *start >= len).map(|(start, end)| (*start, *end));
        if let Some((start, end)) = found {
            self.free.remove(&start);
            if start + len < end {
                self.free.insert(start + len, end);
            }
            user::zero(start, len)?;
            return Ok(start);
        }
        // A free range at the end grows.
        let last = self
            .free
            .last_key_value()
            .map(|(start, end)| (*start, *end))
            .filter(|(_, end)| *end == self.fresh);
        let start = last.map_or(self.fresh, |(start, _)| start);
        let end = start.checked_add(len).filter(|end| *end <= self.end).ok_or(Errno::NOMEM)?;
        if last.is_some() {
            self.free.remove(&start);
            user::zero(start, self.fresh - start)?;
        }
        self.fresh = end;
        Ok(start)
    }

    /// Takes exactly that range if nothing of it is handed out.
    pub fn take_at(&mut self, start: u64, len: u64) -> bool {
        let Some(end) = start.checked_add(len).filter(|end| *end <= self.end && start >= self.start) else {
            return false;
        };
        if start >= self.fresh {
            if start > self.fresh {
                self.add_free(self.fresh, start);
            }
            self.fresh = end;
            return true;
        }
        let Some((from, to)) = self.free.range(..=start).next_back().map(|(from, to)| (*from, *to)) else {
            return false;
        };
        if to < end.min(self.fresh) || end > self.fresh && to != self.fresh {
            return false;
        }
        self.free.remove(&from);
        if from < start {
            self.free.insert(from, start);
        }
        if end < to {
            self.free.insert(end, to);
        }
        self.fresh = self.fresh.max(end);
        user::zero(start, to.min(end) - start).is_ok()
    }

    /// Takes that range, whatever is in it now, as a fixed mapping does. Its contents become zero.
    pub fn replace(&mut self, start: u64, len: u64) -> Result<(), Errno> {
        let end = start
            .checked_add(len)
            .filter(|end| *end <= self.end && start >= self.start)
            .ok_or(Errno::NOMEM)?;
        let used = self.fresh.min(end);
        if start < used {
            user::zero(start, used - start)?;
        }
        self.give_back(start, len);
        self.take_at(start, len);
        Ok(())
    }

    /// Gives memory back, or what of it is handed out.
    pub fn give_back(&mut self, start: u64, len: u64) {
        let end = start.saturating_add(len).min(self.fresh);
        let start = start.max(self.start);
        if start < end {
            self.add_free(start, end);
        }
    }

    fn add_free(&mut self, mut start: u64, mut end: u64) {
        // Joined with all that it overlaps or touches.
        while let Some((from, to)) = self.free.range(..=end).next_back().map(|(from, to)| (*from, *to)) {
            if to < start {
                break;
            }
            self.free.remove(&from);
            (start, end) = (start.min(from), end.max(to));
        }
        self.free.insert(start, end);
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;
    use alloc::vec::Vec;

    use super::*;
    use crate::memory::PAGE;

    /// Memory that an arena can be in, page-aligned.
    fn memory(pages: u64) -> (Vec<u8>, u64) {
        let bytes = vec![0_u8; usize::try_from((pages + 1) * PAGE).unwrap()];
        let start = (bytes.as_ptr().expose_provenance() as u64).next_multiple_of(PAGE);
        (bytes, start)
    }

    #[test]
    fn memory_that_is_handed_out_again_is_zero() {
        let (_bytes, start) = memory(4);
        let mut arena = Arena::new(start, start + 4 * PAGE);
        let first = arena.take(PAGE).unwrap();
        user::bytes_mut(first, PAGE).unwrap().fill(7);
        arena.give_back(first, PAGE);
        let again = arena.take(PAGE).unwrap();
        assert_eq!(again, first);
        assert!(user::bytes(again, PAGE).unwrap().iter().all(|byte| *byte == 0));
    }

    #[test]
    fn no_address_is_handed_out_twice() {
        let (_bytes, start) = memory(64);
        let mut arena = Arena::new(start, start + 64 * PAGE);
        let mut taken: Vec<(u64, u64)> = Vec::new();
        let mut state = 1_u64;
        for _ in 0..5000 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let len = (1 + (state >> 40) % 5) * PAGE;
            if (state >> 60) < 8 {
                if let Ok(at) = arena.take(len) {
                    assert!(at >= start && at + len <= start + 64 * PAGE);
                    assert!(taken.iter().all(|(other, size)| at + len <= *other || other + size <= at));
                    assert!(user::bytes(at, len).unwrap().iter().all(|byte| *byte == 0));
                    user::bytes_mut(at, len).unwrap().fill(1);
                    taken.push((at, len));
                }
            } else if !taken.is_empty() {
                let number = usize::try_from(state >> 32).unwrap() % taken.len();
                let (at, len) = taken.swap_remove(number);
                arena.give_back(at, len);
            }
            assert_eq!(arena.taken(), taken.iter().map(|(_, len)| len).sum::<u64>());
        }
    }

    #[test]
    fn a_range_is_taken_at_its_place_only_when_all_of_it_is_free() {
        let (_bytes, start) = memory(8);
        let mut arena = Arena::new(start, start + 8 * PAGE);
        let first = arena.take(4 * PAGE).unwrap();
        arena.give_back(first + PAGE, 2 * PAGE);
        assert!(!arena.take_at(first + PAGE, 3 * PAGE));
        assert!(arena.take_at(first + PAGE, 2 * PAGE));
        assert!(!arena.take_at(first, PAGE));
        assert!(arena.take_at(first + 4 * PAGE, 4 * PAGE));
        assert!(!arena.take_at(first + 8 * PAGE, PAGE));
        assert_eq!(arena.taken(), 8 * PAGE);
    }

    #[test]
    fn what_is_given_back_from_elsewhere_changes_nothing() {
        let (_bytes, start) = memory(4);
        let mut arena = Arena::new(start, start + 4 * PAGE);
        arena.take(2 * PAGE).unwrap();
        arena.give_back(start - 3 * PAGE, 2 * PAGE);
        arena.give_back(start + 4 * PAGE, PAGE);
        assert_eq!(arena.taken(), 2 * PAGE);
        arena.give_back(start - PAGE, 2 * PAGE);
        assert_eq!(arena.taken(), PAGE);
    }
}
