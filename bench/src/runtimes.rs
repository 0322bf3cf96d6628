//! The runtimes that the library carries, beside the demo guest.

use std::time::Instant;

use libhyperlight::{
    Guest, Pool, PoolOptions, PooledSandbox, Sandbox, SandboxOptions, UninitializedSandbox, ValueRef,
};

use crate::stats::{Samples, in_turns};
use crate::table::Row;
use crate::warm;

const ROUNDS: usize = 200;

/// Members that are taken, and returned, one after the other: one alone takes little more than the clock's resolution.
const MEMBERS: usize = 16;

const SCRIPT: &str = "let served = 0; function handler(event) { served += 1; return 'hello ' + event.name }";

pub fn rows() -> Vec<Row> {
    let request = [ValueRef::String("handler"), ValueRef::String(r#"[{"name": "Ada"}]"#)];
    let call = |sandbox: &mut Sandbox| sandbox.call_ref("call", &request).map(|_| ()).unwrap();
    let mut sandbox = start(&libhyperlight_builtin::javascript().unwrap());
    let load = [ValueRef::String("handler.js"), ValueRef::String(SCRIPT)];
    sandbox.call_ref("load", &load).map(|_| ()).unwrap();
    beside_demo(
        "pool of a warmed script: acquire",
        "pool of a warmed script: release after a call",
        sandbox,
        call,
    )
}

/// The rows of a pool of that sandbox after one call, beside a pool of the demo guest.
pub fn beside_demo(
    acquire_metric: &'static str,
    release_metric: &'static str,
    sandbox: Sandbox,
    call: impl Fn(&mut Sandbox),
) -> Vec<Row> {
    let nothing = |sandbox: &mut Sandbox| sandbox.call_ref("NoOp", &[]).map(|_| ()).unwrap();
    let (demo, pool) = (pool(warm::sandbox(), nothing), pool(sandbox, &call));
    let [acquire_floor, release_floor, acquire, release] =
        in_turns(ROUNDS, |[acquire_floor, release_floor, acquire, release]| {
            checkout(&demo, nothing, acquire_floor, release_floor);
            checkout(&pool, &call, acquire, release);
        });
    let row = |metric, ours, floor, must| Row {
        metric,
        floor_name: "of the demo guest",
        ours,
        floor,
        must,
        want: None,
        must_ns: None,
        must_p99: None,
    };
    vec![
        row(acquire_metric, acquire, acquire_floor, Some(1.2)),
        row(release_metric, release, release_floor, None),
    ]
}

/// A sandbox of a guest that needs no more than it has.
pub fn start(guest: &Guest) -> Sandbox {
    UninitializedSandbox::new(guest, SandboxOptions::new()).unwrap().evolve().unwrap()
}

fn pool(mut sandbox: Sandbox, call: impl Fn(&mut Sandbox)) -> Pool {
    call(&mut sandbox);
    let pool =
        Pool::new(&sandbox.snapshot().unwrap(), PoolOptions::new().max(MEMBERS).min_idle(MEMBERS)).unwrap();
    pool.register("HostAdd", |a: i32, b: i32| a + b).unwrap();
    pool
}

/// Takes members in the snapshot's state, calls them, and returns them.
fn checkout(pool: &Pool, call: impl Fn(&mut Sandbox), acquire: &mut Samples, release: &mut Samples) {
    let mut members = Vec::with_capacity(MEMBERS);
    let start = Instant::now();
    members.extend((0..MEMBERS).map(|_| pool.acquire().unwrap()));
    acquire.add(start.elapsed() / MEMBERS as u32);
    members.iter_mut().for_each(|member: &mut PooledSandbox| call(member));
    let start = Instant::now();
    drop(members);
    release.add(start.elapsed() / MEMBERS as u32);
}
