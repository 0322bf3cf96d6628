//! Placed regions, the arena and the stacks, as the guest finds them.

use libhyperlight::placement::{Placement, Region, RegionAccess, Source};
use libhyperlight::{Access, ErrorCode, FaultKind};
use libhyperlight_tests::placement::{
    CODE, PAGE, PLACED, alias, fixed, numbered, own, peek, poke, server, told, with,
};
use libhyperlight_tests::{assert_works, poisons, sandbox};

#[test]
fn a_page_of_the_fixed_part_is_found_at_each_of_its_addresses() {
    let part = numbered(1100);
    // One of them in large pages, one across their borders, one below the program.
    let places = [(PLACED, 0, 1100), (PLACED + 0x4000_0000 + PAGE, 500, 600), (0x1_0000, 7, 3)];
    let regions = places.map(|(address, offset, pages)| alias(address, offset, pages, RegionAccess::Read));
    let mut sandbox = sandbox(&with(&part, regions).unwrap());
    for (address, offset, pages) in places {
        for page in [0, 1, 11, 12, 511, 512, pages - 1].into_iter().filter(|page| *page < pages) {
            assert_eq!(
                peek(&mut sandbox, address + page * PAGE + 8),
                offset + page,
                "page {page} at {address:#x}"
            );
        }
    }
    assert_works(&mut sandbox);
}

#[test]
fn code_runs_where_it_is_placed_as_code_and_nowhere_else() {
    let part = numbered(4);
    let regions = [
        alias(PLACED, 0, 4, RegionAccess::Read),
        alias(PLACED + 0x10_0000, 1, 1, RegionAccess::ReadExecute),
        own(PLACED + 0x20_0000, &CODE, RegionAccess::ReadExecute),
        own(PLACED + 0x30_0000, &CODE, RegionAccess::ReadWrite),
    ];
    let guest = with(&part, regions).unwrap();
    for (address, runs) in
        [(PLACED, false), (PLACED + 0x10_0000, true), (PLACED + 0x20_0000, true), (PLACED + 0x30_0000, false)]
    {
        let mut sandbox = sandbox(&guest);
        if runs {
            assert_eq!(sandbox.call::<u64>("CallAddress", (address, 0_u64)).unwrap(), 41);
            continue;
        }
        let error = poisons(&mut sandbox, ErrorCode::GuestFault, |sandbox| {
            sandbox.call::<u64>("CallAddress", (address, 0_u64))
        });
        assert_eq!(error.fault().unwrap().kind, FaultKind::ExecuteOfData, "{error}");
    }
}

#[test]
fn what_is_not_placed_as_writable_cannot_be_written() {
    let part = numbered(1);
    let regions = [
        alias(PLACED, 0, 1, RegionAccess::Read),
        alias(PLACED + PAGE, 0, 1, RegionAccess::ReadExecute),
        own(PLACED + 2 * PAGE, &CODE, RegionAccess::ReadExecute),
        own(PLACED + 3 * PAGE, &CODE, RegionAccess::Read),
    ];
    let guest = with(&part, regions).unwrap();
    for page in 0..4 {
        let mut sandbox = sandbox(&guest);
        let address = PLACED + page * PAGE;
        let before = peek(&mut sandbox, address);
        let snapshot = sandbox.snapshot().unwrap();
        let error = poisons(&mut sandbox, ErrorCode::GuestFault, |sandbox| {
            sandbox.call::<()>("WriteAddress", (address, 1_u64))
        });
        let fault = error.fault().unwrap();
        assert_eq!(
            (fault.kind, fault.access, fault.address),
            (FaultKind::WriteToReadOnly, Access::Write, address)
        );
        sandbox.restore(&snapshot).unwrap();
        assert_eq!(peek(&mut sandbox, address), before);
    }
    assert_eq!(part.bytes()[..6], CODE);
}

#[test]
fn writable_regions_are_each_sandboxs_own_and_restored() {
    let zero =
        Region { address: PLACED + PAGE, size: PAGE, source: Source::Zero, access: RegionAccess::ReadWrite };
    let guest = with(&fixed(b""), [own(PLACED, b"contents", RegionAccess::ReadWrite), zero]).unwrap();
    let (mut one, mut two) = (sandbox(&guest), sandbox(&guest));
    let snapshot = one.snapshot().unwrap();
    let contents = u64::from_le_bytes(*b"contents");
    for address in [PLACED + 16, PLACED, PLACED + PAGE] {
        poke(&mut one, address, 0x1234);
    }
    assert_eq!((peek(&mut one, PLACED), peek(&mut one, PLACED + PAGE)), (0x1234, 0x1234));
    assert_eq!((peek(&mut two, PLACED), peek(&mut two, PLACED + PAGE)), (contents, 0));
    one.restore(&snapshot).unwrap();
    assert_eq!((peek(&mut one, PLACED), peek(&mut one, PLACED + PAGE)), (contents, 0));
    assert_eq!(peek(&mut one, PLACED + 16), 0);
}

