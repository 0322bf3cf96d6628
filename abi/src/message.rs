//! Messages: the meaning of a frame's items.
//!
//! | frame | items |
//! |---|---|
//! | `Call` | context `bytes`, name `string`, arguments … |
//! | `HostResult` | the value |
//! | `HostError` | token `u64`, status `i32`, message `string` |
//! | `Context` | context `bytes` |
//! | `Ready` | n `u32`, n × (name `string`, signature `bytes`): guest functions; the same again: host functions that it declares |
//! | `Result` | the value |
//! | `Error` | code `i32`, message `string`, token `u64` of a host function's failure, or 0; then, if not ordinary: kind `u32`; then, if any: details `string` |
//! | `HostCall` | name `string`, arguments … |
//! | `Abort` | reason `u32`, code `i32`, message `string` |
//! | `ContextRequest` | – |
//! | `Wait` | deadline `u64` |
//! | `Log` | level `u32`, target `string`, file `string`, line `u32`, message `string` |

use crate::frame::{DecodeError, Frame, FrameKind, FrameWriter, Full, Items, Sink};
use crate::limits::{MAX_DETAILS_LEN, MAX_FUNCTIONS, MAX_NAME_LEN, MAX_PARAMETERS};
use crate::signature::SignatureRef;
use crate::value::ValueRef;

/// The prefix of the engine's own names: no host function can be registered under one.
pub const RESERVED_PREFIX: &str = "hyperlight:";

/// The engine's own host function `(string) -> bytes`: the signature of the host function with that name in its wire
/// form, or no bytes if there is none. For language runtimes, whose scripts call functions that were unknown when the
/// runtime was built.
pub const HOST_SIGNATURE: &str = "hyperlight:signature";

/// The context of a call, beside its arguments. None of it is ever part of an image.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Context {
    /// A number that changes whenever the guest's memory was replaced: after evolve, restore and clone.
    pub generation: u64,
    /// The host's monotonic clock, in nanoseconds.
    pub monotonic_ns: u64,
    /// The host's wall clock, in nanoseconds since 1970-01-01 UTC.
    pub wall_ns: u64,
    /// Frequency of the time-stamp counter in Hz; 0 if the host does not know it.
    pub tsc_hz: u64,
    /// Bytes of the operating system's random generator, in the first call of a generation.
    pub entropy: Option<[u8; 32]>,
}

impl Context {
    /// Bytes of the wire form.
    pub const LEN: usize = 72;

    /// The wire form: five words (the fifth is 1 with entropy, else 0), then the entropy.
    #[inline]
    pub fn to_bytes(&self) -> [u8; Self::LEN] {
        let mut out = [0; Self::LEN];
        let words = [
            self.generation,
            self.monotonic_ns,
            self.wall_ns,
            self.tsc_hz,
            u64::from(self.entropy.is_some()),
        ];
        for (place, word) in out.chunks_exact_mut(8).zip(words) {
            place.copy_from_slice(&word.to_le_bytes());
        }
        out[40..].copy_from_slice(&self.entropy.unwrap_or_default());
        out
    }

    /// Reads the wire form.
    #[inline]
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        let bytes: &[u8; Self::LEN] = bytes.try_into().map_err(|_| DecodeError::BadItemLength)?;
        let (words, entropy) = bytes.split_at(40);
        let mut words = words.chunks_exact(8).map(|chunk| {
            let mut word = [0; 8];
            word.copy_from_slice(chunk);
            u64::from_le_bytes(word)
        });
        let mut word = || words.next().unwrap_or_default();
        Ok(Self {
            generation: word(),
            monotonic_ns: word(),
            wall_ns: word(),
            tsc_hz: word(),
            entropy: match word() {
                0 => None,
                _ => entropy.try_into().ok(),
            },
        })
    }
}

/// The arguments of a call, checked and borrowed.
#[derive(Clone, Copy, Debug)]
pub struct Arguments<'a> {
    values: [ValueRef<'a>; MAX_PARAMETERS],
    len: usize,
}

impl<'a> Arguments<'a> {
    /// Reads all remaining items.
    #[inline]
    fn decode(items: &mut Items<'a>) -> Result<Self, DecodeError> {
        let len = items.left() as usize;
        let mut values = [ValueRef::Void; MAX_PARAMETERS];
        for place in values.get_mut(..len).ok_or(DecodeError::TooManyItems)? {
            *place = items.value()?;
        }
        Ok(Self { values, len })
    }

    /// The arguments, in order.
    #[inline]
    pub fn as_slice(&self) -> &[ValueRef<'a>] {
        self.values.get(..self.len).unwrap_or_default()
    }
}

