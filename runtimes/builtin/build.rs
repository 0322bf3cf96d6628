//! Puts the compressed guest programs where the library includes them from.
//!
//! In the repository they are built. Guests abort on panic and hosts must not, so they cannot share a build: a cargo of
//! its own builds the workspace `sdk/`. It has one target directory for all profiles and packages of this tree, because
//! a language runtime takes minutes to build and is the same for all of them.
//!
//! A published package has no sources of guests, whose build needs a C compiler and more. It contains the guests that
//! `cargo xtask guests` has built from the sources of the same version.

#[path = "build/cargo.rs"]
mod cargo;
#[path = "build/guests.rs"]
mod guests;
#[path = "build/paths.rs"]
mod paths;

use std::env;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

/// Each guest is a feature of this crate and a package; the folders of the packages.
const GUESTS: [(&str, &str); 4] = [
    ("demo", "runtimes/demo"),
    ("javascript", "runtimes/javascript/guest"),
    ("linux", "runtimes/linux/guest"),
    ("wasm", "runtimes/wasm/guest"),
];

/// Other sources that the guests are built from.
const SHARED: [&str; 10] = [
    "abi/src",
    "sdk/.cargo",
    "sdk/Cargo.lock",
    "sdk/Cargo.toml",
    "sdk/libc",
    "sdk/macros",
    "sdk/rust",
    "runtimes/linux/contract/src",
    "runtimes/linux/libos/src",
    "runtimes/wasm/contract/src",
];

/// The place of this crate in the repository.
const HERE: &str = "runtimes/builtin";

/// The compressor's slowest and smallest level: it runs once, and every package carries the result.
const LEVEL: u8 = 10;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    paths::stand_in()?;
    let here = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    let out = PathBuf::from(env::var("OUT_DIR")?);
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=build");
    let root = here.ends_with(HERE).then(|| fs::canonicalize(here.join("../.."))).transpose()?;
    if let Some(root) = &root {
        for path in SHARED {
            watch(&root.join(path));
        }
    }
    for (name, folder) in GUESTS {
        if env::var_os(format!("CARGO_FEATURE_{}", name.to_uppercase())).is_none() {
            continue;
        }
        let compressed = match &root {
            Some(root) => {
                watch(&root.join(folder));
                let built = guests::build(root, &out, &[name])?.join(format!("lib{name}.so"));
                miniz_oxide::deflate::compress_to_vec_zlib(&fs::read(built)?, LEVEL)
            }
            None => fs::read(here.join(format!("prebuilt/{name}.elf.z"))).map_err(|error| {
                format!("this package has no guest {name}, and no sources of it: {error}")
            })?,
        };
        fs::write(out.join(format!("{name}.elf.z")), compressed)?;
    }
    Ok(())
}

/// Runs the build again when that file or folder changes. One that does not exist would always count as changed.
fn watch(path: &Path) {
    if path.exists() {
        println!("cargo::rerun-if-changed={}", path.display());
    }
}
