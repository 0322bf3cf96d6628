//! Reading the report of an exception stub, and classifying the fault.

use kvm_bindings::{kvm_regs, kvm_sregs};
use kvm_ioctls::VcpuFd;

use crate::arch::x86::{STUB_OUT, STUB_STRIDE, VECTORS};
use crate::fault::{Access, Fault, FaultKind};
use crate::image::layout::Layout;
use crate::vm::code;
use crate::vm::memory::GuestMemory;

const DIVIDE_ERROR: u8 = 0;
const DEBUG: u8 = 1;
const BREAKPOINT: u8 = 3;
pub(super) const INVALID_OPCODE: u8 = 6;
const DOUBLE_FAULT: u8 = 8;
const STACK_FAULT: u8 = 12;
const GENERAL_PROTECTION: u8 = 13;
pub(super) const PAGE_FAULT: u8 = 14;
const X87_ERROR: u8 = 16;
const ALIGNMENT_CHECK: u8 = 17;
const SIMD_ERROR: u8 = 19;

/// Addresses below this are reached through null pointers.
const NULL_WINDOW: u64 = 64 << 10;

/// The report of an exception stub, before its classification.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FaultReport {
    pub(super) vector: u8,
    pub(super) error_code: u64,
    pub(super) instruction: u64,
    /// CR2, with a page fault.
    pub(super) address: u64,
    /// The stack pointer and RFLAGS of the guest.
    pub(super) stack: u64,
    pub(super) flags: u64,
    /// True if the exception was raised at CPL 3.
    pub(super) is_from_user: bool,
    /// The guest's registers, which no stub changes.
    pub(super) rcx: u64,
    pub(super) r11: u64,
}

impl FaultReport {
    /// The report of the stub in which the vCPU has stopped; `None` if no stub can have made it.
    pub fn of(vcpu: &VcpuFd, layout: &Layout, memory: &GuestMemory) -> Option<Self> {
        let registers = if layout.system_call.is_some() {
            // They came with the exit; see `show_registers`.
            let shown = vcpu.sync_regs();
            (shown.regs, shown.sregs)
        } else {
            (vcpu.get_regs().ok()?, vcpu.get_sregs().ok()?)
        };
        Self::read(&registers, layout, memory)
    }

    /// Reads the report that the processor and the stub left on the exception stack.
    ///
    /// Believed only if the vCPU stands at CPL 0 behind the `out` of the very stub whose vector lies on the stack. The
    /// stack is found by the layout; no register of the guest's is used.
    fn read((regs, sregs): &(kvm_regs, kvm_sregs), layout: &Layout, memory: &GuestMemory) -> Option<Self> {
        let in_stubs = regs.rip.checked_sub(layout.stubs.virt)?;
        let number = in_stubs / STUB_STRIDE;
        let at_out = number < VECTORS && STUB_OUT.contains(&(in_stubs % STUB_STRIDE));
        if !at_out || sregs.cs.selector & 3 != 0 || sregs.cs.dpl != 0 {
            return None;
        }
        let vector = u8::try_from(number).ok()?;
        let stack = if vector == DOUBLE_FAULT { &layout.double_fault_stack } else { &layout.exception_stack };
        // From the top down: SS, RSP, RFLAGS, CS, RIP, the error code of those that have one, the vector.
        let word = |n: u64| memory.load(stack.phys + stack.size - 8 * n);
        let has_error_code = matches!(vector, 8 | 10..=14 | 17 | 21 | 29 | 30);
        let instruction = word(5)?;
        let (error_code, pushed) = if has_error_code { (word(6)?, word(7)?) } else { (0, word(6)?) };
        if pushed != number {
            return None;
        }
        let address = if vector == PAGE_FAULT { sregs.cr2 } else { 0 };
        let (stack, flags, is_from_user) = (word(2)?, word(3)?, word(4)? & 3 == 3);
        let (rcx, r11) = (regs.rcx, regs.r11);
        Some(Self { vector, error_code, instruction, address, stack, flags, is_from_user, rcx, r11 })
    }

