//! Links the shared library under the name that the loader uses. It is never unloaded, because its threads may be
//! running.

use std::env;

fn main() -> Result<(), env::VarError> {
    let (major, minor) = (env::var("CARGO_PKG_VERSION_MAJOR")?, env::var("CARGO_PKG_VERSION_MINOR")?);
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-cdylib-link-arg=-Wl,-soname,libhyperlight_wasm.so.{major}.{minor}");
    println!("cargo::rustc-cdylib-link-arg=-Wl,-z,nodelete");
    Ok(())
}
