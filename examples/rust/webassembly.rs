//! Untrusted WebAssembly, which is compiled here and runs only in sandboxes: a module from clang, one from Rust, and a
//! component.
//!
//! `cargo run --release --package libhyperlight-wasm --example webassembly -- examples/programs`
#![expect(clippy::print_stdout, reason = "it shows what it does")]

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use libhyperlight::{SandboxOptions, UninitializedSandbox};
use libhyperlight_wasm::{Options, compile};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

fn main() -> Result<()> {
    let programs = env::args_os().nth(1).map_or_else(|| PathBuf::from("examples/programs"), PathBuf::from);
    rule(&programs)?;
    words(&programs)?;
    shop(&programs)
}

/// A sandbox of a program, which has not started.
fn load(program: PathBuf) -> Result<UninitializedSandbox> {
    let guest = compile(&fs::read(program)?, &Options::new())?;
    Ok(UninitializedSandbox::new(&guest, SandboxOptions::new().timeout(Duration::from_secs(1)))?)
}

/// From C: numbers, and an error.
fn rule(programs: &Path) -> Result<()> {
    let mut host = load(programs.join("rule.wasm"))?;
    host.register("stock", |item: i32| 10 * item)?;
    let mut rule = host.evolve()?;
    println!("2 of item 1: {}", rule.call::<f64>("price", (1, 2))?);
    println!("11 of item 1: {}", rule.call::<f64>("price", (1, 11))?);

    // Its fault is an error, and the sandbox can be called again.
    if let Err(error) = rule.call::<i32>("crash", (1 << 30,)) {
        println!("{:?}", error.code());
    }
    println!("2 of item 1: {}", rule.call::<f64>("price", (1, 2))?);
    Ok(())
}

/// From Rust: texts, passed through its memory.
fn words(programs: &Path) -> Result<()> {
    let mut words = load(programs.join("words.wasm"))?.evolve()?;
    let text = "the wall the guest the host";
    let len = i32::try_from(text.len())?;
    let at: i32 = words.call("room", (len,))?;
    words
        .call::<()>("hyperlight:memory-write", ("memory", u64::from(at.cast_unsigned()), text.as_bytes()))?;
    let index = words.call::<i64>("index", (at, len))?.cast_unsigned();
    let index: Vec<u8> =
        words.call("hyperlight:memory-read", ("memory", index & 0xffff_ffff, index >> 32))?;
    println!("{}", String::from_utf8(index)?);
    Ok(())
}

/// A component: values other than numbers and texts travel as JSON.
fn shop(programs: &Path) -> Result<()> {
    let mut host = load(programs.join("shop.wasm"))?;
    host.register("log", |text: String| println!("it says: {text}"))?;
    let order = r#"[{"name": "tea", "price": 3, "count": 2}, {"name": "cake", "price": 4.5, "count": 1}]"#;
    println!("an order: {}", host.evolve()?.call::<String>("total", (order,))?);
    Ok(())
}
