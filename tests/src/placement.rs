//! Placed memory for the guest that serves system calls: `guests/server`.

use std::io::Write;
use std::sync::OnceLock;

use libhyperlight::placement::{FixedPart, FixedPartBuilder, Placement, Region, RegionAccess, Source};
use libhyperlight::{Guest, Result, Sandbox};

/// Bytes of a page.
pub const PAGE: u64 = 4096;

/// An address for placed regions.
pub const PLACED: u64 = libhyperlight_abi::placement::WINDOW.start;

/// `mov $41, %eax; ret`, and a page full of breakpoints.
pub const CODE: [u8; 6] = [0xb8, 41, 0, 0, 0, 0xc3];

/// The guest that serves system calls. It has the functions of the demo guest.
pub fn server() -> Guest {
    static LOADED: OnceLock<Guest> = OnceLock::new();
    crate::need_hypervisor();
    LOADED.get_or_init(|| Guest::from_bytes(SERVER).unwrap()).clone()
}

/// Its file.
pub static SERVER: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/server.elf"));

/// A fixed part with these bytes.
pub fn fixed(bytes: &[u8]) -> FixedPart {
    let mut builder = FixedPartBuilder::new().unwrap();
    builder.write_all(bytes).unwrap();
    builder.finish().unwrap()
}

/// A fixed part of so many pages: each starts with [`CODE`] and its number.
pub fn numbered(pages: u64) -> FixedPart {
    let mut builder = FixedPartBuilder::new().unwrap();
    for number in 0..pages {
        builder.write_all(&CODE).unwrap();
        builder.write_all(&[0, 0]).unwrap();
        builder.write_all(&number.to_le_bytes()).unwrap();
        builder.align(PAGE).unwrap();
    }
    builder.finish().unwrap()
}

/// A region of the fixed part, both in pages.
pub fn alias(address: u64, offset: u64, pages: u64, access: RegionAccess) -> Region {
    Region { address, size: pages * PAGE, source: Source::Fixed { offset: offset * PAGE }, access }
}

/// A region with these bytes, as many pages as they need.
pub fn own(address: u64, bytes: &[u8], access: RegionAccess) -> Region {
    let size = (bytes.len() as u64).next_multiple_of(PAGE);
    Region { address, size, source: Source::Bytes(bytes.to_vec()), access }
}

/// The guest with these regions.
pub fn with(fixed: &FixedPart, regions: impl IntoIterator<Item = Region>) -> Result<Guest> {
    let mut placement = Placement::new(fixed);
    for region in regions {
        placement.region(region);
    }
    server().with_placement(placement)
}

/// Eight bytes of the guest's memory.
#[track_caller]
pub fn peek(sandbox: &mut Sandbox, address: u64) -> u64 {
    sandbox.call("ReadAddress", (address,)).unwrap()
}

/// Changes eight bytes.
#[track_caller]
pub fn poke(sandbox: &mut Sandbox, address: u64, value: u64) {
    sandbox.call::<()>("WriteAddress", (address, value)).unwrap();
}

/// The addresses that the engine tells: of the arena and its size; the first stack, its size, the distance to the next,
/// the number of stacks; the report page and its size.
pub fn told(sandbox: &mut Sandbox) -> [u64; 8] {
    let bytes: Vec<u8> = sandbox.call("Placement", ()).unwrap();
    let mut words = bytes.chunks_exact(8).map(|word| u64::from_le_bytes(word.try_into().unwrap()));
    std::array::from_fn(|_| words.next().unwrap())
}
