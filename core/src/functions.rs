//! The functions of a guest, as listed in its ready frame.

use std::collections::HashMap;

use libhyperlight_abi::ToHost;

use crate::error::{Error, Message, Name, Result};
use crate::signature::{self, Signature};
use crate::text::printable;

/// The functions of a guest, as it listed them when it was ready.
#[derive(Debug, Default)]
pub(crate) struct Functions {
    /// Those that the host may call, in the order in which the guest lists them.
    pub list: Vec<Function>,
    /// The host functions that the guest declares to call.
    pub declared: Vec<Function>,
    by_name: HashMap<Box<str>, usize>,
}

/// A function of the list.
#[derive(Debug)]
pub(crate) struct Function {
    pub name: Box<str>,
    pub signature: Signature,
}

impl Functions {
    pub fn read(frame: &[u8]) -> Result<Self> {
        let bad = |error| Error::protocol(format!("the guest's list of functions is malformed: {error}"));
        let ToHost::Ready(ready) = ToHost::decode(frame).map_err(bad)? else {
            return Err(Error::protocol("the guest did not send its list of functions"));
        };
        let function =
            |name: &str, signature| Function { name: name.into(), signature: Signature::from(signature) };
        let (mut list, mut declared) = (Vec::new(), Vec::new());
        ready
            .read(
                |name, signature| list.push(function(name, signature)),
                |name, signature| declared.push(function(name, signature)),
            )
            .map_err(bad)?;
        let mut by_name = HashMap::with_capacity(list.len());
        for (index, function) in list.iter().enumerate() {
            if by_name.insert(function.name.clone(), index).is_some() {
                let name = printable(&function.name, 256);
                return Err(Error::protocol(format!("the guest lists its function `{name}` twice")));
            }
        }
        Ok(Self { list, declared, by_name })
    }

    /// The frame that [`Self::read`] reads.
    pub fn to_frame(&self) -> Vec<u8> {
        let list = |functions: &[Function]| {
            functions.iter().map(|function| (function.name.to_string(), function.signature.clone())).collect()
        };
        let (list, declared): (Vec<_>, Vec<_>) = (list(&self.list), list(&self.declared));
        signature::to_ready_frame(&list, &declared)
    }

    /// The declared host functions alone.
    pub fn into_declared(self) -> Vec<(String, Signature)> {
        self.declared.into_iter().map(|function| (function.name.into(), function.signature)).collect()
    }

    pub fn find(&self, name: &str) -> Result<&Function> {
        self.by_name
            .get(name)
            .and_then(|index| self.list.get(*index))
            .ok_or_else(|| Message::NoGuestFunction { name: Name(printable(name, 256)) }.into())
    }
}
