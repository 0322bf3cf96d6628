//! The clocks: an object that the program's C library takes its time from, without a system call.
//!
//! Linux gives every program such an object, the vDSO. This one is here, and is made by the assembler: a header, one
//! loadable segment (C libraries ignore one with more), a dynamic section, and four functions. They extrapolate from
//! the anchor below, by the processor's time-stamp counter; so does [`Clock`], so that both always agree.

use core::arch::global_asm;

use libhyperlight_guest::time;

use crate::single::Single;

/// Nanoseconds in a second.
const SECOND: u128 = 1_000_000_000;

/// Times of the host's clocks, the counter's value then, and the nanoseconds of a tick in units of 2⁻³².
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub(crate) struct Anchor {
    monotonic_ns: u64,
    wall_ns: u64,
    ticks: u64,
    ns_per_tick: u64,
}

/// The anchor that both sides read.
static ANCHOR: Single<Anchor> = Single::new(Anchor { monotonic_ns: 0, wall_ns: 0, ticks: 0, ns_per_tick: 0 });

/// The clocks as the libOS reads them.
#[derive(Debug, Default)]
pub(crate) struct Clock(Anchor);

impl Clock {
    /// Takes the host's times anew: when a run starts, and after each wait. The monotonic clock does not go back.
    pub(crate) fn set(&mut self) {
        let before = if self.0.monotonic_ns == 0 { 0 } else { self.monotonic_ns() };
        let hz = time::tsc_hz().unwrap_or(0);
        let per_tick = (SECOND << 32).checked_div(u128::from(hz)).and_then(|ns| u64::try_from(ns).ok());
        self.0 = Anchor {
            monotonic_ns: time::monotonic_ns().max(before),
            wall_ns: time::wall_ns(),
            ticks: time::tsc(),
            ns_per_tick: per_tick.unwrap_or(0),
        };
        // SAFETY: the program's threads, which read it, do not run meanwhile; and nobody else writes it.
        unsafe { ANCHOR.get().write(self.0) };
    }

    pub(crate) fn monotonic_ns(&self) -> u64 {
        if self.0.ns_per_tick == 0 {
            time::monotonic_ns()
        } else {
            self.0.monotonic_ns.saturating_add(self.elapsed_ns())
        }
    }

    pub(crate) fn wall_ns(&self) -> u64 {
        if self.0.ns_per_tick == 0 {
            time::wall_ns()
        } else {
            self.0.wall_ns.saturating_add(self.elapsed_ns())
        }
    }

    /// Address of the object, 0 if the counter's rate is not known.
    pub(crate) fn object(&self) -> u64 {
        if self.0.ns_per_tick == 0 {
            return 0;
        }
        let object = &raw const hl_clocks;
        object.expose_provenance() as u64
    }

    fn elapsed_ns(&self) -> u64 {
        let ticks = time::tsc().saturating_sub(self.0.ticks);
        u64::try_from((u128::from(ticks) * u128::from(self.0.ns_per_tick)) >> 32).unwrap_or(u64::MAX)
    }
}

unsafe extern "C" {
    static hl_clocks: u8;
}

