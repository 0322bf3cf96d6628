//! What a function takes and returns.

use std::fmt;

use hyperlight_abi::limits::MAX_PARAMETERS;
use hyperlight_abi::{Kind, SignatureRef, ValueRef};

use crate::error::{Error, ErrorCode, Result};

/// The kinds of a function's parameters and of its result.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Signature {
    params: Vec<Kind>,
    returns: Kind,
}

impl Signature {
    /// A signature; [`ErrorCode::InvalidArgument`] with more than 32 parameters or a `void` one.
    pub fn new(params: &[Kind], returns: Kind) -> Result<Self> {
        if params.len() > MAX_PARAMETERS {
            return Err(Error::invalid_argument(format!(
                "a function has at most {MAX_PARAMETERS} parameters, found {}",
                params.len()
            )));
        }
        if params.contains(&Kind::Void) {
            return Err(Error::invalid_argument("a parameter cannot be void"));
        }
        Ok(Self { params: params.to_vec(), returns })
    }

    /// The kinds of the parameters, in order.
    pub fn params(&self) -> &[Kind] {
        &self.params
    }

    /// The kind of the result.
    pub fn returns(&self) -> Kind {
        self.returns
    }

    /// Whether these values can be the arguments.
    pub(crate) fn check(&self, name: &str, arguments: &[ValueRef<'_>]) -> Result<()> {
        let fits = arguments.len() == self.params.len()
            && arguments.iter().zip(&self.params).all(|(value, kind)| value.kind() == *kind);
        if fits {
            return Ok(());
        }
        let found: Vec<_> = arguments.iter().map(|value| value.kind().name()).collect();
        Err(Error::new(
            ErrorCode::Signature,
            format!("`{name}` is {self}, but was called with ({})", found.join(", ")),
        ))
    }
}

impl From<SignatureRef<'_>> for Signature {
    fn from(wire: SignatureRef<'_>) -> Self {
        Self { params: wire.params().collect(), returns: wire.returns() }
    }
}

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let params: Vec<_> = self.params.iter().map(|kind| kind.name()).collect();
        write!(f, "({}) -> {}", params.join(", "), self.returns)
    }
}
