//! The layout of a guest's memory.
//!
//! Guest *physical* memory is one slice from 0 on, regions packed one after the other, those that nobody writes first;
//! it is the image file and a memslot. Directly behind it, in a memslot of its own that cannot be written, is the fixed
//! part of a placement (`placement`), if there is one. Guest *virtual* addresses are all in the lower half:
//!
//! | window | holds |
//! |---|---|
//! | from 64 KiB | the program |
//! | up to 256 KiB above 4 GiB | the stack; more than 1 GiB below it is unmapped, so that no frame can skip the guard |
//! | directly behind it | the engine's pages, the log ring, the call buffers, and the heap |
//! | from 32 GiB | payloads |
//! | from 64 GiB, and between the program's segments | placed regions |
//! | from 2 TiB | the arena, and stacks |
//!
//! What is between regions is unmapped: at least one page around every one of them that is not placed, and page 0. Page
//! tables are mapped nowhere.
//!
//! The parts that every call touches, the stack's top and the beginnings of the others, are close together in both
//! address spaces: each touched 2 MiB of either costs a live sandbox a page table, of the process or a shadow page
//! table of KVM's (`Documentation/virt/kvm/x86/mmu.rst`), and the time to make it at the first touch.

use std::ops::Range;
use std::sync::Arc;

use libhyperlight_abi::boot::{BootInfo, Payload, Span};
use libhyperlight_abi::placement::{ARENA_BASE, Placement, STACK_GUARD, STACKS_BASE, Stacks};

use crate::arch::{DOORBELL_OFFSET, LARGE_PAGE, PageTables, Permissions};
use crate::bounds::Sizes;
use crate::guest::program::{PROGRAM_WINDOW, Program};
use crate::pages::PAGE;
use crate::placement::{RegionAccess, Shape};

/// End of the stack, 256 KiB into the range of one page table: deep enough for most stacks, and the rest is for its
/// neighbours.
const STACK_TOP: u64 = 0x1_0004_0000;

/// Behind the stack, up to the payloads.
const ENGINE_WINDOW: Range<u64> = STACK_TOP + PAGE..PAYLOAD_WINDOW.start;
const PAYLOAD_WINDOW: Range<u64> = 0x8_0000_0000..0x9_0000_0000;

/// Bytes of the log ring.
const LOG_RING_SIZE: u64 = 64 << 10;

/// Bytes that all payloads of a guest may have together.
pub(crate) const MAX_PAYLOAD_BYTES: u64 = PAYLOAD_WINDOW.end - PAYLOAD_WINDOW.start - (64 << 20);

/// A run of pages with one purpose.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Region {
    /// Guest virtual address.
    pub virt: u64,
    /// Guest physical address: the place in the image.
    pub phys: u64,
    pub size: u64,
    pub permissions: Permissions,
}

impl Region {
    /// Returns true if the guest virtual address is in here.
    pub fn contains(&self, virt: u64) -> bool {
        virt >= self.virt && virt - self.virt < self.size
    }

    /// The guest physical addresses.
    pub fn pages(&self) -> Range<u64> {
        self.phys..self.phys + self.size
    }

    fn span(&self) -> Span {
        Span { address: self.virt, size: self.size }
    }
}

/// Every region of one guest with one choice of sizes.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    /// GDT, IDT and TSS.
    pub descriptors: Region,
    /// The exception stubs.
    pub stubs: Region,
    /// The stack to which the processor writes exception frames.
    pub exception_stack: Region,
    /// The stack for a double fault.
    pub double_fault_stack: Region,
    /// Entry, resume and doorbell code.
    pub trampoline: Region,
    /// The extended state that the trampoline loads; directly behind the trampoline.
    pub extended_state: Region,
    pub boot_info: Region,
    /// The page to which `%fs` points.
    pub thread: Region,
    pub input: Region,
    pub output: Region,
    pub log_ring: Region,
    /// One for each segment of the program, whole pages.
    pub program: Vec<Region>,
    pub payloads: Vec<Region>,
    pub stack: Region,
    pub heap: Region,
    /// The page in which the engine tells of system calls that it passed on; of guests that serve them.
    pub report: Option<Region>,
    /// A page that guest code cannot use, for the processor's register of where system calls go; of the same guests.
    pub gate: Option<Region>,
    /// Address of the code that serves system calls.
    pub system_call: Option<u64>,
    /// Placed regions, the arena and the stacks, by their virtual addresses.
    pub placed: Vec<Region>,
    pub placement: Option<Arc<Shape>>,
    /// Guest physical memory that the guest, or the host on its behalf, may write: outside it an image never changes.
    pub written: Range<u64>,
    /// Guest physical address of the root page table.
    pub page_tables_phys: u64,
    pub page_tables: PageTables,
    /// Bytes of the whole image: all of guest physical memory but the fixed part.
    pub size: u64,
    /// The description that the guest gets.
    pub boot: BootInfo,
}

