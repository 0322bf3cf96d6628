//! Signatures on the wire: one byte for the kind of the result, then one for each parameter.

use crate::frame::DecodeError;
use crate::limits::MAX_PARAMETERS;
use crate::value::Kind;

/// A signature in its wire form, checked when it was made.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct SignatureRef<'a> {
    bytes: &'a [u8],
}

impl<'a> SignatureRef<'a> {
    /// Bytes of the longest signature.
    pub const MAX_LEN: usize = 1 + MAX_PARAMETERS;

    /// Checks the wire form: known kinds, no `void` parameter, at most [`MAX_PARAMETERS`] of them.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let (returns, params) = bytes.split_first().ok_or(DecodeError::BadSignature)?;
        let known = |code: &u8| Kind::from_code(u32::from(*code)).is_some();
        let valid = known(returns)
            && params.len() <= MAX_PARAMETERS
            && params.iter().all(|code| known(code) && u32::from(*code) != Kind::Void.code());
        if valid { Ok(Self { bytes }) } else { Err(DecodeError::BadSignature) }
    }

    /// The wire form.
    pub const fn as_bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The kind of the result.
    pub fn returns(&self) -> Kind {
        self.bytes.first().map_or(Kind::Void, |code| kind(*code))
    }

    /// The kinds of the parameters, in order.
    pub fn params(&self) -> impl ExactSizeIterator<Item = Kind> + 'a {
        self.bytes.iter().skip(1).map(|code| kind(*code))
    }
}

/// The kind of a code that [`SignatureRef::decode`] has accepted.
fn kind(code: u8) -> Kind {
    Kind::from_code(u32::from(code)).unwrap_or(Kind::Void)
}
