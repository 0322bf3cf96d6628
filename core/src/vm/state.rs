//! The registers that a guest starts with.
//!
//! A vCPU starts at CPL 3 in 64-bit mode, directly: ring 0 is entered by exceptions alone. Bit names are those of the
//! Intel SDM, vol. 3A, 2.5 and 3.4.

use kvm_bindings::{kvm_regs, kvm_segment, kvm_sregs};

use crate::image::Image;
use crate::image::descriptors::{
    ENTRY_OFFSET, GDT_LIMIT, IDT_LIMIT, TASK, TSS_LIMIT, USER_CODE, USER_DATA, table_addresses,
};

pub(crate) const CR4_UMIP: u64 = 1 << 11;
pub(crate) const CR4_FSGSBASE: u64 = 1 << 16;
pub(crate) const CR4_SMEP: u64 = 1 << 20;
pub(crate) const CR4_SMAP: u64 = 1 << 21;
/// What a processor may lack.
pub(crate) const CR4_OPTIONAL: u64 = CR4_UMIP | CR4_FSGSBASE | CR4_SMEP | CR4_SMAP;

/// PAE, OSFXSR, OSXMMEXCPT, OSXSAVE.
const CR4: u64 = 1 << 5 | 1 << 9 | 1 << 10 | 1 << 18;
/// PE, MP, ET, NE, WP, PG.
const CR0: u64 = 1 << 0 | 1 << 1 | 1 << 4 | 1 << 5 | 1 << 16 | 1 << 31;
/// LME, LMA, NXE. Not SCE: there is no kernel that SYSCALL could enter.
const EFER: u64 = 1 << 8 | 1 << 10 | 1 << 11;
/// The bit of RFLAGS that is always set.
const RFLAGS: u64 = 1 << 1;

/// Special registers of a fresh vCPU, but for the addresses of a guest's tables.
pub(super) fn special_registers(fresh: &kvm_sregs, optional_cr4: u64) -> kvm_sregs {
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

/// Special registers for the guest of that image.
pub(super) fn special_registers_for(template: kvm_sregs, image: &Image) -> kvm_sregs {
    let mut sregs = template;
    let [gdt, idt, tss] = table_addresses(&image.layout);
    (sregs.gdt.base, sregs.gdt.limit) = (gdt, GDT_LIMIT);
    (sregs.idt.base, sregs.idt.limit) = (idt, IDT_LIMIT);
    sregs.tr.base = tss;
    sregs.fs.base = image.layout.thread.virt;
    sregs.cr3 = image.layout.page_tables_phys;
    sregs
}

/// General registers at the guest's first instruction (`hyperlight_abi::boot`): the trampoline finds the program's
/// entry point in `r11`; the stack holds the return address 0 of a function that has no caller.
pub(super) fn entry_registers(image: &Image) -> kvm_regs {
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

/// The extended-state components that the host's operating system has enabled; 0 without XSAVE.
pub(super) fn host_xcr0() -> u64 {
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
