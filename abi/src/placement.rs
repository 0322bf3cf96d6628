//! Memory that a host program lays out for a guest beside its program: files, the objects in them, an arena, stacks.
//!
//! The host program chooses the addresses of *placed regions*, inside two windows. The engine chooses those of the
//! arena and the stacks, and tells them ([`crate::boot::BootInfo::placement`]). A host program and its guest agree on
//! the address of whatever else the guest has to find.

use core::ops::Range;

use crate::boot::Span;

/// The address of relocatable programs that serve system calls ([`crate::note::TYPE_SYSTEM_CALL`]). The usual address
/// is left to the programs that they serve.
pub const SERVER_BASE: u64 = 0x3000_0000;

/// Low addresses for placed regions: those of programs that cannot be relocated. The guest's own program is here, too.
pub const LOW_WINDOW: Range<u64> = 0x1_0000..0x4000_0000;

/// All other addresses for placed regions.
pub const WINDOW: Range<u64> = 0x10_0000_0000..0x200_0000_0000;

/// The address of the arena.
pub const ARENA_BASE: u64 = 0x200_0000_0000;

/// The address from which on the stacks lie.
pub const STACKS_BASE: u64 = 0x300_0000_0000;

/// Unmapped bytes below each stack.
pub const STACK_GUARD: u64 = 2 << 20;

/// The engine's choice of addresses; all zero for a guest without a placement.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Placement {
    /// The arena: zeroed memory.
    pub arena: Span,
    /// Stacks, zeroed.
    pub stacks: Stacks,
    /// The page with the report of the last system call that the engine passed on, read-only: words, as
    /// [`Report`] lists them. Guests that serve system calls have it, with a placement or without.
    pub report: Span,
}

/// Stacks of one size, an unmapped guard below each.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Stacks {
    /// The lowest address of the first one.
    pub first: u64,
    /// Bytes of one.
    pub size: u64,
    /// Bytes from one to the next.
    pub stride: u64,
    /// The number of them.
    pub count: u64,
}

/// The number of a word of the report page.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(u64)]
pub enum Report {
    /// The kind: 1 for a system call.
    Kind = 0,
    /// The number of system calls passed on in this call, with this one.
    Count = 1,
    /// The address of the instruction.
    Instruction = 2,
    /// The stack pointer.
    Stack = 3,
    /// RFLAGS.
    Flags = 4,
}
