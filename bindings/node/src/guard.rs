//! The border for panics: a panic of this addon becomes an ordinary failure, and never ends the process.

use std::any::Any;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

use libhyperlight::ErrorCode;

use crate::failure::Failure;

/// Runs `work`; a panic in it is an internal error.
pub(crate) fn contain<T>(work: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    silence();
    panic::catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|payload| {
        let text = text(&*payload);
        // Dropping what was thrown might throw again.
        std::mem::forget(payload);
        Err(Failure::new(ErrorCode::Internal, format!("internal error, please report it: {text}")))
    })
}

/// Makes panics silent. The hook belongs to this addon alone: it brings its own standard library.
fn silence() {
    static ONCE: Once = Once::new();
    if !ONCE.is_completed() && !std::thread::panicking() {
        ONCE.call_once(|| panic::set_hook(Box::new(|_| ())));
    }
}

/// Panics if the test asks for it by the name of a function, in a build for tests.
pub(crate) fn panic_if_asked(_place: &str, _name: &str) {
    #[cfg(feature = "panics")]
    if _place == _name {
        panic!("this was asked for");
    }
}

fn text(payload: &(dyn Any + Send)) -> String {
    match (payload.downcast_ref::<&str>(), payload.downcast_ref::<String>()) {
        (Some(text), _) => (*text).to_owned(),
        (_, Some(text)) => text.clone(),
        _ => "a panic without a text".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_an_internal_error_with_its_text() {
        let failure = contain::<()>(|| panic!("the moon is {}", "full")).expect_err("it panics");
        assert_eq!(failure.code, ErrorCode::Internal);
        assert!(failure.message.contains("the moon is full"), "{}", failure.message);
    }
}
