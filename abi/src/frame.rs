//! Frames: a header, then items.
//!
//! ```text
//! offset  0      4      8       12      16                                    length
//!         magic  kind   length  count   item  item  …                        |
//! item:   kind u32, length u32, bytes, zeros up to the next multiple of 8
//! ```
//!
//! Everything is little-endian, and there is one encoding for one content: padding is zero, a fixed kind has its
//! fixed length, nothing follows the last item. The decoder has a single bounds rule (`Items::take`), copies
//! nothing and allocates nothing.

use core::fmt;

use crate::value::{Kind, ValueRef};

/// First word of every frame.
pub const MAGIC: u32 = u32::from_le_bytes(*b"HLF1");

/// Bytes of a frame's header.
pub const HEADER_LEN: usize = 16;

/// Bytes of an item's header.
pub const ITEM_HEADER_LEN: usize = 8;

/// Items start at multiples of this.
pub const ALIGNMENT: usize = 8;

/// The kind of a frame: which message it holds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(u32)]
pub enum FrameKind {
    /// Host to guest: call a function.
    Call = 1,
    /// Host to guest: the result of the host function.
    HostResult = 2,
    /// Host to guest: the host function failed.
    HostError = 3,
    /// Host to guest: the answer to a [`Self::ContextRequest`] or a [`Self::Wait`].
    Context = 4,
    /// Guest to host: initialised, with the functions that it has and needs.
    Ready = 16,
    /// Guest to host: the result of the function.
    Result = 17,
    /// Guest to host: the function failed.
    Error = 18,
    /// Guest to host: call a host function.
    HostCall = 19,
    /// Guest to host: the guest gave up.
    Abort = 20,
    /// Guest to host: asks for time and entropy while it initialises.
    ContextRequest = 21,
    /// Guest to host: asks to be woken at a time.
    Wait = 22,
    /// Guest to host, in the log ring: a log record.
    Log = 32,
}

impl FrameKind {
    /// The kind with that number.
    #[inline]
    pub const fn from_code(code: u32) -> Option<Self> {
        Some(match code {
            1 => Self::Call,
            2 => Self::HostResult,
            3 => Self::HostError,
            4 => Self::Context,
            16 => Self::Ready,
            17 => Self::Result,
            18 => Self::Error,
            19 => Self::HostCall,
            20 => Self::Abort,
            21 => Self::ContextRequest,
            22 => Self::Wait,
            32 => Self::Log,
            _ => return None,
        })
    }
}

/// The reason why bytes are not a frame, or not the message they claim to be.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum DecodeError {
    /// A `bool` that is neither 0 nor 1.
    BadBool,
    /// Details of an error that are longer than [`crate::limits::MAX_DETAILS_LEN`].
    BadDetails,
    /// An item whose length is not that of its kind.
    BadItemLength,
    /// The frame's length is smaller than its header, not a multiple of 8, or not the length that was received.
    BadLength,
    /// The frame does not start with [`MAGIC`].
    BadMagic,
    /// A name that is empty or longer than [`crate::limits::MAX_NAME_LEN`].
    BadName,
    /// Padding that is not zero.
    BadPadding,
    /// An invalid signature.
    BadSignature,
    /// A `string` that is not UTF-8.
    BadUtf8,
    /// More items than the message may have.
    TooManyItems,
    /// Bytes after the last item, or items after the last expected one.
    TrailingBytes,
    /// An item or the header reaches past the end.
    Truncated,
    /// A frame kind that does not exist or must not travel in this direction.
    UnknownFrame,
    /// An item kind that does not exist.
    UnknownKind,
    /// An item of another kind than the message has at this place.
    WrongItem,
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BadBool => "a bool is neither 0 nor 1",
            Self::BadDetails => "the details of an error are too long",
            Self::BadItemLength => "an item has a length that its kind cannot have",
            Self::BadLength => "the frame's length is impossible",
            Self::BadMagic => "the frame does not start with the magic number",
            Self::BadName => "a function name is empty or too long",
            Self::BadPadding => "padding is not zero",
            Self::BadSignature => "a signature is malformed",
            Self::BadUtf8 => "a string is not UTF-8",
            Self::TooManyItems => "the frame has too many items",
            Self::TrailingBytes => "something follows the last item",
            Self::Truncated => "an item reaches past the end of the frame",
            Self::UnknownFrame => "the frame kind is unknown",
            Self::UnknownKind => "an item kind is unknown",
            Self::WrongItem => "an item is not of the expected kind",
        })
    }
}

