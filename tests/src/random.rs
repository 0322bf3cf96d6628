//! Random numbers that are the same in every run: a failure can be seen again.

/// `SplitMix64` (Steele, Lea and Flood, *Fast Splittable Pseudorandom Number Generators*).
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// The numbers of that seed.
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number.
    pub const fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `end`.
    pub fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.number() % end as u64).expect("less than a usize")
    }

    /// One of them.
    pub fn one_of<T: Copy>(&mut self, items: &[T]) -> T {
        items[self.below(items.len())]
    }

    /// So many bytes.
    pub fn bytes(&mut self, len: usize) -> Vec<u8> {
        (0..len).map(|_| self.number().to_le_bytes()[0]).collect()
    }

    /// Changes some of `bytes`: one to four places, most of them in `hot`, by numbers that are likely to matter.
    pub fn mutate(&mut self, bytes: &mut [u8], hot: &[usize]) {
        const LIKELY: [u64; 12] =
            [0, 1, 7, 8, 0xff, 0xfff, 0x1000, 0x7fff_ffff, 0xffff_ffff, 1 << 32, 1 << 63, u64::MAX];
        for _ in 0..=self.below(4) {
            let at =
                if hot.is_empty() || self.below(4) == 0 { self.below(bytes.len()) } else { self.one_of(hot) };
            let len = self.one_of(&[1, 1, 2, 4, 8]).min(bytes.len() - at);
            let old = bytes[at];
            let new = match self.below(4) {
                0 => u64::from(old ^ 1 << self.below(8)),
                1 => self.number(),
                2 => u64::from(old).wrapping_add(self.one_of(&[1, 8, 0xff, 0xf8])),
                _ => self.one_of(&LIKELY),
            };
            bytes[at..at + len].copy_from_slice(&new.to_le_bytes()[..len]);
        }
    }
}
