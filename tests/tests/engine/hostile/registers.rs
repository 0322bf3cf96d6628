//! Guests that leave stack pointer, flags and control words in an improper state.

use libhyperlight::{ErrorCode, FaultKind};
use libhyperlight_tests::code::{fault_of, run, with_code};
use libhyperlight_tests::{ENGINE, assert_works, demo, poisons, sandbox};

#[test]
fn a_fault_is_reported_with_any_stack_pointer() {
    let ud2 = [0x0f, 0x0b];
    let output: u64 = sandbox(&demo()).call("AddressOf", ("output",)).unwrap();
    for pointer in
        [0, 8, output + 64, 0x8_0000_0000, 0x7fff_ffff_fff8, 0x8000_0000_0000, ENGINE + 0x2000, u64::MAX]
    {
        // movabs $pointer, %rsp; ud2
        let code = [&[0x48, 0xbc][..], &pointer.to_le_bytes(), &ud2].concat();
        assert_eq!(fault_of(&code).kind, FaultKind::IllegalInstruction, "rsp is {pointer:#x}");
        // movabs $pointer, %rsp; push %rax
        let code = [&[0x48, 0xbc][..], &pointer.to_le_bytes(), &[0x50], &ud2].concat();
        poisons(&mut with_code(&code), ErrorCode::GuestFault, run);
    }
}

#[test]
fn a_guest_that_returns_to_nowhere_faults_there() {
    // push $0x1234; ret
    let fault = fault_of(&[0x68, 0x34, 0x12, 0, 0, 0xc3]);
    assert_eq!((fault.kind, fault.instruction), (FaultKind::NullAccess, 0x1234));
    // Throws the return address away, again and again, until the stack ends: pop %rax; jmp .-1
    let fault = fault_of(&[0x58, 0xeb, 0xfd]);
    assert_eq!(fault.kind, FaultKind::UnmappedAccess);
}

#[test]
fn flags_that_a_guest_leaves_set_are_gone_in_the_next_call() {
    let mut sandbox = with_code(&[
        0x9c, 0x48, 0x81, 0x0c, 0x24, 0x00, 0x44, 0x04, 0x00, // pushf; orq $0x44400, (%rsp): AC, NT, DF
        0x9d, 0xc3, // popf; ret
    ]);
    // The direction flag may break what the guest itself does before it is done with the call.
    if run(&mut sandbox).is_ok() {
        let flags: u64 = sandbox.call("GetFlags", ()).unwrap();
        assert_eq!(flags & 0x4_4500, 0, "{flags:#x}");
        assert_works(&mut sandbox);
    }
    for flag in [1_u64 << 14, 1 << 21] {
        let mut sandbox = libhyperlight_tests::sandbox(&demo());
        sandbox.call::<()>("SetFlags", (flag,)).unwrap();
        assert_eq!(sandbox.call::<u64>("GetFlags", ()).unwrap() & flag, 0, "{flag:#x}");
        assert_works(&mut sandbox);
    }
}

#[test]
fn single_steps_are_faults_of_the_guest() {
    // pushf; orq $0x100, (%rsp); popf; nop
    let fault = fault_of(&[0x9c, 0x48, 0x81, 0x0c, 0x24, 0x00, 0x01, 0x00, 0x00, 0x9d, 0x90, 0x90, 0xc3]);
    assert_eq!((fault.kind, fault.vector), (FaultKind::Breakpoint, 1));
}

#[test]
fn a_misaligned_access_is_a_fault_of_a_guest_that_asks_for_it() {
    // pushf; orq $0x40000, (%rsp); popf; mov 1(%rsp), %rax
    let code =
        [0x9c, 0x48, 0x81, 0x0c, 0x24, 0x00, 0x00, 0x04, 0x00, 0x9d, 0x48, 0x8b, 0x44, 0x24, 0x01, 0xc3];
    assert_eq!((fault_of(&code).kind, fault_of(&code).vector), (FaultKind::Alignment, 17));
}

#[test]
fn an_unmasked_x87_exception_is_a_fault_of_the_guest() {
    // push $0x37b (divisions by zero unmasked); fldcw (%rsp); fld1; fldz; fdivrp; fwait; pop %rax; ret
    let code =
        [0x68, 0x7b, 0x03, 0, 0, 0xd9, 0x2c, 0x24, 0xd9, 0xe8, 0xd9, 0xee, 0xde, 0xf9, 0x9b, 0x58, 0xc3];
    let fault = fault_of(&code);
    assert_eq!((fault.kind, fault.vector), (FaultKind::FloatingPoint, 16), "{fault}");
}
