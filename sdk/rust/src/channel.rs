//! The two buffers and the doorbell: the exchange of frames with the host.
//!
//! A guest restored from a snapshot wakes up after the doorbell with all its memory as it was, but the host may have
//! written a new mailbox. Sequence numbers are therefore read from the mailboxes whenever they are needed, and never
//! cached.

use core::mem;
use core::ptr;
use core::slice;
use core::sync::atomic::{Ordering, fence};

use libhyperlight_abi::boot::Span;
use libhyperlight_abi::frame::HEADER_LEN;
use libhyperlight_abi::{AbortReason, Frame, FrameKind, FrameWriter, Full, ValueRef, mailbox};

use crate::boot::boot_info;
use crate::error::code;
use crate::incoming::Incoming;
use crate::panic::give_up;

/// Writes a frame and makes it visible; [`exchange`] then wakes the host up. If the frame does not fit, nothing has
/// become visible.
pub(crate) fn post(kind: FrameKind, lead: &[ValueRef<'_>], rest: &[ValueRef<'_>]) -> Result<(), Full> {
    post_with(kind, |frame| lead.iter().chain(rest).try_for_each(|value| frame.push(*value)))
}

/// Does the same as [`post`], for items that do not come from slices.
pub(crate) fn post_with(
    kind: FrameKind,
    fill: impl FnOnce(&mut FrameWriter<'_, [u8]>) -> Result<(), Full>,
) -> Result<(), Full> {
    let mut frame = FrameWriter::new(output_frame(), kind);
    fill(&mut frame)?;
    frame.finish()?;
    let output = boot_info().output;
    let sequence = read(output, mailbox::SEQUENCE).wrapping_add(1);
    // The frame must be complete before its sequence number is written.
    fence(Ordering::Release);
    write(output, mailbox::SEQUENCE, sequence);
    Ok(())
}

/// Wakes the host up, waits for its frame and passes it to `read_frame`. The frame is valid until the next exchange;
/// data needed longer must be copied.
pub(crate) fn exchange<R>(read_frame: impl FnOnce(Incoming<'_>) -> R) -> R {
    let input = boot_info().input;
    let before = read(input, mailbox::SEQUENCE);
    ring();
    if read(input, mailbox::SEQUENCE) == before {
        give_up(AbortReason::Abort, code::PROTOCOL, "the host woke the guest without a new frame");
    }
    fence(Ordering::Acquire);
    match Incoming::decode(input_frame()) {
        Ok(message) => read_frame(message),
        Err(_) => give_up(AbortReason::Abort, code::PROTOCOL, "the host's frame is malformed"),
    }
}

/// Calls the doorbell: returns when the host runs the guest again.
pub(crate) fn ring() {
    let address = ptr::with_exposed_provenance::<()>(to_usize(boot_info().doorbell));
    // SAFETY: the engine promises a function of this type at that address (see `libhyperlight_abi::boot`).
    let doorbell = unsafe { mem::transmute::<*const (), extern "C" fn()>(address) };
    doorbell();
}

/// Returns the size limit of an outgoing frame, in bytes.
pub(crate) fn capacity() -> usize {
    to_usize(boot_info().output.size.saturating_sub(mailbox::SIZE))
}

/// Reads the word at `offset` of the mailbox at the start of `buffer`.
pub(crate) fn read(buffer: Span, offset: u64) -> u64 {
    let word = ptr::with_exposed_provenance::<u64>(to_usize(buffer.address + offset));
    // SAFETY: both buffers start with a mailbox that is mapped readable, and its words are 8-aligned. The host
    // writes it while the guest sleeps, hence volatile.
    unsafe { word.read_volatile() }
}

/// Sets the word at `offset` of the output mailbox.
pub(crate) fn write(output: Span, offset: u64, value: u64) {
    let word = ptr::with_exposed_provenance_mut::<u64>(to_usize(output.address + offset));
    // SAFETY: the output buffer starts with a mailbox that is mapped writable, and its words are 8-aligned.
    unsafe { word.write_volatile(value) }
}

/// Copies `bytes` into the log ring; the caller keeps inside it.
pub(crate) fn write_ring(address: usize, bytes: &[u8]) {
    // SAFETY: the engine mapped the ring writable, the logger computes places inside it, and nobody else holds
    // a reference into it.
    unsafe {
        ptr::copy_nonoverlapping(bytes.as_ptr(), ptr::with_exposed_provenance_mut(address), bytes.len())
    }
}

/// Returns the bytes of the output buffer after the mailbox.
fn output_frame() -> &'static mut [u8] {
    let address = to_usize(boot_info().output.address + mailbox::SIZE);
    // SAFETY: the engine mapped the buffer there, writable. The slice lives only while a frame is written, which
    // does not nest, and the host touches the buffer only while the guest sleeps in the doorbell.
    unsafe { slice::from_raw_parts_mut(ptr::with_exposed_provenance_mut(address), capacity()) }
}

/// Returns the frame in the input buffer, as long as its header says; empty if that length is impossible.
fn input_frame<'a>() -> &'a [u8] {
    let input = boot_info().input;
    let capacity = to_usize(input.size.saturating_sub(mailbox::SIZE));
    let start = ptr::with_exposed_provenance::<u8>(to_usize(input.address + mailbox::SIZE));
    // SAFETY: the engine mapped the buffer there, readable. The host changes it only while the guest sleeps in
    // the doorbell, and `exchange` gives the slice to nobody who keeps it so long.
    let all = unsafe { slice::from_raw_parts(start, capacity) };
    all.first_chunk::<HEADER_LEN>()
        .and_then(|header| Frame::stated_len(header, capacity).ok())
        .and_then(|len| all.get(..len))
        .unwrap_or_default()
}

/// Converts an address or a size of the boot information; guests are 64-bit programs.
pub(crate) const fn to_usize(number: u64) -> usize {
    const { assert!(size_of::<usize>() == size_of::<u64>()) };
    #[expect(clippy::cast_possible_truncation, reason = "the two types have the same size, asserted above")]
    {
        number as usize
    }
}
