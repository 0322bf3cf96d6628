//! Runs a program of this machine in a sandbox, with the files and folders that it is to see:
//!
//! ```text
//! cargo run -p libhyperlight-linux --example linux -- [--see FILE_OR_FOLDER]… [--memory MIB] [--jit] PROGRAM [ARGUMENT]…
//! ```
//!
//! Standard input goes to the program; what it prints comes out while it runs. Files that it wrote are listed at the
//! end.

#![expect(clippy::print_stderr, reason = "it shows what it does")]

use std::error::Error;
use std::io::{self, Read, Write};
use std::process::ExitCode;

use libhyperlight_linux::{Ended, Program, Run, Stream};

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let mut words = std::env::args().skip(1).peekable();
    let (mut seen, mut memory, mut jit) = (Vec::new(), 512_u64, false);
    while let Some(option) = words.next_if(|word| word.starts_with("--")) {
        match &*option {
            "--see" => seen.push(words.next().ok_or("--see needs a path")?),
            "--memory" => memory = words.next().ok_or("--memory needs a number")?.parse()?,
            "--jit" => jit = true,
            _ => return Err(format!("there is no option {option}").into()),
        }
    }
    let path = words.next().ok_or("which program?")?;
    let mut builder = Program::builder(path).memory(memory << 20).jit(jit);
    for path in seen {
        builder = builder.files(path);
    }
    let mut program = builder.build()?;
    let mut input = Vec::new();
    io::stdin().read_to_end(&mut input)?;
    let run = Run::new().args(words).stdin(input).env("HOME", "/tmp").on_output(|stream, bytes| {
        // What nobody reads any more is not printed.
        let _ = match stream {
            Stream::Stdout => io::stdout().write_all(bytes),
            _ => io::stderr().write_all(bytes),
        };
    });
    let outcome = program.run(run)?;
    for (path, contents) in &outcome.files {
        eprintln!("{} ({} bytes)", String::from_utf8_lossy(path), contents.len());
    }
    match outcome.ended {
        Ended::Exit(status) => Ok(ExitCode::from(u8::try_from(status & 0xff)?)),
        Ended::Stopped(error) => Err(error.into()),
        _ => Err("it ended in a way that is not known here".into()),
    }
}
