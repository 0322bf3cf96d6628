//! Signatures of functions.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use libhyperlight_abi::frame::{ALIGNMENT, HEADER_LEN, ITEM_HEADER_LEN};
use libhyperlight_abi::limits::MAX_PARAMETERS;
use libhyperlight_abi::{FrameKind, Kind, SignatureRef, ValueRef, message};

use crate::error::{Count, Error, Message, Name, Result, Text};

/// The kinds of a function's parameters and of its result.
#[derive(Clone, Debug)]
pub struct Signature {
    params: Vec<Kind>,
    returns: Kind,
    left_out: Option<LeftOut>,
}

/// Parameters of a host function that its registration left out of the signature.
#[derive(Clone, Debug)]
struct LeftOut {
    /// The number of parameters that the function could have.
    most: usize,
    /// The advice on how to let guests pass them.
    how: Arc<str>,
}

impl Signature {
    /// A signature; [`ErrorCode::InvalidArgument`](crate::ErrorCode::InvalidArgument) with more than 32 parameters or a
    /// `void` one.
    pub fn new(params: &[Kind], returns: Kind) -> Result<Self> {
        if params.len() > MAX_PARAMETERS {
            let (most, found) = (Count(MAX_PARAMETERS as u64), Count(params.len() as u64));
            return Err(Message::ManyParameters { most, found }.into());
        }
        if params.contains(&Kind::Void) {
            return Err(Error::invalid_argument("a parameter cannot be void"));
        }
        Ok(Self { params: params.to_vec(), returns, left_out: None })
    }

    /// The same signature, for a host function that could have up to `most` parameters if it were registered otherwise.
    /// `how` is the advice for a guest that passes them. For bindings, where a function has more parameters than guests
    /// may pass.
    #[doc(hidden)]
    pub fn leaving_out(mut self, most: usize, how: &str) -> Self {
        self.left_out = Some(LeftOut { most, how: how.into() });
        self
    }

    /// The kinds of the parameters, in order.
    pub fn params(&self) -> &[Kind] {
        &self.params
    }

    /// The kind of the result.
    pub fn returns(&self) -> Kind {
        self.returns
    }

    /// The wire form, as [`SignatureRef`] reads it.
    pub(crate) fn to_wire(&self) -> Vec<u8> {
        let kinds = std::iter::once(&self.returns).chain(&self.params);
        kinds.map(|kind| kind.code().to_le_bytes()[0]).collect()
    }

    /// Returns true for the signature of a host function without one, which takes JSON and returns it.
    pub(crate) fn is_unsigned(&self) -> bool {
        self.params == [Kind::String] && self.returns == Kind::String
    }

    /// Fails if these values do not match the parameters.
    pub(crate) fn check(&self, name: &str, arguments: &[ValueRef<'_>]) -> Result<()> {
        let fits = arguments.len() == self.params.len()
            && arguments.iter().zip(&self.params).all(|(value, kind)| value.kind() == *kind);
        if fits {
            return Ok(());
        }
        let found: Vec<_> = arguments.iter().map(|value| value.kind().name()).collect();
        let advice = Text(self.advice(arguments.len()));
        let (name, found) = (Name(name.to_owned()), Text(found.join(", ")));
        Err(Message::WrongArguments { name, signature: self.clone(), found, advice }.into())
    }

    /// The advice that belongs to a refusal of so many arguments; often none.
    pub(crate) fn advice(&self, count: usize) -> String {
        let left_out =
            self.left_out.as_ref().filter(|left| (self.params.len() + 1..=left.most).contains(&count));
        left_out.map_or_else(String::new, |left| format!("; {}", left.how))
    }
}

/// The frame by which a guest publishes and declares functions, from lists on the host.
pub(crate) fn to_ready_frame(guest: &[(String, Signature)], host: &[(String, Signature)]) -> Vec<u8> {
    let mut items = Vec::new();
    let lists = [guest, host]
        .map(|list| list.iter().map(|(name, signature)| (name, signature.to_wire())).collect::<Vec<_>>());
    let mut len = HEADER_LEN;
    for list in &lists {
        items.push(ValueRef::U32(u32::try_from(list.len()).unwrap_or(u32::MAX)));
        for (name, wire) in list {
            items.extend([ValueRef::String(name), ValueRef::Bytes(wire)]);
        }
    }
    for item in &items {
        len += ITEM_HEADER_LEN + item.wire_len().next_multiple_of(ALIGNMENT);
    }
    let mut frame = vec![0; len];
    // It is exactly as long as its items.
    let _ = message::encode(frame.as_mut_slice(), FrameKind::Ready, &[], &items);
    frame
}

impl Eq for Signature {}

/// Equality ignores the parameters that registrations left out.
impl PartialEq for Signature {
    fn eq(&self, other: &Self) -> bool {
        self.params == other.params && self.returns == other.returns
    }
}

impl Hash for Signature {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (&self.params, self.returns).hash(state);
    }
}

impl From<SignatureRef<'_>> for Signature {
    fn from(wire: SignatureRef<'_>) -> Self {
        Self { params: wire.params().collect(), returns: wire.returns(), left_out: None }
    }
}

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let params: Vec<_> = self.params.iter().map(|kind| kind.name()).collect();
        write!(f, "({}) -> {}", params.join(", "), self.returns)
    }
}
