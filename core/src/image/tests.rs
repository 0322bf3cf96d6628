//! Tests of placed memory as the page tables show it.

use std::collections::HashMap;
use std::io::Write;
use std::sync::Arc;

use libhyperlight_abi::limits::MAX_PLACED_TABLES;
use libhyperlight_abi::placement::{LOW_WINDOW, WINDOW};
use proptest::prelude::*;

use super::layout::Layout;
use crate::SandboxOptions;
use crate::arch::LARGE_PAGE;
use crate::guest::program::{Program, Segment};
use crate::pages::PAGE;
use crate::placement::{FixedPartBuilder, Place, RegionAccess, Shape};

/// Pages of the fixed part.
const FIXED: u64 = 24;

fn program() -> Program {
    let segment = |address, writable, executable| Segment {
        address,
        size: 3 * PAGE,
        source: 0..0,
        writable,
        executable,
    };
    let start = libhyperlight_abi::placement::SERVER_BASE;
    let segments = vec![segment(start, false, true), segment(start + 8 * PAGE, true, false)];
    Program { segments, entry: start, bias: start, abi: 2, system_call: Some(start + 16) }
}

/// Any shape: right ones and wrong ones.
fn any_shape() -> impl Strategy<Value = Shape> {
    let place = (0_u64..6, 1_u64..6, prop::option::of(0..FIXED + 2), 0_u64..4);
    let places = prop::collection::vec(place, 0..30);
    let windows = prop::sample::subsequence(vec![LOW_WINDOW.start, 0x2fff_0000, WINDOW.start], 1..=3);
    (places, windows, 0_u64..600, 0_u64..4, 1_u64..700, any::<bool>()).prop_map(
        |(parts, windows, arena, stacks, stack, jit)| {
            let mut places = Vec::new();
            let each = parts.len().div_ceil(windows.len()).max(1);
            for (start, parts) in windows.into_iter().zip(parts.chunks(each)) {
                let mut next = start;
                for (gap, pages, fixed, access) in parts {
                    let access = RegionAccess::from_number(*access).unwrap();
                    let address = next + gap * PAGE;
                    next = address + pages * PAGE;
                    let fixed = fixed.map(|page| page * PAGE);
                    places.push(Place { address, size: pages * PAGE, fixed, access });
                }
            }
            let mut fixed = FixedPartBuilder::new().unwrap();
            fixed.write_all(&vec![0x5a; usize::try_from(FIXED * PAGE).unwrap()]).unwrap();
            let fixed = fixed.finish().unwrap();
            Shape { fixed, places, arena: arena * PAGE, stacks, stack_size: stack * PAGE, jit }
        },
    )
}

