//! Guest programs, and the check for a usable hypervisor.

use libhyperlight::{Guest, PayloadAccess};
use napi::bindgen_prelude::Uint8Array;
use napi_derive::napi;

use crate::guard::contain;
use crate::reply::Made;

/// A guest program.
#[napi(js_name = "Guest")]
#[derive(Debug)]
pub struct JsGuest {
    pub(crate) guest: Guest,
}

#[napi]
impl JsGuest {
    /// Loads a guest from a file.
    #[napi(catch_unwind)]
    pub fn from_file(path: String) -> Made<JsGuest> {
        Made(contain(|| Ok(Self { guest: Guest::from_file(path)? })))
    }

    /// Loads a guest from bytes.
    #[napi(catch_unwind)]
    pub fn from_bytes(file: Uint8Array) -> Made<JsGuest> {
        Made(contain(|| Ok(Self { guest: Guest::from_bytes(&file)? })))
    }

    /// Loads a guest that the package carries.
    #[napi(catch_unwind)]
    pub fn builtin(name: String) -> Made<JsGuest> {
        Made(contain(|| Ok(Self { guest: libhyperlight_builtin::by_name(&name)? })))
    }

    /// Makes a copy of the guest with a payload added to its image.
    #[napi(catch_unwind)]
    pub fn with_payload(&self, bytes: Uint8Array, is_executable: bool) -> Made<JsGuest> {
        let access = if is_executable { PayloadAccess::ReadExecute } else { PayloadAccess::Read };
        Made(contain(|| Ok(Self { guest: self.guest.with_payload(&bytes, access)? })))
    }
}

/// Checks that sandboxes can be made here.
#[napi(catch_unwind)]
pub fn probe() -> Made<()> {
    Made(contain(|| Ok(libhyperlight::probe()?)))
}

/// The version of this addon, which must equal the package's.
#[napi(catch_unwind)]
pub fn version() -> &'static str {
    env!("CARGO_PKG_VERSION")
}
