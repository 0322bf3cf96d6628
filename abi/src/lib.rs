//! The contract between the two sides of the wall.
//!
//! The host library and every guest program are compiled separately, by different people, at different
//! times. This crate is all that they share: the wire format of the messages ([`frame`], [`message`]), the
//! kinds of value that a message may carry ([`value`], [`signature`]), how a guest is entered and where it
//! finds its memory ([`boot`], [`mailbox`]), and the bounds of everything that either side may declare
//! ([`limits`]). It allocates nothing, holds no `unsafe`, and no function in it panics, because on one side it
//! reads bytes that an adversary wrote.

#![no_std]
#![forbid(unsafe_code)]

pub mod boot;
pub mod frame;
pub mod limits;
pub mod mailbox;
pub mod message;
pub mod note;
pub mod signature;
pub mod value;

pub use frame::{DecodeError, Frame, FrameKind, FrameWriter, Full, Sink};
pub use message::{AbortReason, Arguments, ErrorKind, ToGuest, ToHost};
pub use signature::SignatureRef;
pub use value::{Kind, ValueRef};

/// The number of the contract described by this crate.
///
/// A guest program carries the number that it was built for in an ELF note ([`note`]); the host states the
/// range that it accepts. Raised by a change that an older guest cannot live with, by one of which the host must know
/// whether a guest has it, and by what an older host would not understand.
///
/// | number | what is new |
/// |---|---|
/// | 1 | |
/// | 2 | a guest function's error codes are its own ([`ErrorKind`]); details of errors; `Wait` |
pub const ABI_VERSION: u32 = 2;

/// From this contract on a guest says by an [`ErrorKind`] what the engine is to know about an error. The codes of older ones
/// cannot be told apart: what the SDK found has the same number as what a guest function chose.
pub const ABI_ERROR_KINDS: u32 = 2;
