//! Placements that break a rule, and guests that differ in one.

use libhyperlight::ErrorCode;
use libhyperlight::placement::{FixedPartBuilder, Placement, Region, RegionAccess, Source};
use libhyperlight_abi::limits::{MAX_ARENA_BYTES, MAX_PLACED_BYTES, MAX_REGIONS, MAX_STACKS};
use libhyperlight_abi::placement::{LOW_WINDOW, SERVER_BASE, WINDOW};
use libhyperlight_tests::placement::{PAGE, PLACED, alias, fixed, numbered, own, server, with};
use libhyperlight_tests::{fails_with, sandbox};

fn zero(address: u64, size: u64, access: RegionAccess) -> Region {
    Region { address, size, source: Source::Zero, access }
}

#[test]
fn a_placement_that_breaks_a_rule_is_refused_with_the_rule() {
    use RegionAccess::{Read, ReadExecute, ReadWrite, ReadWriteExecute};

    let part = numbered(4);
    let far = alias(PLACED, u64::MAX / PAGE, 1, Read);
    let unaligned = Region { source: Source::Fixed { offset: 8 }, ..alias(PLACED, 0, 1, Read) };
    let long = Region { source: Source::Bytes(vec![1; 4097]), ..zero(PLACED, PAGE, Read) };
    let cases: Vec<(Vec<Region>, &str)> = vec![
        (vec![alias(PLACED, 0, 1, ReadWrite)], "makes the fixed part writable"),
        (vec![alias(PLACED, 0, 1, ReadWriteExecute)], "makes the fixed part writable"),
        (vec![zero(PLACED, PAGE, ReadWriteExecute)], "writable and executable"),
        (vec![alias(PLACED, 4, 1, Read)], "past the end"),
        (vec![alias(PLACED, 3, 2, Read)], "past the end"),
        (vec![far], "past the end"),
        (vec![unaligned], "does not start with a page"),
        (vec![long], "4097 bytes for the region of 4096"),
        (vec![zero(PLACED + 1, PAGE, Read)], "whole pages"),
        (vec![zero(PLACED, PAGE + 1, Read)], "whole pages"),
        (vec![zero(PLACED, 0, Read)], "is empty"),
        (vec![zero(PLACED, u64::MAX - PLACED + 1, Read)], "is empty, or wraps"),
        (vec![zero(0, PAGE, Read)], "is outside"),
        (vec![zero(0x1_0000_0000, PAGE, Read)], "is outside"),
        (vec![zero(LOW_WINDOW.end - PAGE, 2 * PAGE, Read)], "is outside"),
        (vec![zero(WINDOW.end - PAGE, 2 * PAGE, Read)], "is outside"),
        (vec![zero(1 << 47, PAGE, Read)], "is outside"),
        (vec![zero(u64::MAX - PAGE + 1, PAGE, Read)], "is empty, or wraps"),
        (vec![zero(PLACED, 2 * PAGE, Read), alias(PLACED + PAGE, 0, 1, Read)], "overlaps another"),
        (vec![zero(PLACED, PAGE, Read), zero(PLACED, PAGE, Read)], "overlaps another"),
        (vec![zero(SERVER_BASE, PAGE, Read)], "overlaps the guest program"),
        (vec![zero(SERVER_BASE - PAGE, 64 * PAGE, ReadExecute)], "overlaps the guest program"),
        (vec![zero(PLACED, MAX_PLACED_BYTES + PAGE, Read)], "bytes of their own"),
        (
            (0..=MAX_REGIONS as u64).map(|number| alias(PLACED + number * PAGE, 0, 1, Read)).collect(),
            "65537 regions",
        ),
    ];
    for (regions, reason) in cases {
        let error = fails_with(ErrorCode::InvalidArgument, with(&part, regions));
        assert!(error.message().contains(reason), "{error}; expected: {reason}");
    }
    type Change = fn(&mut Placement);
    let changes: [(Change, &str); 5] = [
        (|placement| _ = placement.arena(MAX_ARENA_BYTES + 1), "bytes of the arena"),
        (|placement| _ = placement.arena(u64::MAX), "bytes of the arena"),
        (|placement| _ = placement.stacks(MAX_STACKS + 1, PAGE), "stacks"),
        (|placement| _ = placement.stacks(1, u64::MAX), "bytes of a stack"),
        (|placement| _ = placement.stacks(1, 0), "a stack has no bytes"),
    ];
    for (change, reason) in changes {
        let mut placement = Placement::new(&part);
        change(&mut placement);
        let error = fails_with(ErrorCode::InvalidArgument, server().with_placement(placement));
        assert!(error.message().contains(reason), "{error}; expected: {reason}");
    }
    let placed = with(&part, []).unwrap();
    fails_with(ErrorCode::InvalidArgument, placed.with_placement(Placement::new(&part)));
}

