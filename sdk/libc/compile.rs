//! Compiler settings of the C parts of guests, for build scripts.

/// Compiles C sources into one static library of the crate.
pub fn compile(sources: &[&str], library: &str) {
    for source in sources {
        println!("cargo::rerun-if-changed={source}");
    }
    cc::Build::new()
        .files(sources)
        .std("c11")
        .pic(true)
        .warnings(true)
        .extra_warnings(true)
        .warnings_into_errors(true)
        // What distributions switch on by default is checked by code in here, or needs what guests do not have.
        .flag("-ffreestanding")
        .flag("-fno-builtin")
        .flag("-fno-stack-protector")
        .flag("-fcf-protection=none")
        .flag("-U_FORTIFY_SOURCE")
        .flag("-fno-asynchronous-unwind-tables")
        .flag("-ffunction-sections")
        .flag("-fdata-sections")
        .compile(library);
}
