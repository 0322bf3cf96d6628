//! Saves a snapshot of the demo guest, loads it again, and continues from there.
//!
//! `cargo run --release --bin save_snapshot demo.hls`

use libhyperlight::{SandboxOptions, Snapshot, UninitializedSandbox};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args_os().nth(1).ok_or("where to? Give the path of the file")?;
    let options = SandboxOptions::new().heap_size(1 << 16).stack_size(1 << 16);
    let mut sandbox = UninitializedSandbox::new(&libhyperlight_builtin::demo()?, options)?.evolve()?;

    // A snapshot contains everything that the guest has done so far.
    sandbox.call::<i32>("AddToStatic", (42,))?;
    sandbox.snapshot()?.save(&path)?;

    // In another process, on another day: no guest code runs to get there.
    let snapshot = Snapshot::load(&path)?;
    let mut resumed = UninitializedSandbox::from_snapshot(&snapshot, SandboxOptions::new())?.evolve()?;
    println!("the answer is still {}", resumed.call::<i32>("GetStatic", ())?);
    Ok(())
}
