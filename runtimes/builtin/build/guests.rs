//! Guests, built by build scripts.
//!
//! Guests abort on panic and hosts must not, so they cannot share a build: a cargo of its own builds packages of the
//! guests' workspace. It has one target directory for all profiles and packages of this tree, because a language
//! runtime takes minutes to build and is the same for all of them.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use super::{cargo, paths};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// The workspace of the guests.
const WORKSPACE: &str = "sdk";

/// Builds packages of the guests' workspace. Returns the folder of the results. `out` is used if nothing can be written
/// beside the sources.
pub fn build(root: &Path, out: &Path, packages: &[&str]) -> Result<PathBuf> {
    let shared = root.join("target/guests");
    let target = if fs::create_dir_all(&shared).is_ok() { shared } else { out.join("guests") };
    let mut cargo = cargo::inner()?;
    // Cargo looks for its settings from there.
    cargo
        .current_dir(root.join(WORKSPACE))
        .args(["build", "--release", "--locked", "--target-dir"])
        .arg(&target);
    for package in packages {
        cargo.args(["--package", package]);
    }
    paths::hide(&mut cargo, root)?;
    if !cargo.status()?.success() {
        return Err(format!("building {} failed; its own messages are above", packages.join(", ")).into());
    }
    Ok(target.join("release"))
}