/// The length of a payload, and its kind.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PayloadShape {
    pub len: u64,
    pub executable: bool,
}

impl Layout {
    /// Lays everything out. The arguments were bounded at their sources, so every window holds its regions: sizes by
    /// [`crate::SandboxOptions`], the program by its loader, payloads by the guest.
    pub fn new(
        program: &Program,
        payloads: &[PayloadShape],
        placement: Option<&Arc<Shape>>,
        sizes: &Sizes,
    ) -> Self {
        // The number of page tables decides the heap's place, and that place decides how large its pages are.
        let mut room = 0;
        loop {
            let layout = Self::with_room(program, payloads, placement, sizes, room);
            let needed = layout.page_tables.size();
            if needed <= room {
                return layout;
            }
            room = needed;
        }
    }

    /// A layout with that many bytes for page tables, enough or not.
    fn with_room(
        program: &Program,
        payloads: &[PayloadShape],
        placement: Option<&Arc<Shape>>,
        sizes: &Sizes,
        room: u64,
    ) -> Self {
        let mut engine = Window { next: ENGINE_WINDOW.start };
        let mut descriptors = engine.place(PAGE, Permissions::ENGINE_READ);
        let mut stubs = engine.place(PAGE, Permissions::ENGINE_EXECUTE);
        let mut exception_stack = engine.place(PAGE, Permissions::ENGINE_WRITE);
        let mut double_fault_stack = engine.place(PAGE, Permissions::ENGINE_WRITE);
        let mut trampoline = engine.place(PAGE, Permissions::USER_EXECUTE);
        // The trampoline addresses its neighbour relative to itself: no guard between the two.
        engine.next -= PAGE;
        let mut extended_state = engine.place(PAGE, Permissions::USER_READ);
        let mut boot_info = engine.place(PAGE, Permissions::USER_READ);
        let mut thread = engine.place(PAGE, Permissions::USER_WRITE);
        let mut log_ring = engine.place(LOG_RING_SIZE, Permissions::USER_WRITE);
        let mut input = engine.place(sizes.input, Permissions::USER_READ);
        let mut output = engine.place(sizes.output, Permissions::USER_WRITE);
        let serves = program.system_call.is_some();
        let mut report = serves.then(|| engine.place(PAGE, Permissions::USER_READ));
        let mut gate = serves.then(|| engine.place(PAGE, Permissions::ENGINE_READ));

        let mut program_regions: Vec<_> = program
            .segments
            .iter()
            .map(|segment| {
                let pages = segment.pages();
                let permissions =
                    Permissions { user: true, write: segment.writable, execute: segment.executable };
                Region { virt: pages.start, phys: 0, size: pages.end - pages.start, permissions }
            })
            .collect();
        let mut window = Window { next: PAYLOAD_WINDOW.start };
        let mut payload_regions: Vec<_> = payloads
            .iter()
            .map(|payload| {
                let permissions =
                    if payload.executable { Permissions::USER_EXECUTE } else { Permissions::USER_READ };
                window.place(payload.len.max(1).next_multiple_of(PAGE), permissions)
            })
            .collect();
        let mut stack = Region {
            virt: STACK_TOP - sizes.stack,
            phys: 0,
            size: sizes.stack,
            permissions: Permissions::USER_WRITE,
        };

        let shape = placement.map(|shape| &**shape);
        let mut placed = shape.map_or_else(Vec::new, placed_regions);
        let (mut arena, mut stacks) = shape.map_or_else(Default::default, arena_and_stacks);

        // Physical memory: first the part that nobody ever writes, then the part that the guest or the host may write.
        let mut packer = Packer::default();
        let (mut writable, read_only): (Vec<_>, Vec<_>) =
            program_regions.iter_mut().partition(|region| region.permissions.write);
        // Those of the fixed part have their places in it.
        let is_own =
            |n: usize| shape.and_then(|shape| shape.places.get(n)).is_some_and(|place| place.fixed.is_none());
        let own = placed.iter_mut().enumerate().filter(|(n, _)| is_own(*n)).map(|(_, region)| region);
        let (placed_writable, placed_read_only): (Vec<_>, Vec<_>) =
            own.partition(|region| region.permissions.write);
        payload_regions
            .iter_mut()
            .chain(read_only)
            .chain(placed_read_only)
            .chain([&mut descriptors, &mut stubs, &mut trampoline, &mut boot_info])
            .chain(&mut gate)
            .for_each(|region| packer.place(region));
        let page_tables_phys = packer.next;
        packer.next += room;
        let written_from = packer.next;
        [&mut stack, &mut extended_state, &mut exception_stack, &mut double_fault_stack, &mut thread]
            .into_iter()
            .chain(writable.drain(..))
            .chain(placed_writable)
            .chain(&mut report)
            .chain([&mut log_ring, &mut input, &mut output])
            .for_each(|region| packer.place(region));
        // The same place within 2 MiB in both address spaces, so that large pages map all but its ends.
        engine.next += packer.next.wrapping_sub(engine.next) % LARGE_PAGE;
        let mut heap = engine.place(sizes.heap, Permissions::USER_WRITE);
        debug_assert!(engine.next <= ENGINE_WINDOW.end, "the size options bound the engine's window");
        packer.place(&mut heap);
        stacks.iter_mut().chain(&mut arena).for_each(|region| packer.place(region));
        let written = written_from..packer.next;
        let fixed_phys = packer.next.next_multiple_of(LARGE_PAGE);
        for (region, place) in placed.iter_mut().zip(shape.into_iter().flat_map(|shape| &shape.places)) {
            if let Some(offset) = place.fixed {
                region.phys = fixed_phys + offset;
            }
        }

        let mut boot = BootInfo {
            doorbell: trampoline.virt + DOORBELL_OFFSET,
            input: input.span(),
            output: output.span(),
            log_ring: log_ring.span(),
            heap: heap.span(),
            stack: stack.span(),
            load_bias: program.bias,
            payload_count: payloads.len() as u64,
            placement: Placement {
                arena: arena.as_ref().map(Region::span).unwrap_or_default(),
                stacks: stacks_told(&stacks),
                report: report.as_ref().map(Region::span).unwrap_or_default(),
            },
            ..BootInfo::default()
        };
        // The shape's places ascend, and all are below these.
        placed.extend(arena.into_iter().chain(stacks));
        for ((told, shape), region) in boot.payloads.iter_mut().zip(payloads).zip(&payload_regions) {
            *told = Payload {
                span: Span { address: region.virt, size: shape.len },
                executable: shape.executable,
            };
        }

        let mut layout = Self {
            descriptors,
            stubs,
            exception_stack,
            double_fault_stack,
            trampoline,
            extended_state,
            boot_info,
            thread,
            input,
            output,
            log_ring,
            program: program_regions,
            payloads: payload_regions,
            stack,
            heap,
            report,
            gate,
            system_call: program.system_call,
            placed,
            placement: placement.map(Arc::clone),
            written,
            page_tables_phys,
            page_tables: PageTables::new(page_tables_phys),
            size: packer.next,
            boot,
        };
        let mut tables = PageTables::new(page_tables_phys);
        for region in layout.regions() {
            tables.map(region.virt, region.phys, region.size, region.permissions);
        }
        layout.page_tables = tables;
        layout
    }

