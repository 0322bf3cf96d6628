//! The contract between host and guest.
//!
//! The host library and every guest program are compiled separately, by different people, at different times. This
//! crate is all that they share: the wire format of the messages ([`frame`], [`message`]), the kinds of values in them
//! ([`value`], [`signature`]), the entry of a guest and the description of its memory ([`boot`], [`mailbox`]), and the
//! bounds of everything that either side may declare ([`limits`]). It holds no `unsafe` and never panics, because one
//! side reads bytes that an adversary wrote. Nothing allocates but the values that own their text or bytes, which the
//! feature `alloc` adds.

#![no_std]
#![forbid(unsafe_code)]

#[cfg(feature = "alloc")]
extern crate alloc;

pub mod boot;
pub mod frame;
pub mod limits;
pub mod mailbox;
pub mod message;
pub mod note;
pub mod placement;
pub mod signature;
pub mod value;

pub use frame::{DecodeError, Frame, FrameKind, FrameWriter, Full, Sink};
pub use message::{AbortReason, Arguments, ErrorKind, ToGuest, ToHost};
pub use signature::SignatureRef;
#[cfg(feature = "alloc")]
pub use value::Value;
pub use value::{Kind, ValueRef};

/// The number of the contract described by this crate.
///
/// A guest program carries the number that it was built for in an ELF note ([`note`]); the host states the range that
/// it accepts. The number is raised by a change that breaks older guests, by one that the host must tell guests apart
/// by, and by one that an older host would not understand.
///
/// | number | what is new |
/// |---|---|
/// | 1 | |
/// | 2 | a guest function's error codes are its own ([`ErrorKind`]); details of errors; `Wait` |
pub const ABI_VERSION: u32 = 2;

/// The first contract in which a guest sends an [`ErrorKind`] with its errors. In older ones an error of the SDK cannot
/// be told from an error with the same code that a guest function chose.
pub const ABI_ERROR_KINDS: u32 = 2;
