//! The WebAssembly compiler: a library of its own, because it is large and loaded by those alone who use it.
//!
//! A cargo of its own builds it, because a package has one library. Its manifest is written here, because the one beside its
//! sources belongs to a workspace that an sdist does not have all of. Versions are those of this package's `Cargo.lock`.

use std::env;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

pub const PACKAGE: &str = "hyperlight_wasm_module";

/// How cargo is told about another linker, which may link against another C library.
const LINKER: &str = "CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_LINKER";

/// Puts the library into `out`; the result is the manifest that it was built from.
pub fn build(here: &Path, root: &Path, out: &Path) -> Result<PathBuf, Box<dyn Error>> {
    println!("cargo::rerun-if-env-changed={LINKER}");
    let package = out.join("compiler");
    fs::create_dir_all(&package)?;
    let manifest = package.join("Cargo.toml");
    fs::write(&manifest, text(root))?;
    fs::copy(here.join("Cargo.lock"), package.join("Cargo.lock"))?;

    // Built once for all packages of this tree.
    let shared = root.join("target/wasm-module");
    let target = if fs::create_dir_all(&shared).is_ok() { shared } else { out.join("target") };
    let mut cargo = super::cargo()?;
    cargo.args(["rustc", "--release", "--manifest-path"]).arg(&manifest).arg("--target-dir").arg(&target);
    if let Ok(linker) = env::var(LINKER) {
        // For the library alone: what runs during the build needs this machine's own.
        cargo.env_remove(LINKER).args(["--", "-C", &format!("linker={linker}")]);
    }
    if !cargo.status()?.success() {
        return Err("building the WebAssembly compiler failed; its own messages are above".into());
    }
    let library = format!("lib{PACKAGE}.so");
    fs::copy(target.join("release").join(&library), out.join(library))?;
    Ok(manifest)
}

fn text(root: &Path) -> String {
    let root = root.display();
    let version = env!("CARGO_PKG_VERSION");
    format!(
        r#"[package]
name = "{PACKAGE}"
version = "{version}"
edition = "2024"

[workspace]

[lib]
path = '{root}/wasm/module/src/lib.rs'
crate-type = ["cdylib"]

[dependencies]
hyperlight-wasm-compiler = {{ path = '{root}/wasm/compiler' }}

[profile.release]
codegen-units = 1
lto = "thin"
strip = true
"#
    )
}