impl core::error::Error for DecodeError {}

/// A frame whose header has been checked; its items are checked as they are read.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    kind: FrameKind,
    items: Items<'a>,
}

impl<'a> Frame<'a> {
    /// Reads the header of the frame that `bytes` are, exactly.
    #[inline]
    pub fn decode(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let (header, body) = bytes.split_first_chunk::<HEADER_LEN>().ok_or(DecodeError::Truncated)?;
        if word(header, 0) != MAGIC {
            return Err(DecodeError::BadMagic);
        }
        let kind = FrameKind::from_code(word(header, 4)).ok_or(DecodeError::UnknownFrame)?;
        if word(header, 8) as usize != bytes.len() || !bytes.len().is_multiple_of(ALIGNMENT) {
            return Err(DecodeError::BadLength);
        }
        let items = Items { rest: body, left: word(header, 12) };
        Ok(Self { kind, items })
    }

    /// The length that a header states, if it is possible: at least a header, at most `capacity`, a multiple of 8. For
    /// receivers that must know the number of bytes to copy before they can decode.
    #[inline]
    pub fn stated_len(header: &[u8; HEADER_LEN], capacity: usize) -> Result<usize, DecodeError> {
        if word(header, 0) != MAGIC {
            return Err(DecodeError::BadMagic);
        }
        let len = word(header, 8) as usize;
        if len < HEADER_LEN || len > capacity || !len.is_multiple_of(ALIGNMENT) {
            return Err(DecodeError::BadLength);
        }
        Ok(len)
    }

    /// The kind of the frame.
    #[inline]
    pub const fn kind(&self) -> FrameKind {
        self.kind
    }

    /// The items.
    #[inline]
    pub const fn items(&self) -> Items<'a> {
        self.items
    }
}

/// Reads a frame's items, one after the other.
#[derive(Clone, Copy, Debug)]
pub struct Items<'a> {
    rest: &'a [u8],
    left: u32,
}

impl<'a> Items<'a> {
    /// Items not read yet, as the header stated them.
    #[inline]
    pub const fn left(&self) -> u32 {
        self.left
    }