/// The accesses that guest code has to a physical page, over all its addresses.
#[derive(Default)]
struct Uses {
    write: bool,
    execute: bool,
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]
    #[test]
    fn no_page_is_written_and_executed_and_none_of_the_fixed_part_is_written(shape in any_shape()) {
        let program = program();
        let pages: Vec<_> = program.segments.iter().map(Segment::pages).collect();
        let breaks_a_rule = shape.places.iter().any(|place| {
            let writes = matches!(place.access, RegionAccess::ReadWrite | RegionAccess::ReadWriteExecute);
            place.fixed.is_some() && writes
                || place.access == RegionAccess::ReadWriteExecute && !shape.jit
                || place.fixed.is_some_and(|offset| offset + place.size > FIXED * PAGE)
                || pages.iter().any(|page| place.address < page.end && page.start < place.address + place.size)
        });
        prop_assert_eq!(shape.check(&pages).is_err(), breaks_a_rule);
        if breaks_a_rule {
            return Ok(());
        }
        let shape = Arc::new(shape);
        let layout = Layout::new(&program, &[], Some(&shape), &SandboxOptions::new().sizes().unwrap());
        let (mut uses, mut mapped) = (HashMap::<u64, Uses>::new(), 0);
        for (_, phys, size, permissions) in layout.page_tables.leaves() {
            mapped += size;
            for page in (phys..phys + size).step_by(usize::try_from(PAGE).unwrap()) {
                let uses = uses.entry(page).or_default();
                uses.write |= permissions.write;
                uses.execute |= permissions.execute;
            }
        }
        prop_assert_eq!(mapped, layout.regions().map(|region| region.size).sum::<u64>());
        for (phys, uses) in uses {
            prop_assert!(phys < layout.fixed_phys() + shape.fixed.size());
            prop_assert!(phys < layout.size || phys >= layout.fixed_phys());
            prop_assert!(phys < layout.fixed_phys() || !uses.write, "{phys:#x} of the fixed part is writable");
            prop_assert!(shape.jit || !(uses.write && uses.execute), "{phys:#x} is writable and executable");
            prop_assert!(!uses.write || layout.written.contains(&phys), "{phys:#x} is not restored");
        }
        // Pages of their own are nobody else's; those of the fixed part are the right ones, however large they are.
        for (place, region) in shape.places.iter().zip(layout.placed_regions()) {
            for offset in (0..place.size).step_by(usize::try_from(PAGE).unwrap()) {
                let expected = place.fixed.map_or(region.phys, |fixed| layout.fixed_phys() + fixed) + offset;
                let found = layout.page_tables.translate(place.address + offset);
                prop_assert_eq!(found, Some((expected, place.access.permissions())));
                prop_assert_eq!(layout.region_at(place.address + offset), Some(region));
            }
        }
        let mut own: Vec<_> = layout.regions().filter(|region| region.phys < layout.size).collect();
        own.sort_unstable_by_key(|region| region.phys);
        for pair in own.windows(2) {
            prop_assert!(pair[0].phys + pair[0].size <= pair[1].phys, "{pair:x?}");
        }
        let stacks = layout.boot.placement.stacks;
        prop_assert_eq!(stacks.count, shape.stacks);
        for number in 0..stacks.count {
            let stack = stacks.first + number * stacks.stride;
            for inside in [stack, stack + stacks.size - 1] {
                prop_assert!(layout.page_tables.translate(inside).is_some());
            }
            for outside in [stack - 1, stack - PAGE, stack - (2 << 20), stack + stacks.size] {
                prop_assert_eq!(layout.page_tables.translate(outside), None);
            }
        }
        prop_assert_eq!(layout.boot.placement.arena.size, shape.arena);
    }
}

#[test]
fn large_pages_map_what_lies_alike_in_the_fixed_part() {
    let mut fixed = FixedPartBuilder::new().unwrap();
    fixed.write_all(&vec![1; 4 << 20]).unwrap();
    let fixed = fixed.finish().unwrap();
    let place = Place { address: WINDOW.start, size: 4 << 20, fixed: Some(0), access: RegionAccess::Read };
    let shape = Shape { fixed, places: vec![place], arena: 0, stacks: 0, stack_size: 0, jit: false };
    let layout =
        Layout::new(&program(), &[], Some(&Arc::new(shape)), &SandboxOptions::new().sizes().unwrap());
    let leaves = layout.page_tables.leaves();
    assert_eq!(leaves.iter().filter(|(virt, ..)| *virt >= WINDOW.start).count(), 2);
}

#[test]
fn the_page_tables_of_placed_regions_are_bounded() {
    const SIZE: u64 = 1 << 30;

    let mut fixed = FixedPartBuilder::new().unwrap();
    fixed.skip_to(SIZE).unwrap();
    let fixed = fixed.finish().unwrap();
    // Large and at addresses that no large page maps; small and far apart, of the fixed part and their own.
    let shape = |count: u64, size, fixed_at, stride| {
        let places = (0..count).map(|number| {
            let address = WINDOW.start + PAGE + number * stride;
            Place { address, size, fixed: fixed_at, access: RegionAccess::Read }
        });
        let places = places.collect();
        Shape { fixed: fixed.clone(), places, arena: 0, stacks: 0, stack_size: 0, jit: false }
    };
    for (size, fixed_at, stride) in [
        (SIZE, Some(0), SIZE),
        (PAGE, Some(0), LARGE_PAGE),
        (PAGE, None, LARGE_PAGE),
        (PAGE, Some(PAGE), LARGE_PAGE),
    ] {
        let touched = size / LARGE_PAGE + 1;
        let most = (MAX_PLACED_TABLES - 1) / touched;
        let (right, wrong) = (shape(most, size, fixed_at, stride), shape(2 * most, size, fixed_at, stride));
        right.check(&[]).unwrap();
        let error = wrong.check(&[]).unwrap_err();
        assert!(error.contains("page tables"), "{error}");
        let sizes = SandboxOptions::new().sizes().unwrap();
        let tables = Layout::new(&program(), &[], Some(&Arc::new(right)), &sizes).page_tables.size();
        assert!(tables < (MAX_PLACED_TABLES + 100) * PAGE, "{tables}");
    }
}
