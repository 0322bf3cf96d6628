//! What the two sides of the wall agree on.
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
pub use message::{AbortReason, Arguments, ToGuest, ToHost};
pub use signature::SignatureRef;
pub use value::{Kind, ValueRef};

/// The number of the contract described by this crate.
///
/// A guest program carries the number that it was built for in an ELF note ([`note`]); the host states the
/// range that it accepts. Only a change that an older guest cannot live with raises it.
pub const ABI_VERSION: u32 = 1;
