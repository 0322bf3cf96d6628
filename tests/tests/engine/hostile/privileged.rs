//! Instructions that are not for guests: each faults, or is harmless.
//!
//! The instructions travel as code payloads, so that no assembler changes them.

use libhyperlight::{ErrorCode, FaultKind, Value};
use libhyperlight_tests::code::{fault_of, run, with_code};
use libhyperlight_tests::instructions::INSTRUCTIONS;
use libhyperlight_tests::{assert_works, demo, poisons, sandbox};

#[test]
fn every_privileged_instruction_faults_and_every_other_does_no_harm() {
    let mut neighbour = sandbox(&demo());
    let wrong: Vec<_> = INSTRUCTIONS
        .iter()
        .filter_map(|instruction| {
            let wrong = instruction.try_out().err();
            assert_works(&mut neighbour);
            wrong
        })
        .collect();
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
