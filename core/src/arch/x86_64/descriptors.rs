//! The bytes that the engine itself puts into a guest: descriptor tables, exception stubs, trampoline.
//!
//! This is all the code and data that ever exists at CPL 0, and the three short pieces of engine code that the
//! guest runs at CPL 3. The selectors are those of a 64-bit Linux process, so that a guest sees the same values
//! whether the processor or a paravirtual host shows them. There is no 32-bit code segment.

#![expect(
    clippy::cast_possible_truncation,
    reason = "every number here is an offset inside one page, or a constant"
)]

use libhyperlight_abi::boot::{DOORBELL_PORT, FAULT_PORT};

use crate::image::layout::Layout;

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
/// Where a stub's `out` is, and how long it is: behind `push imm8`.
pub(crate) const STUB_OUT: std::ops::RangeInclusive<u64> = 2..=4;

/// In the trampoline's page: where a fresh guest starts, …
pub(crate) const ENTRY_OFFSET: u64 = 0;
/// … where a restored one or a clone continues, …
pub(crate) const RESUME_OFFSET: u64 = 0x40;
/// … and the function that rings the host.
pub(crate) const DOORBELL_OFFSET: u64 = 0x80;

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

/// Guest virtual addresses of GDT, IDT and TSS.
pub(crate) fn table_addresses(layout: &Layout) -> [u64; 3] {
    let base = layout.descriptors.virt;
    [base, base + IDT_OFFSET, base + TSS_OFFSET]
}

/// The page with GDT, IDT and TSS.
pub(crate) fn tables(layout: &Layout) -> Vec<u8> {
    let [_, _, tss] = table_addresses(layout);
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
        let stub = layout.stubs.virt + vector * STUB_STRIDE;
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
    let exception_top = layout.exception_stack.virt + layout.exception_stack.size;
    let double_fault_top = layout.double_fault_stack.virt + layout.double_fault_stack.size;
    put_words(&mut page, task + 0x04, &[exception_top]);
    put_words(&mut page, task + 0x24, &[exception_top, double_fault_top]);
    page[task + 0x66..task + 0x68].copy_from_slice(&TSS_FIXED.to_le_bytes());
    // A set bit closes the port. The doorbell's is open; the fault port's is not: CPL 0 needs no permission.
    let bitmap = task + usize::from(TSS_FIXED);
    page[bitmap..=bitmap + usize::from(IO_BITMAP)].fill(0xff);
    page[bitmap + usize::from(DOORBELL_PORT / 8)] &= !(1 << (DOORBELL_PORT % 8));
    page
}

/// The page with the exception stubs: `push vector; out %al, $fault; jmp .`, the last in case the host lets it run on.
pub(crate) fn stubs() -> Vec<u8> {
    let mut page = vec![0xcc; 4096];
    for (vector, stub) in (0..VECTORS as u8).zip(page.chunks_exact_mut(STUB_STRIDE as usize)) {
        stub[..6].copy_from_slice(&[0x6a, vector, 0xe6, FAULT_PORT as u8, 0xeb, 0xfe]);
    }
    page
}

/// The trampoline's page.
///
/// Entry and resume clear the x87 unit (`xrstor` alone may leave its instruction and data pointers on some
/// processors), then load every component of the extended state from the page behind this one. Entry continues at
/// the program's entry point, which is in `r11`; resume continues where the doorbell returns. The doorbell clears
/// the flags, so that none that the guest set (TF, DF, AC, NT) lives on in the next call.
pub(crate) fn trampoline() -> Vec<u8> {
    let load_state = |at: u64| {
        // fninit; mov $-1, %eax; mov %eax, %edx; xrstor64 disp32(%rip)
        let mut code = vec![0xdb, 0xe3, 0xb8, 0xff, 0xff, 0xff, 0xff, 0x89, 0xc2, 0x48, 0x0f, 0xae, 0x2d];
        let end = at + code.len() as u64 + 4;
        code.extend(((4096 - end) as u32).to_le_bytes());
        code
    };
    let mut page = vec![0xcc; 4096];
    let mut put = |at: u64, code: &[u8]| page[at as usize..][..code.len()].copy_from_slice(code);

    // xor %eax, %eax; xor %edx, %edx; jmp *%r11
    let mut entry = load_state(ENTRY_OFFSET);
    entry.extend([0x31, 0xc0, 0x31, 0xd2, 0x41, 0xff, 0xe3]);
    put(ENTRY_OFFSET, &entry);

    // jmp doorbell + 2
    let mut resume = load_state(RESUME_OFFSET);
    let next = RESUME_OFFSET + resume.len() as u64 + 2;
    resume.extend([0xeb, (DOORBELL_OFFSET + 2 - next) as u8]);
    put(RESUME_OFFSET, &resume);

    // out %al, $doorbell; push $2; popfq; ret
    put(DOORBELL_OFFSET, &[0xe6, DOORBELL_PORT as u8, 0x6a, 0x02, 0x9d, 0xc3]);
    page
}

/// An extended-state page (Intel SDM vol. 1, 13.4, standard form) that loads as the processor's initial state: no
/// component present; MXCSR, which is loaded even so, masks every exception.
pub(crate) fn initial_extended_state() -> Vec<u8> {
    let mut page = vec![0; 4096];
    page[..2].copy_from_slice(&0x37f_u16.to_le_bytes());
    page[24..28].copy_from_slice(&0x1f80_u32.to_le_bytes());
    page
}

fn put_words(page: &mut [u8], at: usize, words: &[u64]) {
    for (place, word) in page[at..].chunks_exact_mut(8).zip(words) {
        place.copy_from_slice(&word.to_le_bytes());
    }
}
