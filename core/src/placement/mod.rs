//! Memory that a host program lays out for a guest beside its program.
//!
//! A runtime for programs that were not written as guests lays out what those expect: files, objects, an arena to
//! allocate from, stacks. Most of that never changes and is large, so it is a [`FixedPart`], which all sandboxes of the
//! process share; the guest sees its pages wherever a [`Region`] says, in several places if it is so wanted. Pages that
//! the guest may write are each sandbox's own, and so are those that differ from the fixed part.
//!
//! Two rules hold for every page, whatever the regions: none of the fixed part can be written, and none can be written
//! and executed, except by a choice made for the whole placement ([`Placement::jit`]).

mod fixed;
mod shape;

use std::ops::Range;
use std::sync::Arc;

pub use fixed::{FixedPart, FixedPartBuilder};
use sha2::{Digest, Sha256};
pub use shape::RegionAccess;
pub(crate) use shape::{Place, Shape};

use crate::error::{Error, Result};
use crate::pages::PAGE;
use crate::text::printable;

/// Longest name of an object.
const MAX_NAME: usize = 256;

/// Pages for a guest's memory.
#[derive(Clone, Debug)]
pub struct Region {
    /// The guest virtual address; the start of a page, in one of the windows of `libhyperlight_abi::placement`.
    pub address: u64,
    /// Bytes, in whole pages.
    pub size: u64,
    /// The contents.
    pub source: Source,
    /// The guest's access.
    pub access: RegionAccess,
}

/// The contents of a [`Region`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Source {
    /// Pages of the fixed part, which exist once.
    Fixed {
        /// The place of the first byte in the fixed part, the start of a page.
        offset: u64,
    },
    /// Bytes of the region's own, and zeros behind them.
    Bytes(Vec<u8>),
    /// Zeros.
    Zero,
}

/// The plan of a guest's placed memory. Its parts are checked by [`crate::Guest::with_placement`].
#[derive(Clone, Debug)]
pub struct Placement {
    fixed: FixedPart,
    regions: Vec<Region>,
    arena: u64,
    stacks: u64,
    stack_size: u64,
    jit: bool,
    rewriter: u32,
    objects: Vec<Object>,
}

impl Placement {
    /// A plan without regions.
    pub fn new(fixed: &FixedPart) -> Self {
        Self {
            fixed: fixed.clone(),
            regions: Vec::new(),
            arena: 0,
            stacks: 0,
            stack_size: 0,
            jit: false,
            rewriter: 0,
            objects: Vec::new(),
        }
    }

    /// Adds a region. Any number of regions may show the same pages of the fixed part.
    pub fn region(&mut self, region: Region) -> &mut Self {
        self.regions.push(region);
        self
    }

    /// Sets the bytes of the arena, zeroed memory; rounded up to whole pages. The engine chooses its address.
    pub fn arena(&mut self, size: u64) -> &mut Self {
        self.arena = size.checked_next_multiple_of(PAGE).unwrap_or(u64::MAX);
        self
    }

    /// Sets the number of stacks and the bytes of each, rounded up to whole pages. Below each there is memory that does
    /// not exist. The engine chooses their addresses.
    pub fn stacks(&mut self, count: u64, size: u64) -> &mut Self {
        self.stacks = count;
        self.stack_size = size.checked_next_multiple_of(PAGE).unwrap_or(u64::MAX);
        self
    }

    /// Allows memory that is writable and executable, and makes the arena such memory. Without it no page of the guest
    /// ever is both, so that no flaw of the program turns data into code.
    pub fn jit(&mut self, allowed: bool) -> &mut Self {
        self.jit = allowed;
        self
    }

    /// Sets the version of whatever changed code for this placement. Guests that differ in it are different ones.
    pub fn rewriter(&mut self, version: u32) -> &mut Self {
        self.rewriter = version;
        self
    }

    /// Names a range of addresses, for the reports of faults in it: `libexample.so+0x12`.
    pub fn object(&mut self, name: &str, address: u64, size: u64) -> &mut Self {
        let end = address.saturating_add(size);
        self.objects.push(Object { name: printable(name, MAX_NAME), range: address..end });
        self
    }

    /// Checks the plan for a program with these pages, in ascending order.
    pub(crate) fn check(mut self, program: &[Range<u64>]) -> Result<Placed> {
        let bad = |reason: String| Error::invalid_argument(format!("the placement cannot be used: {reason}"));
        self.regions.sort_by_key(|region| region.address);
        let mut contents = Vec::with_capacity(self.regions.len());
        let mut places = Vec::with_capacity(self.regions.len());
        for Region { address, size, source, access } in self.regions {
            let fixed = match source {
                Source::Fixed { offset } => Some(offset),
                Source::Bytes(_) | Source::Zero => None,
            };
            let bytes = if let Source::Bytes(bytes) = source { bytes } else { Vec::new() };
            if bytes.len() as u64 > size {
                let len = bytes.len();
                return Err(bad(format!("{len} bytes for the region of {size} bytes at {address:#x}")));
            }
            places.push(Place { address, size, fixed, access });
            contents.push(bytes);
        }
        let Self { fixed, arena, stacks, stack_size, jit, rewriter, mut objects, .. } = self;
        let shape = Shape { fixed, places, arena, stacks, stack_size, jit };
        shape.check(program).map_err(bad)?;
        objects.sort_by_key(|object| object.range.start);
        Ok(Placed { shape: Arc::new(shape), contents, rewriter, objects })
    }
}

/// A range of addresses with a name.
#[derive(Clone, Debug)]
struct Object {
    name: String,
    range: Range<u64>,
}

/// A placement that was checked.
#[derive(Debug)]
pub(crate) struct Placed {
    pub shape: Arc<Shape>,
    /// The bytes of each place of the shape; none for those of the fixed part, and for zeros.
    contents: Vec<Vec<u8>>,
    rewriter: u32,
    /// By their starts.
    objects: Vec<Object>,
}

impl Placed {
    /// The bytes that the places have of their own, in the order of the places.
    pub fn contents(&self) -> impl Iterator<Item = &[u8]> {
        self.contents.iter().map(Vec::as_slice)
    }

    /// Adds everything to a checksum that a guest can see or that decides what it may do.
    pub fn hash(&self, hash: &mut Sha256) {
        let Shape { fixed, places, arena, stacks, stack_size, jit } = &*self.shape;
        let mut put = |words: &[u64]| words.iter().for_each(|word| hash.update(word.to_le_bytes()));
        put(&[u64::from(self.rewriter), *arena, *stacks, *stack_size, u64::from(*jit), places.len() as u64]);
        hash.update(fixed.fingerprint());
        for (place, bytes) in places.iter().zip(self.contents()) {
            let Place { address, size, fixed, access } = *place;
            let source = fixed.map_or([0, 0], |offset| [1, offset]);
            for word in [address, size, source[0], source[1], access as u64, bytes.len() as u64] {
                hash.update(word.to_le_bytes());
            }
            hash.update(bytes);
        }
    }

    /// The object at an address, and the distance from its start.
    pub fn object_at(&self, address: u64) -> Option<String> {
        let after = self.objects.partition_point(|object| object.range.start <= address);
        let object = self.objects.get(after.checked_sub(1)?)?;
        let distance = address - object.range.start;
        object.range.contains(&address).then(|| format!("{}+{distance:#x}", object.name))
    }
}
