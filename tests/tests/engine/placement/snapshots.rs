//! Snapshots and clones of guests with placed memory.
#![expect(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

use std::fs;

use libhyperlight::force_tracking;
use libhyperlight::placement::{Placement, RegionAccess};
use libhyperlight_tests::assert_works;
use libhyperlight_tests::clones::{assert_pristine, clone, fresh};
use libhyperlight_tests::placement::{PAGE, PLACED, alias, numbered, own, peek, poke, server, told};
use libhyperlight_tests::process::in_own_process;

/// A guest with so many pages of a fixed part, a writable page, an arena and stacks.
fn guest(pages: u64) -> libhyperlight::Guest {
    let mut placement = Placement::new(&numbered(pages));
    placement
        .region(alias(PLACED, 0, pages, RegionAccess::Read))
        .region(own(PLACED + 0x1000_0000, b"contents", RegionAccess::ReadWrite))
        .arena(4 << 20)
        .stacks(2, 64 << 10);
    server().with_placement(placement).unwrap()
}

#[test]
fn every_way_to_find_written_pages_restores_placed_memory() {
    in_own_process(|| {
        for way in 0..4 {
            force_tracking(way);
            let (mut sandbox, snapshot) = fresh(&guest(16));
            let [arena, _, stack, ..] = told(&mut sandbox);
            for round in 1..5 {
                for address in [PLACED + 0x1000_0000, arena + 8 * PAGE * round, stack] {
                    poke(&mut sandbox, address, round);
                }
                assert_eq!(peek(&mut sandbox, PLACED + 8), 0);
                sandbox.restore(&snapshot).unwrap();
                assert_pristine(&sandbox, &snapshot);
                assert_eq!(peek(&mut sandbox, PLACED + 0x1000_0000), u64::from_le_bytes(*b"contents"));
                sandbox.restore(&snapshot).unwrap();
            }
            // Another snapshot, in the place of the mapped one.
            poke(&mut sandbox, arena, 7);
            for page in 0..600 {
                poke(&mut sandbox, arena + page * PAGE, 7);
            }
            let other = sandbox.snapshot().unwrap();
            let mut clone = clone(&snapshot);
            clone.restore(&other).unwrap();
            assert_eq!(
                (peek(&mut clone, arena + 599 * PAGE), peek(&mut clone, PLACED + 15 * PAGE + 8)),
                (7, 15)
            );
            clone.restore(&snapshot).unwrap();
            assert_eq!(peek(&mut clone, arena + 599 * PAGE), 0);
            assert_works(&mut clone);
        }
    });
}

#[test]
fn the_fixed_part_is_in_memory_once_whatever_shares_it() {
    const PAGES: u64 = 16 << 10;

    in_own_process(|| {
        let guest = guest(PAGES);
        let (mut first, snapshot) = fresh(&guest);
        for page in (0..PAGES).step_by(64) {
            assert_eq!(peek(&mut first, PLACED + page * PAGE + 8), page);
        }
        let before = resident();
        let mut clones: Vec<_> = (0..8).map(|_| clone(&snapshot)).collect();
        let snapshots: Vec<_> = clones.iter_mut().map(|clone| clone.snapshot().unwrap()).collect();
        for sandbox in &mut clones {
            for page in (0..PAGES).step_by(64) {
                assert_eq!(peek(sandbox, PLACED + page * PAGE + 8), page);
            }
            sandbox.restore(&snapshots[0]).unwrap();
        }
        let grown = resident().saturating_sub(before);
        assert!(grown < PAGES * PAGE / 2, "eight clones and their snapshots took {grown} bytes");
        // All mappings of the fixed part are one.
        let maps = fs::read_to_string("/proc/self/maps").unwrap();
        let large = maps.lines().filter(|line| {
            let (start, end) = line.split_once(' ').unwrap().0.split_once('-').unwrap();
            let size = u64::from_str_radix(end, 16).unwrap() - u64::from_str_radix(start, 16).unwrap();
            line.contains("memfd:hyperlight") && size == PAGES * PAGE
        });
        let large: Vec<_> = large.collect();
        assert_eq!(large.len(), 1, "{large:#?}");
        assert!(large[0].contains(" r--p "), "{}", large[0]);
    });
}

/// Bytes of this process's resident memory, shared memory included.
fn resident() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}