    /// The next item.
    #[inline]
    pub fn value(&mut self) -> Result<ValueRef<'a>, DecodeError> {
        self.left = self.left.checked_sub(1).ok_or(DecodeError::Truncated)?;
        let header = self.take(ITEM_HEADER_LEN)?;
        let header: &[u8; ITEM_HEADER_LEN] = header.first_chunk().ok_or(DecodeError::Truncated)?;
        let kind = Kind::from_code(word(header, 0)).ok_or(DecodeError::UnknownKind)?;
        let len = word(header, 4) as usize;
        if kind.fixed_len().is_some_and(|fixed| fixed != len) {
            return Err(DecodeError::BadItemLength);
        }
        let padded = len.checked_next_multiple_of(ALIGNMENT).ok_or(DecodeError::Truncated)?;
        let (bytes, padding) = self.take(padded)?.split_at(len);
        if padding.iter().any(|byte| *byte != 0) {
            return Err(DecodeError::BadPadding);
        }
        Ok(match kind {
            Kind::Void => ValueRef::Void,
            Kind::Bool => match bytes {
                [0] => ValueRef::Bool(false),
                [1] => ValueRef::Bool(true),
                _ => return Err(DecodeError::BadBool),
            },
            Kind::I32 => ValueRef::I32(i32::from_le_bytes(array(bytes)?)),
            Kind::U32 => ValueRef::U32(u32::from_le_bytes(array(bytes)?)),
            Kind::I64 => ValueRef::I64(i64::from_le_bytes(array(bytes)?)),
            Kind::U64 => ValueRef::U64(u64::from_le_bytes(array(bytes)?)),
            Kind::F32 => ValueRef::F32(f32::from_le_bytes(array(bytes)?)),
            Kind::F64 => ValueRef::F64(f64::from_le_bytes(array(bytes)?)),
            Kind::String => ValueRef::String(core::str::from_utf8(bytes).map_err(|_| DecodeError::BadUtf8)?),
            Kind::Bytes => ValueRef::Bytes(bytes),
        })
    }

    /// The next item, which must be a `string`.
    #[inline]
    pub fn string(&mut self) -> Result<&'a str, DecodeError> {
        match self.value()? {
            ValueRef::String(text) => Ok(text),
            _ => Err(DecodeError::WrongItem),
        }
    }

    /// The next item, which must be `bytes`.
    #[inline]
    pub fn bytes(&mut self) -> Result<&'a [u8], DecodeError> {
        match self.value()? {
            ValueRef::Bytes(bytes) => Ok(bytes),
            _ => Err(DecodeError::WrongItem),
        }
    }

    /// The next item, which must be a `u32`.
    #[inline]
    pub fn u32(&mut self) -> Result<u32, DecodeError> {
        match self.value()? {
            ValueRef::U32(number) => Ok(number),
            _ => Err(DecodeError::WrongItem),
        }
    }

    /// The next item, which must be an `i32`.
    #[inline]
    pub fn i32(&mut self) -> Result<i32, DecodeError> {
        match self.value()? {
            ValueRef::I32(number) => Ok(number),
            _ => Err(DecodeError::WrongItem),
        }
    }

    /// The next item, which must be a `u64`.
    #[inline]
    pub fn u64(&mut self) -> Result<u64, DecodeError> {
        match self.value()? {
            ValueRef::U64(number) => Ok(number),
            _ => Err(DecodeError::WrongItem),
        }
    }

    /// Fails unless every item was read and nothing follows.
    #[inline]
    pub const fn finish(self) -> Result<(), DecodeError> {
        if self.left == 0 && self.rest.is_empty() { Ok(()) } else { Err(DecodeError::TrailingBytes) }
    }

    /// The only bounds rule: the next `len` bytes, or nothing at all.
    #[inline]
    fn take(&mut self, len: usize) -> Result<&'a [u8], DecodeError> {
        let (head, rest) = self.rest.split_at_checked(len).ok_or(DecodeError::Truncated)?;
        self.rest = rest;
        Ok(head)
    }
}

/// The target of a frame: a plain buffer, or memory that is shared with the other side.
pub trait Sink {
    /// Bytes that fit.
    fn capacity(&self) -> usize;

    /// Writes `bytes` at `offset`. The writer never asks for a place past [`Self::capacity`].
    fn put(&mut self, offset: usize, bytes: &[u8]);
}

impl Sink for [u8] {
    #[inline]
    fn capacity(&self) -> usize {
        self.len()
    }

    #[inline]
    fn put(&mut self, offset: usize, bytes: &[u8]) {
        if let Some(place) = self.get_mut(offset..).and_then(|tail| tail.get_mut(..bytes.len())) {
            place.copy_from_slice(bytes);
        }
    }
}

/// The frame exceeds its buffer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Full {
    /// Bytes needed up to the item that did not fit.
    pub needed: usize,
    /// Bytes available.
    pub capacity: usize,
}

/// Writes one frame into a [`Sink`].
#[derive(Debug)]
pub struct FrameWriter<'s, S: Sink + ?Sized> {
    sink: &'s mut S,
    kind: FrameKind,
    len: usize,
    count: u32,
}

impl<'s, S: Sink + ?Sized> FrameWriter<'s, S> {
    /// Starts a frame.
    #[inline]
    pub const fn new(sink: &'s mut S, kind: FrameKind) -> Self {
        Self { sink, kind, len: HEADER_LEN, count: 0 }
    }

    /// Appends an item.
    #[inline]
    pub fn push(&mut self, value: ValueRef<'_>) -> Result<(), Full> {
        let kind = value.kind();
        match value {
            ValueRef::Void => self.small(kind, [0; 8], 0),
            ValueRef::Bool(value) => self.small(kind, u64::from(value).to_le_bytes(), 1),
            ValueRef::I32(value) => self.small(kind, widen(value.to_le_bytes()), 4),
            ValueRef::U32(value) => self.small(kind, widen(value.to_le_bytes()), 4),
            ValueRef::F32(value) => self.small(kind, widen(value.to_le_bytes()), 4),
            ValueRef::I64(value) => self.small(kind, value.to_le_bytes(), 8),
            ValueRef::U64(value) => self.small(kind, value.to_le_bytes(), 8),
            ValueRef::F64(value) => self.small(kind, value.to_le_bytes(), 8),
            ValueRef::String(text) => self.large(kind, text.as_bytes()),
            ValueRef::Bytes(bytes) => self.large(kind, bytes),
        }
    }

