//! The initial registers of a guest, and those that a snapshot keeps.
//!
//! A vCPU starts at CPL 3 in 64-bit mode, directly: only exceptions enter ring 0. Bit names are those of the Intel SDM,
//! vol. 3A, 2.5 and 3.4.

use kvm_bindings::{kvm_regs, kvm_segment, kvm_sregs};

use super::system_call::Stopped;
use crate::arch::x86::{
    ENTRY_OFFSET, GDT_LIMIT, IDT_LIMIT, RESUME_OFFSET, TASK, TSS_LIMIT, USER_CODE, USER_DATA, table_addresses,
};
use crate::image::Image;

/// The registers that guest code can change and that outlive a parked guest. The extended state is in the image.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Registers {
    pub(super) general: kvm_regs,
    pub(super) fs_base: u64,
    pub(super) gs_base: u64,
}

impl Registers {
    /// The number of their words in a snapshot file.
    pub const WORDS: usize = 18;

    /// The registers in a snapshot file's words, in its order. `None` if a guest cannot have them: a segment base is no
    /// canonical address.
    pub fn from_words(words: [u64; Self::WORDS]) -> Option<Self> {
        let (general, [fs_base, gs_base]) = words
            .split_first_chunk()
            .and_then(|(general, bases)| Some((general, <[u64; 2]>::try_from(bases).ok()?)))?;
        if [fs_base, gs_base].iter().any(|base| !matches!(base >> 47, 0 | 0x1_ffff)) {
            return None;
        }
        let mut registers = Self { general: kvm_regs::default(), fs_base, gs_base };
        for (register, word) in registers.general().into_iter().zip::<[u64; 16]>(*general) {
            *register = word;
        }
        Some(registers)
    }

    /// The words that [`Self::from_words`] takes.
    pub fn to_words(mut self) -> [u64; Self::WORDS] {
        let mut words = [0; Self::WORDS];
        let (general, bases) = words.split_at_mut(16);
        general.iter_mut().zip(self.general()).for_each(|(word, register)| *word = *register);
        bases.copy_from_slice(&[self.fs_base, self.gs_base]);
        words
    }

    /// The general registers, in the order of a snapshot file.
    fn general(&mut self) -> [&mut u64; 16] {
        let registers = &mut self.general;
        [
            &mut registers.rax,
            &mut registers.rbx,
            &mut registers.rcx,
            &mut registers.rdx,
            &mut registers.rsi,
            &mut registers.rdi,
            &mut registers.rsp,
            &mut registers.rbp,
            &mut registers.r8,
            &mut registers.r9,
            &mut registers.r10,
            &mut registers.r11,
            &mut registers.r12,
            &mut registers.r13,
            &mut registers.r14,
            &mut registers.r15,
        ]
    }
}

pub(super) const CR4_UMIP: u64 = 1 << 11;
pub(super) const CR4_FSGSBASE: u64 = 1 << 16;
pub(super) const CR4_SMEP: u64 = 1 << 20;
pub(super) const CR4_SMAP: u64 = 1 << 21;
/// Bits that a processor may lack.
pub(super) const CR4_OPTIONAL: u64 = CR4_UMIP | CR4_FSGSBASE | CR4_SMEP | CR4_SMAP;

/// PAE, OSFXSR, OSXMMEXCPT, OSXSAVE.
const CR4: u64 = 1 << 5 | 1 << 9 | 1 << 10 | 1 << 18;
/// PE, MP, ET, NE, WP, AM, PG. AM lets a guest have its misaligned accesses refused, by its own AC flag.
const CR0: u64 = 1 << 0 | 1 << 1 | 1 << 4 | 1 << 5 | 1 << 16 | 1 << 18 | 1 << 31;
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

/// Special registers for the guest of that image, at its start or after a restore.
pub(super) fn special_registers_for(
    template: kvm_sregs,
    image: &Image,
    resumed: Option<&Registers>,
) -> kvm_sregs {
    let mut sregs = template;
    let [gdt, idt, tss] = table_addresses(image.layout.descriptors.virt);
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

/// General registers of a guest that continues from a snapshot. The engine sets its address and flags, not the
/// snapshot.
pub(super) fn resume_registers(image: &Image, registers: &Registers) -> kvm_regs {
    kvm_regs { rip: image.layout.trampoline.virt + RESUME_OFFSET, rflags: RFLAGS, ..registers.general }
}

/// General registers of a guest that goes on at a handler of its image's, as behind a system call on Linux: `rcx` holds
/// the address to return to, `r11` RFLAGS.
pub(super) fn handler_registers(handler: u64, registers: &Registers, stopped: &Stopped) -> kvm_regs {
    kvm_regs {
        rip: handler,
        rsp: stopped.stack,
        rflags: stopped.flags_handed_on(),
        rcx: stopped.next(),
        r11: stopped.programs_flags(),
        ..registers.general
    }
}
