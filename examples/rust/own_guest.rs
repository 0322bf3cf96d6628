//! Loads a guest of one's own, the one in `examples/rust_guest`:
//!
//! `cargo run --release --bin own_guest examples/rust_guest/target/release/librust_guest.so`

use libhyperlight::{Guest, SandboxOptions, UninitializedSandbox};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args_os().nth(1).ok_or("which guest? Give the path of its file")?;
    let mut sandbox = UninitializedSandbox::new(&Guest::from_file(path)?, SandboxOptions::new())?;
    sandbox.register("HostAdd", |a: i32, b: i32| a + b)?;
    let mut sandbox = sandbox.evolve()?;

    println!("It has these functions:");
    for (name, signature) in sandbox.functions() {
        println!("  {name}{signature}");
    }
    println!("{}", sandbox.call::<String>("Greet", ("host",))?);
    println!("2 + 3 = {}", sandbox.call::<i32>("AddViaHost", (2, 3))?);

    // An error of the guest is an error here, and the sandbox can be called again.
    let error = sandbox.call::<String>("Greet", ("",)).err().ok_or("an empty name should be an error")?;
    println!("{} ({}, code {})", error, error.code().name(), error.guest_code());
    Ok(())
}
