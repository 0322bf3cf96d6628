//! Compiles what only C can say: functions with a variable number of arguments.

fn main() {
    const SOURCES: [&str; 2] = ["src/messages.c", "../libc/printf.c"];
    for source in SOURCES {
        println!("cargo::rerun-if-changed={source}");
    }
    cc::Build::new()
        .files(SOURCES)
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
        .compile("hyperlight_messages");
}
