//! Compiles the C parts: the engine, with this guest's patches, and `printf`. Puts a clock of this crate between the
//! engine and the C library.

#[path = "../../../sdk/libc/compile.rs"]
mod compile;
#[path = "build/engine.rs"]
mod engine;
#[path = "build/patch.rs"]
mod patch;

use std::error::Error;
use std::path::Path;

fn main() -> Result<(), Box<dyn Error>> {
    // See src/clock.rs.
    println!("cargo::rustc-link-arg-cdylib=-Wl,--wrap=gettimeofday");
    // Statics start with a page, so that a call writes to one page of them and not to two.
    println!("cargo::rustc-link-arg-cdylib=-Wl,-z,separate-loadable-segments");
    engine::compile(Path::new("patches"))?;
    compile::compile(&["../../../sdk/libc/printf.c"], "hyperlight_printf");
    Ok(())
}
