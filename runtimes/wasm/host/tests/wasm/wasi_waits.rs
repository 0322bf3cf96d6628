//! Programs that wait.

use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use libhyperlight::{ErrorCode, SandboxOptions, State, UninitializedSandbox};
use libhyperlight_wasm::{Options, compile};

use crate::common::{c_program, guest, printed, rust_program, said, start, uninitialized};
use crate::wasi::run;

/// A module that calls `poll_oneoff` over `count` subscriptions at 1024, with room for events at 4096: it gives the
/// error and, above it, the number of events.
const POLL: &str = r#"(module
    (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "clock_time_get" (func $time (param i32 i64 i32) (result i32)))
    (memory (export "memory") 1)
    (func (export "poll") (param $count i32) (result i64)
        (i64.or
            (i64.extend_i32_u (call $poll (i32.const 1024) (i32.const 4096) (local.get $count) (i32.const 0)))
            (i64.shl (i64.load32_u (i32.const 0)) (i64.const 32))))
    (func (export "time") (param $clock i32) (result i64)
        (drop (call $time (local.get $clock) (i64.const 0) (i32.const 8))) (i64.load (i32.const 8))))"#;

/// A module that sleeps for so many nanoseconds, and returns how many of them were no processor time.
const IDLE: &str = r#"(module
    (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "clock_time_get" (func $time (param i32 i64 i32) (result i32)))
    (memory (export "memory") 1)
    (func $now (param $clock i32) (result i64)
        (drop (call $time (local.get $clock) (i64.const 0) (i32.const 0))) (i64.load (i32.const 0)))
    (func (export "idle") (param $time i64) (result i64) (local $all i64) (local $used i64)
        (local.set $all (call $now (i32.const 1)))
        (local.set $used (call $now (i32.const 2)))
        (i32.store (i32.const 32) (i32.const 1))
        (i64.store (i32.const 40) (local.get $time))
        (drop (call $poll (i32.const 16) (i32.const 64) (i32.const 1) (i32.const 128)))
        (local.set $used (i64.sub (call $now (i32.const 2)) (local.get $used)))
        (local.set $all (i64.sub (call $now (i32.const 1)) (local.get $all)))
        (i64.sub (local.get $all) (local.get $used))))"#;

const READ: &str = "hyperlight:memory-read";
const WRITE: &str = "hyperlight:memory-write";

/// A subscription to a time.
fn clock(userdata: u64, clock: u32, timeout: u64, is_absolute: bool) -> Vec<u8> {
    let mut bytes = vec![0; 48];
    bytes[..8].copy_from_slice(&userdata.to_le_bytes());
    bytes[16..20].copy_from_slice(&clock.to_le_bytes());
    bytes[24..32].copy_from_slice(&timeout.to_le_bytes());
    bytes[40] = u8::from(is_absolute);
    bytes
}

/// A subscription to a descriptor: 1 is to read, 2 to write.
fn descriptor(userdata: u64, tag: u8, descriptor: u32) -> Vec<u8> {
    let mut bytes = vec![0; 48];
    bytes[..8].copy_from_slice(&userdata.to_le_bytes());
    bytes[8] = tag;
    bytes[16..20].copy_from_slice(&descriptor.to_le_bytes());
    bytes
}

/// Polls for subscriptions: userdata, error and type of each event, or the error of it all.
fn poll(sandbox: &mut libhyperlight::Sandbox, subscriptions: &[Vec<u8>]) -> Result<Vec<(u64, u16, u8)>, i64> {
    sandbox.call::<()>(WRITE, ("memory", 1024_u64, subscriptions.concat())).unwrap();
    let result = sandbox.call::<i64>("poll", (i32::try_from(subscriptions.len()).unwrap(),)).unwrap();
    if result & 0xffff_ffff != 0 {
        return Err(result & 0xffff_ffff);
    }
    let len = u64::try_from(result >> 32).unwrap() * 32;
    let events = sandbox.call::<Vec<u8>>(READ, ("memory", 4096_u64, len)).unwrap();
    let event = |bytes: &[u8]| {
        let userdata = u64::from_le_bytes(bytes[..8].try_into().unwrap());
        (userdata, u16::from_le_bytes([bytes[8], bytes[9]]), bytes[10])
    };
    Ok(events.chunks(32).map(event).collect())
}

const MS: u64 = 1_000_000;

