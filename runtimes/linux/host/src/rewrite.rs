//! System calls that become jumps to the libOS when an object is laid out.
//!
//! `mov $n, %eax; syscall` takes seven bytes. The five of the `mov` become a jump to a stub, which does the `mov`,
//! loads the address behind the `syscall`, and jumps to the libOS. Nothing is pushed, because the program may have data
//! below its stack pointer. The two bytes of the `syscall` stay, for whoever jumps there.
//!
//! Bytes that look like this may be something else. So a place is rewritten only if a decode from the start of a range
//! that is known to be code reaches the `mov` and the `syscall` as instructions, if no branch that was decoded anywhere
//! in the object leads between the two or into the first, and if the number is one of a system call. Any other
//! `syscall` is taken by the host: slower, and always right. The restorer of signal handlers is left alone, because
//! unwinders know it by its bytes.

use std::ops::Range;

use iced_x86::{Code, Decoder, DecoderOptions, Instruction, OpKind};

use crate::elf::{Elf, slice};
use crate::starts;

/// Number of this form of rewriting; it is part of what a laid-out guest is known by.
pub(crate) const VERSION: u32 = 1;

/// Numbers below this are system calls.
const NUMBERS: u32 = 512;

/// The number of `rt_sigreturn`.
const SIGNAL_RETURN: u32 = 15;

/// Bytes of `mov $n, %eax`, and of a jump.
const MOV_LEN: u64 = 5;

/// Bytes of `mov $n, %eax; syscall`.
const SITE_LEN: u64 = 7;

/// The same, for slices.
const SITE_BYTES: usize = 7;

/// Bytes from one stub to the next.
const STUB_LEN: u64 = 24;

/// Bytes before the first stub, which start with the address of the libOS.
const STUBS_HEADER: u64 = 16;

/// The same, for slices.
const STUBS_HEADER_BYTES: usize = 16;

/// A `mov $n, %eax; syscall` that may be rewritten.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Site {
    /// Address of the `mov`, as the file has it.
    pub address: u64,
    /// Number of the system call.
    pub number: u32,
}

/// The stubs of an object, and the jumps to them.
#[derive(Debug, Default)]
pub(crate) struct Rewritten {
    /// Address of a `mov` and the jump in its place, in the order of the addresses.
    pub jumps: Vec<(u64, [u8; 5])>,
    /// Code for the stubs' place.
    pub stubs: Vec<u8>,
}

/// Finds the places of an object that may be rewritten, at most `max`, in the order of their addresses.
pub(crate) fn sites(object: &Elf, file: &[u8], max: usize) -> Vec<Site> {
    let mut candidates = Vec::new();
    let code = || object.segments.iter().filter(|segment| segment.executable && !segment.writable);
    for segment in code() {
        let bytes = slice(file, segment.file.clone()).unwrap_or_default();
        candidates.extend(matches(bytes).map(|(at, number)| Candidate {
            site: Site { address: segment.address + at, number },
            is_reached: false,
            is_entered: false,
        }));
    }
    // Nearly every library has none, and need not be decoded.
    if candidates.is_empty() {
        return Vec::new();
    }
    let starts = starts::of(object, file);
    for segment in code() {
        let bytes = slice(file, segment.file.clone()).unwrap_or_default();
        let end = segment.address + bytes.len() as u64;
        let inside = |range: &&Range<u64>| range.start >= segment.address && range.start < end;
        let mut decoded_to = segment.address;
        for range in starts.iter().filter(inside) {
            // What another range has decoded is not decoded again: the work is linear, whatever the tables say.
            let start = range.start.max(decoded_to);
            let stop = range.end.min(end);
            if let Some(code) = slice(bytes, start - segment.address..stop.max(start) - segment.address) {
                // From elsewhere it is not known where instructions start, but branches still count.
                decoded_to = decode(code, start, start == range.start, &mut candidates);
            }
        }
    }
    candidates.retain(|candidate| candidate.is_reached && !candidate.is_entered);
    candidates.into_iter().map(|candidate| candidate.site).take(max).collect()
}

/// Bytes that the stubs of so many places take.
pub(crate) fn stubs_len(sites: usize) -> u64 {
    STUBS_HEADER + sites as u64 * STUB_LEN
}

