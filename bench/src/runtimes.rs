//! The runtimes that the library carries, beside the demo guest.

use std::time::{Duration, Instant};

use hyperlight::{Pool, PoolOptions, PooledSandbox, SandboxOptions, UninitializedSandbox, ValueRef, builtin};

use crate::stats::Samples;
use crate::table::Row;

const ROUNDS: usize = 1000;

const SCRIPT: &str = "let served = 0; function handler(event) { served += 1; return 'hello ' + event.name }";

pub fn rows() -> Vec<Row> {
    let demo = pool(crate::warm::sandbox(), |_| ());
    let script = {
        let host = UninitializedSandbox::new(&builtin::javascript().unwrap(), SandboxOptions::new()).unwrap();
        pool(host.evolve().unwrap(), |sandbox| {
            let load = [ValueRef::String("handler.js"), ValueRef::String(SCRIPT)];
            sandbox.call_ref("load", &load).map(|_| ()).unwrap();
        })
    };
    let request = [ValueRef::String("handler"), ValueRef::String(r#"[{"name": "Ada"}]"#)];
    let [mut ours, mut floor] = <[Samples; 2]>::default();
    for round in 0..ROUNDS {
        if round == ROUNDS / 20 {
            (ours, floor) = Default::default();
        }
        floor.add(checkout(&demo, |member| member.call_ref("NoOp", &[]).map(|_| ()).unwrap()));
        ours.add(checkout(&script, |member| member.call_ref("call", &request).map(|_| ()).unwrap()));
    }
    vec![Row {
        metric: "pool of a warmed script: acquire and release",
        floor_name: "the same of the demo guest",
        ours,
        floor,
        must: Some(1.2),
        want: None,
        must_ns: None,
    }]
}

fn pool(mut sandbox: hyperlight::Sandbox, warm: impl FnOnce(&mut hyperlight::Sandbox)) -> Pool {
    warm(&mut sandbox);
    let pool = Pool::new(&sandbox.snapshot().unwrap(), PoolOptions::new().max(2).min_idle(1)).unwrap();
    pool.register("HostAdd", |a: i32, b: i32| a + b).unwrap();
    pool
}

/// Taking a member and giving it back, without the call between.
fn checkout(pool: &Pool, call: impl FnOnce(&mut PooledSandbox)) -> Duration {
    let start = Instant::now();
    let mut member = pool.acquire().unwrap();
    let acquired = start.elapsed();
    call(&mut member);
    let start = Instant::now();
    drop(member);
    acquired + start.elapsed()
}
