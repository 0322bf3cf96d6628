//! What Python adds to a call.
//!
//! Python calls in a process of its own, in turns with the calls that Rust makes here, so that both see the same machine.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use libhyperlight::ValueRef;

use crate::stats::Samples;
use crate::table::Overhead;
use crate::warm;

/// The interpreter that has the package; `ci/bench` makes it.
const PYTHON: &str = "build/bench-python/bin/python";
const PROGRAM: &str = "bindings/python/bench.py";

const ROUNDS: u32 = 200;
/// Calls of one turn.
const CALLS: u32 = 50;

/// The rows; none where there is no such interpreter.
pub fn rows() -> Vec<Overhead> {
    if !Path::new(PYTHON).exists() {
        return Vec::new();
    }
    let mut child = Command::new(PYTHON)
        .arg(PROGRAM)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{PYTHON} {PROGRAM} cannot be run: {error}"));
    let mut to_python = child.stdin.take().unwrap();
    let mut from_python = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut in_python = |function: &str, samples: &mut Samples| {
        writeln!(to_python, "{function} {CALLS}").unwrap();
        let line = from_python.next().unwrap_or_else(|| panic!("{PROGRAM} has ended")).unwrap();
        for time in line.split_whitespace() {
            samples.add(Duration::from_nanos(time.parse().unwrap()));
        }
    };

    let mut sandbox = warm::sandbox();
    let text = [ValueRef::String("sixteen bytes ok")];
    let numbers = [ValueRef::I32(2), ValueRef::I32(3)];
    let calls: [(&str, &[ValueRef<'_>], &str); 3] = [
        ("NoOp", &[], "Python call, no arguments"),
        ("Echo", &text, "Python call, 16-byte string echo"),
        ("Add", &numbers, "Python call with one host function in Python"),
    ];
    let rows = calls.map(|(function, arguments, metric)| {
        let [mut ours, mut floor] = <[Samples; 2]>::default();
        for round in 0..ROUNDS + 4 {
            if round == 4 {
                // What came before warmed everything up.
                (ours, floor) = Default::default();
            }
            for _ in 0..CALLS {
                floor.time(|| sandbox.call_ref(function, arguments).map(|_| ()).unwrap());
            }
            in_python(function, &mut ours);
        }
        // The design has a target for the call itself; a host function is one more way out and back.
        let must = if function == "Add" { None } else { Some(2e3) };
        Overhead { metric, ours, floor, must_ns: must, want_ns: must.map(|must| must / 2.0) }
    });
    drop(to_python);
    assert!(child.wait().unwrap().success(), "{PROGRAM} failed");
    rows.into()
}
