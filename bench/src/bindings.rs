//! The overhead of Python and Node for a call.
//!
//! Each binding runs in a process of its own, in turns with the calls that Rust makes here, so that all see the same
//! machine. Such a peer (`bench/peers`) gets a line `CALL COUNT`, and answers with the nanoseconds of every call.

use std::io::{BufRead, BufReader, Lines, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use libhyperlight::ValueRef;

use crate::stats::{Samples, in_turns};
use crate::table::Overhead;
use crate::warm;

/// The interpreter that has the package, and the built package: `ci/bench` makes both.
const PYTHON: &str = "build/bench-python/bin/python";
const NODE_ADDON: &str = "bindings/node/libhyperlight.linux-x64-gnu.node";

const ROUNDS: usize = 200;
/// Calls of one turn.
const CALLS: u32 = 50;

/// A peer's call: its name, the function of the demo guest, the metric, and the microseconds that it may add.
type Call = (&'static str, &'static str, &'static str, Option<f64>);

/// The design has a target for the call itself; a host function is one more way out and back.
const PYTHON_CALLS: [Call; 3] = [
    ("NoOp", "NoOp", "Python call, no arguments", Some(2.0)),
    ("Echo", "Echo", "Python call, 16-byte string echo", Some(2.0)),
    ("Add", "Add", "Python call with one host function in Python", None),
];

const NODE_CALLS: [Call; 4] = [
    ("NoOp", "NoOp", "Node callSync, no arguments", Some(4.0)),
    ("await:NoOp", "NoOp", "Node call, no arguments", Some(60.0)),
    ("Echo", "Echo", "Node callSync, 16-byte string echo", Some(4.0)),
    ("await:Echo", "Echo", "Node call, 16-byte string echo", Some(60.0)),
];

/// The rows; none for a binding that is missing.
pub fn rows() -> Vec<Overhead> {
    let mut rows = Vec::new();
    if Path::new(PYTHON).exists() {
        rows.extend(of(&mut Peer::start(PYTHON, "bench/peers/python.py"), &PYTHON_CALLS));
    }
    if Path::new(NODE_ADDON).exists() {
        rows.extend(of(&mut Peer::start("node", "bench/peers/node.mjs"), &NODE_CALLS));
    }
    rows
}

fn of(peer: &mut Peer, calls: &[Call]) -> Vec<Overhead> {
    let mut sandbox = warm::sandbox();
    let mut row = |(call, function, metric, must): Call| {
        let arguments: &[ValueRef<'_>] = match function {
            "Echo" => &[ValueRef::String("sixteen bytes ok")],
            "Add" => &[ValueRef::I32(2), ValueRef::I32(3)],
            _ => &[],
        };
        let [ours, floor] = in_turns(ROUNDS, |[ours, floor]| {
            for _ in 0..CALLS {
                floor.time(|| sandbox.call_ref(function, arguments).map(|_| ()).unwrap());
            }
            peer.call(call, ours);
        });
        let must_ns = must.map(|microseconds| microseconds * 1e3);
        Overhead { metric, ours, floor, must_ns, want_ns: must_ns.map(|must| must / 2.0) }
    };
    calls.iter().map(|call| row(*call)).collect()
}

/// A process that makes calls when it is told to.
struct Peer {
    child: Child,
    /// Dropped when no more calls are needed, which ends the process.
    to: Option<ChildStdin>,
    from: Lines<BufReader<ChildStdout>>,
}

impl Peer {
    fn start(interpreter: &str, program: &str) -> Self {
        let mut child = Command::new(interpreter)
            .arg(program)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{interpreter} {program} cannot be run: {error}"));
        let (to, from) = (child.stdin.take(), child.stdout.take().unwrap());
        Self { child, to, from: BufReader::new(from).lines() }
    }

    fn call(&mut self, call: &str, samples: &mut Samples) {
        writeln!(self.to.as_mut().unwrap(), "{call} {CALLS}").unwrap();
        let line = self.from.next().unwrap_or_else(|| panic!("{call}: the peer has ended")).unwrap();
        for time in line.split_whitespace() {
            samples.add(Duration::from_nanos(time.parse().unwrap()));
        }
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        drop(self.to.take());
        let status = self.child.wait().unwrap();
        assert!(status.success() || std::thread::panicking(), "a peer failed: {status}");
    }
}
