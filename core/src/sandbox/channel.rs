//! Frames in and out of guest memory.
//!
//! A frame to the guest is written directly into the input buffer. A frame from the guest is copied out once, and only
//! the copy is used: the guest could change the original whenever its vCPU runs.

use libhyperlight_abi::frame::HEADER_LEN;
use libhyperlight_abi::{DecodeError, Frame, FrameKind, Full, Sink, ValueRef, mailbox, message};
use vm_memory::{VolatileMemory, VolatileSlice};

use crate::image::layout::{Layout, Region};
use crate::vm::memory::GuestMemory;

/// The host's end of the two buffers. Sequence numbers are the host's own; the guest's are only compared to them.
#[derive(Debug)]
pub(crate) struct Channel {
    input: Region,
    output: Region,
    sent: u64,
    received: u64,
}

/// The reason why there is no frame.
#[derive(Debug)]
pub(crate) enum ReceiveError {
    /// The guest rang without publishing a frame, or published several.
    Sequence { expected: u64, found: u64 },
    /// The content of the buffer is no frame.
    Malformed(DecodeError),
}

impl Channel {
    pub fn new(layout: &Layout) -> Self {
        Self { input: layout.input, output: layout.output, sent: 0, received: 0 }
    }

    /// Sets the number of frames that the guest has seen, after a restore. Both buffers are empty in a snapshot, and
    /// the guest waits for a number other than this one.
    pub fn reset(&mut self, sent: u64) {
        (self.sent, self.received) = (sent, 0);
    }

    /// Frames that the guest has seen.
    pub fn sent(&self) -> u64 {
        self.sent
    }

    /// Writes a frame of these items into the input buffer and makes it visible.
    pub fn send(
        &mut self,
        memory: &GuestMemory,
        kind: FrameKind,
        lead: &[ValueRef<'_>],
        rest: &[ValueRef<'_>],
    ) -> Result<(), Full> {
        let len = self.input.size - mailbox::SIZE;
        let nothing = Full { needed: 0, capacity: 0 };
        let slice = memory.slice(self.input.phys + mailbox::SIZE, len).ok_or(nothing)?;
        message::encode(&mut SharedBuffer(slice), kind, lead, rest)?;
        // A forged snapshot may have any number here; the guest merely waits for another one.
        self.sent = self.sent.wrapping_add(1);
        memory.store(self.input.phys + mailbox::SEQUENCE, self.sent).ok_or(nothing)
    }

    /// Copies the frame that the guest has made visible into `frame`.
    pub fn receive(&mut self, memory: &GuestMemory, frame: &mut Vec<u8>) -> Result<(), ReceiveError> {
        let outside = ReceiveError::Malformed(DecodeError::Truncated);
        let expected = self.received + 1;
        let found = memory.load(self.output.phys + mailbox::SEQUENCE).unwrap_or_default();
        if found != expected {
            return Err(ReceiveError::Sequence { expected, found });
        }
        self.received = expected;

        let start = self.output.phys + mailbox::SIZE;
        let capacity = usize::try_from(self.output.size - mailbox::SIZE).unwrap_or(0);
        let mut header = [0; HEADER_LEN];
        memory.read(start, &mut header).ok_or(outside)?;
        let len = Frame::stated_len(&header, capacity).map_err(ReceiveError::Malformed)?;
        // The copy has a length of its own, which the decoder compares with what was copied.
        memory.read_into(start, len, frame).ok_or(ReceiveError::Malformed(DecodeError::Truncated))
    }

    /// Bytes of the user's own that fit into a frame to the guest.
    pub fn input_room(&self) -> u64 {
        self.input.size - libhyperlight_abi::limits::BUFFER_OVERHEAD
    }
}

/// A buffer that the guest can see, as the target of an encoder.
struct SharedBuffer<'m>(VolatileSlice<'m>);

impl Sink for SharedBuffer<'_> {
    fn capacity(&self) -> usize {
        self.0.len()
    }

    fn put(&mut self, offset: usize, bytes: &[u8]) {
        // The writer stays inside the capacity.
        if let Ok(place) = self.0.get_slice(offset, bytes.len()) {
            place.copy_from(bytes);
        }
    }
}