/// Case 14.
#[test]
fn the_first_time_ends_the_wait_and_all_that_have_come_are_told() {
    let mut sandbox = start(POLL);
    let start = Instant::now();
    let events = poll(&mut sandbox, &[clock(7, 1, 3_600_000 * MS, false), clock(8, 1, 20 * MS, false)]);
    assert_eq!(events, Ok(vec![(8, 0, 0)]));
    assert!(start.elapsed() >= Duration::from_millis(20) && start.elapsed() < Duration::from_secs(1800));
    // Times that have passed, by both clocks, beside one that has not.
    let events = poll(
        &mut sandbox,
        &[clock(1, 1, 1, true), clock(2, 1, u64::MAX, false), clock(3, 0, 1, true), clock(4, 0, 0, false)],
    );
    assert_eq!(events, Ok(vec![(1, 0, 0), (3, 0, 0), (4, 0, 0)]));
    // Times of the clocks.
    for number in [0_i32, 1] {
        let until = sandbox.call::<i64>("time", (number,)).unwrap().cast_unsigned() + 10 * MS;
        let number = number.cast_unsigned();
        let events = poll(
            &mut sandbox,
            &[clock(5, number, until + 3_600_000 * MS, true), clock(6, number, until, true)],
        );
        assert_eq!(events, Ok(vec![(6, 0, 0)]));
        let after = sandbox.call::<i64>("time", (number.cast_signed(),)).unwrap().cast_unsigned();
        assert!(number == 0 || after >= until, "clock {number}: {until} {after}");
    }
}

/// Case 14.
#[test]
fn descriptors_are_ready_and_what_cannot_be_waited_for_says_why() {
    let mut sandbox = start(POLL);
    let never = clock(99, 1, u64::MAX, false);
    let events =
        poll(&mut sandbox, &[never.clone(), descriptor(1, 1, 0), descriptor(2, 2, 1), descriptor(3, 2, 2)]);
    assert_eq!(events, Ok(vec![(1, 0, 1), (2, 0, 2), (3, 0, 2)]));
    let events = poll(
        &mut sandbox,
        &[
            descriptor(1, 1, 1),
            descriptor(2, 2, 0),
            descriptor(3, 1, 4),
            descriptor(4, 2, u32::MAX),
            never.clone(),
            descriptor(5, 1, 3),
            clock(6, 7, 0, false),
            clock(7, 2, 0, false),
        ],
    );
    assert_eq!(
        events,
        Ok(vec![(1, 8, 1), (2, 8, 2), (3, 8, 1), (4, 8, 2), (5, 31, 1), (6, 28, 0), (7, 58, 0)])
    );
    assert_eq!(poll(&mut sandbox, &[]), Err(28));
    assert_eq!(poll(&mut sandbox, &[descriptor(1, 3, 0)]), Err(28));
    // More than there is memory, and more than can be.
    for count in [1400, 1 << 28, -1] {
        assert!([21, 28].contains(&(sandbox.call::<i64>("poll", (count,)).unwrap() & 0xffff)), "{count}");
    }
}

#[test]
fn sleeping_takes_no_processor_time() {
    let mut sandbox = start(IDLE);
    for _ in 0..2 {
        assert!(sandbox.call::<i64>("idle", (20_000_000_i64,)).unwrap() >= 20_000_000);
    }
}

/// Case 14: `nanosleep`, `usleep`, `clock_nanosleep`, `poll` and `select` of the C library.
#[test]
fn a_program_in_c_sleeps_and_polls() {
    let options = Options::new().file("file", "contents").unwrap();
    assert_eq!(run(&c_program("sleep", &[]), &options), (0, "all is well\n".to_owned()));
}

/// Case 14: `std::thread::sleep`.
#[test]
fn a_program_in_rust_sleeps() {
    let mut sandbox = uninitialized(&compile(&rust_program("waits"), &Options::new()).unwrap());
    let text = printed(&mut sandbox);
    let mut sandbox = sandbox.evolve().unwrap();
    let start = Instant::now();
    let microseconds = sandbox.call::<i64>("sleep", (20_i64,)).unwrap();
    assert!(microseconds >= 20_000 && start.elapsed() >= Duration::from_millis(20), "{microseconds}");
    assert_eq!(*text.lock().unwrap(), "slept\n");
}

