//! The repository's own chores: `cargo run -p xtask -- <chore>`.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command-line tool talks by printing")]

mod codes;
mod header;
mod licences;

use std::process::ExitCode;

const USAGE: &str = "usage: cargo run -p xtask -- CHORE [--verify]

codes      write the error codes of C, Python and TypeScript
header     write include/hyperlight.h
licences   write LICENSES-THIRD-PARTY
--verify   say whether it is what would be written";

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    let outcome = match arguments[..] {
        ["codes"] => codes::write(),
        ["codes", "--verify"] => codes::verify(),
        ["header"] => header::write(),
        ["header", "--verify"] => header::verify(),
        ["licences"] => licences::write(),
        ["licences", "--verify"] => licences::verify(),
        _ => Err(USAGE.into()),
    };
    match outcome {
        Ok(done) => {
            println!("{done}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
