//! Lists the functions of a guest, and the host functions that it calls.
//!
//! `cargo run --release --bin functions guest.elf`

use libhyperlight::{Guest, SandboxOptions, UninitializedSandbox};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args_os().nth(1).ok_or("which guest? Give the path of its file")?;
    let sandbox = UninitializedSandbox::new(&Guest::from_file(path)?, SandboxOptions::new())?.evolve()?;
    for (name, signature) in sandbox.functions() {
        println!("{name}{signature}");
    }
    for (name, signature) in sandbox.declared_host_functions() {
        println!("needs {name}{signature}");
    }
    Ok(())
}
