//! The smallest whole program: a sandbox, a host function, two calls.
//!
//! `cargo run --release --bin hello`

use libhyperlight::{SandboxOptions, UninitializedSandbox};

fn main() -> libhyperlight::Result<()> {
    // Load the guest program that the library carries, and make a sandbox that has not started yet.
    let guest = libhyperlight_builtin::demo()?;
    let mut sandbox = UninitializedSandbox::new(&guest, SandboxOptions::new())?;

    // Give the guest something to call.
    sandbox.register("HostAdd", |a: i32, b: i32| {
        println!("the guest asks the host for {a} + {b}");
        a + b
    })?;

    // Start it: a virtual machine is made, and the guest initialises itself.
    let mut sandbox = sandbox.evolve()?;

    // Call guest functions. `PrintOutput` prints through `HostPrint`, which every sandbox has.
    sandbox.call::<i32>("PrintOutput", ("Hello, World! I am executing inside of a VM :)\n",))?;
    let sum: i32 = sandbox.call("Add", (2, 3))?;
    println!("the guest says that 2 + 3 = {sum}");
    Ok(())
}