    /// Writes the header. Returns the frame's length.
    #[inline]
    pub fn finish(self) -> Result<usize, Full> {
        // `reserve` has bounded `len`; a frame without items must still fit.
        self.fits(self.len)?;
        let mut header = [0; HEADER_LEN];
        header[..4].copy_from_slice(&MAGIC.to_le_bytes());
        header[4..8].copy_from_slice(&(self.kind as u32).to_le_bytes());
        header[8..12].copy_from_slice(&self.word(self.len).to_le_bytes());
        header[12..].copy_from_slice(&self.count.to_le_bytes());
        self.sink.put(0, &header);
        Ok(self.len)
    }

    /// An item that takes at most one word.
    #[inline]
    fn small(&mut self, kind: Kind, word: [u8; 8], len: usize) -> Result<(), Full> {
        let padded = if len == 0 { 0 } else { ALIGNMENT };
        let at = self.reserve(ITEM_HEADER_LEN + padded)?;
        let mut item = [0; ITEM_HEADER_LEN + ALIGNMENT];
        item[..4].copy_from_slice(&kind.code().to_le_bytes());
        item[4..8].copy_from_slice(&self.word(len).to_le_bytes());
        item[8..].copy_from_slice(&word);
        self.sink.put(at, &item[..ITEM_HEADER_LEN + padded]);
        Ok(())
    }

    /// An item of any length.
    #[inline]
    fn large(&mut self, kind: Kind, bytes: &[u8]) -> Result<(), Full> {
        let padding = bytes.len().wrapping_neg() % ALIGNMENT;
        // A slice is at most isize::MAX long: the sum cannot overflow a usize.
        let at = self.reserve(ITEM_HEADER_LEN + bytes.len() + padding)?;
        let mut header = [0; ITEM_HEADER_LEN];
        header[..4].copy_from_slice(&kind.code().to_le_bytes());
        header[4..].copy_from_slice(&self.word(bytes.len()).to_le_bytes());
        self.sink.put(at, &header);
        self.sink.put(at + ITEM_HEADER_LEN, bytes);
        self.sink.put(at + ITEM_HEADER_LEN + bytes.len(), &[0; ALIGNMENT][..padding]);
        Ok(())
    }

    /// Reserves room for an item of `len` bytes. Returns its place.
    #[inline]
    fn reserve(&mut self, len: usize) -> Result<usize, Full> {
        let at = self.len;
        let end = at.saturating_add(len);
        self.fits(end)?;
        self.len = end;
        self.count += 1;
        Ok(at)
    }

    /// Fails if a frame of `end` bytes does not fit into its buffer, or its length not into a `u32`.
    #[inline]
    fn fits(&self, end: usize) -> Result<(), Full> {
        let capacity = self.sink.capacity().min(u32::MAX as usize);
        if end > capacity {
            return Err(Full { needed: end, capacity });
        }
        Ok(())
    }

    /// A length that [`Self::fits`] has bounded, as a word of the header.
    #[inline]
    fn word(&self, len: usize) -> u32 {
        u32::try_from(len).unwrap_or(u32::MAX)
    }
}

/// The little-endian word at `at`; callers pass constants inside the header.
#[inline]
fn word<const N: usize>(header: &[u8; N], at: usize) -> u32 {
    let mut bytes = [0; 4];
    if let Some(found) = header.get(at..at + 4) {
        bytes.copy_from_slice(found);
    }
    u32::from_le_bytes(bytes)
}

/// A slice whose length its kind has fixed, as an array.
#[inline]
fn array<const N: usize>(bytes: &[u8]) -> Result<[u8; N], DecodeError> {
    bytes.try_into().map_err(|_| DecodeError::BadItemLength)
}

/// Four bytes and four zeros.
#[inline]
const fn widen(bytes: [u8; 4]) -> [u8; 8] {
    [bytes[0], bytes[1], bytes[2], bytes[3], 0, 0, 0, 0]
}
