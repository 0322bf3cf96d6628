//! The WebAssembly compiler: a separate library, because it is large and only some programs load it.
//!
//! A separate cargo builds it, in the target directory of the library's workspace: it takes minutes, and is the same
//! for the packages of all languages. An sdist does not contain all of that workspace. There the manifest is written
//! here, with the versions of this package's `Cargo.lock`.

use std::env;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const PACKAGE: &str = "libhyperlight-wasm-library";

/// The file names, from cargo and for the loader.
const BUILT: &str = "libhyperlight_wasm_library.so";
const LIBRARY: &str = "libhyperlight_wasm.so";

/// Variable of cargo's for another linker, which may link against another C library.
const LINKER: &str = "RUSTC_LINKER";

/// Puts the library into `out`.
pub fn build(here: &Path, root: &Path, out: &Path) -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-env-changed={LINKER}");
    let is_workspace = root.join("Cargo.lock").exists();
    let manifest = match is_workspace {
        true => root.join("runtimes/wasm/library/Cargo.toml"),
        false => write_manifest(here, root, out)?,
    };
    let shared = root.join("target");
    // The outer cargo locks its own target directory, and a wait for it would never end.
    let is_free = !out.starts_with(&shared) && fs::create_dir_all(&shared).is_ok();
    let target = if is_free { shared } else { out.join("target") };

    let mut cargo = super::cargo()?;
    cargo.args(["rustc", "--release", "--package", PACKAGE, "--manifest-path"]).arg(&manifest);
    cargo.arg("--target-dir").arg(&target);
    if is_workspace {
        // Elsewhere the lock file is this package's, which has others beside those that are built.
        cargo.arg("--locked");
    }
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

/// Writes a workspace of one package, with the profile and kinds of library of the other, so that one build serves
/// both.
fn write_manifest(here: &Path, root: &Path, out: &Path) -> Result<PathBuf, Box<dyn Error>> {
    let package = out.join("compiler");
    fs::create_dir_all(&package)?;
    fs::copy(here.join("Cargo.lock"), package.join("Cargo.lock"))?;
    let root = root.display();
    let version = env!("CARGO_PKG_VERSION");
    let text = format!(
        r#"[package]
name = "{PACKAGE}"
version = "{version}"
edition = "2024"
build = '{root}/runtimes/wasm/library/build.rs'

[workspace]

[lib]
name = "hyperlight_wasm_library"
path = '{root}/runtimes/wasm/library/src/lib.rs'
crate-type = ["cdylib"]

[dependencies]
libhyperlight-wasm-compiler = {{ path = '{root}/runtimes/wasm/compiler' }}
libhyperlight-wasm-interface = {{ path = '{root}/runtimes/wasm/interface' }}

[profile.release]
codegen-units = 1
debug = "line-tables-only"
lto = "thin"
"#
    );
    let manifest = package.join("Cargo.toml");
    fs::write(&manifest, text)?;
    Ok(manifest)
}
