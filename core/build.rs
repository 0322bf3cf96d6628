//! Builds the guest programs that the library carries.
//!
//! Guests abort on panic and hosts must not, so they cannot share a build: a cargo of its own builds the workspace
//! `guest/`, in a target directory of its own.

use std::env;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn main() -> Result<(), Box<dyn Error>> {
    let root = Path::new(&env::var("CARGO_MANIFEST_DIR")?).join("..");
    let out = PathBuf::from(env::var("OUT_DIR")?);
    for path in ["guest/Cargo.toml", "guest/Cargo.lock", "guest/sdk", "guest/macros", "guest/demo", "abi/src"]
    {
        println!("cargo::rerun-if-changed={}", root.join(path).display());
    }

    let target = out.join("guest");
    let mut cargo = Command::new(env::var("CARGO")?);
    cargo
        .args(["build", "--release", "--locked", "--package", "demo", "--manifest-path"])
        .arg(root.join("guest/Cargo.toml"))
        .arg("--target-dir")
        .arg(&target);
    // What the outer build was told is not meant for the guest.
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
    if !cargo.status()?.success() {
        return Err("building the demo guest failed; its own messages are above".into());
    }
    fs::copy(target.join("release/libdemo.so"), out.join("demo.elf"))?;
    Ok(())
}
