//! The registers that a guest starts with.
//!
//! A vCPU starts at CPL 3 in 64-bit mode, directly: ring 0 is entered by exceptions alone. Bit names are those of the
//! Intel SDM, vol. 3A, 2.5 and 3.4.

use kvm_bindings::{kvm_regs, kvm_segment, kvm_sregs, kvm_xsave};

use super::cpuid::EXTENDED_STATE;
use super::descriptors::{
    ENTRY_OFFSET, GDT_LIMIT, IDT_LIMIT, RESUME_OFFSET, TASK, TSS_LIMIT, USER_CODE, USER_DATA, table_addresses,
};
use crate::image::Image;

/// The registers that guest code can change and that outlive a parked guest. The extended state is in the image.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Registers {
    pub general: kvm_regs,
    pub fs_base: u64,
    pub gs_base: u64,
}

pub(crate) const CR4_UMIP: u64 = 1 << 11;
pub(crate) const CR4_FSGSBASE: u64 = 1 << 16;
pub(crate) const CR4_SMEP: u64 = 1 << 20;
pub(crate) const CR4_SMAP: u64 = 1 << 21;
/// What a processor may lack.
pub(crate) const CR4_OPTIONAL: u64 = CR4_UMIP | CR4_FSGSBASE | CR4_SMEP | CR4_SMAP;

/// PAE, OSFXSR, OSXMMEXCPT, OSXSAVE.
const CR4: u64 = 1 << 5 | 1 << 9 | 1 << 10 | 1 << 18;
/// PE, MP, ET, NE, WP, AM, PG. AM lets a guest have its misaligned accesses refused, by its own AC flag.
const CR0: u64 = 1 << 0 | 1 << 1 | 1 << 4 | 1 << 5 | 1 << 16 | 1 << 18 | 1 << 31;
/// LME, LMA, NXE. Not SCE: there is no kernel that SYSCALL could enter.
const EFER: u64 = 1 << 8 | 1 << 10 | 1 << 11;
/// The bit of RFLAGS that is always set.
const RFLAGS: u64 = 1 << 1;

/// Special registers of a fresh vCPU, but for the addresses of a guest's tables.
pub(crate) fn special_registers(fresh: &kvm_sregs, optional_cr4: u64) -> kvm_sregs {
    let code = kvm_segment {
        limit: u32::MAX,
        selector: USER_CODE,
        type_: 11,
        present: 1,
        dpl: 3,
        s: 1,
        l: 1,
        g: 1,
        ..kvm_segment::default()
    };
    let data = kvm_segment {
        limit: u32::MAX,
        selector: USER_DATA,
        type_: 3,
        present: 1,
        dpl: 3,
        db: 1,
        s: 1,
        g: 1,
        ..kvm_segment::default()
    };
    kvm_sregs {
        cs: code,
        ds: data,
        es: data,
        fs: data,
        gs: data,
        ss: data,
        tr: kvm_segment {
            limit: u32::from(TSS_LIMIT),
            selector: TASK,
            type_: 11,
            present: 1,
            ..kvm_segment::default()
        },
        ldt: kvm_segment { unusable: 1, ..kvm_segment::default() },
        cr0: CR0,
        cr2: 0,
        cr4: CR4 | optional_cr4,
        efer: EFER,
        ..*fresh
    }
}

/// Special registers for the guest of that image, at its start or where a snapshot was taken.
pub(crate) fn special_registers_for(
    template: kvm_sregs,
    image: &Image,
    resumed: Option<&Registers>,
) -> kvm_sregs {
    let mut sregs = template;
    let [gdt, idt, tss] = table_addresses(&image.layout);
    (sregs.gdt.base, sregs.gdt.limit) = (gdt, GDT_LIMIT);
    (sregs.idt.base, sregs.idt.limit) = (idt, IDT_LIMIT);
    sregs.tr.base = tss;
    sregs.fs.base = resumed.map_or(image.layout.thread.virt, |registers| registers.fs_base);
    sregs.gs.base = resumed.map_or(0, |registers| registers.gs_base);
    sregs.cr3 = image.layout.page_tables_phys;
    sregs
}

/// General registers at the guest's first instruction (`libhyperlight_abi::boot`): the trampoline finds the program's
/// entry point in `r11`; the stack holds the return address 0 of a function that has no caller.
pub(crate) fn entry_registers(image: &Image) -> kvm_regs {
    let layout = &image.layout;
    kvm_regs {
        rip: layout.trampoline.virt + ENTRY_OFFSET,
        rsp: layout.stack.virt + layout.stack.size - 8,
        rflags: RFLAGS,
        rdi: layout.boot_info.virt,
        r11: image.entry,
        ..kvm_regs::default()
    }
}

/// General registers of a guest that goes on where a snapshot was taken. Where it goes on and with which flags is the
/// engine's to say, not the snapshot's.
pub(crate) fn resume_registers(image: &Image, registers: &Registers) -> kvm_regs {
    kvm_regs { rip: image.layout.trampoline.virt + RESUME_OFFSET, rflags: RFLAGS, ..registers.general }
}

/// What KVM says of the extended state, as a page that the trampoline can load.
pub(crate) fn extended_state_page(xsave: &kvm_xsave) -> Vec<u8> {
    sanitize_extended_state(xsave.region.iter().flat_map(|word| word.to_le_bytes()).collect())
}

/// Makes any bytes a page that `xrstor` loads without a fault (Intel SDM vol. 1, 13.8.1): known components, standard form, no
/// reserved bits.
pub(crate) fn sanitize_extended_state(mut page: Vec<u8>) -> Vec<u8> {
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
