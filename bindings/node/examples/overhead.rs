//! The Rust side of `bench/overhead.mjs`: for each line `FUNCTION CALLS` of its input it makes that many calls of the demo
//! guest's function and prints how long one took, in microseconds.
#![expect(clippy::print_stdout, reason = "a program that prints figures")]

use std::error::Error;
use std::io::BufRead;
use std::time::Instant;

use libhyperlight::{Guest, SandboxOptions, UninitializedSandbox, ValueRef};

fn main() -> Result<(), Box<dyn Error>> {
    let mut sandbox = UninitializedSandbox::new(&Guest::builtin("demo")?, SandboxOptions::new())?.evolve()?;
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let (name, calls) = line.split_once(' ').ok_or("each line is FUNCTION CALLS")?;
        let calls: u32 = calls.parse()?;
        let arguments: &[ValueRef<'_>] =
            if name == "Echo" { &[ValueRef::String("sixteen bytes ok")] } else { &[] };
        let begun = Instant::now();
        for _ in 0..calls {
            sandbox.call_ref(name, arguments)?;
        }
        println!("{}", begun.elapsed().as_secs_f64() * 1e6 / f64::from(calls));
    }
    Ok(())
}
