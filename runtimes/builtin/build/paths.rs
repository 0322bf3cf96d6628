//! Guests that do not depend on the folder in which they are built.
//!
//! Two things in a guest would tell where its sources were: panics name their files, and cargo makes part of each
//! symbol's name from the folder of a package outside of the workspace's folder. So the build script stands in for the
//! compiler: it hands on what cargo says, with other names for folders, and with names for symbols that it makes
//! itself. Cargo does not know about it: if these were flags of its, it would build everything again in another folder.
//! What it is told is a flag that means nothing, made from this file: so what was built otherwise is not used.

use std::collections::hash_map::DefaultHasher;
use std::env;
use std::error::Error;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::hash::{Hash, Hasher};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Environment variable with the flags for the compiler.
const FLAGS: &str = "HYPERLIGHT_GUEST_FLAGS";

/// Separator of flags.
const SEPARATOR: u8 = b'\x1f';

/// Lets this program stand in for the compiler. The settings of this machine add no flags.
pub fn hide(cargo: &mut Command, root: &Path) -> Result<()> {
    let mut hasher = DefaultHasher::new();
    include_str!("paths.rs").hash(&mut hasher);
    cargo.env("CARGO_ENCODED_RUSTFLAGS", format!("--cfg=paths_{:016x}", hasher.finish()));
    cargo.env(FLAGS, flags(root)?).env("RUSTC_WRAPPER", env::current_exe()?);
    Ok(())
}

/// Becomes the compiler if cargo has started this program in its place. To be called first: a build script has no
/// arguments.
pub fn stand_in() -> Result<()> {
    let (Some(flags), Some(compiler)) = (env::var_os(FLAGS), env::args_os().nth(1)) else { return Ok(()) };
    let mut arguments: Vec<_> = env::args_os().skip(2).collect();
    if let Some(name) = symbols(&arguments) {
        for argument in &mut arguments {
            if argument.to_string_lossy().starts_with(METADATA) {
                *argument = format!("{METADATA}{name:016x}").into();
            }
        }
        let flags = flags.as_bytes().split(|byte| *byte == SEPARATOR);
        arguments.extend(flags.map(|flag| OsStr::from_bytes(flag).to_owned()));
    }
    Err(Command::new(compiler).args(arguments).exec().into())
}

/// The compiler's flag from which it makes names of symbols.
const METADATA: &str = "metadata=";

/// Makes the part of symbols' names that tells crates apart, from what tells them apart in any folder: package,
/// version, features, kind, and flags. Returns nothing if no crate is to be compiled.
fn symbols(arguments: &[OsString]) -> Option<u64> {
    const TOLD: [&str; 4] = ["--crate-name", "--crate-type", "--cfg", "-C"];
    const PLACES: [&str; 4] = [METADATA, "extra-filename=", "incremental=", "linker="];
    let mut hasher = DefaultHasher::new();
    for name in ["CARGO_PKG_NAME", "CARGO_PKG_VERSION"] {
        env::var_os(name)?.hash(&mut hasher);
    }
    let mut is_crate = false;
    for pair in arguments.windows(2) {
        let [key, value] = pair else { continue };
        let value = value.to_string_lossy();
        is_crate |= value.starts_with(METADATA);
        let is_told = TOLD.iter().any(|told| key == told);
        if is_told && !PLACES.iter().any(|place| value.starts_with(place)) {
            (key, value).hash(&mut hasher);
        }
    }
    is_crate.then(|| hasher.finish())
}

/// The compiler's flags with other names for folders.
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
            flags.push(OsStr::from_bytes(&[SEPARATOR]));
        }
        flags.push("--remap-path-prefix=");
        flags.push(folder);
        flags.push("=");
        flags.push(name);
    }
    Ok(flags)
}
