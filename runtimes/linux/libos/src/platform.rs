//! The world outside of the libOS: what the guest SDK gives it, and what tests put in its place.

use core::fmt;

/// One of the program's standard streams.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Stream {
    /// Standard error.
    Error,
    /// Standard output.
    Output,
}

/// Services of the host and of the processor.
pub trait Platform {
    /// The monotonic clock, in nanoseconds.
    fn monotonic_ns(&mut self) -> u64;

    /// Nanoseconds since 1970.
    fn wall_ns(&mut self) -> u64;

    /// Fills the bytes with random numbers fit for keys.
    fn random(&mut self, bytes: &mut [u8]);

    /// Hands output to the host. Returns false if nobody takes it any more.
    fn output(&mut self, stream: Stream, bytes: &[u8]) -> bool;

    /// Takes up to so many bytes of standard input; none when it has ended.
    fn input(&mut self, bytes: &mut [u8]) -> usize;

    /// Waits until that time of the monotonic clock, without using the processor.
    fn wait_until(&mut self, deadline_ns: u64);

    /// Tells whoever looks for the cause of a failure.
    fn log(&mut self, record: fmt::Arguments<'_>);

    /// Base address of `%fs`.
    fn thread_pointer(&mut self) -> u64;

    /// Sets the base address of `%fs`.
    fn set_thread_pointer(&mut self, address: u64);

    /// Bytes of the processor's extended state.
    fn extended_len(&mut self) -> usize;

    /// Saves the extended state; the place is 64-aligned and has [`Platform::extended_len`] bytes. The low halves of
    /// the vector registers are in the [`crate::Frame`].
    fn save_extended(&mut self, place: &mut [u8]);

    /// Loads what was saved.
    fn load_extended(&mut self, place: &[u8]);
}
