//! Faults: each is classified, with address, access and function, and affects nothing else.
#![expect(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

use libhyperlight::{Access, Error, ErrorCode, Fault, FaultKind, Guest, Sandbox};
use libhyperlight_tests::{ENGINE, assert_works, demo, demo_c, on_each_guest, poisons, sandbox};

/// The fault of a call that must fault.
#[track_caller]
fn fault_of(guest: &Guest, call: impl FnOnce(&mut Sandbox) -> Result<(), Error>) -> Fault {
    let mut neighbour = sandbox(guest);
    let mut sandbox = sandbox(guest);
    let error = poisons(&mut sandbox, ErrorCode::GuestFault, call);
    assert_works(&mut neighbour);
    let fault = error.fault().expect("a fault is described").clone();
    assert!(error.message().contains(&fault.to_string()), "{error}");
    assert!(error.message().contains(&format!("at instruction {:#x}", fault.instruction)), "{error}");
    fault
}

fn read(address: u64) -> impl FnOnce(&mut Sandbox) -> Result<(), Error> {
    move |sandbox| sandbox.call::<u64>("ReadAddress", (address,)).map(drop)
}

fn write(address: u64) -> impl FnOnce(&mut Sandbox) -> Result<(), Error> {
    move |sandbox| sandbox.call("WriteAddress", (address, 0_u64))
}

fn execute(address: u64) -> impl FnOnce(&mut Sandbox) -> Result<(), Error> {
    move |sandbox| sandbox.call("ExecuteAddress", (address,))
}

fn call(name: &'static str) -> impl FnOnce(&mut Sandbox) -> Result<(), Error> {
    move |sandbox| sandbox.call_values(name, &[]).map(drop)
}

/// The address of a thing in the Rust demo guest. Except for the heap, the engine's regions lie at the same places in
/// every guest.
fn address_of(what: &str) -> u64 {
    sandbox(&demo()).call("AddressOf", (what,)).unwrap()
}

/// Checks the kind, the access and the address of a memory fault.
#[track_caller]
fn assert_memory(fault: &Fault, kind: FaultKind, access: Access, address: u64) {
    assert_eq!(
        (fault.kind, fault.access, fault.address, fault.vector),
        (kind, access, address, 14),
        "{fault}"
    );
}

#[test]
fn null_pointers_are_called_by_their_name() {
    on_each_guest(|guest| {
        assert_memory(&fault_of(guest, read(0)), FaultKind::NullAccess, Access::Read, 0);
        assert_memory(&fault_of(guest, read(0xfff8)), FaultKind::NullAccess, Access::Read, 0xfff8);
        assert_memory(&fault_of(guest, write(8)), FaultKind::NullAccess, Access::Write, 8);
        assert_memory(&fault_of(guest, execute(0)), FaultKind::NullAccess, Access::Execute, 0);
    });
}

#[test]
fn memory_that_is_not_there_faults() {
    on_each_guest(|guest| {
        for address in [0x1_0000, 0x8_0000_0000_u64, 0x2000_0000_0000, 0x7fff_ffff_f000] {
            assert_memory(&fault_of(guest, read(address)), FaultKind::UnmappedAccess, Access::Read, address);
            assert_memory(
                &fault_of(guest, write(address)),
                FaultKind::UnmappedAccess,
                Access::Write,
                address,
            );
            let fault = fault_of(guest, execute(address));
            assert_memory(&fault, FaultKind::UnmappedAccess, Access::Execute, address);
            assert_eq!((fault.instruction, fault.function), (address, None));
        }
    });
}

#[test]
fn every_region_ends_at_a_guard() {
    let regions = ["heap", "input", "output", "log_ring", "stack"];
    for (guest, regions) in [(&demo(), &regions[..]), (&demo_c(), &regions[1..])] {
        for region in regions {
            let address = address_of(&format!("{region}_end"));
            assert_memory(&fault_of(guest, read(address)), FaultKind::UnmappedAccess, Access::Read, address);
            assert_memory(
                &fault_of(guest, write(address)),
                FaultKind::UnmappedAccess,
                Access::Write,
                address,
            );
            // The last word before the end is there.
            sandbox(guest).call::<u64>("ReadAddress", (address - 8,)).unwrap();
        }
        for start in regions.iter().filter(|region| **region != "stack") {
            let address = address_of(start) - 8;
            assert_memory(&fault_of(guest, read(address)), FaultKind::UnmappedAccess, Access::Read, address);
        }
    }
}

#[test]
fn what_is_read_only_cannot_be_written() {
    on_each_guest(|guest| {
        for what in ["doorbell", "input"] {
            let address = address_of(what);
            assert_memory(
                &fault_of(guest, write(address)),
                FaultKind::WriteToReadOnly,
                Access::Write,
                address,
            );
        }
    });
    for name in ["WriteToCode", "WriteInputBuffer"] {
        let fault = fault_of(&demo(), call(name));
        assert_eq!((fault.kind, fault.access), (FaultKind::WriteToReadOnly, Access::Write), "{name}");
    }
}