/// Case 14: what Go's runtime does when a goroutine panics. It lets other threads write first, by sleeping, and takes
/// an error of that for a second panic.
#[test]
fn a_runtime_that_sleeps_before_it_fails_gets_its_words_out() {
    let mut sandbox = start(
        r#"(module
            (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
            (import "wasi_snapshot_preview1" "sched_yield" (func $yield (result i32)))
            (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
            (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
            (memory (export "memory") 1)
            (data (i32.const 0) "panic: my own panic\n\ngoroutine 1 [running]:\nmain.main()\n")
            (func $sleep (param i64)
                (i64.store (i32.const 256) (i64.const 0))
                (i32.store (i32.const 264) (i32.const 0))
                (i32.store (i32.const 272) (i32.const 1))
                (i64.store (i32.const 280) (local.get 0))
                (i64.store (i32.const 288) (i64.const 1000))
                (i32.store16 (i32.const 296) (i32.const 0))
                (if (call $poll (i32.const 256) (i32.const 320) (i32.const 1) (i32.const 352)) (then unreachable)))
            (func $print (param i32 i32)
                (i32.store (i32.const 400) (local.get 0))
                (i32.store (i32.const 404) (local.get 1))
                (if (call $write (i32.const 2) (i32.const 400) (i32.const 1) (i32.const 408)) (then unreachable)))
            (func (export "_start")
                (call $print (i32.const 0) (i32.const 7))
                (call $print (i32.const 7) (i32.const 12))
                (if (call $yield) (then unreachable))
                (call $sleep (i64.const 1000000))
                (call $print (i32.const 19) (i32.const 37))
                (call $exit (i32.const 2))))"#,
    );
    let (code, lines) = said(|| sandbox.call::<i32>("_start", ()).unwrap());
    assert_eq!(
        (code, lines.join("/").as_str()),
        (2, "panic: my own panic//goroutine 1 [running]:/main.main()")
    );
}

/// A module that waits for a time that never comes, when it has said so.
const SLEEPER: &str = r#"(module
    (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
    (import "env" "sleeps" (func $sleeps))
    (memory (export "memory") 1)
    (func $sleep (export "sleep")
        (i32.store (i32.const 16) (i32.const 1))
        (i64.store (i32.const 24) (i64.const -1))
        (call $sleeps)
        (drop (call $poll (i32.const 0) (i32.const 64) (i32.const 1) (i32.const 128))))
    (func (export "fine") (result i32) (i32.const 7))
    START)"#;

/// A time limit ends a wait that has no end, wherever the program waits.
#[test]
fn a_program_that_sleeps_is_stopped_in_time() {
    for start in ["", "(start $sleep)"] {
        let options = SandboxOptions::new().timeout(Duration::from_millis(300));
        let begun = Instant::now();
        let mut sandbox =
            UninitializedSandbox::new(&guest(&SLEEPER.replace("START", start)), options).unwrap();
        sandbox.register("sleeps", || ()).unwrap();
        let outcome = sandbox.evolve().and_then(|mut sandbox| {
            assert_eq!(start, "");
            let outcome = sandbox.call::<()>("sleep", ());
            assert_eq!(sandbox.state(), State::Poisoned);
            outcome
        });
        let error = outcome.unwrap_err();
        assert_eq!(error.code(), ErrorCode::Timeout, "{error}");
        assert!(begun.elapsed() >= Duration::from_millis(300));
    }
}

#[test]
fn a_program_that_sleeps_can_be_interrupted_and_restored() {
    let (tell, told) = mpsc::channel();
    let mut sandbox = uninitialized(&guest(&SLEEPER.replace("START", "")));
    sandbox.register("sleeps", move || tell.send(()).unwrap()).unwrap();
    let mut sandbox = sandbox.evolve().unwrap();
    let snapshot = sandbox.snapshot().unwrap();
    let handle = sandbox.interrupt_handle().unwrap();
    thread::scope(|scope| {
        scope.spawn(move || {
            told.recv().unwrap();
            // Whether it sleeps already or is about to.
            assert!(handle.interrupt());
        });
        let error = sandbox.call::<()>("sleep", ()).unwrap_err();
        assert_eq!(error.code(), ErrorCode::Interrupted, "{error}");
    });
    sandbox.restore(&snapshot).unwrap();
    assert_eq!(sandbox.call::<i32>("fine", ()).unwrap(), 7);
}
