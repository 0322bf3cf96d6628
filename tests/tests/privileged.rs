//! Instructions that are not for guests: each faults, or does no harm. Nothing else may come of it.
//!
//! The instructions travel as code payloads, so that no assembler has a say in what they are.

use hyperlight::{ErrorCode, FaultKind, Value};
use hyperlight_tests::code::{fault_of, run, with_code};
use hyperlight_tests::{assert_works, demo, fails_with, poisons, sandbox};

/// What must come of an instruction.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Expected {
    /// A fault that is called a privileged instruction.
    Privileged,
    /// A fault, whichever: processors and hypervisors differ in the exception.
    Fault,
    /// A fault, or nothing at all.
    FaultOrNothing,
    /// It works.
    Nothing,
}
use Expected::{Fault as Faults, FaultOrNothing, Nothing, Privileged};

/// Instructions, without a `ret` behind them.
const INSTRUCTIONS: &[(&str, &[u8], Expected)] = &[
    ("hlt", &[0xf4], Privileged),
    ("cli", &[0xfa], Privileged),
    ("sti", &[0xfb], Privileged),
    ("in al, dx", &[0xec], Privileged),
    ("in eax, dx", &[0xed], Privileged),
    ("in ax, dx", &[0x66, 0xed], Privileged),
    ("in al, 0x60", &[0xe4, 0x60], Privileged),
    ("in al, doorbell's neighbour", &[0xe4, 0x67], Privileged),
    ("in eax, 0x69", &[0xe5, 0x69], Privileged),
    ("out 0x60, al", &[0xe6, 0x60], Privileged),
    ("out 0x69, al: the fault port", &[0xe6, 0x69], Privileged),
    ("out 0x68, ax: half of it the fault port", &[0x66, 0xe7, 0x68], Privileged),
    ("out 0x68, eax", &[0xe7, 0x68], Privileged),
    ("out 0x67, ax: half of it the doorbell", &[0x66, 0xe7, 0x67], Privileged),
    ("out dx, al", &[0xee], Privileged),
    ("insb", &[0x6c], Privileged),
    ("outsb", &[0x6e], Privileged),
    ("outsd", &[0x6f], Privileged),
    // mov $-1, %ecx; rep outsb: four thousand million times at once.
    ("rep outsb", &[0xb9, 0xff, 0xff, 0xff, 0xff, 0xf3, 0x6e], Privileged),
    ("mov rax, cr0", &[0x0f, 0x20, 0xc0], Privileged),
    ("mov rax, cr2", &[0x0f, 0x20, 0xd0], Privileged),
    ("mov rax, cr3", &[0x0f, 0x20, 0xd8], Privileged),
    ("mov rax, cr4", &[0x0f, 0x20, 0xe0], Privileged),
    ("mov rax, cr8", &[0x44, 0x0f, 0x20, 0xc0], Privileged),
    ("mov cr0, rax", &[0x0f, 0x22, 0xc0], Privileged),
    ("mov cr3, rax", &[0x0f, 0x22, 0xd8], Privileged),
    ("mov cr4, rax", &[0x0f, 0x22, 0xe0], Privileged),
    ("mov rax, dr0", &[0x0f, 0x21, 0xc0], Privileged),
    ("mov rax, dr7", &[0x0f, 0x21, 0xf8], Privileged),
    ("mov dr0, rax", &[0x0f, 0x23, 0xc0], Privileged),
    ("mov dr7, rax", &[0x0f, 0x23, 0xf8], Privileged),
    ("clts", &[0x0f, 0x06], Privileged),
    ("lmsw ax", &[0x0f, 0x01, 0xf0], Privileged),
    ("lgdt [rsp]", &[0x0f, 0x01, 0x14, 0x24], Privileged),
    ("lidt [rsp]", &[0x0f, 0x01, 0x1c, 0x24], Privileged),
    ("lldt ax", &[0x0f, 0x00, 0xd0], Privileged),
    ("ltr ax", &[0x0f, 0x00, 0xd8], Privileged),
    ("invlpg [rsp]", &[0x0f, 0x01, 0x3c, 0x24], Privileged),
    ("invd", &[0x0f, 0x08], Privileged),
    ("wbinvd", &[0x0f, 0x09], Privileged),
    ("wrmsr", &[0x0f, 0x30], Privileged),
    ("rdmsr", &[0x0f, 0x32], Privileged),
    // xor %ecx, %ecx; xor %eax, %eax; xor %edx, %edx; xsetbv
    ("xsetbv", &[0x31, 0xc9, 0x31, 0xc0, 0x31, 0xd2, 0x0f, 0x01, 0xd1], Privileged),
    ("swapgs", &[0x0f, 0x01, 0xf8], Faults),
    ("rdpmc", &[0x0f, 0x33], Faults),
    ("sysenter", &[0x0f, 0x34], Faults),
    ("sysexit", &[0x0f, 0x35], Faults),
    ("sysret", &[0x0f, 0x07], Faults),
    ("sysretq", &[0x48, 0x0f, 0x07], Faults),
    ("syscall", &[0x0f, 0x05], Faults),
    ("invpcid", &[0x66, 0x0f, 0x38, 0x82, 0x04, 0x24], Faults),
    ("vmlaunch", &[0x0f, 0x01, 0xc2], Faults),
    ("vmresume", &[0x0f, 0x01, 0xc3], Faults),
    ("vmxoff", &[0x0f, 0x01, 0xc4], Faults),
    ("vmxon [rsp]", &[0xf3, 0x0f, 0xc7, 0x34, 0x24], Faults),
    ("vmrun", &[0x0f, 0x01, 0xd8], Faults),
    ("vmload", &[0x0f, 0x01, 0xda], Faults),
    ("vmsave", &[0x0f, 0x01, 0xdb], Faults),
    ("stgi", &[0x0f, 0x01, 0xdc], Faults),
    ("clgi", &[0x0f, 0x01, 0xdd], Faults),
    ("skinit", &[0x0f, 0x01, 0xde], Faults),
    ("invlpga", &[0x0f, 0x01, 0xdf], Faults),
    ("rsm", &[0x0f, 0xaa], Faults),
    ("monitor", &[0x0f, 0x01, 0xc8], Faults),
    ("mwait", &[0x0f, 0x01, 0xc9], Faults),
    ("clac", &[0x0f, 0x01, 0xca], Faults),
    ("stac", &[0x0f, 0x01, 0xcb], Faults),
    ("encls", &[0x0f, 0x01, 0xcf], Faults),
    ("getsec", &[0x0f, 0x37], Faults),
    ("pconfig", &[0x0f, 0x01, 0xc5], Faults),
    ("xsaves [rsp]", &[0x0f, 0xc7, 0x2c, 0x24], Faults),
    ("xrstors [rsp]", &[0x0f, 0xc7, 0x1c, 0x24], Faults),
    ("int 0x80", &[0xcd, 0x80], Faults),
    ("int 0x20", &[0xcd, 0x20], Faults),
    ("int 8: a gate for the processor alone", &[0xcd, 0x08], Faults),
    ("int 14: a gate for the processor alone", &[0xcd, 0x0e], Faults),
    ("int3", &[0xcc], Faults),
    ("int 3", &[0xcd, 0x03], Faults),
    ("int1", &[0xf1], Faults),
    ("into", &[0xce], Faults),
    ("ud2", &[0x0f, 0x0b], Faults),
    ("a lock that cannot be", &[0xf0, 0x90], Faults),
    // push $0; push %rsp; push $2; push $8; lea of an address: back to ring 0, by interrupt return and far return.
    ("iretq to ring 0", &[0x6a, 0x10, 0x54, 0x6a, 0x02, 0x6a, 0x08, 0x6a, 0x00, 0x48, 0xcf], Faults),
    ("retfq to ring 0", &[0x6a, 0x08, 0x6a, 0x00, 0x48, 0xcb], Faults),
    // mov $0x10, %eax; mov %eax, %ss, and the task's and the engine's code segment.
    ("mov ss, engine code", &[0xb8, 0x08, 0, 0, 0, 0x8e, 0xd0], Faults),
    ("mov ds, task", &[0xb8, 0x40, 0, 0, 0, 0x8e, 0xd8], Faults),
    ("mov ss, 0", &[0x31, 0xc0, 0x8e, 0xd0], Faults),
    // What a hypervisor may answer by an error in rax.
    ("vmcall", &[0x0f, 0x01, 0xc1], FaultOrNothing),
    ("vmmcall", &[0x0f, 0x01, 0xd9], FaultOrNothing),
    // What user-mode instruction prevention decides about.
    ("sgdt [rsp-16]", &[0x0f, 0x01, 0x44, 0x24, 0xf0], FaultOrNothing),
    ("sidt [rsp-16]", &[0x0f, 0x01, 0x4c, 0x24, 0xf0], FaultOrNothing),
    ("sldt eax", &[0x0f, 0x00, 0xc0], FaultOrNothing),
    ("str eax", &[0x0f, 0x00, 0xc8], FaultOrNothing),
    ("smsw eax", &[0x0f, 0x01, 0xe0], FaultOrNothing),
    // What not every processor has.
    ("rdpkru", &[0x31, 0xc9, 0x0f, 0x01, 0xee], FaultOrNothing),
    ("wrpkru", &[0x31, 0xc9, 0x31, 0xc0, 0x31, 0xd2, 0x0f, 0x01, 0xef], FaultOrNothing),
    ("rdgsbase rax", &[0xf3, 0x48, 0x0f, 0xae, 0xc8], FaultOrNothing),
    ("wrgsbase rax", &[0xf3, 0x48, 0x0f, 0xae, 0xd8], FaultOrNothing),
    ("rdtscp", &[0x0f, 0x01, 0xf9], FaultOrNothing),
    ("rdpid rax", &[0xf3, 0x0f, 0xc7, 0xf8], FaultOrNothing),
    ("rdrand rax", &[0x48, 0x0f, 0xc7, 0xf0], FaultOrNothing),
    ("rdseed rax", &[0x48, 0x0f, 0xc7, 0xf8], FaultOrNothing),
    ("xbegin +0; xend", &[0xc7, 0xf8, 0, 0, 0, 0, 0x90], FaultOrNothing),
    ("tpause, at once", &[0x31, 0xc9, 0x31, 0xc0, 0x31, 0xd2, 0x66, 0x0f, 0xae, 0xf1], FaultOrNothing),
    ("enclu", &[0x31, 0xc0, 0x0f, 0x01, 0xd7], FaultOrNothing),
    ("serialize", &[0x0f, 0x01, 0xe8], FaultOrNothing),
    ("vpxor ymm0, ymm0, ymm0: AVX2", &[0xc5, 0xfd, 0xef, 0xc0], FaultOrNothing),
    ("vpxorq zmm0, zmm0, zmm0: AVX-512", &[0x62, 0xf1, 0xfd, 0x48, 0xef, 0xc0], FaultOrNothing),
    ("kmovw k1, eax: AVX-512", &[0xc5, 0xf8, 0x92, 0xc8], FaultOrNothing),
    ("tilezero tmm0: AMX", &[0xc4, 0xe2, 0x7b, 0x49, 0xc0], FaultOrNothing),
    // rbx is the caller's, and this writes to it.
    ("cpuid", &[0x53, 0x31, 0xc0, 0x0f, 0xa2, 0x5b], Nothing),
    ("rdtsc", &[0x0f, 0x31], Nothing),
    ("xgetbv", &[0x31, 0xc9, 0x0f, 0x01, 0xd0], Nothing),
    ("lar eax, eax", &[0x0f, 0x02, 0xc0], Nothing),
    ("nop", &[0x90], Nothing),
];

