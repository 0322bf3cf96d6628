//! Restores, clones, pools, and the cost of many sandboxes.

use std::time::{Duration, Instant};

use libhyperlight::{
    CallOptions, Pool, PoolOptions, Sandbox, SandboxOptions, Snapshot, UninitializedSandbox, ValueRef,
};

use crate::raw::{RawImage, RawVm};
use crate::stats::{Samples, in_turns};
use crate::table::Row;
use crate::warm;

const ROUNDS: usize = 2000;

pub fn rows(restores: &[RestorePoint]) -> Vec<Row> {
    let image = RawImage::new().unwrap();
    let mut raw = RawVm::new(&image).unwrap();
    let mut sandbox = warm::sandbox();
    let snapshot = sandbox.snapshot().unwrap();

    let mut rows: Vec<_> = restores
        .iter()
        .filter_map(|point| {
            let (metric, must, want) = match point.pages {
                16 => ("restore (16 dirty pages) + call", 1.35, Some(1.20)),
                256 => ("restore (256 dirty pages) + call", 3.0, None),
                1024 => ("restore (1024 dirty pages) + call", 7.0, None),
                _ => return None,
            };
            let (ours, floor) = (point.ours.clone(), point.floor.clone());
            Some(Row {
                metric,
                floor_name: "R",
                ours,
                floor,
                must: Some(must),
                want,
                must_ns: None,
                must_p99: None,
            })
        })
        .collect();
    rows.push(pool(&mut raw, &snapshot));
    rows.push(timeout(sandbox));
    rows.push(dropping(&mut raw, &snapshot));
    rows
}

/// Another sandbox of the snapshot.
pub fn clone(snapshot: &Snapshot) -> Sandbox {
    let mut sandbox = UninitializedSandbox::from_snapshot(snapshot, SandboxOptions::new()).unwrap();
    sandbox.register("HostAdd", |a: i32, b: i32| a + b).unwrap();
    sandbox.evolve().unwrap()
}

/// Creating a clone and calling it once; in a process of its own, like all cold measurements.
pub fn clone_once(snapshot: &Snapshot) -> Duration {
    let start = Instant::now();
    let mut sandbox = clone(snapshot);
    sandbox.call_ref("NoOp", &[]).map(|_| ()).unwrap();
    start.elapsed()
}

/// The cost of a restore after a call that writes that many pages.
#[derive(Debug)]
pub struct RestorePoint {
    pub pages: u32,
    /// The restore and the next such call.
    pub ours: Samples,
    /// One raw exit.
    pub floor: Samples,
}

pub fn restores() -> Vec<RestorePoint> {
    let image = RawImage::new().unwrap();
    let mut raw = RawVm::new(&image).unwrap();
    let mut sandbox = warm::sandbox();
    let snapshot = sandbox.snapshot().unwrap();
    [1, 4, 16, 64, 256, 1024, 2048].map(|pages| restore(pages, &mut raw, &mut sandbox, &snapshot)).into()
}

fn restore(pages: u32, raw: &mut RawVm, sandbox: &mut Sandbox, snapshot: &Snapshot) -> RestorePoint {
    let call = |sandbox: &mut Sandbox| {
        sandbox.call_ref("DirtyPages", &[ValueRef::U32(pages)]).map(|_| ()).unwrap();
    };
    let [ours, floor] = in_turns(ROUNDS, |[ours, floor]| {
        call(sandbox);
        floor.time(|| raw.ring());
        ours.time(|| {
            sandbox.restore(snapshot).unwrap();
            call(sandbox);
        });
    });
    RestorePoint { pages, ours, floor }
}

fn pool(raw: &mut RawVm, snapshot: &Snapshot) -> Row {
    let pool = Pool::new(snapshot, PoolOptions::new().max(2).min_idle(1)).unwrap();
    pool.register("HostAdd", |a: i32, b: i32| a + b).unwrap();
    let [ours, floor] = in_turns(ROUNDS, |[ours, floor]| {
        floor.time(|| raw.ring());
        ours.time(|| {
            let mut member = pool.acquire().unwrap();
            member.call_ref("NoOp", &[]).map(|_| ()).unwrap();
        });
    });
    Row {
        metric: "pool: acquire, call, release",
        floor_name: "R",
        ours,
        floor,
        must: Some(1.6),
        want: Some(1.35),
        must_ns: None,
        must_p99: Some(5.0),
    }
}

fn timeout(mut sandbox: Sandbox) -> Row {
    let limited = CallOptions::new().timeout(Duration::from_secs(1));
    let mut plain = warm::sandbox();
    let [ours, floor] = in_turns(ROUNDS, |[ours, floor]| {
        floor.time(|| plain.call_ref("NoOp", &[]).map(|_| ()).unwrap());
        ours.time(|| sandbox.call_ref_with(&limited, "NoOp", &[]).map(|_| ()).unwrap());
    });
    Row {
        metric: "call with a timeout armed",
        floor_name: "warm call",
        ours,
        floor,
        must: Some(1.06),
        want: None,
        must_ns: None,
        must_p99: None,
    }
}

fn dropping(raw: &mut RawVm, snapshot: &Snapshot) -> Row {
    let [ours, floor] = in_turns(200, |[ours, floor]| {
        let sandbox = clone(snapshot);
        floor.time(|| raw.ring());
        ours.time(|| drop(sandbox));
    });
    Row {
        metric: "drop, as seen by the caller",
        floor_name: "R",
        ours,
        floor,
        must: Some(1.0),
        want: None,
        must_ns: None,
        must_p99: None,
    }
}
