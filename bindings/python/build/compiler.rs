//! The WebAssembly compiler: a separate library, because it is large and only some programs load it.
//!
//! A separate cargo builds it, in the target directory in which the packages of all languages build it: it takes
//! minutes, and is the same for all. That one is none in which anything else is built, because the cargo that runs this
//! has locked its own, and a wait for it would never end.

use std::env;
use std::error::Error;
use std::fs;
use std::path::Path;
use std::process::Command;

use super::cargo;

const PACKAGE: &str = "libhyperlight-wasm-library";

/// The target directory, in the workspace.
const TARGET: &str = "target/compiler";

/// The file names, from cargo and for the loader.
const BUILT: &str = "libhyperlight_wasm_library.so";
const LIBRARY: &str = "libhyperlight_wasm.so";

/// Variable of cargo's for another linker, which may link against another C library.
const LINKER: &str = "RUSTC_LINKER";

/// Puts the library into `out`.
pub fn build(root: &Path, out: &Path) -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-env-changed={LINKER}");
    let shared = root.join(TARGET);
    // Sources may lie where nothing can be written.
    let target = if fs::create_dir_all(&shared).is_ok() { shared } else { out.join("compiler") };

    let mut cargo = cargo::inner()?;
    cargo.current_dir(root).args(["rustc", "--release", "--locked", "--package", PACKAGE]);
    cargo.arg("--target-dir").arg(&target);
    if let Ok(linker) = env::var(LINKER) {
        // For the library only: build scripts need this machine's own linker.
        cargo.args(["--", "-C", &format!("linker={linker}")]);
    }
    if !cargo.status()?.success() {
        return Err("building the WebAssembly compiler failed; its own messages are above".into());
    }
    let strip = Command::new("strip")
        .args(["--strip-unneeded", "-o"])
        .args([out.join(LIBRARY), target.join("release").join(BUILT)])
        .status();
    match strip {
        Ok(status) if status.success() => Ok(()),
        _ => Err("`strip` failed; it comes with every C compiler, in the package binutils".into()),
    }
}
