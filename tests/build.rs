//! Builds the guest programs that the tests need besides the built-in one.
//!
//! All but one are C, so that the documented build line is tested too: a C compiler is needed, `CC` or `cc`.

#[path = "../runtimes/builtin/build/cargo.rs"]
mod cargo;
#[path = "../runtimes/builtin/build/guests.rs"]
mod guests;
#[path = "../runtimes/builtin/build/paths.rs"]
mod paths;

use std::env;
use std::error::Error;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// The ways to link a guest: name, flags, and whether guests with the SDK are meant to be linked so.
const SHAPES: [(&str, &[&str], bool); 4] = [
    ("static_pie", &["-fPIE", "-static-pie"], true),
    ("static_exec", &["-fno-pie", "-no-pie", "-static", "-Wl,-Ttext-segment=0x400000"], true),
    ("packed", &["-fPIE", "-static-pie", "-Wl,-z,pack-relative-relocs"], true),
    ("shared", &["-fPIC", "-shared"], false),
];

fn main() -> Result<()> {
    paths::stand_in()?;
    let here = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    let root = fs::canonicalize(here.join(".."))?;
    let out = PathBuf::from(env::var("OUT_DIR")?);
    println!("cargo::rerun-if-env-changed=CC");

    let scripted = [here.join("guests/scripted.c")];
    for (name, flags, _) in SHAPES {
        let to = out.join(format!("scripted_{name}.elf"));
        run(compiler(&scripted, &to).args(["-O1", "-ffreestanding", "-fno-stack-protector"]).args(flags))?;
    }

    // It must not touch the registers that it reports.
    let prober = [here.join("guests/prober.c")];
    run(compiler(&prober, &out.join("prober.elf"))
        .args(["-O1", "-ffreestanding", "-fno-stack-protector", "-mgeneral-regs-only"])
        .args(SHAPES[0].1))?;
    println!("cargo::rerun-if-changed={}", here.join("guests/wire.h").display());

    let library = sdk(&root, &out)?;
    let with_sdk = |sources: &[PathBuf], to: &Path, flags: &[&str]| {
        let mut cc = compiler(sources, to);
        // The documented line.
        cc.arg("-O2").args(flags).arg("-Wl,--gc-sections").arg("-I").arg(root.join("include"));
        run(cc.arg("-L").arg(&library).arg("-lhyperlight_guest"))
    };
    let demo = sources(&root.join("tests/guests/demo-c"))?;
    with_sdk(&demo, &out.join("demo_c.elf"), &["-fPIE", "-static-pie"])?;
    let storm = [here.join("guests/log_storm.c")];
    with_sdk(&storm, &out.join("log_storm.elf"), &["-fPIE", "-static-pie"])?;
    let small = [here.join("fixtures/c/guest.c")];
    for (name, flags, _) in SHAPES.iter().filter(|shape| shape.2) {
        with_sdk(&small, &out.join(format!("small_{name}.elf")), flags)?;
    }
    Ok(())
}

/// Builds the guests in Rust, and the C SDK; where its library is.
fn sdk(root: &Path, out: &Path) -> Result<PathBuf> {
    for path in [
        "abi/src",
        "include/hyperlight_guest.h",
        "include/hyperlight_value.h",
        "runtimes/builtin/build",
        "runtimes/demo",
        "sdk",
        "tests/guests/attacks",
        "tests/guests/server",
    ] {
        println!("cargo::rerun-if-changed={}", root.join(path).display());
    }
    let built = guests::build(root, out, &["attacks", "server", "libhyperlight-guest-c"])?;
    for name in ["attacks", "server"] {
        fs::copy(built.join(format!("lib{name}.so")), out.join(format!("{name}.elf")))?;
    }
    Ok(built)
}

/// The C files of a folder.
fn sources(folder: &Path) -> Result<Vec<PathBuf>> {
    println!("cargo::rerun-if-changed={}", folder.display());
    let mut sources = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension() == Some(OsStr::new("c")) {
            sources.push(path);
        }
    }
    sources.sort_unstable();
    Ok(sources)
}

/// The C compiler, told to make a guest of these files.
fn compiler(sources: &[PathBuf], to: &Path) -> Command {
    for source in sources {
        println!("cargo::rerun-if-changed={}", source.display());
    }
    let mut cc = Command::new(env::var_os("CC").unwrap_or_else(|| "cc".into()));
    cc.args(sources).arg("-nostdlib").arg("-o").arg(to);
    cc
}

fn run(command: &mut Command) -> Result<()> {
    let status = command.status().map_err(|error| format!("{command:?} did not start: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("{command:?} failed; its messages are above").into()) }
}
