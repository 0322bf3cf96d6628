//! System calls of the programs that a guest serves, and going on at a constant of the image.
//!
//! There is no kernel that `syscall` could enter: `EFER.SCE` is 0, and the instruction is an invalid opcode. For a guest
//! whose program names a handler, and for no other, the host takes that exception and lets the guest go on at the
//! handler, at CPL 3 as ever: the handler is the programs' equal, and nothing rests on it.
//!
//! Where KVM runs without hardware virtualisation (PVM), the instruction ignores `EFER.SCE` and goes to LSTAR, still at
//! CPL 3. So LSTAR is the handler itself there, and no exception is needed. Should that not be wanted, LSTAR is a page
//! of the engine's that nothing else leads to, and fetching from it is the exception. It is never 0, so that a call
//! through a null pointer does not look like a system call.

use std::sync::atomic::{AtomicBool, Ordering};

use kvm_bindings::{Msrs, kvm_msr_entry};
use kvm_ioctls::VcpuFd;

use super::exceptions::{FaultReport, INVALID_OPCODE, PAGE_FAULT};
use crate::error::{Error, Result};
use crate::image::layout::Layout;
use crate::vm::code;
use crate::vm::memory::GuestMemory;

/// `syscall`.
const INSTRUCTION: [u8; 2] = [0x0f, 0x05];

/// The flags of a page fault by an instruction fetch at CPL 3 from a page that is there.
const FETCHED_BY_USER: u64 = 1 << 0 | 1 << 2 | 1 << 4;

/// RFLAGS that a program may hand on: CF, PF, AF, ZF, SF, OF, ID. Not TF, DF, NT, RF, AC.
const HANDED_ON: u64 = 1 << 0 | 1 << 2 | 1 << 4 | 1 << 6 | 1 << 7 | 1 << 11 | 1 << 21;
/// The bit of RFLAGS that is always set.
const ALWAYS: u64 = 1 << 1;
const TRAP_FLAG: u64 = 1 << 8;
const RESUME_FLAG: u64 = 1 << 16;

/// False if system calls are to be passed on by the host wherever the guest runs.
static DIRECT: AtomicBool = AtomicBool::new(true);

/// Makes the host pass on all system calls of machines that are made later, for tests of what a processor with hardware
/// virtualisation does.
#[doc(hidden)]
pub fn force_system_call_traps() {
    DIRECT.store(false, Ordering::Relaxed);
}

/// The point at which an exception stopped a guest that can go on elsewhere.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Stopped {
    /// The instruction.
    pub instruction: u64,
    /// The stack pointer.
    pub stack: u64,
    /// RFLAGS.
    pub flags: u64,
}

impl Stopped {
    /// The address behind the system call.
    pub fn next(&self) -> u64 {
        self.instruction.wrapping_add(INSTRUCTION.len() as u64)
    }

    /// RFLAGS as the program had them.
    pub fn programs_flags(&self) -> u64 {
        self.flags & !RESUME_FLAG
    }

    /// RFLAGS for going on.
    pub fn flags_handed_on(&self) -> u64 {
        self.flags & HANDED_ON | ALWAYS
    }

    /// Returns true if the guest stopped in single steps; see `vcpu::is_single_stepped`.
    pub fn is_single_stepped(&self) -> bool {
        self.flags & TRAP_FLAG != 0
    }
}

impl FaultReport {
    /// The system call of which this is the exception. `None` for images that serve none, and in the program that serves
    /// them.
    pub fn system_call(&self, layout: &Layout, memory: &GuestMemory) -> Option<Stopped> {
        layout.system_call?;
        let (instruction, flags) = match self.vector {
            INVALID_OPCODE => (self.instruction, self.flags),
            // The processor has left the address behind the instruction in rcx, RFLAGS in r11, and has cleared flags.
            // So can a jump: then the guest gets what it asked for.
            PAGE_FAULT if self.error_code == FETCHED_BY_USER && Some(self.address) == gate(layout) => {
                (self.rcx.checked_sub(INSTRUCTION.len() as u64)?, self.r11)
            }
            _ => return None,
        };
        if !self.is_from_user || layout.program.iter().any(|region| region.contains(instruction)) {
            return None;
        }
        let mut found = [0; INSTRUCTION.len()];
        let is_complete = code::read(layout, memory, instruction, &mut found) == found.len();
        (is_complete && found == INSTRUCTION).then_some(Stopped { instruction, stack: self.stack, flags })
    }
}

