//! Messages from the host, read in place.
//!
//! These are the messages of `libhyperlight_abi::ToGuest`, but the arguments of a call are decoded one by one. So a
//! call with few arguments does not pay for the maximum number.

use alloc::format;

use libhyperlight_abi::frame::Items;
use libhyperlight_abi::message::Context;
use libhyperlight_abi::{DecodeError, Frame, FrameKind, Kind, ValueRef};

use crate::error::{Error, Result, code};

/// A message from the host.
#[derive(Debug)]
pub(crate) enum Incoming<'a> {
    /// A call of a guest function.
    Call { context: Context, name: &'a str, arguments: Arguments<'a> },
    /// The answer to a request for context.
    Context(Context),
    /// The host function failed.
    HostError { token: u64, status: i32, message: &'a str },
    /// The result of the host function.
    HostResult(ValueRef<'a>),
}

impl<'a> Incoming<'a> {
    /// Reads a frame.
    #[inline]
    pub(crate) fn decode(bytes: &'a [u8]) -> core::result::Result<Self, DecodeError> {
        let frame = Frame::decode(bytes)?;
        let mut items = frame.items();
        let message = match frame.kind() {
            FrameKind::Call => {
                let context = Context::from_bytes(items.bytes()?)?;
                let name = items.string()?;
                return Ok(Self::Call { context, name, arguments: Arguments { items, taken: 0 } });
            }
            FrameKind::Context => Self::Context(Context::from_bytes(items.bytes()?)?),
            FrameKind::HostError => {
                Self::HostError { token: items.u64()?, status: items.i32()?, message: items.string()? }
            }
            FrameKind::HostResult => Self::HostResult(items.value()?),
            _ => return Err(DecodeError::UnknownFrame),
        };
        items.finish()?;
        Ok(message)
    }
}

/// The arguments of a call, still in the input buffer. They must be copied before any other code runs: the next call of
/// a host function overwrites the buffer.
#[derive(Debug)]
pub struct Arguments<'a> {
    items: Items<'a>,
    taken: u32,
}

impl<'a> Arguments<'a> {
    /// Checks the number of arguments. The host checks it too, but may be mistaken.
    #[inline]
    pub fn expect(&self, count: usize) -> Result<()> {
        let found = self.items.left() as usize;
        if found == count {
            return Ok(());
        }
        Err(Error::new(code::SIGNATURE, format!("the function takes {count} arguments, not {found}")))
    }

    /// Returns the next argument, as `take` copies it; it must be of the kind `expected`.
    #[inline]
    pub fn next<T>(&mut self, expected: Kind, take: impl FnOnce(&ValueRef<'a>) -> Option<T>) -> Result<T> {
        self.taken += 1;
        match self.items.value() {
            Ok(value) => take(&value).ok_or_else(|| wrong_kind(self.taken, expected, value.kind())),
            Err(reason) => Err(malformed(self.taken, reason)),
        }
    }
}

#[cold]
fn wrong_kind(number: u32, expected: Kind, found: Kind) -> Error {
    Error::new(code::SIGNATURE, format!("argument {number} is {found}, not {expected}"))
}

#[cold]
fn malformed(number: u32, reason: DecodeError) -> Error {
    Error::new(code::PROTOCOL, format!("argument {number} cannot be read: {reason}"))
}