#[test]
fn as_many_regions_as_are_allowed_are_laid_out() {
    let part = numbered(4);
    let regions =
        (0..MAX_REGIONS as u64).map(|n| alias(PLACED + n * 2 * PAGE, n % 4, 1, RegionAccess::ReadExecute));
    let mut sandbox = sandbox(&with(&part, regions).unwrap());
    for n in [0, 1, 40_000, MAX_REGIONS as u64 - 1] {
        let found = libhyperlight_tests::placement::peek(&mut sandbox, PLACED + n * 2 * PAGE + 8);
        assert_eq!(found, n % 4);
    }
}

#[test]
fn a_fixed_part_is_written_once_and_aligned_as_asked() {
    let part = {
        let mut builder = FixedPartBuilder::new().unwrap();
        std::io::Write::write_all(&mut builder, b"x").unwrap();
        assert_eq!((builder.align(PAGE).unwrap(), builder.len()), (PAGE, PAGE));
        builder.finish().unwrap()
    };
    assert_eq!(part.len(), PAGE);
    assert_eq!(part.fingerprint(), fixed(part.bytes()).fingerprint());
    assert_ne!(part.fingerprint(), fixed(b"x").fingerprint());
}

#[test]
fn guests_whose_placements_differ_in_anything_are_different_guests() {
    let part = numbered(2);
    let plan = |change: &dyn Fn(&mut Placement)| {
        let mut placement = Placement::new(&part);
        placement
            .region(alias(PLACED, 0, 1, RegionAccess::Read))
            .region(own(PLACED + 0x10_0000, b"own", RegionAccess::Read))
            .arena(PAGE)
            .stacks(1, PAGE);
        change(&mut placement);
        server().with_placement(placement).unwrap()
    };
    let snapshot = sandbox(&plan(&|_| ())).snapshot().unwrap();
    let mut same = sandbox(&plan(&|placement| _ = placement.object("a name", PLACED, PAGE)));
    same.restore(&snapshot).unwrap();
    type Change = fn(&mut Placement);
    let changes: [Change; 8] = [
        |placement| _ = placement.rewriter(1),
        |placement| _ = placement.jit(true),
        |placement| _ = placement.arena(2 * PAGE),
        |placement| _ = placement.stacks(2, PAGE),
        |placement| _ = placement.stacks(1, 2 * PAGE),
        |placement| _ = placement.region(own(PLACED + 0x20_0000, b"more", RegionAccess::Read)),
        |placement| *placement = Placement::new(&numbered(3)),
        |placement| *placement = Placement::new(&numbered(2)),
    ];
    for change in changes {
        let mut other = sandbox(&plan(&change));
        let error = fails_with(ErrorCode::SnapshotMismatch, other.restore(&snapshot));
        assert!(error.message().contains("other memory was laid out for its guest"), "{error}");
    }
    let fixed_or_own = with(&part, [own(PLACED, b"own", RegionAccess::Read)]).unwrap();
    let other = with(&part, [own(PLACED, b"owm", RegionAccess::Read)]).unwrap();
    let snapshot = sandbox(&fixed_or_own).snapshot().unwrap();
    fails_with(ErrorCode::SnapshotMismatch, sandbox(&other).restore(&snapshot));
    fails_with(ErrorCode::SnapshotMismatch, sandbox(&server()).restore(&snapshot));
}
