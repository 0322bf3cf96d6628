//! Puts the guest programs that are carried, compressed, where the library takes them from.
//!
//! In the repository they are built. Guests abort on panic and hosts must not, so they cannot share a build: a cargo of its
//! own builds the workspace `guest/`. It has one target directory for all profiles and packages of this tree, because a
//! language runtime takes minutes to build and is the same for all of them.
//!
//! A published package has no sources of guests, whose build needs a C compiler and more. It brings them as
//! `cargo xtask guests` has built them, from the sources of the same version.

use std::env;
use std::error::Error;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Each guest is a feature of this crate and a package; the folders of the packages.
const GUESTS: [(&str, &str); 3] =
    [("demo", "runtimes/demo"), ("javascript", "runtimes/javascript/guest"), ("wasm", "runtimes/wasm/guest")];

/// Their workspace.
const WORKSPACE: &str = "sdk/Cargo.toml";

/// What else they are made of.
const SHARED: [&str; 8] = [
    "abi/src",
    "sdk/.cargo",
    "sdk/Cargo.lock",
    "sdk/Cargo.toml",
    "sdk/libc",
    "sdk/macros",
    "sdk/rust",
    "runtimes/wasm/contract/src",
];

/// Where this crate is in the repository.
const HERE: &str = "runtimes/builtin";

/// The slowest and smallest that the compressor can do: it runs once, and every package carries the result.
const LEVEL: u8 = 10;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    let here = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    let out = PathBuf::from(env::var("OUT_DIR")?);
    println!("cargo::rerun-if-changed=build.rs");
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
                miniz_oxide::deflate::compress_to_vec_zlib(&build(root, &out, name)?, LEVEL)
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

/// Builds the guest program that a package of the guests' workspace is.
fn build(root: &Path, out: &Path, package: &str) -> Result<Vec<u8>> {
    let shared = root.join("target/guests");
    let target = if fs::create_dir_all(&shared).is_ok() { shared } else { out.join("guests") };
    let workspace = root.join(WORKSPACE);
    let mut cargo = Command::new(env::var("CARGO")?);
    cargo
        // Cargo looks for its settings from there.
        .current_dir(workspace.parent().ok_or("the workspace has a folder")?)
        .args(["build", "--release", "--locked", "--package", package, "--target-dir"])
        .arg(&target);
    // What the outer build was told is not meant for the guest.
    for (name, _) in env::vars_os().filter(|(name, _)| is_of_the_outer_build(&name.to_string_lossy())) {
        cargo.env_remove(name);
    }
    cargo.env("CARGO_ENCODED_RUSTFLAGS", flags(root)?);
    if !cargo.status()?.success() {
        return Err(format!("building the guest {package} failed; its own messages are above").into());
    }
    Ok(fs::read(target.join(format!("release/lib{package}.so")))?)
}

fn is_of_the_outer_build(name: &str) -> bool {
    let prefixes = [
        "CARGO_BUILD_",
        "CARGO_CFG_",
        "CARGO_ENCODED_",
        "CARGO_FEATURE_",
        "CARGO_INCREMENTAL",
        "CARGO_PROFILE_",
        "CARGO_TARGET_",
    ];
    prefixes.iter().any(|prefix| name.starts_with(prefix))
        || matches!(name, "RUSTFLAGS" | "RUSTC_WRAPPER" | "RUSTC_WORKSPACE_WRAPPER")
}

/// The compiler's flags, which keep the folders of this machine out of the guests: panics name their source files.
fn flags(root: &Path) -> Result<OsString> {
    let home = match env::var_os("CARGO_HOME") {
        Some(home) => PathBuf::from(home),
        None => {
            PathBuf::from(env::var_os("HOME").ok_or("neither CARGO_HOME nor HOME is set")?).join(".cargo")
        }
    };
    // A folder for each registry, called by a hash of its address: where crates were downloaded from must not matter.
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
