//! The repository's own chores: `cargo xtask CHORE`.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command-line tool talks by printing")]

mod codes;
#[cfg(test)]
mod features;
mod guests;
mod header;
mod licences;
#[cfg(test)]
mod modules;
mod options;
mod parts;
mod sbom;
mod version;

use std::process::ExitCode;

const USAGE: &str = "usage: cargo xtask CHORE [--verify]

generate        write what is made of tables: options and error codes of every language, and the header
guests          build the guests of the published crate, into runtimes/builtin/prebuilt
header          write include/hyperlight.h and the header of values
licences        write LICENSES-THIRD-PARTY
sbom NAME       print what is in a release: c, crates, npm or wheel, as CycloneDX
version 1.2.3   put that version into every place
--verify        say whether it is what would be written";

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    let outcome = match arguments[..] {
        ["generate"] => both(both(options::write(), codes::write), header::write),
        ["generate", "--verify"] => both(both(options::verify(), codes::verify), header::verify),
        ["guests"] => guests::write(),
        ["guests", "--verify"] => guests::verify(),
        ["header"] => header::write(),
        ["header", "--verify"] => header::verify(),
        ["licences"] => licences::write(),
        ["licences", "--verify"] => licences::verify(),
        ["sbom", name] => sbom::print(name),
        ["version", "--verify"] => version::verify(),
        ["version", version] => version::set(version),
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

/// Runs the second chore after the first, because it reads the first one's output.
fn both<E>(first: Result<String, E>, second: impl FnOnce() -> Result<String, E>) -> Result<String, E> {
    Ok(format!("{}\n{}", first?, second()?))
}
