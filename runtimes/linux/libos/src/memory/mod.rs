//! The program's memory: where anonymous mappings come from, and what becomes of mappings of files.
//!
//! Page tables never change. So nothing is ever mapped: memory that a program asks for is taken from the arena, which
//! is writable, and files are where the builder has laid them out. Protections are accepted where they ask for less
//! than there is, and refused where they ask for more.

mod arena;
mod map;

use alloc::vec::Vec;

pub(crate) use arena::Arena;
pub(crate) use map::{Backing, Request};

use crate::errno::Errno;

/// Rounds up to whole pages; fails where no memory is as large.
pub(crate) fn pages(len: u64) -> Result<u64, Errno> {
    len.checked_next_multiple_of(PAGE).ok_or(Errno::NOMEM)
}

pub(crate) const PAGE: u64 = libhyperlight_linux_contract::PAGE;

/// The places of the program's memory, as the engine has chosen them.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Places {
    /// First address and size of the arena.
    pub arena: (u64, u64),
    /// First address of the first stack, size of each, and from one to the next.
    pub stacks: (u64, u64, u64),
    /// Number of stacks.
    pub stack_count: u64,
    /// True if the arena may be executed.
    pub jit: bool,
}

/// All of the program's memory.
#[derive(Debug)]
pub(crate) struct Memory {
    pub places: Places,
    pub arena: Arena,
    /// End of the heap that `brk` moves, its start and its limit.
    pub break_at: u64,
    pub break_span: (u64, u64),
    /// The highest that the break has been.
    break_touched: u64,
    stacks: Vec<Stack>,
    /// Objects that the program has mapped.
    pub loaded: Vec<Loaded>,
}

/// A placed object that the program's loader has mapped, or the kernel's part of starting it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Loaded {
    pub entry: u32,
    pub start: u64,
    pub end: u64,
    /// Address and number of its program headers.
    pub headers: u64,
    pub header_count: u32,
    /// The number added to the addresses of the file.
    pub bias: u64,
    /// It was mapped before, so that its data is not as in the file any more.
    pub is_used: bool,
    /// It is mapped now.
    pub is_mapped: bool,
}

/// A slot for a thread's stack.
#[derive(Clone, Copy, Debug, Default)]
struct Stack {
    is_taken: bool,
    is_used: bool,
}

impl Memory {
    pub fn new(places: Places) -> Self {
        // Memory allocators fall back to mappings where the break ends.
        let (start, size) = places.arena;
        let heap = (size / 8) / PAGE * PAGE;
        let mut stacks = Vec::new();
        stacks.resize(usize::try_from(places.stack_count).unwrap_or(0), Stack::default());
        if let Some(main) = stacks.first_mut() {
            // The first one is the main thread's.
            *main = Stack { is_taken: true, is_used: true };
        }
        Self {
            places,
            arena: Arena::new(start + heap, start + size),
            break_at: start,
            break_span: (start, start + heap),
            break_touched: start,
            stacks,
            loaded: Vec::new(),
        }
    }

    /// The end of the main thread's stack.
    pub fn main_stack(&self) -> (u64, u64) {
        let (first, size, _) = self.places.stacks;
        (first, first + size)
    }

    /// Bytes of a stack as limits state them. Slots are a little larger: C libraries add a guard to what the limit
    /// says.
    pub fn stack_limit(&self) -> u64 {
        const MIB: u64 = 1 << 20;
        let (_, size, _) = self.places.stacks;
        if size > MIB { size / MIB * MIB } else { size }
    }

    /// Moves the break, and returns where it is.
    pub fn set_break(&mut self, to: u64) -> Result<u64, Errno> {
        let (start, end) = self.break_span;
        if (start..=end).contains(&to) {
            // Memory that the break returns to is zero.
            if to > self.break_at {
                let used = self.break_touched.min(to);
                if used > self.break_at {
                    crate::user::zero(self.break_at, used - self.break_at)?;
                }
            }
            self.break_touched = self.break_touched.max(to);
            self.break_at = to;
        }
        Ok(self.break_at)
    }

    /// Takes a slot for a stack of that size; `None` if there is none, or the size is larger than a slot.
    fn take_stack(&mut self, size: u64) -> Option<u64> {
        /// Bytes at the end of a stack in which C libraries expect zeros: what they know about the thread, and its
        /// thread-local variables.
        const CLEARED: u64 = 128 << 10;
        let (first, slot_size, stride) = self.places.stacks;
        if size > slot_size {
            return None;
        }
        let number = self.stacks.iter().position(|stack| !stack.is_taken)?;
        let stack = self.stacks.get_mut(number)?;
        let end = first + number as u64 * stride + slot_size;
        if stack.is_used {
            let cleared = size.min(CLEARED);
            crate::user::zero(end - cleared, cleared).ok()?;
        }
        *stack = Stack { is_taken: true, is_used: true };
        Some(end - size)
    }

    /// The number of the slot that an address is in.
    pub fn stack_at(&self, address: u64) -> Option<usize> {
        let (first, size, stride) = self.places.stacks;
        let offset = address.checked_sub(first)?;
        let number = offset.checked_div(stride)?;
        (number < self.places.stack_count && offset % stride < size).then(|| usize::try_from(number).ok())?
    }

    fn give_back_stack(&mut self, number: usize) {
        if let Some(stack) = self.stacks.get_mut(number).filter(|_| number != 0) {
            stack.is_taken = false;
        }
    }

    /// The object that an address is in.
    pub fn loaded_at(&self, address: u64) -> Option<&Loaded> {
        self.loaded.iter().find(|object| (object.start..object.end).contains(&address))
    }
}
