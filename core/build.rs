//! Builds the guest programs that the library carries, and compresses them.
//!
//! Guests abort on panic and hosts must not, so they cannot share a build: a cargo of its own builds the workspace
//! of `sdk/`. It has one target directory for all profiles and packages of this tree, because a language runtime takes
//! minutes to build and is the same for all of them.

use std::env;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The packages, their folders, and the feature that asks for each.
const GUESTS: [(&str, &str, Option<&str>); 3] = [
    ("demo", "runtimes/demo", None),
    ("javascript", "runtimes/javascript/guest", Some("JAVASCRIPT")),
    ("wasm", "runtimes/wasm/guest", Some("WASM")),
];

/// The slowest and smallest that the compressor can do: it runs once, and every package carries the result.
const LEVEL: u8 = 10;

fn main() -> Result<(), Box<dyn Error>> {
    let root = fs::canonicalize(Path::new(&env::var("CARGO_MANIFEST_DIR")?).join(".."))?;
    let out = PathBuf::from(env::var("OUT_DIR")?);
    for path in [".cargo", "Cargo.toml", "Cargo.lock", "rust", "macros", "libc"] {
        watch(&root.join("sdk").join(path));
    }
    watch(&root.join("abi/src"));
    watch(&root.join("runtimes/wasm/contract/src"));

    for (package, folder, feature) in GUESTS {
        if feature.is_some_and(|name| env::var_os(format!("CARGO_FEATURE_{name}")).is_none()) {
            continue;
        }
        watch(&root.join(folder));
        let guest = build(&root, &out, package)?;
        fs::write(
            out.join(format!("{package}.elf.z")),
            miniz_oxide::deflate::compress_to_vec_zlib(&guest, LEVEL),
        )?;
    }
    Ok(())
}

/// Runs the build again when that file or folder changes. One that does not exist would always count as changed.
fn watch(path: &Path) {
    if path.exists() {
        println!("cargo::rerun-if-changed={}", path.display());
    }
}

/// The guest program that a package is.
fn build(root: &Path, out: &Path, package: &str) -> Result<Vec<u8>, Box<dyn Error>> {
    let shared = root.join("target/guests");
    let target = if fs::create_dir_all(&shared).is_ok() { shared } else { out.join("guests") };
    let mut cargo = Command::new(env::var("CARGO")?);
    cargo
        // Cargo looks for its settings from there.
        .current_dir(root.join("sdk"))
        .args(["build", "--release", "--locked", "--package", package, "--target-dir"])
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
        return Err(format!("building the guest {package} failed; its own messages are above").into());
    }
    Ok(fs::read(target.join(format!("release/lib{package}.so")))?)
}