/// Sets the registers that say where `syscall` goes, for a guest that serves system calls.
pub(crate) fn set_system_call_target(vcpu: &VcpuFd, layout: &Layout) -> Result<()> {
    const LSTAR: u32 = 0xc000_0082;
    const FMASK: u32 = 0xc000_0084;

    let direct = layout.system_call.filter(|_| DIRECT.load(Ordering::Relaxed));
    let Some(target) = direct.or_else(|| gate(layout)) else {
        return Ok(());
    };
    let entry = |index, data| kvm_msr_entry { index, data, ..kvm_msr_entry::default() };
    let entries = [entry(LSTAR, target), entry(FMASK, 0xffff_ffff & !(HANDED_ON | ALWAYS))];
    let failed = |error: std::io::Error| Error::resource("KVM_SET_MSRS", error);
    let msrs = Msrs::from_entries(&entries)
        .map_err(|_| failed(std::io::Error::other("two registers are too many")))?;
    match vcpu.set_msrs(&msrs) {
        Ok(count) if count == entries.len() => Ok(()),
        Ok(_) => Err(failed(std::io::Error::other("a register is refused"))),
        Err(error) => Err(failed(error.into())),
    }
}

/// The page for LSTAR that guest code cannot fetch from.
fn gate(layout: &Layout) -> Option<u64> {
    layout.gate.as_ref().map(|region| region.virt)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::*;
    use crate::{Guest, PayloadAccess, SandboxOptions};

    /// Code of a program that is served, its memory, and the exception that stopped it. Nothing ever ran.
    struct Program {
        layout: Layout,
        memory: GuestMemory,
        report: FaultReport,
    }

    impl Program {
        /// The state after the exception that a processor with hardware virtualisation raises for the code at an offset.
        fn stopped_at(code: &[u8], offset: u64) -> Self {
            let guest = Guest::from_bytes(&libhyperlight_builtin::elf("demo").unwrap()).unwrap();
            let guest = guest.with_payload(code, PayloadAccess::ReadExecute).unwrap();
            let image = guest.image(&SandboxOptions::new().sizes().unwrap()).unwrap();
            let memory = GuestMemory::map(image.file(), image.layout.size).unwrap();
            let mut layout = Arc::unwrap_or_clone(Arc::clone(&image.layout));
            layout.system_call = Some(layout.program[0].virt);
            let report = FaultReport {
                vector: INVALID_OPCODE,
                error_code: 0,
                instruction: layout.payloads[0].virt + offset,
                address: 0,
                stack: 0x1234_5678,
                flags: u64::MAX,
                is_from_user: true,
                rcx: 0,
                r11: 0,
            };
            Self { layout, memory, report }
        }

        fn system_call(&self) -> Option<Stopped> {
            self.report.system_call(&self.layout, &self.memory)
        }
    }

    #[test]
    fn an_invalid_opcode_is_a_system_call_if_its_bytes_are_those_of_one() {
        let program = Program::stopped_at(&[0x90, 0x0f, 0x05], 1);
        let instruction = program.layout.payloads[0].virt + 1;
        let stopped = program.system_call().unwrap();
        assert_eq!(stopped, Stopped { instruction, stack: 0x1234_5678, flags: u64::MAX });
        assert_eq!(stopped.next(), instruction + 2);
        for code in
            [[0x0f, 0x0b, 0x05], [0x48, 0x0f, 0x05], [0x0f, 0x34, 0x05], [0x05, 0x0f, 0x05], [0, 0, 0]]
        {
            assert_eq!(Program::stopped_at(&code, 0).system_call(), None, "{code:x?}");
        }
        // The last bytes of the memory: both, and one.
        let mut code = vec![0x90; 4096];
        code[4094..].copy_from_slice(&INSTRUCTION);
        assert!(Program::stopped_at(&code, 4094).system_call().is_some());
        code[4095] = 0x0f;
        assert_eq!(Program::stopped_at(&code, 4095).system_call(), None);
    }

    #[test]
    fn no_other_exception_and_no_other_place_is_a_system_call() {
        let mut program = Program::stopped_at(&INSTRUCTION, 0);
        for vector in (0..32).filter(|vector| *vector != INVALID_OPCODE) {
            program.report.vector = vector;
            assert_eq!(program.system_call(), None, "{vector}");
        }
        let mut program = Program::stopped_at(&INSTRUCTION, 0);
        program.report.is_from_user = false;
        assert_eq!(program.system_call(), None, "an exception at CPL 0");
        let mut program = Program::stopped_at(&INSTRUCTION, 0);
        program.layout.system_call = None;
        assert_eq!(program.system_call(), None, "a guest that serves none");
        for region in Program::stopped_at(&INSTRUCTION, 0).layout.regions() {
            let mut program = Program::stopped_at(&INSTRUCTION, 0);
            program.report.instruction = region.virt;
            program.memory.slice(region.phys, 2).unwrap().copy_from(&INSTRUCTION);
            let may = region.virt == program.layout.payloads[0].virt
                || region.virt == program.layout.trampoline.virt;
            assert_eq!(program.system_call().is_some(), may, "{region:x?}");
        }
    }

    proptest! {
        #[test]
        fn no_flag_that_changes_how_code_runs_is_handed_on(flags: u64) {
            let stopped = Stopped { instruction: 0, stack: 0, flags };
            let arithmetic = 0b1000_1101_0101 | 1 << 21;
            prop_assert_eq!(stopped.flags_handed_on(), flags & arithmetic | 2);
            prop_assert_eq!(stopped.is_single_stepped(), flags & 0x100 != 0);
        }
    }
}