    /// Every mapped region.
    pub fn regions(&self) -> impl Iterator<Item = &Region> {
        self.unplaced().chain(&self.placed)
    }

    /// The placed regions, in the order of their shape.
    pub fn placed_regions(&self) -> impl Iterator<Item = &Region> {
        let count = self.placement.as_ref().map_or(0, |shape| shape.places.len());
        self.placed.iter().take(count)
    }

    /// The regions to which the host writes while the guest is in a call: they have no contents between calls.
    pub fn shared_pages(&self) -> impl Iterator<Item = &Region> {
        [&self.input, &self.output, &self.log_ring].into_iter().chain(&self.report)
    }

    /// Guest physical address of the fixed part: behind everything else, where large pages can map it.
    pub fn fixed_phys(&self) -> u64 {
        self.size.next_multiple_of(LARGE_PAGE)
    }

    /// Every mapped region that is not placed: few.
    fn unplaced(&self) -> impl Iterator<Item = &Region> {
        [
            &self.descriptors,
            &self.stubs,
            &self.exception_stack,
            &self.double_fault_stack,
            &self.trampoline,
            &self.extended_state,
            &self.boot_info,
            &self.thread,
            &self.input,
            &self.output,
            &self.log_ring,
            &self.stack,
            &self.heap,
        ]
        .into_iter()
        .chain(&self.report)
        .chain(&self.gate)
        .chain(&self.program)
        .chain(&self.payloads)
    }

