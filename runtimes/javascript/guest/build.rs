//! Compiles the C parts: the engine, with this guest's patches, and `printf`. Puts a clock of this crate between the
//! engine and the C library.

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
    print();
    Ok(())
}

fn print() {
    const SOURCE: &str = "../../../sdk/libc/printf.c";
    println!("cargo::rerun-if-changed={SOURCE}");
    cc::Build::new()
        .file(SOURCE)
        .std("c11")
        .pic(true)
        .warnings(true)
        .extra_warnings(true)
        .warnings_into_errors(true)
        .flag("-ffreestanding")
        .flag("-fno-builtin")
        .flag("-fno-stack-protector")
        .flag("-fcf-protection=none")
        .flag("-U_FORTIFY_SOURCE")
        .flag("-fno-asynchronous-unwind-tables")
        .flag("-ffunction-sections")
        .flag("-fdata-sections")
        .compile("hyperlight_printf");
}
