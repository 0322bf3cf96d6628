//! Builds what the package carries beside this module: the WebAssembly compiler, and the licences of everything that is
//! linked into any of its binaries. maturin takes both from the output directory.

mod compiler;
mod licences;

use std::env;
use std::error::Error;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

fn main() -> Result<(), Box<dyn Error>> {
    let here = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    let root = fs::canonicalize(here.join("../.."))?;
    let out = PathBuf::from(env::var("OUT_DIR")?);
    for path in ["wasm/compiler", "wasm/contract", "wasm/module", "guest/Cargo.lock", "bindings/python/build"]
    {
        println!("cargo::rerun-if-changed={}", root.join(path).display());
    }
    println!("cargo::rerun-if-changed={}", here.join("Cargo.lock").display());

    let compiler = compiler::build(&here, &root, &out)?;
    let parts = [
        (here.join("Cargo.toml"), vec![env!("CARGO_PKG_NAME")]),
        (compiler, vec![compiler::PACKAGE]),
        (root.join("guest/Cargo.toml"), vec!["demo", "javascript", "wasm"]),
    ];
    fs::write(out.join("LICENSES-THIRD-PARTY"), licences::text(&parts)?)?;
    Ok(())
}

/// A cargo that is not told what the outer one was.
fn cargo() -> Result<Command, env::VarError> {
    let mut cargo = Command::new(env::var("CARGO")?);
    for (name, _) in env::vars() {
        let is_outer = ["CARGO_PROFILE_", "CARGO_CFG_", "CARGO_FEATURE_", "CARGO_ENCODED_", "CARGO_BUILD_"]
            .iter()
            .any(|prefix| name.starts_with(prefix));
        if is_outer
            || matches!(
                &*name,
                "RUSTFLAGS" | "RUSTC_WRAPPER" | "RUSTC_WORKSPACE_WRAPPER" | "CARGO_TARGET_DIR"
            )
        {
            cargo.env_remove(name);
        }
    }
    Ok(cargo)
}
