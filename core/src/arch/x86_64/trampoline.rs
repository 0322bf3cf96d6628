//! The three short pieces of engine code that the guest runs at CPL 3: entry, resume and doorbell.

#![expect(
    clippy::cast_possible_truncation,
    reason = "every number here is an offset inside one page, or a constant"
)]

use libhyperlight_abi::boot::DOORBELL_PORT;

/// Offset in the trampoline's page at which a fresh guest starts.
pub(crate) const ENTRY_OFFSET: u64 = 0;
/// Offset at which a restored guest or a clone continues.
pub(crate) const RESUME_OFFSET: u64 = 0x40;
/// Offset of the function that rings the host.
pub(crate) const DOORBELL_OFFSET: u64 = 0x80;

/// The trampoline's page.
///
/// Entry and resume clear the x87 unit (`xrstor` alone may leave its instruction and data pointers on some processors),
/// then load every component of the extended state from the page behind this one. Entry continues at the program's
/// entry point, which is in `r11`; resume continues where the doorbell returns. The doorbell clears the flags, so that
/// none of the guest's (TF, DF, AC, NT) survives into the next call.
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
