//! How Python calls what messages speak of.

use std::borrow::Cow;

use libhyperlight::spelling::{Function, Spelling};

/// The names of Python.
pub struct Python;

impl Spelling for Python {
    fn option(&self, name: &'static str) -> Cow<'static, str> {
        Cow::Borrowed(match name {
            "max" => "size",
            same => same,
        })
    }

    fn function(&self, function: Function) -> Option<&'static str> {
        match function {
            Function::Evolve => Some("evolve()"),
            Function::Register => Some("register()"),
            Function::Restore => Some("restore()"),
            Function::SetInterruptSignal => None,
        }
    }

    fn has_unsigned_functions(&self) -> bool {
        true
    }
}
