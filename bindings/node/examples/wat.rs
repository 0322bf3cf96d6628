//! Turns WebAssembly text (modules and components) into its binary form: `wat PROGRAM.wat…` writes `PROGRAM.wasm`
//! beside each. For tests and examples, whose programs are kept as text.

use std::error::Error;
use std::fs;
use std::path::Path;

fn main() -> Result<(), Box<dyn Error>> {
    for argument in std::env::args_os().skip(1) {
        let path = Path::new(&argument);
        fs::write(path.with_extension("wasm"), wat::parse_file(path)?)?;
    }
    Ok(())
}