    /// Returns true if memory with the other layout can take the place of this.
    pub fn is_same(&self, other: &Self) -> bool {
        std::ptr::eq(self, other)
            || self.size == other.size
                && self.boot == other.boot
                && self.system_call == other.system_call
                && self.placement == other.placement
                && self.regions().eq(other.regions())
    }

    /// The region that the guest virtual address is in.
    pub fn region_at(&self, virt: u64) -> Option<&Region> {
        let placed = || {
            let after = self.placed.partition_point(|region| region.virt <= virt);
            self.placed.get(after.checked_sub(1)?).filter(|region| region.contains(virt))
        };
        self.unplaced().find(|region| region.contains(virt)).or_else(placed)
    }

    /// Returns true if a fault at this address means a stack overflow: anywhere in the unmapped memory below
    /// it, down to the program's window.
    pub fn is_below_stack(&self, virt: u64) -> bool {
        (PROGRAM_WINDOW.end..self.stack.virt).contains(&virt)
    }
}

/// The regions of a shape, in its order, without their physical addresses.
fn placed_regions(shape: &Shape) -> Vec<Region> {
    let region =
        |virt, size, access: RegionAccess| Region { virt, phys: 0, size, permissions: access.permissions() };
    shape.places.iter().map(|place| region(place.address, place.size, place.access)).collect()
}

/// The arena and the stacks of a shape, in ascending order.
fn arena_and_stacks(shape: &Shape) -> (Option<Region>, Vec<Region>) {
    let access = if shape.jit { RegionAccess::ReadWriteExecute } else { RegionAccess::ReadWrite };
    let arena = Region { virt: ARENA_BASE, phys: 0, size: shape.arena, permissions: access.permissions() };
    let stride = shape.stack_size.next_multiple_of(LARGE_PAGE) + STACK_GUARD;
    let stacks = (0..shape.stacks).map(|number| Region {
        virt: STACKS_BASE + STACK_GUARD + number * stride,
        phys: 0,
        size: shape.stack_size,
        permissions: Permissions::USER_WRITE,
    });
    ((shape.arena > 0).then_some(arena), stacks.collect())
}

/// Stacks as the guest is told of them.
fn stacks_told(stacks: &[Region]) -> Stacks {
    let Some(first) = stacks.first() else {
        return Stacks::default();
    };
    let stride = stacks.get(1).map_or(first.size + STACK_GUARD, |second| second.virt - first.virt);
    Stacks { first: first.virt, size: first.size, stride, count: stacks.len() as u64 }
}

/// Hands out guest physical memory.
#[derive(Debug, Default)]
struct Packer {
    next: u64,
}

impl Packer {
    /// Gives the region its place; large regions at addresses that large pages can map.
    fn place(&mut self, region: &mut Region) {
        let align = if region.size >= LARGE_PAGE && region.virt.is_multiple_of(LARGE_PAGE) {
            LARGE_PAGE
        } else {
            PAGE
        };
        region.phys = self.next.next_multiple_of(align);
        self.next = region.phys + region.size;
    }
}

/// Hands out guest virtual memory upwards, a guard page behind each region.
struct Window {
    next: u64,
}

