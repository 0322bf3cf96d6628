//! A program's sandbox is a sandbox: snapshots, restores, clones, pools.

use libhyperlight::{Pool, PoolOptions, SandboxOptions, Snapshot, UninitializedSandbox};

use crate::common::{guest, start};

const COUNTER: &str = r#"(module
    (memory (export "memory") 1)
    (func (export "next") (result i32)
        (i32.store (i32.const 0) (i32.add (i32.load (i32.const 0)) (i32.const 1)))
        (i32.load (i32.const 0)))
    (func (export "grow") (result i32) (memory.grow (i32.const 4))))"#;

#[test]
fn a_restore_brings_memory_and_its_size_back() {
    let mut sandbox = start(COUNTER);
    sandbox.call::<i32>("next", ()).unwrap();
    let snapshot = sandbox.snapshot().unwrap();
    assert_eq!(sandbox.call::<i32>("grow", ()).unwrap(), 1);
    assert_eq!(sandbox.call::<i32>("next", ()).unwrap(), 2);
    sandbox.restore(&snapshot).unwrap();
    assert_eq!(sandbox.call::<u64>("hyperlight:memory-size", ("memory",)).unwrap(), 1 << 16);
    assert_eq!(sandbox.call::<i32>("next", ()).unwrap(), 2);
}

#[test]
fn clones_go_on_from_where_the_snapshot_was_taken() {
    let mut sandbox = start(COUNTER);
    sandbox.call::<i32>("next", ()).unwrap();
    let snapshot = sandbox.snapshot().unwrap();
    for _ in 0..3 {
        let clone = UninitializedSandbox::from_snapshot(&snapshot, SandboxOptions::new()).unwrap();
        assert_eq!(clone.evolve().unwrap().call::<i32>("next", ()).unwrap(), 2);
    }
}

#[test]
fn a_snapshot_survives_in_a_file() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("warm.snapshot");
    let guest = guest(COUNTER);
    let mut sandbox = UninitializedSandbox::new(&guest, SandboxOptions::new()).unwrap().evolve().unwrap();
    sandbox.call::<i32>("next", ()).unwrap();
    sandbox.snapshot().unwrap().save(&path).unwrap();
    let snapshot = Snapshot::load(&path).unwrap();
    let clone = UninitializedSandbox::from_snapshot(&snapshot, SandboxOptions::new()).unwrap();
    assert_eq!(clone.evolve().unwrap().call::<i32>("next", ()).unwrap(), 2);
}

#[test]
fn every_member_of_a_pool_starts_anew() {
    let mut sandbox = start(COUNTER);
    let snapshot = sandbox.snapshot().unwrap();
    let pool = Pool::new(&snapshot, PoolOptions::new().max(2)).unwrap();
    for _ in 0..10 {
        let mut member = pool.acquire().unwrap();
        assert_eq!(member.call::<i32>("next", ()).unwrap(), 1);
    }
}
