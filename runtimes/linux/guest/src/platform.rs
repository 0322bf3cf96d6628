//! The libOS's view of the world: the host's functions, and a few instructions.

use alloc::vec::Vec;
use core::arch::asm;
use core::arch::x86_64::__cpuid_count;
use core::fmt;

use libhyperlight_guest::{Value, ValueRef, boot_info, host_call, limits, log, random, time};
use libhyperlight_linux_contract::request::{INPUT, OUTPUT};
use libhyperlight_linux_libos::{Platform, Stream};

use crate::clocks::Clock;

/// Bytes of a call of a host function beside the data that it carries.
const OVERHEAD: u64 = limits::BUFFER_OVERHEAD;

/// Bytes of data that are exchanged at once, whatever the buffers hold.
const MAX_PART: u64 = 256 << 10;

/// The leaf of `cpuid` about the extended state.
const EXTENDED_STATE: u32 = 0xd;

/// The world of a guest.
#[derive(Debug, Default)]
pub(crate) struct Guest {
    pub clock: Clock,
    extended_len: usize,
    /// Standard input has ended.
    has_ended: bool,
}

/// Bytes that one call to the host may carry.
pub(crate) fn out_part() -> usize {
    part(boot_info().output.size)
}

/// Bytes that one answer of the host may carry.
pub(crate) fn in_part() -> usize {
    part(boot_info().input.size)
}

fn part(buffer: u64) -> usize {
    usize::try_from(buffer.saturating_sub(OVERHEAD).clamp(1, MAX_PART)).unwrap_or(1)
}

impl Platform for Guest {
    fn monotonic_ns(&mut self) -> u64 {
        self.clock.monotonic_ns()
    }

    fn wall_ns(&mut self) -> u64 {
        self.clock.wall_ns()
    }

    fn random(&mut self, bytes: &mut [u8]) {
        random::fill(bytes);
    }

    fn output(&mut self, stream: Stream, bytes: &[u8]) -> bool {
        let number = match stream {
            Stream::Output => 1,
            Stream::Error => 2,
        };
        // The host takes nothing more, or has failed: to the program, the other end of its pipe is closed.
        bytes.chunks(out_part()).all(|part| {
            matches!(
                host_call(OUTPUT, &[ValueRef::U32(number), ValueRef::Bytes(part)]),
                Ok(Value::Bool(true))
            )
        })
    }

    fn input(&mut self, bytes: &mut [u8]) -> usize {
        if self.has_ended || bytes.is_empty() {
            return 0;
        }
        let max = u32::try_from(bytes.len().min(in_part())).unwrap_or(1);
        let data: Vec<u8> = match host_call(INPUT, &[ValueRef::U32(max)]) {
            Ok(Value::Bytes(data)) => data,
            _ => Vec::new(),
        };
        self.has_ended = data.is_empty();
        bytes.iter_mut().zip(&data).for_each(|(place, byte)| *place = *byte);
        data.len().min(bytes.len())
    }

    fn wait_until(&mut self, deadline_ns: u64) {
        time::sleep_until(deadline_ns);
        self.clock.set();
    }

    fn log(&mut self, record: fmt::Arguments<'_>) {
        log::warn!("{record}");
    }

    fn thread_pointer(&mut self) -> u64 {
        let pointer;
        // SAFETY: the engine allows the instruction, which only reads.
        unsafe { asm!("rdfsbase {}", out(reg) pointer, options(nomem, nostack, preserves_flags)) };
        pointer
    }

    fn set_thread_pointer(&mut self, address: u64) {
        // SAFETY: this program has no thread-local variables, and the one that runs has asked for it. Which address it
        // is does not matter before it is used.
        unsafe { asm!("wrfsbase {}", in(reg) address, options(nomem, nostack, preserves_flags)) };
    }

    fn extended_len(&mut self) -> usize {
        if self.extended_len == 0 {
            let leaf = __cpuid_count(EXTENDED_STATE, 0);
            self.extended_len = usize::try_from(leaf.ebx).unwrap_or(0).max(576);
        }
        self.extended_len
    }

    fn save_extended(&mut self, place: &mut [u8]) {
        if place.len() < self.extended_len() {
            return;
        }
        // SAFETY: the place is aligned and has the bytes that the processor states for what the engine has enabled.
        unsafe {
            asm!("xsave64 [{}]", in(reg) place.as_mut_ptr(), in("eax") u32::MAX, in("edx") u32::MAX, options(nostack));
        }
    }

    fn load_extended(&mut self, place: &[u8]) {
        if place.len() < self.extended_len() {
            return;
        }
        // SAFETY: as above, and the place was filled by `save_extended`. Vector registers change, and nobody has values
        // in them: the low halves that the program continues with are in its frame.
        unsafe {
            asm!(
                "xrstor64 [{}]", in(reg) place.as_ptr(), in("eax") u32::MAX, in("edx") u32::MAX,
                out("xmm0") _, out("xmm1") _, out("xmm2") _, out("xmm3") _, out("xmm4") _, out("xmm5") _,
                out("xmm6") _, out("xmm7") _, out("xmm8") _, out("xmm9") _, out("xmm10") _, out("xmm11") _,
                out("xmm12") _, out("xmm13") _, out("xmm14") _, out("xmm15") _,
                options(nostack),
            );
        }
    }
}
