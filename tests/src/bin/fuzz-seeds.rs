//! Writes the seeds of a fuzz target into a folder.
//!
//!     fuzz-seeds TARGET FOLDER
#![expect(clippy::print_stdout, reason = "a program: it says how it is used")]

use std::process::ExitCode;
use std::{env, fs, io};

use libhyperlight_tests::fuzz::seeds;

fn main() -> io::Result<ExitCode> {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let [target, folder] = arguments.as_slice() else {
        println!("usage: fuzz-seeds TARGET FOLDER");
        return Ok(ExitCode::FAILURE);
    };
    fs::create_dir_all(folder)?;
    for (name, bytes) in seeds(target) {
        fs::write(format!("{folder}/{name}"), bytes)?;
    }
    Ok(ExitCode::SUCCESS)
}
