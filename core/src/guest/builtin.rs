//! The guest programs that the library carries, compressed, and loaded at most once in a process. Loading one fails only if
//! the library itself is damaged: [`ErrorCode::Internal`].

use std::borrow::Cow;
use std::sync::OnceLock;

use super::Guest;
use crate::error::{Error, ErrorCode, Result};

/// The program to try and test the library with. [`Sandbox::functions`](crate::Sandbox::functions) lists its functions.
pub fn demo() -> Result<Guest> {
    DEMO.guest()
}

/// A JavaScript engine.
#[cfg(feature = "javascript")]
pub fn javascript() -> Result<Guest> {
    JAVASCRIPT.guest()
}

/// A WebAssembly runtime without a module.
#[cfg(feature = "wasm")]
pub fn wasm() -> Result<Guest> {
    WASM.guest()
}

/// The guest of that name.
pub(super) fn by_name(name: &str) -> Result<Guest> {
    match CARRIED.iter().find(|carried| carried.name == name) {
        Some(carried) => carried.guest(),
        None => {
            let names = CARRIED.map(|carried| format!("\"{}\"", carried.name));
            Err(Error::invalid_argument(format!(
                "there is no built-in guest {name:?}; this library carries {}",
                names.join(", ")
            )))
        }
    }
}

/// One of them, built from `runtimes/` together with this library.
struct Carried {
    name: &'static str,
    compressed: &'static [u8],
    loaded: OnceLock<Guest>,
}

macro_rules! carried {
    ($name:literal) => {
        Carried {
            name: $name,
            compressed: include_bytes!(concat!(env!("OUT_DIR"), "/", $name, ".elf.z")),
            loaded: OnceLock::new(),
        }
    };
}

static DEMO: Carried = carried!("demo");
#[cfg(feature = "javascript")]
static JAVASCRIPT: Carried = carried!("javascript");
#[cfg(feature = "wasm")]
static WASM: Carried = carried!("wasm");

static CARRIED: [&Carried; 1 + cfg!(feature = "javascript") as usize + cfg!(feature = "wasm") as usize] = [
    &DEMO,
    #[cfg(feature = "javascript")]
    &JAVASCRIPT,
    #[cfg(feature = "wasm")]
    &WASM,
];

impl Carried {
    fn guest(&self) -> Result<Guest> {
        if let Some(guest) = self.loaded.get() {
            return Ok(guest.clone());
        }
        let file = miniz_oxide::inflate::decompress_to_vec_zlib(self.compressed).map_err(|error| {
            Error::new(ErrorCode::Internal, format!("the built-in guest {:?} is damaged: {error}", self.name))
        })?;
        let guest = Guest::load(Cow::Owned(file))?;
        // Another thread may have been faster: then its guest, and its images, are everyone's.
        Ok(self.loaded.get_or_init(|| guest).clone())
    }
}
