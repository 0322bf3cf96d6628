//! Guest programs, and whether there is a hypervisor to run them.

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
    /// The guest in that file.
    #[napi(catch_unwind)]
    pub fn from_file(path: String) -> Made<JsGuest> {
        Made(contain(|| Ok(Self { guest: Guest::from_file(path)? })))
    }

    /// The guest of those bytes.
    #[napi(catch_unwind)]
    pub fn from_bytes(file: Uint8Array) -> Made<JsGuest> {
        Made(contain(|| Ok(Self { guest: Guest::from_bytes(&file)? })))
    }

    /// A guest that the package carries.
    #[napi(catch_unwind)]
    pub fn builtin(name: String) -> Made<JsGuest> {
        Made(contain(|| Ok(Self { guest: libhyperlight_builtin::by_name(&name)? })))
    }

    /// The same guest with more in its image.
    #[napi(catch_unwind)]
    pub fn with_payload(&self, bytes: Uint8Array, is_executable: bool) -> Made<JsGuest> {
        let access = if is_executable { PayloadAccess::ReadExecute } else { PayloadAccess::Read };
        Made(contain(|| Ok(Self { guest: self.guest.with_payload(&bytes, access)? })))
    }
}

/// Whether sandboxes can be made here.
#[napi(catch_unwind)]
pub fn probe() -> Made<()> {
    Made(contain(|| Ok(libhyperlight::probe()?)))
}

/// The version of this addon, which must be the package's.
#[napi(catch_unwind)]
pub fn version() -> &'static str {
    env!("CARGO_PKG_VERSION")
}
