//! The engine's C code: taken from the crate that carries it, patched, and compiled.
//!
//! The crate compiles the same code without the patches. Its archive comes later on the linker's command line and has
//! no symbol that is still missing there, so none of it gets into the guest. Functions that only the patched engine has
//! ensure this (`src/engine.rs`, `src/value/content.rs`).

use std::env;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::patch::Patches;

/// The crate that carries the engine.
const CRATE: &str = "rquickjs-sys";

const SOURCES: [&str; 4] = ["dtoa.c", "libregexp.c", "libunicode.c", "quickjs.c"];

/// Compiles the engine with the patches of that folder.
pub fn compile(patches: &Path) -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed={}", patches.display());
    println!("cargo::rerun-if-changed=../Cargo.lock");
    let out = PathBuf::from(env::var("OUT_DIR")?).join("engine");
    fs::create_dir_all(&out)?;
    let mut patches = Patches::read(patches)?;
    for file in fs::read_dir(folder()?.join("quickjs"))? {
        let file = file?.path();
        if let Some(name) = file.file_name().and_then(|name| name.to_str())
            && (name.ends_with(".h") || SOURCES.contains(&name))
        {
            let text = patches.apply(name, &fs::read_to_string(&file)?)?;
            fs::write(out.join(name), text)?;
        }
    }
    patches.finish()?;
    cc::Build::new()
        .files(SOURCES.map(|name| out.join(name)))
        .define("_GNU_SOURCE", None)
        // The engine is written for this level; a higher one makes it larger and no faster.
        .opt_level(2)
        .warnings(false)
        .compile("hyperlight_quickjs");
    Ok(())
}

/// The folder in which cargo keeps the crate.
fn folder() -> Result<PathBuf, Box<dyn Error>> {
    let output = Command::new(env::var("CARGO")?)
        .args(["metadata", "--format-version=1", "--locked", "--filter-platform", &env::var("TARGET")?])
        .output()?;
    if !output.status.success() {
        return Err(format!("cargo metadata: {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    let metadata = String::from_utf8(output.stdout)?;
    metadata
        .split("\"manifest_path\":\"")
        .filter_map(|rest| Path::new(rest.split('"').next()?).parent())
        .find(|folder| {
            let name = folder.file_name().and_then(|name| name.to_str());
            name.is_some_and(|name| name.starts_with(CRATE))
        })
        .map(Path::to_owned)
        .ok_or_else(|| format!("cargo does not say where {CRATE} is").into())
}
