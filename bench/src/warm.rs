//! Calls of a running sandbox.

use std::sync::mpsc;
use std::thread;

use libhyperlight::{Sandbox, SandboxOptions, UninitializedSandbox, ValueRef};

use crate::raw::{RawImage, RawVm};
use crate::stats::in_turns;
use crate::table::Row;

/// Samples of one warm metric.
const ROUNDS: usize = 4000;

pub fn sandbox() -> Sandbox {
    let guest = libhyperlight_builtin::demo().unwrap();
    let mut sandbox = UninitializedSandbox::new(&guest, SandboxOptions::new()).unwrap();
    sandbox.register("HostAdd", |a: i32, b: i32| a + b).unwrap();
    sandbox.evolve().unwrap()
}

pub fn rows() -> Vec<Row> {
    let image = RawImage::new().unwrap();
    let mut raw = RawVm::new(&image).unwrap();
    let mut sandbox = sandbox();
    let text = ValueRef::String("sixteen bytes ok");
    let numbers = [ValueRef::I32(2), ValueRef::I32(3)];

    let [floor, nothing, echo, callback] = in_turns(ROUNDS, |[floor, nothing, echo, callback]| {
        floor.time(|| raw.ring());
        nothing.time(|| sandbox.call_ref("NoOp", &[]).map(|_| ()).unwrap());
        echo.time(|| sandbox.call_ref("Echo", &[text]).map(|_| ()).unwrap());
        callback.time(|| sandbox.call_ref("Add", &numbers).map(|_| ()).unwrap());
    });
    let row = |metric, ours, must, want| Row {
        metric,
        floor_name: "R",
        ours,
        floor: floor.clone(),
        must: Some(must),
        want: Some(want),
        must_ns: None,
        must_p99: None,
    };
    let mut rows = vec![
        row("warm call, no arguments", nothing, 1.10, 1.05),
        row("warm call, 16-byte string echo", echo, 1.15, 1.08),
        row("call with one host function", callback, 2.20, 2.08),
    ];
    rows.push(megabyte(&mut sandbox));
    rows.push(alternating(sandbox, &mut raw));
    rows
}

/// 1 MiB in and out, against four copies of 1 MiB.
fn megabyte(sandbox: &mut Sandbox) -> Row {
    const SIZE: usize = 1 << 20;
    let bytes = vec![7_u8; SIZE];
    let mut buffers: Vec<Vec<u8>> = (0..5).map(|n| vec![n; SIZE]).collect();
    let [ours, floor] = in_turns(400, |[ours, floor]| {
        floor.time(|| {
            for at in 0..4 {
                let (from, to) = buffers.split_at_mut(at + 1);
                to[0].copy_from_slice(&from[at]);
            }
            std::hint::black_box(&buffers);
        });
        ours.time(|| {
            let found = sandbox.call_ref("SetByteArrayToZero", &[ValueRef::Bytes(&bytes)]).unwrap();
            assert!(matches!(found, ValueRef::Bytes(zeros) if zeros.len() == SIZE));
        });
    });
    Row {
        metric: "1 MiB in and 1 MiB out",
        floor_name: "memcpy of 1 MiB × 4",
        ours,
        floor,
        must: Some(2.5),
        want: Some(1.5),
        must_ns: None,
        must_p99: None,
    }
}

/// One sandbox called alternately from two threads.
fn alternating(sandbox: Sandbox, raw: &mut RawVm) -> Row {
    let (to_other, at_other) = mpsc::channel::<Sandbox>();
    let (to_here, here) = mpsc::channel::<(Sandbox, std::time::Duration)>();
    let other = thread::spawn(move || {
        while let Ok(mut sandbox) = at_other.recv() {
            let start = std::time::Instant::now();
            sandbox.call_ref("NoOp", &[]).map(|_| ()).unwrap();
            to_here.send((sandbox, start.elapsed())).unwrap();
        }
    });
    let mut sandbox = Some(sandbox);
    let [ours, floor] = in_turns(1000, |[ours, floor]| {
        floor.time(|| raw.ring());
        let mut mine = sandbox.take().unwrap();
        ours.time(|| mine.call_ref("NoOp", &[]).map(|_| ()).unwrap());
        to_other.send(mine).unwrap();
        let (back, time) = here.recv().unwrap();
        ours.add(time);
        sandbox = Some(back);
    });
    drop(to_other);
    other.join().unwrap();
    Row {
        // What it costs to move a vCPU is the kernel's affair.
        metric: String::leak(format!("one sandbox, two threads in turn (Linux {})", kernel())),
        floor_name: "R",
        ours,
        floor,
        must: Some(1.20),
        want: None,
        must_ns: None,
        must_p99: None,
    }
}

/// Version and patch level.
fn kernel() -> String {
    let version = procfs::sys::kernel::Version::current().unwrap();
    format!("{}.{}.{}", version.major, version.minor, version.patch)
}
