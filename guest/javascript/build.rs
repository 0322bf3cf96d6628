//! Compiles what only C can say, and puts a clock of this crate between the engine and the C library.

fn main() {
    const SOURCE: &str = "../libc/printf.c";
    println!("cargo::rerun-if-changed={SOURCE}");
    // See src/clock.rs.
    println!("cargo::rustc-link-arg-cdylib=-Wl,--wrap=gettimeofday");
    // Statics start with a page, so that a call writes to one of them and not to two.
    println!("cargo::rustc-link-arg-cdylib=-Wl,-z,separate-loadable-segments");
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