/// A message from the host to the guest.
#[derive(Clone, Copy, Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "a message lives on the stack for one dispatch; nothing here may allocate"
)]
pub enum ToGuest<'a> {
    /// Call a guest function.
    Call {
        /// The context of the call.
        context: Context,
        /// The function.
        name: &'a str,
        /// Its arguments.
        arguments: Arguments<'a>,
    },
    /// The result of the host function.
    HostResult(ValueRef<'a>),
    /// The host function failed.
    HostError {
        /// Identifies this failure for the rest of the call; never 0.
        token: u64,
        /// The status that the host function gave.
        status: i32,
        /// Text for people.
        message: &'a str,
    },
    /// The answer to a request for context, or to a wait that is over.
    Context(Context),
}

impl<'a> ToGuest<'a> {
    /// Reads a message that goes to a guest.
    #[inline]
    pub fn decode(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let frame = Frame::decode(bytes)?;
        let mut items = frame.items();
        let message = match frame.kind() {
            FrameKind::Call => Self::Call {
                context: Context::from_bytes(items.bytes()?)?,
                name: name(&mut items)?,
                arguments: Arguments::decode(&mut items)?,
            },
            FrameKind::HostResult => Self::HostResult(items.value()?),
            FrameKind::HostError => {
                Self::HostError { token: items.u64()?, status: items.i32()?, message: items.string()? }
            }
            FrameKind::Context => Self::Context(Context::from_bytes(items.bytes()?)?),
            _ => return Err(DecodeError::UnknownFrame),
        };
        items.finish()?;
        Ok(message)
    }
}

/// The reason of an abort.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
#[repr(u32)]
pub enum AbortReason {
    /// The guest asked for it.
    Abort = 0,
    /// A panic, a failed assertion, a smashed stack.
    Panic = 1,
    /// The heap was exhausted.
    OutOfMemory = 2,
}

impl AbortReason {
    /// The reason with that number.
    pub const fn from_code(code: u32) -> Option<Self> {
        Some(match code {
            0 => Self::Abort,
            1 => Self::Panic,
            2 => Self::OutOfMemory,
            _ => return None,
        })
    }
}

/// The kind of a guest function's error; its code is the function's own.
///
/// Only the SDK and a runtime set the kind, never a function's code. So no error of a guest function is taken for one
/// of theirs.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
#[repr(u32)]
pub enum ErrorKind {
    /// An error of the function's own, or the failure of a host function that its token names.
    #[default]
    Own = 0,
    /// A runtime's program has no such function.
    FunctionNotFound = 1,
    /// A frame does not fit its buffer.
    TooLarge = 2,
    /// An error of the function's own, caused by the failure that its token names.
    Caused = 3,
}

impl ErrorKind {
    /// The kind with that number.
    pub const fn from_code(code: u32) -> Option<Self> {
        Some(match code {
            0 => Self::Own,
            1 => Self::FunctionNotFound,
            2 => Self::TooLarge,
            3 => Self::Caused,
            _ => return None,
        })
    }
}

/// A message from the guest to the host.
#[derive(Clone, Copy, Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "a message lives on the stack for one dispatch; nothing here may allocate"
)]
pub enum ToHost<'a> {
    /// Initialised.
    Ready(Ready<'a>),
    /// The result of the function.
    Result(ValueRef<'a>),
    /// The function failed.
    Error {
        /// The guest's own number of the error.
        code: i32,
        /// Text for people.
        message: &'a str,
        /// The token of the host function's failure that this passes on, or was caused by; or 0.
        token: u64,
        /// The kind of the error.
        kind: ErrorKind,
        /// Details for programs. JSON by convention; the host passes them on unchanged.
        details: Option<&'a str>,
    },
    /// Call a host function.
    HostCall {
        /// The function.
        name: &'a str,
        /// Its arguments.
        arguments: Arguments<'a>,
    },
    /// The guest gave up; it will not run again.
    Abort {
        /// The reason.
        reason: AbortReason,
        /// The guest's own number of the abort.
        code: i32,
        /// Text for people.
        message: &'a str,
    },
    /// Asks for [`ToGuest::Context`].
    ContextRequest,
    /// Asks for [`ToGuest::Context`] at a time.
    Wait {
        /// On the clock of [`Context::monotonic_ns`].
        deadline: u64,
    },
}

impl<'a> ToHost<'a> {
    /// Reads a message from a guest. The functions of a [`Ready`] are checked as they are read.
    #[inline]
    pub fn decode(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let frame = Frame::decode(bytes)?;
        let mut items = frame.items();
        let message = match frame.kind() {
            FrameKind::Ready => return Ok(Self::Ready(Ready { items })),
            FrameKind::Result => Self::Result(items.value()?),
            FrameKind::Error => {
                let (code, message, token) = (items.i32()?, items.string()?, items.u64()?);
                let kind = match items.left() {
                    0 => ErrorKind::Own,
                    _ => ErrorKind::from_code(items.u32()?).ok_or(DecodeError::WrongItem)?,
                };
                let details = match items.left() {
                    0 => None,
                    _ => Some(items.string()?),
                };
                if details.is_some_and(|details| details.len() > MAX_DETAILS_LEN) {
                    return Err(DecodeError::BadDetails);
                }
                Self::Error { code, message, token, kind, details }
            }
            FrameKind::HostCall => {
                Self::HostCall { name: name(&mut items)?, arguments: Arguments::decode(&mut items)? }
            }
            FrameKind::Abort => Self::Abort {
                reason: AbortReason::from_code(items.u32()?).ok_or(DecodeError::WrongItem)?,
                code: items.i32()?,
                message: items.string()?,
            },
            FrameKind::ContextRequest => Self::ContextRequest,
            FrameKind::Wait => Self::Wait { deadline: items.u64()? },
            _ => return Err(DecodeError::UnknownFrame),
        };
        items.finish()?;
        Ok(message)
    }
}

/// The functions that a guest publishes and declares.
#[derive(Clone, Copy, Debug)]
pub struct Ready<'a> {
    items: Items<'a>,
}

