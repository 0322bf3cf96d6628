//! How JavaScript calls what messages speak of: options in camel case, those of time with their unit.

use std::borrow::Cow;
use std::time::Duration;

use libhyperlight::spelling::{Function, Spelling, is_time};

/// The names of JavaScript.
pub(crate) struct JavaScript;

impl Spelling for JavaScript {
    fn option(&self, name: &'static str) -> Cow<'static, str> {
        if name == "max" {
            return Cow::Borrowed("size");
        }
        let mut words = name.split('_');
        let mut camel = words.next().unwrap_or_default().to_owned();
        for word in words {
            let (first, rest) = word.split_at_checked(1).unwrap_or(("", word));
            camel.push_str(&first.to_ascii_uppercase());
            camel.push_str(rest);
        }
        if is_time(name) {
            camel.push_str("Ms");
        }
        Cow::Owned(camel)
    }

    fn function(&self, function: Function) -> Option<&'static str> {
        match function {
            Function::Evolve => Some("evolve"),
            Function::Register => Some("register"),
            Function::Restore => Some("restore"),
            Function::SetInterruptSignal => None,
        }
    }

    /// In milliseconds, as it was given.
    fn time(&self, time: Duration) -> String {
        (time.as_secs_f64() * 1000.0).to_string()
    }

    fn has_unsigned_functions(&self) -> bool {
        true
    }
}
