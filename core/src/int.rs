//! Numbers of the guest's 64 bits as numbers of the host's.

/// The same number; hosts are 64-bit machines.
pub(crate) const fn to_usize(number: u64) -> usize {
    const { assert!(size_of::<usize>() == size_of::<u64>()) };
    #[expect(clippy::cast_possible_truncation, reason = "the two types have the same size, asserted above")]
    {
        number as usize
    }
}
