//! Guests, built by build scripts.
//!
//! Guests abort on panic and hosts must not, so they cannot share a build: a cargo of its own builds packages of the
//! guests' workspace. It has one target directory for all profiles and packages of this tree, because a language
//! runtime takes minutes to build and is the same for all of them.

use std::env;
use std::error::Error;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use super::cargo;

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
    cargo.env("CARGO_ENCODED_RUSTFLAGS", flags(root)?);
    if !cargo.status()?.success() {
        return Err(format!("building {} failed; its own messages are above", packages.join(", ")).into());
    }
    Ok(target.join("release"))
}

/// The compiler's flags, which keep the folders of this machine out of the guests: panics name their source files.
fn flags(root: &Path) -> Result<OsString> {
    let home = match env::var_os("CARGO_HOME") {
        Some(home) => PathBuf::from(home),
        None => {
            PathBuf::from(env::var_os("HOME").ok_or("neither CARGO_HOME nor HOME is set")?).join(".cargo")
        }
    };
    // A folder for each registry, named by a hash of its address: the place that crates were downloaded from must not
    // matter.
    let mut folders: Vec<_> = fs::read_dir(home.join("registry/src"))
        .into_iter()
        .flatten()
        .map(|registry| Ok((registry?.path(), "/cargo")))
        .collect::<Result<_>>()?;
    folders.push((root.to_owned(), "/libhyperlight"));
    folders.sort_unstable();
    let mut flags = OsString::new();
    for (folder, name) in folders {
        if !flags.is_empty() {
            flags.push("\x1f");
        }
        flags.push("--remap-path-prefix=");
        flags.push(folder);
        flags.push("=");
        flags.push(name);
    }
    Ok(flags)
}