global_asm!(
    ".pushsection .text.hl_clocks, \"ax\", @progbits",
    ".hidden hl_clocks",
    ".globl hl_clocks",
    ".balign 4096",
    "hl_clocks:",
    // The file's header.
    ".byte 0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0",
    ".quad 0",
    ".short 3, 62",
    ".long 1",
    ".quad 0, 10f - hl_clocks, 0",
    ".long 0",
    ".short 64, 56, 2, 0, 0, 0",
    // Program headers: everything, and the dynamic section.
    "10:",
    ".long 1, 5",
    ".quad 0, 0, 0, 19f - hl_clocks, 19f - hl_clocks, 4096",
    ".long 2, 4",
    ".quad 14f - hl_clocks, 14f - hl_clocks, 14f - hl_clocks, 15f - 14f, 15f - 14f, 8",
    // The hash table: one bucket, and all symbols in one chain.
    "11:",
    ".long 1, 5, 1, 0, 2, 3, 4, 0",
    // Symbols: name, global function, section, place, size.
    "12:",
    ".quad 0, 0, 0",
    ".long 1",
    ".byte 0x12, 0",
    ".short 1",
    ".quad 20f - hl_clocks, 30f - 20f",
    ".long 22",
    ".byte 0x12, 0",
    ".short 1",
    ".quad 30f - hl_clocks, 40f - 30f",
    ".long 42",
    ".byte 0x12, 0",
    ".short 1",
    ".quad 40f - hl_clocks, 50f - 40f",
    ".long 54",
    ".byte 0x12, 0",
    ".short 1",
    ".quad 50f - hl_clocks, 19f - 50f",
    // Names.
    "13:",
    ".byte 0",
    ".asciz \"__vdso_clock_gettime\"",
    ".asciz \"__vdso_gettimeofday\"",
    ".asciz \"__vdso_time\"",
    ".asciz \"__vdso_getcpu\"",
    "16:",
    ".balign 8",
    // The dynamic section: hash table, strings, symbols, sizes of these two.
    "14:",
    ".quad 4, 11b - hl_clocks",
    ".quad 5, 13b - hl_clocks",
    ".quad 6, 12b - hl_clocks",
    ".quad 10, 16b - 13b",
    ".quad 11, 24",
    ".quad 0, 0",
    "15:",
    // int __vdso_clock_gettime(int clock, struct timespec *)
    ".balign 16",
    "20:",
    "lea r8, [rip + {anchor}]",
    "mov r9, [r8 + 8]",
    "test edi, edi",
    "je 21f",
    "cmp edi, 5",
    "je 21f",
    "mov r9, [r8]",
    "cmp edi, 1",
    "je 21f",
    "cmp edi, 4",
    "je 21f",
    "cmp edi, 6",
    "je 21f",
    "cmp edi, 7",
    "je 21f",
    // Another clock: the system call.
    "mov eax, 228",
    "lea rcx, [rip + 22f]",
    "jmp hl_system_call",
    "22:",
    "ret",
    "21:",
    "rdtsc",
    "shl rdx, 32",
    "or rax, rdx",
    "sub rax, [r8 + 16]",
    "mul qword ptr [r8 + 24]",
    "shrd rax, rdx, 32",
    "add rax, r9",
    "xor edx, edx",
    "mov ecx, 1000000000",
    "div rcx",
    "mov [rsi], rax",
    "mov [rsi + 8], rdx",
    "xor eax, eax",
    "ret",
    // int __vdso_gettimeofday(struct timeval *, void *)
    ".balign 16",
    "30:",
    "test rdi, rdi",
    "je 31f",
    "lea r8, [rip + {anchor}]",
    "rdtsc",
    "shl rdx, 32",
    "or rax, rdx",
    "sub rax, [r8 + 16]",
    "mul qword ptr [r8 + 24]",
    "shrd rax, rdx, 32",
    "add rax, [r8 + 8]",
    "xor edx, edx",
    "mov ecx, 1000000000",
    "div rcx",
    "mov [rdi], rax",
    "mov eax, edx",
    "xor edx, edx",
    "mov ecx, 1000",
    "div ecx",
    "mov [rdi + 8], rax",
    "31:",
    "xor eax, eax",
    "ret",
    // time_t __vdso_time(time_t *)
    ".balign 16",
    "40:",
    "lea r8, [rip + {anchor}]",
    "rdtsc",
    "shl rdx, 32",
    "or rax, rdx",
    "sub rax, [r8 + 16]",
    "mul qword ptr [r8 + 24]",
    "shrd rax, rdx, 32",
    "add rax, [r8 + 8]",
    "xor edx, edx",
    "mov ecx, 1000000000",
    "div rcx",
    "test rdi, rdi",
    "je 41f",
    "mov [rdi], rax",
    "41:",
    "ret",
    // int __vdso_getcpu(unsigned *, unsigned *, void *)
    ".balign 16",
    "50:",
    "test rdi, rdi",
    "je 51f",
    "mov dword ptr [rdi], 0",
    "51:",
    "test rsi, rsi",
    "je 52f",
    "mov dword ptr [rsi], 0",
    "52:",
    "xor eax, eax",
    "ret",
    "19:",
    ".popsection",
    anchor = sym ANCHOR,
);
