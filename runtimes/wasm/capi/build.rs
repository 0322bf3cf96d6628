//! How the shared library is linked: it needs libhyperlight at run time, whose functions it calls, but not to be built. An
//! empty library with the same name and functions stands in for it.

use std::env;
use std::error::Error;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

/// What is called there.
const FUNCTIONS: [&str; 4] = ["hl_error_new", "hl_guest_builtin", "hl_guest_with_payload", "hl_guest_free"];

fn main() -> Result<(), Box<dyn Error>> {
    let (major, minor) = (env::var("CARGO_PKG_VERSION_MAJOR")?, env::var("CARGO_PKG_VERSION_MINOR")?);
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let source = out.join("stand_in.c");
    fs::write(&source, FUNCTIONS.map(|name| format!("void {name}(void) {{}}\n")).concat())?;
    let status = Command::new("cc")
        .args(["-shared", "-fPIC", "-nostdlib"])
        .arg(format!("-Wl,-soname,libhyperlight.so.{major}.{minor}"))
        .arg("-o")
        .arg(out.join("libhyperlight.so"))
        .arg(source)
        .status()?;
    if !status.success() {
        return Err("the C compiler `cc` failed".into());
    }
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-link-search=native={}", out.display());
    println!("cargo::rustc-link-lib=dylib=hyperlight");
    println!("cargo::rustc-cdylib-link-arg=-Wl,-soname,libhyperlight_wasm.so.{major}.{minor}");
    println!("cargo::rustc-cdylib-link-arg=-Wl,-z,nodelete");
    Ok(())
}
