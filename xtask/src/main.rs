//! The repository's own chores: `cargo run -p xtask -- <chore>`.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command-line tool talks by printing")]

mod header;
mod licences;
mod options;

use std::process::ExitCode;

const USAGE: &str = "usage: cargo run -p xtask -- CHORE [--verify]

generate   write what is made of tables: structures, types and pages of options, and the header
header     write include/hyperlight.h
licences   write LICENSES-THIRD-PARTY
--verify   say whether it is what would be written";

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    let outcome = match arguments[..] {
        ["generate"] => both(options::write(), header::write),
        ["generate", "--verify"] => both(options::verify(), header::verify),
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

/// The second is done after the first, because it reads what that has written.
fn both<E>(first: Result<String, E>, second: impl FnOnce() -> Result<String, E>) -> Result<String, E> {
    Ok(format!("{}\n{}", first?, second()?))
}
