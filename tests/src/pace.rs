//! Limits of time on machines that are many times slower than others, such as emulated ones.
//!
//! A limit that a test's guest must exceed is short, to keep the test short. On a slow machine, the work before the
//! part that is to be stopped would exceed it, too.

use std::env;
use std::sync::OnceLock;
use std::time::Duration;

/// Names the factor, an integer; for programs that test, never for the library.
const VARIABLE: &str = "HYPERLIGHT_TEST_TIME_SCALE";

/// The number of milliseconds that corresponds to so many on a usual machine.
pub fn millis(usual: u64) -> Duration {
    Duration::from_millis(usual) * factor()
}

/// The factor by which the machine is said to be slower than usual.
pub fn factor() -> u32 {
    static FACTOR: OnceLock<u32> = OnceLock::new();
    *FACTOR.get_or_init(|| {
        let Some(text) = env::var_os(VARIABLE) else { return 1 };
        let number = text.to_str().and_then(|text| text.parse().ok());
        number
            .filter(|number| *number >= 1)
            .unwrap_or_else(|| panic!("{VARIABLE} is {text:?}, expected an integer from 1"))
    })
}