    /// The fault that the report describes.
    pub fn classify(
        &self,
        layout: &Layout,
        memory: &GuestMemory,
        function_at: impl FnOnce(u64) -> Option<String>,
    ) -> Fault {
        let is_page_fault = self.vector == PAGE_FAULT;
        let access = match self.error_code {
            _ if !is_page_fault => Access::None,
            code if code & 1 << 4 != 0 => Access::Execute,
            code if code & 1 << 1 != 0 => Access::Write,
            _ => Access::Read,
        };
        let kind = match self.vector {
            DIVIDE_ERROR => FaultKind::Division,
            DEBUG | BREAKPOINT => FaultKind::Breakpoint,
            INVALID_OPCODE => FaultKind::IllegalInstruction,
            STACK_FAULT => FaultKind::GeneralProtection,
            GENERAL_PROTECTION if self.is_privileged(layout, memory) => FaultKind::PrivilegedInstruction,
            GENERAL_PROTECTION => FaultKind::GeneralProtection,
            PAGE_FAULT => self.page_fault_kind(layout, access),
            X87_ERROR | SIMD_ERROR => FaultKind::FloatingPoint,
            ALIGNMENT_CHECK => FaultKind::Alignment,
            _ => FaultKind::Other,
        };
        Fault {
            kind,
            vector: self.vector,
            instruction: self.instruction,
            address: self.address,
            access,
            function: function_at(self.instruction),
        }
    }

    fn page_fault_kind(&self, layout: &Layout, access: Access) -> FaultKind {
        match layout.region_at(self.address) {
            Some(region) if !region.permissions.user => FaultKind::EngineAccess,
            Some(_) if access == Access::Execute => FaultKind::ExecuteOfData,
            Some(_) if access == Access::Write => FaultKind::WriteToReadOnly,
            _ if self.address < NULL_WINDOW => FaultKind::NullAccess,
            _ if layout.is_below_stack(self.address) && access != Access::Execute => FaultKind::StackOverflow,
            _ => FaultKind::UnmappedAccess,
        }
    }

