//! Builds the WebAssembly compiler, which the package carries beside this module. maturin takes it from the output
//! directory.

#[path = "../../runtimes/builtin/build/cargo.rs"]
mod cargo;
#[path = "build/compiler.rs"]
mod compiler;

use std::env;
use std::error::Error;
use std::fs;
use std::path::PathBuf;

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
        "Cargo.lock",
        "abi/src",
        "runtimes/builtin/build/cargo.rs",
        "runtimes/wasm/compiler",
        "runtimes/wasm/contract",
        "runtimes/wasm/interface",
        "runtimes/wasm/library",
        "bindings/python/build",
        "bindings/python/build.rs",
    ] {
        println!("cargo::rerun-if-changed={}", root.join(path).display());
    }

    compiler::build(&root, &out)
}
