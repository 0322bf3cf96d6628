//! A guest that breaks the wire contract. The host must refuse its messages and lose nothing.

use alloc::vec::Vec;
use core::mem;
use core::ptr;
use core::slice;

use libhyperlight_guest::{boot_info, guest_function};

/// The start of the frame, behind the mailbox.
const FRAME: u64 = 64;

/// The place of the length in a frame's header.
const LENGTH: u64 = 8;

/// The place of the log ring's head in the mailbox.
const LOG_HEAD: u64 = 8;

/// A correct frame but for its magic number.
#[guest_function("CorruptOutputMagic")]
fn corrupt_output_magic() {
    send(&header(*b"NOPE", RESULT, 16, 0));
}

/// A frame of a kind that does not exist.
#[guest_function("CorruptOutputKind")]
fn corrupt_output_kind(kind: u32) {
    send(&header(MAGIC, kind, 16, 0));
}

/// A frame that claims this length.
#[guest_function("CorruptOutputLength")]
fn corrupt_output_length(len: u32) {
    send(&header(MAGIC, RESULT, len, 0));
}

/// A frame that claims so many items and has none.
#[guest_function("CorruptOutputCount")]
fn corrupt_output_count(count: u32) {
    send(&header(MAGIC, RESULT, 16, count));
}

/// Any bytes as a frame.
#[guest_function("SendRawFrame")]
fn send_raw_frame(bytes: &[u8]) {
    send(bytes);
}

/// Sends frames, each behind its length in two bytes, and returns the host's answers: as much of each as its header
/// says, as often as it answered.
#[guest_function("Converse")]
fn converse(frames: &[u8]) -> Vec<u8> {
    // They lie in the buffer that the first answer overwrites.
    let (frames, mut answers) = (frames.to_vec(), Vec::new());
    let mut rest = frames.as_slice();
    while let Some((len, tail)) = rest.split_first_chunk::<2>() {
        let (frame, tail) = tail.split_at(tail.len().min(u16::from_le_bytes(*len).into()));
        send(frame);
        answers.extend_from_slice(answer());
        rest = tail;
    }
    answers
}

/// Rings without having sent anything.
#[guest_function("RingWithoutFrame")]
fn ring_without_frame() {
    ring();
}

/// Rings with a sequence number that was not raised by one.
#[guest_function("CorruptSequence")]
fn corrupt_sequence(sequence: u64) {
    write(boot_info().output.address, sequence);
    ring();
}

/// Claims that the log ring's head is there; the host sees it when the call ends.
#[guest_function("CorruptLogHead")]
fn corrupt_log_head(head: u64) {
    write(boot_info().output.address + LOG_HEAD, head);
}

/// Writes an invalid record into the log ring, and publishes it.
#[guest_function("CorruptLogRecord")]
fn corrupt_log_record(bytes: &[u8]) {
    let boot = boot_info();
    let head = boot.output.address + LOG_HEAD;
    let at = read(head) % boot.log_ring.size.max(1);
    for (offset, byte) in (at..boot.log_ring.size).zip(bytes) {
        // SAFETY: the place lies in the ring, which is the guest's to write.
        unsafe { place::<u8>(boot.log_ring.address + offset).write_volatile(*byte) };
    }
    write(head, read(head).wrapping_add(bytes.len() as u64));
}

/// Writes to the buffer that only the host may write.
#[guest_function("WriteInputBuffer")]
fn write_input_buffer() {
    write(boot_info().input.address, 0);
}

/// Goes on writing to its output buffer for ever, without ringing.
#[guest_function("ScribbleOutput")]
fn scribble_output() {
    let output = boot_info().output;
    loop {
        for offset in (0..output.size.saturating_sub(8)).step_by(8) {
            write(output.address + offset, u64::MAX);
        }
    }
}

const MAGIC: [u8; 4] = *b"HLF1";
const RESULT: u32 = 17;

fn header(magic: [u8; 4], kind: u32, len: u32, count: u32) -> [u8; 16] {
    let mut bytes = [0; 16];
    let words = [magic, kind.to_le_bytes(), len.to_le_bytes(), count.to_le_bytes()];
    for (place, word) in bytes.chunks_exact_mut(4).zip(words) {
        place.copy_from_slice(&word);
    }
    bytes
}

/// Makes these bytes visible as a frame, and rings.
fn send(bytes: &[u8]) {
    let output = boot_info().output;
    for (offset, byte) in (FRAME..output.size).zip(bytes) {
        // SAFETY: the place lies in the output buffer, which is the guest's to write.
        unsafe { place::<u8>(output.address + offset).write_volatile(*byte) };
    }
    write(output.address, read(output.address).wrapping_add(1));
    ring();
}

/// The frame that the host has written, as long as its header says.
fn answer() -> &'static [u8] {
    let input = boot_info().input;
    let len = read(input.address + FRAME + LENGTH) & u64::from(u32::MAX);
    let len = usize::try_from(len.min(input.size - FRAME)).unwrap_or(0);
    // SAFETY: the place lies in the input buffer, which nobody writes to until the guest rings again.
    unsafe { slice::from_raw_parts(place(input.address + FRAME), len) }
}

fn ring() {
    let doorbell = place::<()>(boot_info().doorbell);
    // SAFETY: the engine has put a function of this type there.
    let doorbell = unsafe { mem::transmute::<*mut (), extern "C" fn()>(doorbell) };
    doorbell();
}

fn read(address: u64) -> u64 {
    // SAFETY: callers name words of the mailboxes.
    unsafe { place::<u64>(address).read_volatile() }
}

fn write(address: u64, value: u64) {
    // SAFETY: callers name words of the shared buffers, or mean to fault.
    unsafe { place::<u64>(address).write_volatile(value) }
}

fn place<T>(address: u64) -> *mut T {
    ptr::with_exposed_provenance_mut(usize::try_from(address).unwrap_or(usize::MAX))
}