#[test]
fn data_cannot_be_executed() {
    let regions = ["heap", "stack", "input", "output", "log_ring"];
    for (guest, regions) in [(&demo(), &regions[..]), (&demo_c(), &regions[1..])] {
        for what in regions {
            let address = address_of(what);
            let fault = fault_of(guest, execute(address));
            assert_memory(&fault, FaultKind::ExecuteOfData, Access::Execute, address);
            assert_eq!(fault.instruction, address);
        }
        for name in ["ExecuteOnHeap", "ExecuteOnStack"] {
            let fault = fault_of(guest, call(name));
            assert_eq!((fault.kind, fault.access), (FaultKind::ExecuteOfData, Access::Execute), "{name}");
        }
    }
    assert_eq!(fault_of(&demo(), execute(address_of("data"))).kind, FaultKind::ExecuteOfData);
}

#[test]
fn the_engines_own_pages_are_closed_to_every_access() {
    let guest = demo();
    let mut closed = 0;
    for address in (ENGINE..ENGINE + 0x8000).step_by(4096) {
        let fault = fault_of(&guest, read(address));
        if fault.kind == FaultKind::UnmappedAccess {
            continue;
        }
        closed += 1;
        assert_memory(&fault, FaultKind::EngineAccess, Access::Read, address);
        assert_memory(&fault_of(&guest, write(address)), FaultKind::EngineAccess, Access::Write, address);
        // A jump to a stub is no way to ring 0, and no way to forge a report.
        let fault = fault_of(&guest, execute(address));
        assert_memory(&fault, FaultKind::EngineAccess, Access::Execute, address);
    }
    assert_eq!(closed, 4);
}

#[test]
fn addresses_that_cannot_exist_are_told_apart() {
    on_each_guest(|guest| {
        for address in [0x8000_0000_0000_0000, 0x8000_0000_0000, 0xdead_beef_dead_beef] {
            for fault in [fault_of(guest, read(address)), fault_of(guest, write(address))] {
                assert_eq!((fault.kind, fault.vector), (FaultKind::GeneralProtection, 13), "{fault}");
                assert_eq!((fault.access, fault.address), (Access::None, 0));
            }
        }
        // A host's kernel lives up there; for a guest nothing does.
        for address in [0xffff_8880_0000_0000, 0xffff_ffff_8100_0000, u64::MAX - 7] {
            let fault = fault_of(guest, read(address));
            assert_eq!((fault.kind, fault.address), (FaultKind::UnmappedAccess, address), "{fault}");
        }
    });
}

#[test]
fn exceptions_of_the_processor_are_told_apart() {
    on_each_guest(|guest| {
        for (name, kind, vector) in [
            ("DivideByZero", FaultKind::Division, 0),
            ("TriggerInt3", FaultKind::Breakpoint, 3),
            ("TriggerException", FaultKind::IllegalInstruction, 6),
            ("FillHeapAndCauseException", FaultKind::IllegalInstruction, 6),
        ] {
            let fault = fault_of(guest, call(name));
            assert_eq!((fault.kind, fault.vector), (kind, vector), "{name}: {fault}");
            assert_eq!((fault.address, fault.access), (0, Access::None), "{name}");
        }
    });
    let fault = fault_of(&demo(), call("NonCanonicalRead"));
    assert_eq!((fault.kind, fault.vector), (FaultKind::GeneralProtection, 13), "{fault}");
}

#[test]
fn exceptions_of_sse_are_told_apart() {
    for (name, kind, vector) in [
        ("MisalignedSse", FaultKind::GeneralProtection, 13),
        ("UnmaskedFloatException", FaultKind::FloatingPoint, 19),
    ] {
        let fault = fault_of(&demo(), call(name));
        assert_eq!((fault.kind, fault.vector), (kind, vector), "{name}: {fault}");
    }
}

#[test]
fn a_fault_names_the_function_it_happened_in() {
    on_each_guest(|guest| {
        let error = poisons(&mut sandbox(guest), ErrorCode::StackOverflow, |sandbox| {
            sandbox.call::<i32>("StackOverflow", (1_000_000,))
        });
        let found = error.fault().unwrap().function.clone().unwrap();
        assert!(found.contains("stack_overflow") || found.contains("descend"), "{error}");
        assert!(error.message().ends_with(&format!(" in {found}")), "{error}");
        // A compiler may have put a small function into the one that calls it, but some function it is.
        for name in ["TriggerException", "TriggerInt3", "DivideByZero"] {
            let fault = fault_of(guest, call(name));
            assert!(fault.function.is_some(), "{name}: {fault}");
        }
    });
}

#[test]
fn a_fault_without_a_stack_is_reported() {
    let fault = fault_of(&demo(), call("FaultWithoutStack"));
    assert_eq!(fault.kind, FaultKind::IllegalInstruction, "{fault}");
}
