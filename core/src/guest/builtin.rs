//! The guest programs that the library carries, loaded at most once in a process.

use std::borrow::Cow;
use std::sync::OnceLock;

use super::Guest;
use crate::error::{Error, Result};

/// Built from `guest/demo` together with this library.
static DEMO: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/demo.elf"));

/// The guest of that name.
pub(super) fn guest(name: &str) -> Result<Guest> {
    static LOADED: OnceLock<Guest> = OnceLock::new();
    if name != "demo" {
        return Err(Error::invalid_argument(format!(
            "there is no built-in guest {name:?}; this library carries \"demo\""
        )));
    }
    if let Some(guest) = LOADED.get() {
        return Ok(guest.clone());
    }
    let guest = Guest::load(Cow::Borrowed(DEMO))?;
    Ok(LOADED.get_or_init(|| guest).clone())
}
