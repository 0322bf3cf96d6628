//! The extended state: what `xsave` stores and `xrstor` loads, as the page from which the trampoline loads it.

/// x87, SSE, AVX and AVX-512: the components of the extended state that a guest may have. Not AMX (its state would
/// not fit the page that the trampoline loads), not PKRU, not CET.
pub(crate) const EXTENDED_STATE: u32 = 0b1110_0111;

/// An extended-state page (Intel SDM vol. 1, 13.4, standard form) that loads as the processor's initial state: no
/// component present; MXCSR, which is loaded even so, masks every exception.
pub(crate) fn initial() -> Vec<u8> {
    let mut page = vec![0; 4096];
    page[..2].copy_from_slice(&0x37f_u16.to_le_bytes());
    page[24..28].copy_from_slice(&0x1f80_u32.to_le_bytes());
    page
}

/// Turns any bytes into a page that `xrstor` loads without a fault (Intel SDM vol. 1, 13.8.1): known components,
/// standard form, no reserved bits.
pub(crate) fn sanitize(mut page: Vec<u8>) -> Vec<u8> {
    const MXCSR_MASK: u32 = 0xffff;
    const PRESENT: usize = 512;
    page.resize(4096, 0);
    let mxcsr = u32::from_le_bytes([page[24], page[25], page[26], page[27]]) & MXCSR_MASK;
    page[24..28].copy_from_slice(&mxcsr.to_le_bytes());
    let present =
        u32::from_le_bytes([page[PRESENT], page[PRESENT + 1], page[PRESENT + 2], page[PRESENT + 3]]);
    let present = u64::from(present & EXTENDED_STATE) & host_xcr0();
    page[PRESENT..PRESENT + 64].fill(0);
    page[PRESENT..PRESENT + 8].copy_from_slice(&present.to_le_bytes());
    page
}

/// The extended-state components that the host's operating system has enabled; 0 without XSAVE.
pub(crate) fn host_xcr0() -> u64 {
    #[target_feature(enable = "xsave")]
    fn xgetbv() -> u64 {
        // SAFETY: register 0 exists wherever XSAVE is enabled, which `host_xcr0` has checked.
        unsafe { std::arch::x86_64::_xgetbv(0) }
    }
    if !std::arch::is_x86_feature_detected!("xsave") {
        return 0;
    }
    // SAFETY: the processor has XSAVE and the operating system has enabled it: checked just above.
    unsafe { xgetbv() }
}
