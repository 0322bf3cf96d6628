//! The shape of placed memory: addresses, permissions and sources, without the bytes.
//!
//! It comes from a host program, or from a snapshot file, which is hostile. Both are checked here, in time and memory
//! linear in the number of regions.

use std::ops::Range;

use libhyperlight_abi::limits::{
    MAX_ARENA_BYTES, MAX_PLACED_BYTES, MAX_PLACED_TABLES, MAX_REGIONS, MAX_STACK_BYTES, MAX_STACKS,
};
use libhyperlight_abi::placement::{LOW_WINDOW, WINDOW};

use super::FixedPart;
use crate::arch::{LARGE_PAGE, Permissions};
use crate::pages::PAGE;

/// A guest's access to placed memory.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
#[repr(u8)]
pub enum RegionAccess {
    /// Data that never changes.
    Read = 0,
    /// Code.
    ReadExecute = 1,
    /// Data.
    ReadWrite = 2,
    /// Code that the guest writes itself; only where [`super::Placement::jit`] allows it.
    ReadWriteExecute = 3,
}

impl RegionAccess {
    /// The access with that number.
    pub(crate) fn from_number(number: u64) -> Option<Self> {
        [Self::Read, Self::ReadExecute, Self::ReadWrite, Self::ReadWriteExecute]
            .into_iter()
            .find(|access| *access as u64 == number)
    }

    pub(crate) fn permissions(self) -> Permissions {
        let execute = matches!(self, Self::ReadExecute | Self::ReadWriteExecute);
        Permissions { user: true, write: self.is_writable(), execute }
    }

    fn is_writable(self) -> bool {
        matches!(self, Self::ReadWrite | Self::ReadWriteExecute)
    }
}

/// A region without its bytes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Place {
    pub address: u64,
    pub size: u64,
    /// The offset in the fixed part; `None`: pages of its own.
    pub fixed: Option<u64>,
    pub access: RegionAccess,
}

impl Place {
    fn end(&self) -> Option<u64> {
        self.address.checked_add(self.size)
    }
}

/// The shape of a guest's placed memory.
#[derive(Clone, Debug)]
pub(crate) struct Shape {
    pub fixed: FixedPart,
    /// Ascending.
    pub places: Vec<Place>,
    /// Bytes of the arena, in whole pages.
    pub arena: u64,
    pub stacks: u64,
    /// Bytes of a stack, in whole pages.
    pub stack_size: u64,
    /// True if memory may be writable and executable.
    pub jit: bool,
}

impl Shape {
    /// Bytes of the arena and the stacks, which a sandbox may fill.
    pub fn room(&self) -> u64 {
        self.arena.saturating_add(self.stacks.saturating_mul(self.stack_size))
    }

    /// Bytes of the regions' own pages.
    pub fn own(&self) -> u64 {
        let own = self.places.iter().filter(|place| place.fixed.is_none());
        own.fold(0, |sum: u64, place| sum.saturating_add(place.size))
    }

    /// Confirms that the shape can be laid out beside a program with these pages, in ascending order. The error says
    /// what is wrong.
    pub fn check(&self, program: &[Range<u64>]) -> Result<(), String> {
        if self.places.len() > MAX_REGIONS {
            return Err(format!("it has {} regions; expected at most {MAX_REGIONS}", self.places.len()));
        }
        let (mut end, mut program) = (0, program.iter().peekable());
        // The number of ranges of one page table each, and the last of them.
        let (mut tables, mut last_table) = (0, None);
        for place in &self.places {
            let Place { address, size, .. } = *place;
            let bad = |reason: &str| Err(format!("the region of {size} bytes at {address:#x} {reason}"));
            let Some(its_end) = place.end().filter(|end| *end > address) else {
                return bad("is empty, or wraps around");
            };
            if !address.is_multiple_of(PAGE) || !size.is_multiple_of(PAGE) {
                return bad("is not of whole pages");
            }
            if ![LOW_WINDOW, WINDOW].iter().any(|window| address >= window.start && its_end <= window.end) {
                let [low, high] =
                    [LOW_WINDOW, WINDOW].map(|window| format!("{:#x} to {:#x}", window.start, window.end));
                return bad(&format!("is outside {low} and {high}"));
            }
            if address < end {
                return bad("overlaps another one");
            }
            end = its_end;
            let (first, last) = (address / LARGE_PAGE, (its_end - 1) / LARGE_PAGE);
            tables += last - first + u64::from(last_table != Some(first));
            last_table = Some(last);
            while program.next_if(|pages| pages.end <= address).is_some() {}
            if program.peek().is_some_and(|pages| pages.start < its_end) {
                return bad("overlaps the guest program");
            }
            match place.fixed {
                Some(_) if place.access.is_writable() => return bad("makes the fixed part writable"),
                Some(offset) if !offset.is_multiple_of(PAGE) => {
                    return bad("does not start with a page of the fixed part");
                }
                Some(offset) if offset.checked_add(size).is_none_or(|end| end > self.fixed.size()) => {
                    return bad("reaches past the end of the fixed part");
                }
                _ => {}
            }
            if place.access == RegionAccess::ReadWriteExecute && !self.jit {
                return bad("is writable and executable, which this placement does not allow (jit)");
            }
        }
        if tables > MAX_PLACED_TABLES {
            return Err(format!(
                "its regions can need {tables} page tables, one for each 2 MiB that they touch; expected at most \
                 {MAX_PLACED_TABLES}"
            ));
        }
        let own = self.own();
        if own > MAX_PLACED_BYTES {
            return Err(format!(
                "its regions have {own} bytes of their own; expected at most {MAX_PLACED_BYTES}"
            ));
        }
        let within = |what: &str, found: u64, most: u64| match found <= most {
            true => Ok(()),
            false => Err(format!("{what}: {found}; expected at most {most}")),
        };
        within("bytes of the arena", self.arena, MAX_ARENA_BYTES)?;
        within("stacks", self.stacks, MAX_STACKS)?;
        within("bytes of a stack", self.stack_size, MAX_STACK_BYTES)?;
        if !self.arena.is_multiple_of(PAGE) || !self.stack_size.is_multiple_of(PAGE) {
            return Err("the arena or a stack is not of whole pages".to_owned());
        }
        if self.stacks > 0 && self.stack_size == 0 {
            return Err("a stack has no bytes".to_owned());
        }
        Ok(())
    }
}

/// Two shapes are the same if they lead to the same memory.
impl PartialEq for Shape {
    fn eq(&self, other: &Self) -> bool {
        let numbers = |shape: &Self| (shape.arena, shape.stacks, shape.stack_size, shape.jit);
        self.fixed.fingerprint() == other.fixed.fingerprint()
            && numbers(self) == numbers(other)
            && self.places == other.places
    }
}