#[test]
fn every_privileged_instruction_faults_and_every_other_does_no_harm() {
    let mut neighbour = sandbox(&demo());
    let mut wrong = Vec::new();
    for (name, code, expected) in INSTRUCTIONS {
        let mut sandbox = with_code(&[code, &[0xc3][..]].concat());
        match run(&mut sandbox) {
            Ok(_) if matches!(expected, FaultOrNothing | Nothing) => assert_works(&mut sandbox),
            Ok(_) => wrong.push(format!("{name}: nothing happened")),
            Err(error) => {
                let kind = error.fault().map(|fault| fault.kind);
                let right = error.code() == ErrorCode::GuestFault
                    && match expected {
                        Privileged => kind == Some(FaultKind::PrivilegedInstruction),
                        Faults | FaultOrNothing => kind.is_some(),
                        Nothing => false,
                    };
                if !right {
                    wrong.push(format!("{name}: {error:?}"));
                }
                let code = error.code();
                fails_with::<()>(code, Err(error));
                fails_with(ErrorCode::Poisoned, run(&mut sandbox));
            }
        }
        assert_works(&mut neighbour);
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_functions_of_the_demo_guest_that_try_such_instructions_fault() {
    let guest = &demo();
    for (function, arguments) in [
        ("ReadMSR", vec![Value::U32(0xc000_0102)]),
        ("WriteMSR", vec![Value::U32(0xc000_0102), Value::U64(1)]),
        ("SetDr0", vec![Value::U64(1)]),
        ("GetDr0", vec![]),
        ("WriteXcr0", vec![Value::U64(1)]),
        ("ReadCr3", vec![]),
        ("Halt", vec![]),
        ("DisableInterrupts", vec![]),
        ("OutbWithPort", vec![Value::U32(0x1234), Value::U32(1)]),
        ("OutbWithPort", vec![Value::U32(0x69), Value::U32(1)]),
        ("OutWide", vec![Value::U32(0x68), Value::U32(1), Value::U32(2)]),
        ("OutWide", vec![Value::U32(0x68), Value::U32(1), Value::U32(4)]),
        ("OutString", vec![Value::U32(0x3f8), Value::U64(1 << 32)]),
        ("InbWithPort", vec![Value::U32(0x68 + 0x400)]),
    ] {
        let error = poisons(&mut sandbox(guest), ErrorCode::GuestFault, |sandbox| {
            sandbox.call_values(function, &arguments)
        });
        let fault = error.fault().unwrap();
        assert_eq!((fault.kind, fault.vector), (FaultKind::PrivilegedInstruction, 13), "{function}: {fault}");
    }
    let error = poisons(&mut sandbox(guest), ErrorCode::GuestFault, |sandbox| {
        sandbox.call::<u64>("Syscall", (60_u64,))
    });
    assert!(error.fault().is_some(), "{error}");
}

#[test]
fn no_port_but_the_doorbell_answers() {
    let mut code = vec![0x66, 0xba, 0, 0, 0xee, 0xc3];
    for port in (0..=0x70).chain([0x80, 0xcf8, 0xcfc, 0x3f8, 0x402, 0x510, 0x1234, 0xffff_u16]) {
        if port == 0x68 {
            continue;
        }
        code[2..4].copy_from_slice(&port.to_le_bytes());
        assert_eq!(fault_of(&code).kind, FaultKind::PrivilegedInstruction, "out to {port:#x}");
    }
}

#[test]
fn the_doorbell_without_a_frame_is_a_broken_contract() {
    let error = poisons(&mut sandbox(&demo()), ErrorCode::Protocol, |sandbox| {
        sandbox.call::<()>("OutbWithPort", (0x68_u32, 1_u32))
    });
    assert!(error.message().contains("rang for frame 2, but its mailbox says 1"), "{error}");
    // Also by a string instruction, and by reading instead of writing.
    let out_string =
        [0x66, 0xba, 0x68, 0x00, 0x48, 0x89, 0xe6, 0xb9, 0xff, 0xff, 0xff, 0xff, 0xf3, 0x6e, 0xc3];
    for code in [&out_string[..], &[0xe4, 0x68, 0xc3]] {
        poisons(&mut with_code(code), ErrorCode::Protocol, run);
    }
}
