//! Starting a sandbox.
//!
//! While any virtual machine lives, KVM makes others faster, and the engine keeps one alive. The floor must not profit
//! from that, so the two are measured in child processes, one after the other, many times.

use std::process::Command;
use std::time::{Duration, Instant};

use crate::raw::{RawImage, RawVm};
use crate::snapshots;
use crate::stats::{Samples, rounds};
use crate::table::Row;
use crate::warm;

/// Child processes of each sort, and samples that each takes.
const PROCESSES: usize = 12;
const SAMPLES: usize = 12;

pub fn rows() -> Vec<Row> {
    let [mut floor, mut fresh, mut clone] = <[Samples; 3]>::default();
    for _ in 0..rounds(PROCESSES) {
        for (samples, part) in
            [(&mut floor, "--cold-floor"), (&mut fresh, "--cold-engine"), (&mut clone, "--cold-clone")]
        {
            let times = run_child(&[part]);
            times.into_iter().for_each(|time| samples.add(Duration::from_nanos(time as u64)));
        }
    }
    let row = |metric, ours, must, want| Row {
        metric,
        floor_name: "C",
        ours,
        floor: floor.clone(),
        must: Some(must),
        want: Some(want),
        must_ns: None,
        must_p99: None,
    };
    vec![
        row("cold: new sandbox, evolve, first call", fresh, 1.5, 0.6),
        row("clone from a snapshot, first call", clone, 1.0, 0.6),
    ]
}

/// The part of a child process: prints nanoseconds, one sample a line. The first sample is not printed: a process does
/// everything for the first time only once.
pub fn run_part(part: &str) {
    let snapshot = (part == "--cold-clone").then(|| warm::sandbox().snapshot().unwrap());
    for sample in 0..=SAMPLES {
        let time = match part {
            "--cold-floor" => floor(),
            "--cold-engine" => engine(),
            "--cold-clone" => snapshots::clone_once(snapshot.as_ref().unwrap()),
            _ => panic!("unknown part {part:?}"),
        };
        if sample > 0 {
            println!("{}", time.as_nanos());
        }
    }
}

fn floor() -> Duration {
    let image = RawImage::new().unwrap();
    let start = Instant::now();
    let mut vm = RawVm::new(&image).unwrap();
    vm.ring();
    start.elapsed()
}

fn engine() -> Duration {
    // Loads the program, once in the process.
    libhyperlight_builtin::demo().unwrap();
    let start = Instant::now();
    let mut sandbox = warm::sandbox();
    sandbox.call_ref("NoOp", &[]).map(|_| ()).unwrap();
    start.elapsed()
}

/// Runs this program with these arguments; the numbers that it prints.
pub fn run_child(arguments: &[&str]) -> Vec<f64> {
    let output = Command::new(std::env::current_exe().unwrap()).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().lines().map(|line| line.parse().unwrap()).collect()
}