impl Window {
    fn place(&mut self, size: u64, permissions: Permissions) -> Region {
        let region = Region { virt: self.next, phys: 0, size, permissions };
        self.next += size + PAGE;
        region
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::SandboxOptions;
    use crate::guest::program::{RELOCATABLE_BASE, Segment};

    fn any_program() -> impl Strategy<Value = Program> {
        // Segments as gaps and sizes in bytes, from the window's start up: ordered, no page in common.
        prop::collection::vec((0_u64..5000, 1_u64..40_000, 0_u8..3), 1..6).prop_map(|parts| {
            let mut next = RELOCATABLE_BASE;
            let segments = parts
                .into_iter()
                .map(|(gap, size, kind)| {
                    let address = next + gap;
                    next = (address + size).next_multiple_of(PAGE);
                    Segment { address, size, source: 0..0, writable: kind == 1, executable: kind == 2 }
                })
                .collect();
            Program { segments, entry: RELOCATABLE_BASE, bias: RELOCATABLE_BASE, abi: 1, system_call: None }
        })
    }

    fn any_options() -> impl Strategy<Value = SandboxOptions> {
        let size = |max: u64| prop_oneof![Just(0), Just(1), Just(4095), Just(4097), 0..max / 64, Just(max)];
        (size(16 << 30), size(1 << 30), size(256 << 20), size(256 << 20)).prop_map(
            |(heap, stack, input, output)| {
                SandboxOptions::new().heap_size(heap).stack_size(stack).input_size(input).output_size(output)
            },
        )
    }

    fn any_payloads() -> impl Strategy<Value = Vec<PayloadShape>> {
        let shape =
            (0_u64..1 << 24, any::<bool>()).prop_map(|(len, executable)| PayloadShape { len, executable });
        prop::collection::vec(shape, 0..=16)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn regions_are_apart_aligned_inside_and_mapped_as_declared(
            program in any_program(),
            options in any_options(),
            payloads in any_payloads(),
        ) {
            let sizes = options.sizes().unwrap();
            let layout = Layout::new(&program, &payloads, None, &sizes);

            let mut by_phys: Vec<_> = layout.regions().map(|r| (r.phys, r.size)).collect();
            by_phys.push((layout.page_tables_phys, layout.page_tables.size()));
            by_phys.sort_unstable();
            for pair in by_phys.windows(2) {
                prop_assert!(pair[0].0 + pair[0].1 <= pair[1].0, "guest physical overlap: {pair:x?}");
            }
            let (start, size) = *by_phys.last().unwrap();
            prop_assert_eq!(start + size, layout.size);

            let mut by_virt: Vec<_> = layout.regions().collect();
            by_virt.sort_unstable_by_key(|region| region.virt);
            prop_assert!(by_virt[0].virt >= PROGRAM_WINDOW.start, "page 0 is unmapped");
            for pair in by_virt.windows(2) {
                prop_assert!(pair[0].virt + pair[0].size <= pair[1].virt, "virtual overlap: {pair:x?}");
            }

            for region in layout.regions() {
                let is_in_written = layout.written.contains(&region.phys);
                let may_change = region.permissions.write || region.virt == layout.input.virt
                    || region.virt == layout.extended_state.virt;
                prop_assert_eq!(is_in_written, may_change, "{:x?}", region);
                prop_assert!(!is_in_written || region.phys + region.size <= layout.written.end);
                prop_assert!(region.virt % PAGE == 0 && region.phys % PAGE == 0 && region.size % PAGE == 0);
                prop_assert!(region.size > 0);
                prop_assert!(!(region.permissions.write && region.permissions.execute), "W^X: {region:x?}");
                for offset in [0, region.size / 2, region.size - 1] {
                    let found = layout.page_tables.translate(region.virt + offset);
                    prop_assert_eq!(found, Some((region.phys + offset, region.permissions)));
                }
            }

            for stack in [&layout.stack, &layout.exception_stack, &layout.double_fault_stack] {
                prop_assert_eq!(layout.page_tables.translate(stack.virt - 1), None);
                prop_assert_eq!(layout.page_tables.translate(stack.virt + stack.size), None);
            }
            for below in [1, 1 << 20, (1 << 30) - 1] {
                prop_assert_eq!(layout.page_tables.translate(layout.stack.virt - below), None);
                prop_assert!(layout.is_below_stack(layout.stack.virt - below));
            }
            prop_assert_eq!(layout.page_tables.translate(0), None);
            prop_assert_eq!(layout.extended_state.virt, layout.trampoline.virt + PAGE);
        }
    }

    #[test]
    fn page_tables_are_mapped_nowhere() {
        let program = Program {
            segments: vec![Segment {
                address: RELOCATABLE_BASE,
                size: 10,
                source: 0..0,
                writable: false,
                executable: true,
            }],
            entry: RELOCATABLE_BASE,
            bias: 0,
            abi: 1,
            system_call: None,
        };
        let layout = Layout::new(&program, &[], None, &SandboxOptions::new().sizes().unwrap());
        let tables = layout.page_tables_phys..layout.page_tables_phys + layout.page_tables.size();
        assert!(layout.regions().all(|r| r.phys + r.size <= tables.start || r.phys >= tables.end));
    }
}