impl<'a> Ready<'a> {
    /// Passes every function to `guest` or `host`, in the guest's order.
    pub fn read(
        self,
        guest: impl FnMut(&'a str, SignatureRef<'a>),
        host: impl FnMut(&'a str, SignatureRef<'a>),
    ) -> Result<(), DecodeError> {
        let mut items = self.items;
        Self::read_list(&mut items, guest)?;
        Self::read_list(&mut items, host)?;
        items.finish()
    }

    fn read_list(
        items: &mut Items<'a>,
        mut each: impl FnMut(&'a str, SignatureRef<'a>),
    ) -> Result<(), DecodeError> {
        let count = items.u32()?;
        if count as usize > MAX_FUNCTIONS {
            return Err(DecodeError::TooManyItems);
        }
        for _ in 0..count {
            each(name(items)?, SignatureRef::decode(items.bytes()?)?);
        }
        Ok(())
    }
}

/// The severity of a log record; smaller is worse, as in the `log` crate.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
#[repr(u32)]
pub enum LogLevel {
    /// Something failed.
    Error = 1,
    /// Something is odd.
    Warn = 2,
    /// Something happened.
    Info = 3,
    /// Details.
    Debug = 4,
    /// All details.
    Trace = 5,
}

impl LogLevel {
    /// The level with that number.
    pub const fn from_code(code: u32) -> Option<Self> {
        Some(match code {
            1 => Self::Error,
            2 => Self::Warn,
            3 => Self::Info,
            4 => Self::Debug,
            5 => Self::Trace,
            _ => return None,
        })
    }
}

/// A record in the log ring.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct LogRecord<'a> {
    /// Its severity.
    pub level: LogLevel,
    /// The part of the guest that wrote the record.
    pub target: &'a str,
    /// Source file, or empty.
    pub file: &'a str,
    /// Line in that file, or 0.
    pub line: u32,
    /// The text.
    pub message: &'a str,
}

impl<'a> LogRecord<'a> {
    /// Reads a record.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let frame = Frame::decode(bytes)?;
        if frame.kind() != FrameKind::Log {
            return Err(DecodeError::UnknownFrame);
        }
        let mut items = frame.items();
        let record = Self {
            level: LogLevel::from_code(items.u32()?).ok_or(DecodeError::WrongItem)?,
            target: items.string()?,
            file: items.string()?,
            line: items.u32()?,
            message: items.string()?,
        };
        items.finish()?;
        Ok(record)
    }

    /// Writes the record. Returns its length.
    pub fn encode<S: Sink + ?Sized>(&self, sink: &mut S) -> Result<usize, Full> {
        let mut frame = FrameWriter::new(sink, FrameKind::Log);
        frame.push(ValueRef::U32(self.level as u32))?;
        frame.push(ValueRef::String(self.target))?;
        frame.push(ValueRef::String(self.file))?;
        frame.push(ValueRef::U32(self.line))?;
        frame.push(ValueRef::String(self.message))?;
        frame.finish()
    }
}

/// Writes a frame of these items. Returns its length.
#[inline]
pub fn encode<S: Sink + ?Sized>(
    sink: &mut S,
    kind: FrameKind,
    lead: &[ValueRef<'_>],
    rest: &[ValueRef<'_>],
) -> Result<usize, Full> {
    let mut frame = FrameWriter::new(sink, kind);
    for value in lead.iter().chain(rest) {
        frame.push(*value)?;
    }
    frame.finish()
}

/// The end of a text that was cut.
pub const CUT_MARK: &str = "…";

/// The longest head of `text` that has at most `max` bytes.
pub fn cut(text: &str, max: usize) -> &str {
    let end = (0..=max.min(text.len())).rev().find(|end| text.is_char_boundary(*end));
    text.get(..end.unwrap_or(0)).unwrap_or_default()
}

/// The next item, which must be a function's name.
#[inline]
fn name<'a>(items: &mut Items<'a>) -> Result<&'a str, DecodeError> {
    let name = items.string()?;
    if name.is_empty() || name.len() > MAX_NAME_LEN {
        return Err(DecodeError::BadName);
    }
    Ok(name)
}