/// Makes the stubs, for an object whose addresses are raised by `bias`, and whose stubs lie at `stubs`. `handler` is
/// the address of the libOS.
pub(crate) fn rewrite(sites: &[Site], bias: u64, stubs: u64, handler: u64) -> Rewritten {
    let mut rewritten = Rewritten { jumps: Vec::new(), stubs: handler.to_le_bytes().to_vec() };
    rewritten.stubs.resize(STUBS_HEADER_BYTES, 0xcc);
    for site in sites {
        let address = site.address.wrapping_add(bias);
        let stub = stubs + rewritten.stubs.len() as u64;
        let (Some(to_stub), Some(to_return), Some(to_handler)) = (
            displacement(address + MOV_LEN, stub),
            displacement(stub + 12, address + SITE_LEN),
            displacement(stub + 18, stubs),
        ) else {
            // Out of reach: the host takes it.
            continue;
        };
        let mut jump = [0xe9, 0, 0, 0, 0];
        jump.iter_mut().skip(1).zip(to_stub).for_each(|(place, byte)| *place = byte);
        rewritten.jumps.push((address, jump));
        // mov $n, %eax; lea return(%rip), %rcx; jmp *handler(%rip)
        rewritten.stubs.push(0xb8);
        rewritten.stubs.extend(site.number.to_le_bytes());
        rewritten.stubs.extend([0x48, 0x8d, 0x0d]);
        rewritten.stubs.extend(to_return);
        rewritten.stubs.extend([0xff, 0x25]);
        rewritten.stubs.extend(to_handler);
        rewritten.stubs.resize(rewritten.stubs.len().next_multiple_of(8), 0xcc);
    }
    rewritten
}

#[derive(Debug)]
struct Candidate {
    site: Site,
    /// A decode found the two instructions there.
    is_reached: bool,
    /// A branch leads into the `mov`, behind its first byte.
    is_entered: bool,
}

/// The places of the seven bytes, and the numbers in them.
fn matches(bytes: &[u8]) -> impl Iterator<Item = (u64, u32)> {
    bytes.windows(SITE_BYTES).enumerate().filter_map(|(at, window)| match *window {
        [0xb8, low, high, 0, 0, 0x0f, 0x05] => {
            let number = u32::from(u16::from_le_bytes([low, high]));
            (number < NUMBERS && number != SIGNAL_RETURN).then_some((at as u64, number))
        }
        _ => None,
    })
}

/// Decodes code up to its end or to what is no instruction. Marks the candidates that it reaches, if its start is one
/// of an instruction, and those that its branches lead into. Returns the address behind the last instruction.
fn decode(code: &[u8], address: u64, is_start: bool, candidates: &mut [Candidate]) -> u64 {
    let mut decoder = Decoder::with_ip(64, code, address, DecoderOptions::NONE);
    let mut instruction = Instruction::default();
    // The place of the `mov` that the last instruction was.
    let mut moved = None;
    while decoder.can_decode() {
        decoder.decode_out(&mut instruction);
        if instruction.is_invalid() {
            return instruction.ip();
        }
        if instruction.op0_kind() == OpKind::NearBranch64 {
            let target = instruction.near_branch_target();
            // The last candidate that starts before the target.
            let before = candidates.partition_point(|candidate| candidate.site.address < target);
            let entered = before.checked_sub(1).and_then(|number| candidates.get_mut(number));
            if let Some(candidate) = entered.filter(|candidate| target - candidate.site.address < MOV_LEN) {
                candidate.is_entered = true;
            }
        }
        if let (true, Code::Syscall, Some(place)) = (is_start, instruction.code(), moved)
            && let Ok(number) = candidates.binary_search_by_key(&place, |candidate| candidate.site.address)
            && let Some(candidate) = candidates.get_mut(number)
        {
            candidate.is_reached = true;
        }
        let is_mov = instruction.code() == Code::Mov_r32_imm32 && instruction.len() as u64 == MOV_LEN;
        moved = is_mov.then(|| instruction.ip());
    }
    decoder.ip()
}

/// The distance from the end of an instruction to its target.
fn displacement(from: u64, to: u64) -> Option<[u8; 4]> {
    i32::try_from(to.wrapping_sub(from).cast_signed()).ok().map(i32::to_le_bytes)
}

#[cfg(test)]
#[expect(clippy::cast_possible_truncation, reason = "objects are small")]
mod tests;
