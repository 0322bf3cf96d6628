//! Builds the WebAssembly compiler, which the package carries beside this module. maturin takes it from the output
//! directory.

#[path = "build/compiler.rs"]
mod compiler;

use std::env;
use std::error::Error;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

/// Variable that is set when another program, such as a linter, replaces the compiler; it needs nothing of this.
const WRAPPER: &str = "RUSTC_WORKSPACE_WRAPPER";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-env-changed={WRAPPER}");
    if env::var_os(WRAPPER).is_some() {
        return Ok(());
    }
    let here = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    let root = fs::canonicalize(here.join("../.."))?;
    let out = PathBuf::from(env::var("OUT_DIR")?);
    for path in [
        "runtimes/wasm/compiler",
        "runtimes/wasm/contract",
        "runtimes/wasm/interface",
        "runtimes/wasm/library",
        "bindings/python/build",
        "bindings/python/build.rs",
    ] {
        println!("cargo::rerun-if-changed={}", root.join(path).display());
    }
    println!("cargo::rerun-if-changed={}", here.join("Cargo.lock").display());

    compiler::build(&here, &root, &out)
}

/// Prefixes of the environment's variables that belong to the cargo that runs this.
const OUTER: [&str; 7] = [
    "CARGO_BUILD_",
    "CARGO_CFG_",
    "CARGO_ENCODED_",
    "CARGO_FEATURE_",
    "CARGO_PROFILE_",
    "CARGO_TARGET_",
    "CARGO_UNSTABLE_",
];

/// Makes a cargo command without the outer cargo's variables.
fn cargo() -> Result<Command, env::VarError> {
    let mut cargo = Command::new(env::var("CARGO")?);
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        let is_outer = OUTER.iter().any(|prefix| text.starts_with(prefix));
        if is_outer || matches!(&*text, "RUSTFLAGS" | "RUSTC_WRAPPER" | "RUSTC_WORKSPACE_WRAPPER") {
            cargo.env_remove(&name);
        }
    }
    Ok(cargo)
}
