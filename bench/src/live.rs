//! The cost of many live sandboxes: time to create each, and memory.
//!
//! Measured in child processes, ours and the floor's in turns: all machines of a process weigh on each other.

use std::time::Duration;

use libhyperlight::Snapshot;

use crate::cold::run_child;
use crate::memory::{self, Counter};
use crate::raw::{RawImage, RawVm};
use crate::snapshots::clone;
use crate::stats::{Samples, rounds};
use crate::table::{Amount, Row};
use crate::warm;

/// The numbers of live machines, each with the number of processes that measure it.
const COUNTS: [(usize, usize); 4] = [(1, 15), (10, 7), (100, 5), (1000, 3)];

/// The measurement for one number.
#[derive(Debug, Default)]
pub struct Point {
    pub count: usize,
    pub ours: Side,
    pub floor: Side,
}

/// Of one kind.
#[derive(Debug, Default)]
pub struct Side {
    /// Creating each and calling it once.
    pub create: Samples,
    /// Bytes of each, the kernel's part included.
    pub bytes: Vec<f64>,
    /// Bytes of each that are pages which its guest has written.
    pub written: Vec<f64>,
    /// True if nothing but the process itself was counted.
    pub is_exact: bool,
}

impl Side {
    pub fn bytes(&self) -> f64 {
        median(&self.bytes)
    }
}

pub fn points() -> Vec<Point> {
    COUNTS
        .map(|(count, processes)| {
            let mut point = Point { count, ..Point::default() };
            for _ in 0..rounds(processes) {
                for (side, part) in [(&mut point.floor, "--live-floor"), (&mut point.ours, "--live-engine")] {
                    let mut lines = run_child(&[part, &count.to_string()]).into_iter();
                    side.bytes.push(lines.next().unwrap());
                    side.written.push(lines.next().unwrap());
                    side.is_exact = lines.next().unwrap() > 0.0;
                    lines.for_each(|time| side.create.add(Duration::from_nanos(time as u64)));
                }
            }
            Counter::remove_groups();
            point
        })
        .into()
}

/// The row and the amount that have targets.
pub fn results(points: &[Point]) -> (Row, Amount) {
    let most = points.last().unwrap();
    let row = Row {
        metric: "1000 live clones, create and call each",
        floor_name: "1000 raw machines",
        ours: most.ours.create.clone(),
        floor: most.floor.create.clone(),
        must: Some(1.2),
        want: None,
        must_ns: None,
        must_p99: None,
    };
    let amount = Amount {
        metric: "memory of a live clone, called once",
        counted_by: if most.ours.is_exact && most.floor.is_exact { "control group" } else { "the machine" },
        ours: most.ours.bytes(),
        floor: most.floor.bytes(),
        // The pages that the guest has written, and 64 KiB.
        must_add: median(&most.ours.written) + f64::from(64 << 10),
    };
    (row, amount)
}

/// The part of a child process: prints the bytes of each machine, those that were written, 1 if they are exact, and the
/// times to create them.
pub fn run_part(part: &str, count: usize) {
    let mut create = Samples::default();
    let counter = Counter::of_this_process();
    let (bytes, written) = match part {
        "--live-floor" => {
            let image = RawImage::new().unwrap();
            measure(count, &counter, &mut create, || {
                let mut machine = RawVm::new(&image).unwrap();
                machine.ring();
                machine
            })
        }
        "--live-engine" => {
            let snapshot: Snapshot = warm::sandbox().snapshot().unwrap();
            measure(count, &counter, &mut create, || {
                let mut sandbox = clone(&snapshot);
                sandbox.call_ref("NoOp", &[]).map(|_| ()).unwrap();
                sandbox
            })
        }
        _ => panic!("unknown part {part:?}"),
    };
    println!("{bytes}\n{written}\n{}", u8::from(counter.is_exact()));
    create.all().for_each(|time| println!("{time}"));
}

fn measure<T>(
    count: usize,
    counter: &Counter,
    create: &mut Samples,
    mut new: impl FnMut() -> T,
) -> (f64, f64) {
    // What a process, or an image, does once is done.
    let _first = new();
    let mut live = Vec::with_capacity(count);
    let before = (counter.held(), memory::anonymous());
    for _ in 0..count {
        live.push(create.time(&mut new));
    }
    let each = |before: f64, after: f64| (after - before).max(0.0) / count as f64;
    (each(before.0, counter.held()), each(before.1, memory::anonymous()))
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}
