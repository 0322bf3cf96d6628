//! Tests of the state that a stop can leave in a machine, set by hand: on hardware it takes an unlucky moment to get
//! it.

use std::os::fd::AsRawFd;

use super::Vm;
use crate::{ErrorCode, FaultKind, Guest, Sandbox, SandboxOptions, Snapshot, UninitializedSandbox};

const INVALID_OPCODE: u8 = 6;

fn started() -> (Sandbox, Snapshot) {
    let guest = Guest::from_bytes(&libhyperlight_builtin::elf("demo").unwrap()).unwrap();
    let mut sandbox = UninitializedSandbox::new(&guest, SandboxOptions::new()).unwrap().evolve().unwrap();
    let snapshot = sandbox.snapshot().unwrap();
    sandbox.call::<()>("NoOp", ()).unwrap();
    (sandbox, snapshot)
}

/// The guest was stopped when this exception was on its way to it.
fn with_exception(vm: &mut Vm, vector: u8) {
    let vcpu = &vm.machine.vcpu;
    let mut events = vcpu.get_vcpu_events().unwrap();
    (events.exception.injected, events.exception.nr) = (1, vector);
    vcpu.set_vcpu_events(&events).unwrap();
    vm.drain();
}

/// The numbers of the descriptors of a machine and its vCPU: a new machine has others.
fn machine(sandbox: &mut Sandbox) -> (i32, i32) {
    let machine = &sandbox.vm().machine;
    (machine.vm.as_raw_fd(), machine.vcpu.as_raw_fd())
}

#[test]
fn an_exception_on_its_way_reaches_the_guest_that_was_stopped() {
    let (mut sandbox, _) = started();
    with_exception(sandbox.vm(), INVALID_OPCODE);
    let error = sandbox.call::<()>("NoOp", ()).unwrap_err();
    assert_eq!(error.code(), ErrorCode::GuestFault);
    assert_eq!(error.fault().unwrap().kind, FaultKind::IllegalInstruction);
}

#[test]
fn an_exception_on_its_way_does_not_reach_the_guest_that_is_restored() {
    let (mut sandbox, snapshot) = started();
    let before = machine(&mut sandbox);
    with_exception(sandbox.vm(), INVALID_OPCODE);
    sandbox.restore(&snapshot).unwrap();
    sandbox.call::<()>("NoOp", ()).unwrap();
    assert_eq!(machine(&mut sandbox), before, "the machine need not be replaced for it");
}

#[test]
fn a_machine_whose_guest_stopped_in_an_interrupt_shadow_runs_no_other_guest() {
    const MOV_SS: u8 = 1 << 1;
    let (mut sandbox, snapshot) = started();
    let before = machine(&mut sandbox);
    sandbox.vm().drain();
    let vcpu = &sandbox.vm().machine.vcpu;
    let mut events = vcpu.get_vcpu_events().unwrap();
    events.interrupt.shadow = MOV_SS;
    vcpu.set_vcpu_events(&events).unwrap();
    // A hypervisor that interprets ring 0 may have no such state.
    let is_in_shadow = vcpu.get_vcpu_events().unwrap().interrupt.shadow != 0;
    sandbox.restore(&snapshot).unwrap();
    sandbox.call::<()>("NoOp", ()).unwrap();
    // The old machine may still be in the reaper's queue, so the numbers differ.
    assert!(!is_in_shadow || machine(&mut sandbox) != before);
}

#[test]
fn a_machine_whose_guest_rings_in_single_steps_runs_no_other_guest() {
    const TRAP_FLAG: u64 = 1 << 8;
    let (mut sandbox, snapshot) = started();
    let before = machine(&mut sandbox);
    let vcpu = &mut sandbox.vm().machine.vcpu;
    let mut registers = vcpu.get_regs().unwrap();
    registers.rflags |= TRAP_FLAG;
    vcpu.set_regs(&registers).unwrap();
    // The step's exception comes behind the doorbell's `out`.
    let error = sandbox.call::<()>("NoOp", ()).unwrap_err();
    assert_eq!(error.fault().unwrap().kind, FaultKind::Breakpoint);
    sandbox.restore(&snapshot).unwrap();
    sandbox.call::<()>("NoOp", ()).unwrap();
    assert_eq!(machine(&mut sandbox), before, "an exception that was delivered is no longer held back");
}
