//! The runtimes that the library carries, beside the demo guest.

use std::time::Instant;

use libhyperlight::{
    Pool, PoolOptions, PooledSandbox, SandboxOptions, UninitializedSandbox, ValueRef, builtin,
};

use crate::stats::Samples;
use crate::table::Row;

const ROUNDS: usize = 200;

/// Members that are taken, and given back, one after the other: one alone takes little more than the clock's own steps.
const MEMBERS: usize = 16;

const SCRIPT: &str = "let served = 0; function handler(event) { served += 1; return 'hello ' + event.name }";

pub fn rows() -> Vec<Row> {
    let demo = pool(crate::warm::sandbox(), |_| ());
    let request = [ValueRef::String("handler"), ValueRef::String(r#"[{"name": "Ada"}]"#)];
    let script = {
        let host = UninitializedSandbox::new(&builtin::javascript().unwrap(), SandboxOptions::new()).unwrap();
        pool(host.evolve().unwrap(), |sandbox| {
            let load = [ValueRef::String("handler.js"), ValueRef::String(SCRIPT)];
            sandbox.call_ref("load", &load).map(|_| ()).unwrap();
            sandbox.call_ref("call", &request).map(|_| ()).unwrap();
        })
    };
    let [mut acquire, mut acquire_floor, mut release, mut release_floor] = <[Samples; 4]>::default();
    for _ in 0..ROUNDS {
        let call = |member: &mut PooledSandbox| member.call_ref("NoOp", &[]).map(|_| ()).unwrap();
        checkout(&demo, call, &mut acquire_floor, &mut release_floor);
        let call = |member: &mut PooledSandbox| member.call_ref("call", &request).map(|_| ()).unwrap();
        checkout(&script, call, &mut acquire, &mut release);
    }
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
        row("pool of a warmed script: acquire", acquire, acquire_floor, Some(1.2)),
        row("pool of a warmed script: release after a call", release, release_floor, None),
    ]
}

fn pool(mut sandbox: libhyperlight::Sandbox, warm: impl FnOnce(&mut libhyperlight::Sandbox)) -> Pool {
    warm(&mut sandbox);
    let pool =
        Pool::new(&sandbox.snapshot().unwrap(), PoolOptions::new().max(MEMBERS).min_idle(MEMBERS)).unwrap();
    pool.register("HostAdd", |a: i32, b: i32| a + b).unwrap();
    pool
}

/// Takes members, which are as the snapshot has them, calls them, and gives them back.
fn checkout(
    pool: &Pool,
    mut call: impl FnMut(&mut PooledSandbox),
    acquire: &mut Samples,
    release: &mut Samples,
) {
    let mut members = Vec::with_capacity(MEMBERS);
    let start = Instant::now();
    members.extend((0..MEMBERS).map(|_| pool.acquire().unwrap()));
    acquire.add(start.elapsed() / MEMBERS as u32);
    members.iter_mut().for_each(&mut call);
    let start = Instant::now();
    drop(members);
    release.add(start.elapsed() / MEMBERS as u32);
}