    /// Returns true if the instruction is privileged: #GP alone does not say. Reads the opcode behind the prefixes; a
    /// guest that has changed it meanwhile gets the other kind for its fault.
    fn is_privileged(&self, layout: &Layout, memory: &GuestMemory) -> bool {
        let mut code = [0; 15];
        code::read(layout, memory, self.instruction, &mut code);
        let is_prefix = |byte: &u8| matches!(byte, 0x26 | 0x2e | 0x36 | 0x3e | 0x40..=0x4f | 0x64..=0x67 | 0xf0 | 0xf2 | 0xf3);
        let opcode: Vec<u8> = code.into_iter().skip_while(is_prefix).take(2).collect();
        match opcode[..] {
            // in, out, ins, outs, hlt, cli, sti, int n, iret.
            [0x6c..=0x6f | 0xe4..=0xe7 | 0xec..=0xef | 0xf4 | 0xfa | 0xfb | 0xcd | 0xcf, ..] => true,
            // sldt…, lgdt…, clts, sysret, invd, wbinvd, mov cr/dr, wrmsr, rdmsr, rdpmc, sysenter, sysexit.
            [0x0f, second] => {
                matches!(second, 0x00 | 0x01 | 0x06..=0x09 | 0x20..=0x23 | 0x30 | 0x32..=0x35)
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::image::Image;
    use crate::{Guest, SandboxOptions};

    /// A stopped machine that never ran: registers and exception stacks are invented.
    struct Stopped {
        image: Arc<Image>,
        memory: GuestMemory,
        regs: kvm_regs,
        sregs: kvm_sregs,
    }

    /// Behind the `push`, where KVM reports the `out`.
    const AT_OUT: u64 = 2;
    const INSTRUCTION: u64 = 0x40_1234;

    impl Stopped {
        /// The state that the stub of that vector leaves.
        fn at_stub(vector: u64) -> Self {
            let guest = Guest::from_bytes(&libhyperlight_builtin::elf("demo").unwrap()).unwrap();
            let image = guest.image(&SandboxOptions::new().sizes().unwrap()).unwrap();
            let memory = GuestMemory::map(image.file(), image.layout.size).unwrap();
            let regs = kvm_regs {
                rip: image.layout.stubs.virt + vector * STUB_STRIDE + AT_OUT,
                ..kvm_regs::default()
            };
            let mut sregs = kvm_sregs { cr2: 0xdead_b000, ..kvm_sregs::default() };
            sregs.cs.selector = 0x08;
            let stopped = Self { image, memory, regs, sregs };
            let has_error_code = [8, 10, 11, 12, 13, 14, 17, 21, 29, 30].contains(&vector);
            stopped.push(u8::try_from(vector).unwrap(), 5, INSTRUCTION);
            if has_error_code {
                stopped.push(u8::try_from(vector).unwrap(), 6, 0b110);
            }
            stopped.push(u8::try_from(vector).unwrap(), if has_error_code { 7 } else { 6 }, vector);
            stopped
        }

        /// Writes the n-th word from the top of the stack for that exception.
        fn push(&self, vector: u8, n: u64, word: u64) {
            let layout = &self.image.layout;
            let stack =
                if vector == DOUBLE_FAULT { &layout.double_fault_stack } else { &layout.exception_stack };
            self.memory.store(stack.phys + stack.size - 8 * n, word).unwrap();
        }

        fn report(&self) -> Option<FaultReport> {
            FaultReport::read(&(self.regs, self.sregs), &self.image.layout, &self.memory)
        }
    }

    #[test]
    fn a_report_is_read_from_each_stub() {
        for vector in 0..VECTORS {
            for behind in STUB_OUT {
                let mut stopped = Stopped::at_stub(vector);
                stopped.regs.rip = stopped.image.layout.stubs.virt + vector * STUB_STRIDE + behind;
                let report = stopped.report().unwrap();
                assert_eq!((u64::from(report.vector), report.instruction), (vector, INSTRUCTION));
                assert_eq!(report.address, if vector == 14 { 0xdead_b000 } else { 0 }, "exception {vector}");
            }
        }
    }

    #[test]
    fn a_report_at_any_other_privilege_is_not_believed() {
        for (selector, dpl) in [(0x0b, 0), (0x09, 0), (0x0a, 0), (0x33, 3), (0x08, 3), (0x08, 1)] {
            let mut stopped = Stopped::at_stub(6);
            (stopped.sregs.cs.selector, stopped.sregs.cs.dpl) = (selector, dpl);
            assert!(stopped.report().is_none(), "selector {selector:#x}, privilege {dpl}");
        }
    }

    #[test]
    fn a_report_from_anywhere_but_behind_a_stubs_push_is_not_believed() {
        let stopped = Stopped::at_stub(6);
        let layout = &stopped.image.layout;
        let stub = layout.stubs.virt + 6 * STUB_STRIDE;
        let others = (0..STUB_STRIDE).filter(|offset| !STUB_OUT.contains(offset)).map(|offset| stub + offset);
        let elsewhere = [
            0,
            u64::MAX,
            layout.stubs.virt - 1,
            layout.stubs.virt + VECTORS * STUB_STRIDE + AT_OUT,
            layout.stubs.virt + layout.stubs.size + AT_OUT,
            layout.trampoline.virt + AT_OUT,
            INSTRUCTION,
        ];
        for rip in others.chain(elsewhere) {
            let mut stopped = Stopped::at_stub(6);
            stopped.regs.rip = rip;
            assert!(stopped.report().is_none(), "at {rip:#x}");
        }
        // Behind the last stub, with the number on the stack that a stub there would push.
        let mut stopped = Stopped::at_stub(6);
        stopped.regs.rip = stopped.image.layout.stubs.virt + VECTORS * STUB_STRIDE + AT_OUT;
        stopped.push(6, 6, VECTORS);
        assert!(stopped.report().is_none());
    }

    #[test]
    fn a_report_without_the_stubs_own_vector_on_its_stack_is_not_believed() {
        for vector in 0..VECTORS {
            for pushed in [(vector + 1) % VECTORS, vector + 256, u64::MAX, vector | 1 << 63] {
                let stopped = Stopped::at_stub(vector);
                let number = u8::try_from(vector).unwrap();
                stopped.push(number, 6, pushed);
                stopped.push(number, 7, pushed);
                assert!(stopped.report().is_none(), "{pushed:#x} in the stub of {vector}");
            }
        }
    }

    #[test]
    fn a_double_faults_report_is_looked_for_on_its_own_stack_alone() {
        let stopped = Stopped::at_stub(8);
        let layout = &stopped.image.layout;
        let stack = &layout.double_fault_stack;
        stopped.memory.store(stack.phys + stack.size - 8 * 7, 0).unwrap();
        let other = &layout.exception_stack;
        stopped.memory.store(other.phys + other.size - 8 * 7, 8).unwrap();
        assert!(stopped.report().is_none());
    }
}
