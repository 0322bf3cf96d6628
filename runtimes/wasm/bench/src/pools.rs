//! What a warm module costs from a pool, beside the demo guest: nothing more is meant to be done for it.

use std::time::{Duration, Instant};

use libhyperlight::{
    Pool, PoolOptions, PooledSandbox, Sandbox, SandboxOptions, UninitializedSandbox, builtin,
};
use libhyperlight_wasm::{Options, compile};

use crate::Result;

const ROUNDS: usize = 200;

/// Members that are taken, and given back, one after the other: one alone takes little more than the clock's own steps.
const MEMBERS: u32 = 16;

/// Counts its calls in its memory.
const PROGRAM: &str = r#"(module (memory 1) (func (export "run") (result i32)
    (i32.store (i32.const 0) (i32.add (i32.load (i32.const 0)) (i32.const 1)))
    (i32.load (i32.const 0))))"#;

/// What is measured; times with the module, and with the demo guest.
pub type Row = (&'static str, Vec<Duration>, Vec<Duration>);

pub fn rows() -> Result<[Row; 2]> {
    let demo = pool(UninitializedSandbox::new(&builtin::demo()?, SandboxOptions::new())?, |sandbox| {
        Ok(sandbox.call::<()>("NoOp", ())?)
    })?;
    let guest = compile(&wat::parse_str(PROGRAM)?, &Options::new())?;
    let module = pool(UninitializedSandbox::new(&guest, SandboxOptions::new())?, |sandbox| {
        sandbox.call::<i32>("run", ())?;
        Ok(())
    })?;
    let (mut acquire, mut release) =
        (("pool of a warm module: acquire", vec![], vec![]), ("…: release after a call", vec![], vec![]));
    for round in 0..ROUNDS + 3 {
        let (taken, given) = checkout(&module, |member| {
            assert_eq!(member.call::<i32>("run", ())?, 2);
            Ok(())
        })?;
        let (taken_floor, given_floor) = checkout(&demo, |member| Ok(member.call::<()>("NoOp", ())?))?;
        // The first rounds make the members.
        if round >= 3 {
            acquire.1.push(taken);
            acquire.2.push(taken_floor);
            release.1.push(given);
            release.2.push(given_floor);
        }
    }
    Ok([acquire, release])
}

/// A pool of what a sandbox is when it was called once.
fn pool(mut host: UninitializedSandbox, warm: impl FnOnce(&mut Sandbox) -> Result<()>) -> Result<Pool> {
    host.register("HostAdd", |a: i32, b: i32| a + b)?;
    let mut sandbox = host.evolve()?;
    warm(&mut sandbox)?;
    let members = MEMBERS as usize;
    let pool = Pool::new(&sandbox.snapshot()?, PoolOptions::new().max(members).min_idle(members))?;
    pool.register("HostAdd", |a: i32, b: i32| a + b)?;
    Ok(pool)
}

/// Takes members, which are as the snapshot has them, calls them, and gives them back: how long one takes.
fn checkout(pool: &Pool, call: impl Fn(&mut PooledSandbox) -> Result<()>) -> Result<(Duration, Duration)> {
    let mut members = Vec::with_capacity(MEMBERS as usize);
    let start = Instant::now();
    for _ in 0..MEMBERS {
        members.push(pool.acquire()?);
    }
    let taken = start.elapsed() / MEMBERS;
    members.iter_mut().try_for_each(call)?;
    let start = Instant::now();
    drop(members);
    Ok((taken, start.elapsed() / MEMBERS))
}
