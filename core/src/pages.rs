//! Pages, and sets of them.

use std::ops::Range;

/// Bytes of a page.
pub(crate) const PAGE: u64 = 4096;

/// A set of whole pages, as ranges of guest physical addresses: ascending, apart, none empty.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct PageSet(Vec<Range<u64>>);

impl PageSet {
    /// The set without pages.
    pub fn empty() -> &'static Self {
        static EMPTY: PageSet = PageSet(Vec::new());
        &EMPTY
    }

    /// Adds a range that starts at or behind everything in the set.
    pub fn append(&mut self, range: Range<u64>) {
        if range.is_empty() {
            return;
        }
        debug_assert!(self.0.last().is_none_or(|last| last.start <= range.start), "ranges come in order");
        match self.0.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => self.0.push(range),
        }
    }

    /// Makes it empty. The room of a few ranges is kept for the next ones, that of many is not.
    pub fn clear(&mut self) {
        const KEPT: usize = 1024;
        if self.0.capacity() > KEPT {
            self.0 = Vec::new();
        } else {
            self.0.clear();
        }
    }

    /// The part of the set that has its first `len` bytes.
    pub fn first(&self, len: u64) -> Self {
        let (mut first, mut left) = (Self::default(), len);
        for range in self.iter() {
            let end = range.end.min(range.start.saturating_add(left));
            left -= end - range.start;
            first.append(range.start..end);
        }
        first
    }

    /// Bytes in the set.
    pub fn len(&self) -> u64 {
        self.0.iter().map(|range| range.end - range.start).sum()
    }

    pub fn iter(&self) -> impl Iterator<Item = Range<u64>> {
        self.0.iter().cloned()
    }

    /// What is in either.
    pub fn union(&self, other: &Self) -> Self {
        self.iter().chain(other.iter()).collect()
    }

    /// What is in this one only.
    pub fn difference(&self, other: &Self) -> Self {
        let mut difference = Self::default();
        for range in self.iter() {
            let mut start = range.start;
            for hole in other.within(&range) {
                difference.append(start..hole.start);
                start = hole.end;
            }
            difference.append(start..range.end);
        }
        difference
    }

    /// The parts of the set inside `range`.
    pub fn within(&self, range: &Range<u64>) -> impl Iterator<Item = Range<u64>> {
        let first = self.0.partition_point(|mine| mine.end <= range.start);
        let (start, end) = (range.start, range.end);
        self.0[first..]
            .iter()
            .take_while(move |mine| mine.start < end)
            .map(move |mine| mine.start.max(start)..mine.end.min(end))
    }
}

/// The set of ranges in any order.
impl FromIterator<Range<u64>> for PageSet {
    fn from_iter<I: IntoIterator<Item = Range<u64>>>(ranges: I) -> Self {
        let mut ranges: Vec<_> = ranges.into_iter().collect();
        ranges.sort_unstable_by_key(|range| range.start);
        let mut set = Self::default();
        ranges.into_iter().for_each(|range| set.append(range));
        set
    }
}

/// Whether there is nothing in these bytes of a page.
pub(crate) fn is_zero(page: &[u8]) -> bool {
    // Of 4096 bytes, so that the comparison is one.
    static ZEROS: [u8; 4096] = [0; 4096];
    ZEROS.starts_with(page)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn set(pages: &BTreeSet<u64>) -> PageSet {
        let mut set = PageSet::default();
        for page in pages {
            set.append(*page..page + 1);
        }
        set
    }

    fn pages(set: &PageSet) -> BTreeSet<u64> {
        set.iter().flatten().collect()
    }

    proptest! {
        #[test]
        fn operations_are_those_of_sets(
            a in prop::collection::btree_set(0_u64..64, 0..40),
            b in prop::collection::btree_set(0_u64..64, 0..40),
            range in (0_u64..64, 0_u64..64),
        ) {
            let (left, right) = (set(&a), set(&b));
            prop_assert_eq!(pages(&left.union(&right)), &a | &b);
            prop_assert_eq!(pages(&left.difference(&right)), &a - &b);
            prop_assert_eq!(left.len(), a.len() as u64);
            prop_assert_eq!(&a.iter().rev().map(|page| *page..page + 1).collect::<PageSet>(), &left);
            prop_assert_eq!(
                pages(&left.first(range.0)),
                a.iter().copied().take(usize::try_from(range.0).unwrap()).collect::<BTreeSet<_>>()
            );
            let range = range.0..range.1;
            let inside: BTreeSet<_> = left.within(&range).flatten().collect();
            prop_assert_eq!(inside, a.into_iter().filter(|page| range.contains(page)).collect::<BTreeSet<_>>());
            prop_assert!(left.0.windows(2).all(|pair| pair[0].end < pair[1].start));
        }
    }
}
