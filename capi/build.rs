//! The way in which the shared library is linked.
//!
//! Before 1.0 every minor version may break the interface, so the soname carries it. Unloading is turned off: threads
//! of the host program may still be inside, and what the library keeps for the process cannot be taken back.

use std::env;

fn main() -> Result<(), env::VarError> {
    let (major, minor) = (env::var("CARGO_PKG_VERSION_MAJOR")?, env::var("CARGO_PKG_VERSION_MINOR")?);
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-cdylib-link-arg=-Wl,-soname,libhyperlight.so.{major}.{minor}");
    println!("cargo::rustc-cdylib-link-arg=-Wl,-z,nodelete");
    Ok(())
}
