//! How C calls what messages speak of: options are members of structures, functions have their prefixes.

use std::borrow::Cow;

use libhyperlight::spelling::{Function, Spelling, is_time};

/// The names of C.
pub(crate) struct C;

impl Spelling for C {
    fn option(&self, name: &'static str) -> Cow<'static, str> {
        match name {
            // Of `hl_pool_options`, which has no other.
            "acquire_timeout" => Cow::Borrowed("timeout_ns"),
            _ if is_time(name) => Cow::Owned(format!("{name}_ns")),
            _ => Cow::Borrowed(name),
        }
    }

    fn function(&self, function: Function) -> Option<&'static str> {
        match function {
            Function::Evolve => Some("hl_sandbox_evolve"),
            Function::Register => Some("hl_sandbox_register"),
            Function::Restore => Some("hl_sandbox_restore"),
            Function::SetInterruptSignal => None,
        }
    }
}
