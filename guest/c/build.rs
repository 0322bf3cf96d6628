//! Compiles the one file that only C can say: functions with a variable number of arguments.

fn main() {
    const SOURCE: &str = "src/printf.c";
    println!("cargo::rerun-if-changed={SOURCE}");
    cc::Build::new()
        .file(SOURCE)
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
        .compile("hyperlight_printf");
}
