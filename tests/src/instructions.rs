//! Instructions that are not for guests, and some that are, with the expected outcome of each.
//!
//! They travel as code payloads, so that no assembler changes them.

use libhyperlight::{ErrorCode, FaultKind};

use crate::code::{run, with_code};
use crate::{assert_works, fails_with};

/// The expected outcome of an instruction.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Expected {
    /// A fault that is called a privileged instruction.
    Privileged,
    /// A fault, whichever: processors and hypervisors differ in the exception.
    Fault,
    /// A fault, or no effect at all.
    FaultOrNothing,
    /// It works.
    Nothing,
}
use Expected::{Fault as Faults, FaultOrNothing, Nothing, Privileged};

/// Name, code without a `ret` behind it, and the expected outcome.
#[derive(Clone, Copy, Debug)]
pub struct Instruction(pub &'static str, pub &'static [u8], pub Expected);

/// All of them.
pub const INSTRUCTIONS: &[Instruction] = &[
    Instruction("hlt", &[0xf4], Privileged),
    Instruction("cli", &[0xfa], Privileged),
    Instruction("sti", &[0xfb], Privileged),
    Instruction("in al, dx", &[0xec], Privileged),
    Instruction("in eax, dx", &[0xed], Privileged),
    Instruction("in ax, dx", &[0x66, 0xed], Privileged),
    Instruction("in al, 0x60", &[0xe4, 0x60], Privileged),
    Instruction("in al, doorbell's neighbour", &[0xe4, 0x67], Privileged),
    Instruction("in eax, 0x69", &[0xe5, 0x69], Privileged),
    Instruction("out 0x60, al", &[0xe6, 0x60], Privileged),
    Instruction("out 0x69, al: the fault port", &[0xe6, 0x69], Privileged),
    Instruction("out 0x68, ax: half of it the fault port", &[0x66, 0xe7, 0x68], Privileged),
    Instruction("out 0x68, eax", &[0xe7, 0x68], Privileged),
    Instruction("out 0x67, ax: half of it the doorbell", &[0x66, 0xe7, 0x67], Privileged),
    Instruction("out dx, al", &[0xee], Privileged),
    Instruction("insb", &[0x6c], Privileged),
    Instruction("outsb", &[0x6e], Privileged),
    Instruction("outsd", &[0x6f], Privileged),
    // mov $-1, %ecx; rep outsb: four thousand million times at once.
    Instruction("rep outsb", &[0xb9, 0xff, 0xff, 0xff, 0xff, 0xf3, 0x6e], Privileged),
    Instruction("mov rax, cr0", &[0x0f, 0x20, 0xc0], Privileged),
    Instruction("mov rax, cr2", &[0x0f, 0x20, 0xd0], Privileged),
    Instruction("mov rax, cr3", &[0x0f, 0x20, 0xd8], Privileged),
    Instruction("mov rax, cr4", &[0x0f, 0x20, 0xe0], Privileged),
    Instruction("mov rax, cr8", &[0x44, 0x0f, 0x20, 0xc0], Privileged),
    Instruction("mov cr0, rax", &[0x0f, 0x22, 0xc0], Privileged),
    Instruction("mov cr3, rax", &[0x0f, 0x22, 0xd8], Privileged),
    Instruction("mov cr4, rax", &[0x0f, 0x22, 0xe0], Privileged),
    Instruction("mov rax, dr0", &[0x0f, 0x21, 0xc0], Privileged),
    Instruction("mov rax, dr7", &[0x0f, 0x21, 0xf8], Privileged),
    Instruction("mov dr0, rax", &[0x0f, 0x23, 0xc0], Privileged),
    Instruction("mov dr7, rax", &[0x0f, 0x23, 0xf8], Privileged),
    Instruction("clts", &[0x0f, 0x06], Privileged),
    Instruction("lmsw ax", &[0x0f, 0x01, 0xf0], Privileged),
    Instruction("lgdt [rsp]", &[0x0f, 0x01, 0x14, 0x24], Privileged),
    Instruction("lidt [rsp]", &[0x0f, 0x01, 0x1c, 0x24], Privileged),
    Instruction("lldt ax", &[0x0f, 0x00, 0xd0], Privileged),
    Instruction("ltr ax", &[0x0f, 0x00, 0xd8], Privileged),
    Instruction("invlpg [rsp]", &[0x0f, 0x01, 0x3c, 0x24], Privileged),
    Instruction("invd", &[0x0f, 0x08], Privileged),
    Instruction("wbinvd", &[0x0f, 0x09], Privileged),
    Instruction("wrmsr", &[0x0f, 0x30], Privileged),
    Instruction("rdmsr", &[0x0f, 0x32], Privileged),
    // xor %ecx, %ecx; xor %eax, %eax; xor %edx, %edx; xsetbv
    Instruction("xsetbv", &[0x31, 0xc9, 0x31, 0xc0, 0x31, 0xd2, 0x0f, 0x01, 0xd1], Privileged),
    Instruction("swapgs", &[0x0f, 0x01, 0xf8], Faults),
    Instruction("rdpmc", &[0x0f, 0x33], Faults),
    Instruction("sysenter", &[0x0f, 0x34], Faults),
    Instruction("sysexit", &[0x0f, 0x35], Faults),
    Instruction("sysret", &[0x0f, 0x07], Faults),
    Instruction("sysretq", &[0x48, 0x0f, 0x07], Faults),
    Instruction("syscall", &[0x0f, 0x05], Faults),
    Instruction("invpcid", &[0x66, 0x0f, 0x38, 0x82, 0x04, 0x24], Faults),
    Instruction("vmlaunch", &[0x0f, 0x01, 0xc2], Faults),
    Instruction("vmresume", &[0x0f, 0x01, 0xc3], Faults),
    Instruction("vmxoff", &[0x0f, 0x01, 0xc4], Faults),
    Instruction("vmxon [rsp]", &[0xf3, 0x0f, 0xc7, 0x34, 0x24], Faults),
    Instruction("vmrun", &[0x0f, 0x01, 0xd8], Faults),
    Instruction("vmload", &[0x0f, 0x01, 0xda], Faults),
    Instruction("vmsave", &[0x0f, 0x01, 0xdb], Faults),
    Instruction("stgi", &[0x0f, 0x01, 0xdc], Faults),
    Instruction("clgi", &[0x0f, 0x01, 0xdd], Faults),
    Instruction("skinit", &[0x0f, 0x01, 0xde], Faults),
    Instruction("invlpga", &[0x0f, 0x01, 0xdf], Faults),
    Instruction("rsm", &[0x0f, 0xaa], Faults),
    Instruction("monitor", &[0x0f, 0x01, 0xc8], Faults),
    Instruction("mwait", &[0x0f, 0x01, 0xc9], Faults),
    Instruction("clac", &[0x0f, 0x01, 0xca], Faults),
    Instruction("stac", &[0x0f, 0x01, 0xcb], Faults),
    Instruction("encls", &[0x0f, 0x01, 0xcf], Faults),
    Instruction("getsec", &[0x0f, 0x37], Faults),
    Instruction("pconfig", &[0x0f, 0x01, 0xc5], Faults),
    Instruction("xsaves [rsp]", &[0x0f, 0xc7, 0x2c, 0x24], Faults),
    Instruction("xrstors [rsp]", &[0x0f, 0xc7, 0x1c, 0x24], Faults),
    Instruction("int 0x80", &[0xcd, 0x80], Faults),
    Instruction("int 0x20", &[0xcd, 0x20], Faults),
    Instruction("int 8: a gate for the processor alone", &[0xcd, 0x08], Faults),
    Instruction("int 14: a gate for the processor alone", &[0xcd, 0x0e], Faults),
    Instruction("int3", &[0xcc], Faults),
    Instruction("int 3", &[0xcd, 0x03], Faults),
    Instruction("int1", &[0xf1], Faults),
    Instruction("into", &[0xce], Faults),
    Instruction("ud2", &[0x0f, 0x0b], Faults),
    Instruction("a lock that cannot be", &[0xf0, 0x90], Faults),
    // push $0; push %rsp; push $2; push $8; lea of an address: back to ring 0, by interrupt return and far return.
    Instruction(
        "iretq to ring 0",
        &[0x6a, 0x10, 0x54, 0x6a, 0x02, 0x6a, 0x08, 0x6a, 0x00, 0x48, 0xcf],
        Faults,
    ),
    Instruction("retfq to ring 0", &[0x6a, 0x08, 0x6a, 0x00, 0x48, 0xcb], Faults),
    // mov $0x10, %eax; mov %eax, %ss, and the task's and the engine's code segment.
    Instruction("mov ss, engine code", &[0xb8, 0x08, 0, 0, 0, 0x8e, 0xd0], Faults),
    Instruction("mov ds, task", &[0xb8, 0x40, 0, 0, 0, 0x8e, 0xd8], Faults),
    Instruction("mov ss, 0", &[0x31, 0xc0, 0x8e, 0xd0], Faults),
    // What a hypervisor may answer by an error in rax.
    Instruction("vmcall", &[0x0f, 0x01, 0xc1], FaultOrNothing),
    Instruction("vmmcall", &[0x0f, 0x01, 0xd9], FaultOrNothing),
    // What user-mode instruction prevention decides about.
    Instruction("sgdt [rsp-16]", &[0x0f, 0x01, 0x44, 0x24, 0xf0], FaultOrNothing),
    Instruction("sidt [rsp-16]", &[0x0f, 0x01, 0x4c, 0x24, 0xf0], FaultOrNothing),
    Instruction("sldt eax", &[0x0f, 0x00, 0xc0], FaultOrNothing),
    Instruction("str eax", &[0x0f, 0x00, 0xc8], FaultOrNothing),
    Instruction("smsw eax", &[0x0f, 0x01, 0xe0], FaultOrNothing),
    // What not every processor has.
    Instruction("rdpkru", &[0x31, 0xc9, 0x0f, 0x01, 0xee], FaultOrNothing),
    Instruction("wrpkru", &[0x31, 0xc9, 0x31, 0xc0, 0x31, 0xd2, 0x0f, 0x01, 0xef], FaultOrNothing),
    Instruction("rdgsbase rax", &[0xf3, 0x48, 0x0f, 0xae, 0xc8], FaultOrNothing),
    Instruction("wrgsbase rax", &[0xf3, 0x48, 0x0f, 0xae, 0xd8], FaultOrNothing),
    Instruction("rdtscp", &[0x0f, 0x01, 0xf9], FaultOrNothing),
    Instruction("rdpid rax", &[0xf3, 0x0f, 0xc7, 0xf8], FaultOrNothing),
    Instruction("rdrand rax", &[0x48, 0x0f, 0xc7, 0xf0], FaultOrNothing),
    Instruction("rdseed rax", &[0x48, 0x0f, 0xc7, 0xf8], FaultOrNothing),
    Instruction("xbegin +0; xend", &[0xc7, 0xf8, 0, 0, 0, 0, 0x90], FaultOrNothing),
    Instruction(
        "tpause, at once",
        &[0x31, 0xc9, 0x31, 0xc0, 0x31, 0xd2, 0x66, 0x0f, 0xae, 0xf1],
        FaultOrNothing,
    ),
    Instruction("enclu", &[0x31, 0xc0, 0x0f, 0x01, 0xd7], FaultOrNothing),
    Instruction("serialize", &[0x0f, 0x01, 0xe8], FaultOrNothing),
    Instruction("vpxor ymm0, ymm0, ymm0: AVX2", &[0xc5, 0xfd, 0xef, 0xc0], FaultOrNothing),
    Instruction("vpxorq zmm0, zmm0, zmm0: AVX-512", &[0x62, 0xf1, 0xfd, 0x48, 0xef, 0xc0], FaultOrNothing),
    Instruction("kmovw k1, eax: AVX-512", &[0xc5, 0xf8, 0x92, 0xc8], FaultOrNothing),
    Instruction("tilezero tmm0: AMX", &[0xc4, 0xe2, 0x7b, 0x49, 0xc0], FaultOrNothing),
    // rbx is the caller's, and this writes to it.
    Instruction("cpuid", &[0x53, 0x31, 0xc0, 0x0f, 0xa2, 0x5b], Nothing),
    Instruction("rdtsc", &[0x0f, 0x31], Nothing),
    Instruction("xgetbv", &[0x31, 0xc9, 0x0f, 0x01, 0xd0], Nothing),
    Instruction("lar eax, eax", &[0x0f, 0x02, 0xc0], Nothing),
    Instruction("nop", &[0x90], Nothing),
];

impl Instruction {
    /// Executes it in a sandbox of its own. The error says how the outcome differs.
    pub fn try_out(&self) -> Result<(), String> {
        let Self(name, code, expected) = self;
        let mut sandbox = with_code(&[code, &[0xc3][..]].concat());
        match run(&mut sandbox) {
            Ok(_) if matches!(expected, FaultOrNothing | Nothing) => {
                assert_works(&mut sandbox);
                Ok(())
            }
            Ok(_) => Err(format!("{name}: nothing happened")),
            Err(error) => {
                let kind = error.fault().map(|fault| fault.kind);
                let is_right = error.code() == ErrorCode::GuestFault
                    && match expected {
                        Privileged => kind == Some(FaultKind::PrivilegedInstruction),
                        Faults | FaultOrNothing => kind.is_some(),
                        Nothing => false,
                    };
                let wrong = format!("{name}: {error:?}");
                fails_with::<()>(error.code(), Err(error));
                fails_with(ErrorCode::Poisoned, run(&mut sandbox));
                if is_right { Ok(()) } else { Err(wrong) }
            }
        }
    }
}