#[test]
fn the_arena_is_zeroed_memory_of_the_size_that_was_asked_for() {
    let mut placement = Placement::new(&fixed(b""));
    placement.arena((6 << 20) + 1);
    let mut sandbox = sandbox(&server().with_placement(placement).unwrap());
    let [arena, size, ..] = told(&mut sandbox);
    assert_eq!(size, (6 << 20) + PAGE);
    let snapshot = sandbox.snapshot().unwrap();
    let places = [arena, arena + (2 << 20) - 8, arena + (5 << 20), arena + size - 8];
    for address in places {
        assert_eq!(peek(&mut sandbox, address), 0);
        poke(&mut sandbox, address, address);
        assert_eq!(peek(&mut sandbox, address), address);
    }
    sandbox.restore(&snapshot).unwrap();
    for address in places {
        assert_eq!(peek(&mut sandbox, address), 0);
    }
    for outside in [arena - 8, arena + size] {
        sandbox.restore(&snapshot).unwrap();
        let error = poisons(&mut sandbox, ErrorCode::GuestFault, |sandbox| {
            sandbox.call::<u64>("ReadAddress", (outside,))
        });
        assert_eq!(error.fault().unwrap().kind, FaultKind::UnmappedAccess);
    }
}

#[test]
fn no_stack_touches_another() {
    let mut placement = Placement::new(&fixed(b""));
    placement.stacks(3, 20_000);
    let mut sandbox = sandbox(&server().with_placement(placement).unwrap());
    let [_, _, first, size, stride, count, ..] = told(&mut sandbox);
    assert_eq!((size, count), (5 * PAGE, 3));
    assert!(stride >= size + (2 << 20));
    let snapshot = sandbox.snapshot().unwrap();
    for stack in (0..count).map(|number| first + number * stride) {
        for address in [stack, stack + size - 8] {
            poke(&mut sandbox, address, address);
            assert_eq!(peek(&mut sandbox, address), address);
        }
        for outside in [stack - 8, stack - (1 << 20), stack + size] {
            let error = poisons(&mut sandbox, ErrorCode::GuestFault, |sandbox| {
                sandbox.call::<()>("WriteAddress", (outside, 0_u64))
            });
            assert_eq!(error.fault().unwrap().kind, FaultKind::UnmappedAccess);
            sandbox.restore(&snapshot).unwrap();
        }
    }
}

#[test]
fn code_that_a_guest_writes_runs_only_if_that_was_allowed() {
    for jit in [false, true] {
        let mut placement = Placement::new(&fixed(b""));
        placement.arena(PAGE).jit(jit);
        let mut sandbox = sandbox(&server().with_placement(placement).unwrap());
        let snapshot = sandbox.snapshot().unwrap();
        let [arena, ..] = told(&mut sandbox);
        let mut code = [0; 8];
        code[..6].copy_from_slice(&CODE);
        for number in [41, 42] {
            code[1] = number;
            poke(&mut sandbox, arena, u64::from_le_bytes(code));
            let result = sandbox.call::<u64>("CallAddress", (arena, 0_u64));
            if jit {
                assert_eq!(result.unwrap(), u64::from(number));
            } else {
                assert_eq!(result.unwrap_err().fault().unwrap().kind, FaultKind::ExecuteOfData);
            }
            sandbox.restore(&snapshot).unwrap();
        }
    }
}

#[test]
fn a_fault_in_a_placed_object_names_it() {
    let code = [0x90, 0x0f, 0x0b];
    let mut placement = Placement::new(&fixed(b""));
    placement.region(own(PLACED, &code, RegionAccess::ReadExecute)).object(
        "libexample.so",
        PLACED - 0x1000,
        0x2000,
    );
    let mut sandbox = sandbox(&server().with_placement(placement).unwrap());
    let error = poisons(&mut sandbox, ErrorCode::GuestFault, |sandbox| {
        sandbox.call::<u64>("CallAddress", (PLACED, 0_u64))
    });
    assert_eq!(error.fault().unwrap().function.as_deref(), Some("libexample.so+0x1001"), "{error}");
}
