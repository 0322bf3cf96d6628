//! The bytes that the engine itself puts into a guest: descriptor tables and exception stubs.
//!
//! This is all the code and data that ever exists at CPL 0. The selectors are those of a 64-bit Linux process, so a
//! guest sees the same values from the processor and from a paravirtual host. There is no 32-bit code segment.

#![expect(
    clippy::cast_possible_truncation,
    reason = "every number here is an offset inside one page, or a constant"
)]

use libhyperlight_abi::boot::{DOORBELL_PORT, FAULT_PORT};

/// Selector of the stubs' code segment.
const ENGINE_CODE: u16 = 0x08;
/// Selectors of the guest, requested privilege level 3.
pub(crate) const USER_DATA: u16 = 0x2b;
pub(crate) const USER_CODE: u16 = 0x33;
pub(crate) const TASK: u16 = 0x40;

/// Exception vectors that have a stub: all that the architecture defines.
pub(crate) const VECTORS: u64 = 32;
/// Bytes from one stub to the next.
pub(crate) const STUB_STRIDE: u64 = 16;
/// The bytes of a stub's `out`: behind `push imm8`.
pub(crate) const STUB_OUT: std::ops::RangeInclusive<u64> = 2..=4;

const IDT_OFFSET: u64 = 0x400;
const TSS_OFFSET: u64 = 0x800;
const GDT_ENTRIES: usize = 10;

/// The fixed part of a 64-bit TSS (Intel SDM vol. 3A, 8.7); the I/O bitmap follows it.
const TSS_FIXED: u16 = 0x68;
/// Bytes of the I/O bitmap; the processor refuses every port past its end. One byte of ones must follow.
const IO_BITMAP: u16 = FAULT_PORT / 8 + 1;

pub(crate) const GDT_LIMIT: u16 = (GDT_ENTRIES as u16) * 8 - 1;
pub(crate) const IDT_LIMIT: u16 = (VECTORS as u16) * 16 - 1;
pub(crate) const TSS_LIMIT: u16 = TSS_FIXED + IO_BITMAP;

/// The places of the tables and their targets, in guest virtual addresses.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Places {
    /// The page with the tables.
    pub tables: u64,
    /// The first stub.
    pub stubs: u64,
    /// The end of the stack for exceptions.
    pub exception_stack: u64,
    /// The end of the stack for a double fault.
    pub double_fault_stack: u64,
}

/// The addresses of GDT, IDT and TSS in the page that begins at `tables`.
pub(crate) fn table_addresses(tables: u64) -> [u64; 3] {
    [tables, tables + IDT_OFFSET, tables + TSS_OFFSET]
}

/// The page with GDT, IDT and TSS.
pub(crate) fn tables(places: &Places) -> Vec<u8> {
    let [_, _, tss] = table_addresses(places.tables);
    let mut page = vec![0; 4096];

    // Flat segments, accessed bits preset so that the processor never writes here.
    let mut gdt = [0_u64; GDT_ENTRIES];
    gdt[usize::from(ENGINE_CODE / 8)] = 0x00af_9b00_0000_ffff;
    gdt[usize::from(USER_DATA / 8)] = 0x00cf_f300_0000_ffff;
    gdt[usize::from(USER_CODE / 8)] = 0x00af_fb00_0000_ffff;
    // A busy 64-bit TSS: two entries.
    gdt[usize::from(TASK / 8)] =
        u64::from(TSS_LIMIT) | (tss & 0xff_ffff) << 16 | 0x8b << 40 | (tss >> 24 & 0xff) << 56;
    gdt[usize::from(TASK / 8) + 1] = tss >> 32;
    put_words(&mut page, 0, &gdt);

    for vector in 0..VECTORS {
        let stub = places.stubs + vector * STUB_STRIDE;
        // Interrupt gates on stack 1, the double fault's on stack 2. Only `int3` may be raised by software.
        let stack = if vector == 8 { 2 } else { 1 };
        let kind: u64 = if vector == 3 { 0xee } else { 0x8e };
        let gate = [
            stub & 0xffff
                | u64::from(ENGINE_CODE) << 16
                | stack << 32
                | kind << 40
                | (stub >> 16 & 0xffff) << 48,
            stub >> 32,
        ];
        put_words(&mut page, (IDT_OFFSET + vector * 16) as usize, &gate);
    }

    let task = TSS_OFFSET as usize;
    put_words(&mut page, task + 0x04, &[places.exception_stack]);
    put_words(&mut page, task + 0x24, &[places.exception_stack, places.double_fault_stack]);
    page[task + 0x66..task + 0x68].copy_from_slice(&TSS_FIXED.to_le_bytes());
    // A set bit closes the port. The doorbell's is open; the fault port's is not: CPL 0 needs no permission.
    let bitmap = task + usize::from(TSS_FIXED);
    page[bitmap..=bitmap + usize::from(IO_BITMAP)].fill(0xff);
    page[bitmap + usize::from(DOORBELL_PORT / 8)] &= !(1 << (DOORBELL_PORT % 8));
    page
}

/// The page with the exception stubs: `push vector; out %al, $fault; jmp .`, the last one in case the host lets it run
/// on.
pub(crate) fn stubs() -> Vec<u8> {
    let mut page = vec![0xcc; 4096];
    for (vector, stub) in (0..VECTORS as u8).zip(page.chunks_exact_mut(STUB_STRIDE as usize)) {
        stub[..6].copy_from_slice(&[0x6a, vector, 0xe6, FAULT_PORT as u8, 0xeb, 0xfe]);
    }
    page
}

fn put_words(page: &mut [u8], at: usize, words: &[u64]) {
    for (place, word) in page[at..].chunks_exact_mut(8).zip(words) {
        place.copy_from_slice(&word.to_le_bytes());
    }
}
