//! Restores, clones, pools, and what many sandboxes cost.

use std::time::{Duration, Instant};

use hyperlight::{
    CallOptions, Pool, PoolOptions, Sandbox, SandboxOptions, Snapshot, UninitializedSandbox, ValueRef,
};

use crate::raw::{RawImage, RawVm};
use crate::stats::Samples;
use crate::table::Row;
use crate::warm;

const ROUNDS: usize = 2000;

pub fn rows() -> Vec<Row> {
    let image = RawImage::new().unwrap();
    let mut raw = RawVm::new(&image).unwrap();
    let mut sandbox = warm::sandbox();
    let snapshot = sandbox.snapshot().unwrap();

    let mut rows = vec![
        restore("restore (16 dirty pages) + call", 16, &mut raw, &mut sandbox, &snapshot, (1.35, Some(1.20))),
        restore("restore (256 dirty pages) + call", 256, &mut raw, &mut sandbox, &snapshot, (3.0, None)),
        restore("restore (1024 dirty pages) + call", 1024, &mut raw, &mut sandbox, &snapshot, (7.0, None)),
    ];
    rows.push(pool(&mut raw, &snapshot));
    rows.push(timeout(sandbox));
    rows.push(dropping(&mut raw, &snapshot));
    rows.push(live(&snapshot));
    rows
}

fn clone(snapshot: &Snapshot) -> Sandbox {
    let mut sandbox = UninitializedSandbox::from_snapshot(snapshot, SandboxOptions::new()).unwrap();
    sandbox.register("HostAdd", |a: i32, b: i32| a + b).unwrap();
    sandbox.evolve().unwrap()
}

/// Creating a clone and calling it once; run in a process of its own, like all that is cold.
pub fn clone_once(snapshot: &Snapshot) -> Duration {
    let start = Instant::now();
    let mut sandbox = clone(snapshot);
    sandbox.call_ref("NoOp", &[]).map(|_| ()).unwrap();
    start.elapsed()
}

fn restore(
    metric: &'static str,
    dirty: u32,
    raw: &mut RawVm,
    sandbox: &mut Sandbox,
    snapshot: &Snapshot,
    (must, want): (f64, Option<f64>),
) -> Row {
    let (mut ours, mut floor) = (Samples::default(), Samples::default());
    let call = |sandbox: &mut Sandbox| {
        sandbox.call_ref("DirtyPages", &[ValueRef::U32(dirty)]).map(|_| ()).unwrap();
    };
    for round in 0..ROUNDS {
        if round == ROUNDS / 20 {
            (ours, floor) = Default::default();
        }
        call(sandbox);
        floor.time(|| raw.ring());
        ours.time(|| {
            sandbox.restore(snapshot).unwrap();
            call(sandbox);
        });
    }
    Row { metric, floor_name: "R", ours, floor, must: Some(must), want, must_ns: None }
}

fn pool(raw: &mut RawVm, snapshot: &Snapshot) -> Row {
    let pool = Pool::new(snapshot, PoolOptions::new().max(2).min_idle(1)).unwrap();
    pool.register("HostAdd", |a: i32, b: i32| a + b).unwrap();
    let (mut ours, mut floor) = (Samples::default(), Samples::default());
    for round in 0..ROUNDS {
        if round == ROUNDS / 20 {
            (ours, floor) = Default::default();
        }
        floor.time(|| raw.ring());
        ours.time(|| {
            let mut member = pool.acquire().unwrap();
            member.call_ref("NoOp", &[]).map(|_| ()).unwrap();
        });
    }
    Row {
        metric: "pool: acquire, call, release (p99 ≤ 5 R)",
        floor_name: "R",
        ours,
        floor,
        must: Some(1.6),
        want: Some(1.35),
        must_ns: None,
    }
}

fn timeout(mut sandbox: Sandbox) -> Row {
    let limited = CallOptions::new().timeout(Duration::from_secs(1));
    let (mut ours, mut floor) = (Samples::default(), Samples::default());
    let mut plain = warm::sandbox();
    for _ in 0..ROUNDS {
        floor.time(|| plain.call_ref("NoOp", &[]).map(|_| ()).unwrap());
        ours.time(|| sandbox.call_ref_with(&limited, "NoOp", &[]).map(|_| ()).unwrap());
    }
    Row {
        metric: "call with a timeout armed",
        floor_name: "warm call",
        ours,
        floor,
        must: Some(1.06),
        want: None,
        must_ns: None,
    }
}

fn dropping(raw: &mut RawVm, snapshot: &Snapshot) -> Row {
    let (mut ours, mut floor) = (Samples::default(), Samples::default());
    for _ in 0..200 {
        let sandbox = clone(snapshot);
        floor.time(|| raw.ring());
        ours.time(|| drop(sandbox));
    }
    Row {
        metric: "drop, as seen by the caller",
        floor_name: "R",
        ours,
        floor,
        must: Some(1.0),
        want: None,
        must_ns: None,
    }
}

/// A thousand live sandboxes, each created and called once, against as many raw machines.
fn live(snapshot: &Snapshot) -> Row {
    const COUNT: usize = 1000;
    let (mut ours, mut floor) = (Samples::default(), Samples::default());
    let image = RawImage::new().unwrap();
    {
        let mut machines = Vec::with_capacity(COUNT);
        for _ in 0..COUNT {
            machines.push(floor.time(|| {
                let mut machine = RawVm::new(&image).unwrap();
                machine.ring();
                machine
            }));
        }
    }
    let mut sandboxes = Vec::with_capacity(COUNT);
    for _ in 0..COUNT {
        sandboxes.push(ours.time(|| {
            let mut sandbox = clone(snapshot);
            sandbox.call_ref("NoOp", &[]).map(|_| ()).unwrap();
            sandbox
        }));
    }
    Row {
        metric: "1000 live clones, create and call each",
        floor_name: "1000 raw machines",
        ours,
        floor,
        must: Some(1.2),
        want: None,
        must_ns: None,
    }
}
