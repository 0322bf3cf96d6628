//! Scripts in snapshots, clones and pools: warm, apart from each other, and never with the same random numbers.
#![expect(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

use std::collections::HashSet;
use std::time::Duration;

use libhyperlight::{ErrorCode, Pool, PoolOptions, SandboxOptions, Snapshot};
use libhyperlight_tests::clones;
use libhyperlight_tests::javascript::{call, engine, eval, gives, loaded};

const HANDLER: &str = "
    const cache = new Map(); let served = 0;
    for (let i = 0; i < 1000; i++) cache.set(i, { square: i * i });
    export async function handler(request) { served++; return { ...cache.get(request.n), served, host: host.whoami() } }";

fn warmed() -> Snapshot {
    let mut host = libhyperlight_tests::javascript::uninitialized();
    host.register("whoami", || "first".to_owned()).unwrap();
    let mut js = host.evolve().unwrap();
    js.call::<()>("load", ("handler", HANDLER)).unwrap();
    // Run it once, so that what happens only at first has happened.
    call(&mut js, "handler", "[{\"n\": 1}]").unwrap();
    js.snapshot().unwrap()
}

#[test]
fn a_pool_serves_every_request_with_a_fresh_copy_of_a_warm_script() {
    let pool = Pool::new(&warmed(), PoolOptions::new().max(2)).unwrap();
    pool.register("HostPrint", |_: String| 0).unwrap();
    pool.register("whoami", || "the pool".to_owned()).unwrap();
    for n in 0..50 {
        let mut member = pool.acquire().unwrap();
        let found: String = member.call("call", ("handler", format!("[{{\"n\": {n}}}]"))).unwrap();
        assert_eq!(found, format!("{{\"square\":{},\"served\":2,\"host\":\"the pool\"}}", n * n));
    }
    // One that was stopped comes back good.
    let options =
        PoolOptions::new().max(1).sandbox(SandboxOptions::new().timeout(Duration::from_millis(100)));
    let pool = Pool::new(&warmed(), options).unwrap();
    pool.register("HostPrint", |_: String| 0).unwrap();
    pool.register("whoami", || "it".to_owned()).unwrap();
    for _ in 0..3 {
        let mut member = pool.acquire().unwrap();
        let error = member.call::<String>("eval", ("for (;;) {}",)).unwrap_err();
        assert_eq!(error.code(), ErrorCode::Timeout);
        drop(member);
        let mut member = pool.acquire_within(Duration::from_secs(60)).unwrap();
        let found: String = member.call("call", ("handler", "[{\"n\": 3}]")).unwrap();
        assert_eq!(found, "{\"square\":9,\"served\":2,\"host\":\"it\"}");
    }
}

#[test]
fn clones_and_restores_never_draw_the_same_numbers() {
    let mut js =
        loaded("let first = Math.random(); function draw() { return [Math.random(), crypto.randomUUID()] }");
    call(&mut js, "draw", "[]").unwrap();
    let snapshot = js.snapshot().unwrap();
    let mut drawn = HashSet::new();
    for _ in 0..20 {
        js.restore(&snapshot).unwrap();
        assert!(drawn.insert(call(&mut js, "draw", "[]").unwrap()));
        assert!(drawn.insert(call(&mut clones::clone(&snapshot), "draw", "[]").unwrap()));
    }
}

#[test]
fn time_goes_on_across_a_restore() {
    let mut js = loaded("const started = [Date.now(), performance.now()]");
    let snapshot = js.snapshot().unwrap();
    let mut last = 0.0;
    for _ in 0..5 {
        js.restore(&snapshot).unwrap();
        gives(&mut js, "Date.now() >= started[0] && performance.now() >= started[1]", "true");
        let now: f64 = eval(&mut js, "performance.now()").unwrap().parse().unwrap();
        assert!(now >= last);
        last = now;
    }
}

#[test]
fn a_snapshot_in_a_file_has_everything_that_a_script_had() {
    let mut js = loaded(
        "const big = 2n ** 64n, bytes = new Uint8Array([1, 2, 3]), re = /(a)(?<b>b)/g, map = new Map([[{}, 1]]);
         function* gen() { for (let i = 0; ; i++) yield i } const it = gen(); it.next();
         class Secret { #x = 'hidden'; get() { return this.#x } } const s = new Secret();
         let settle; const promise = new Promise(r => settle = r).then(x => x * 2);",
    );
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("script.snapshot");
    js.snapshot().unwrap().save(&path).unwrap();
    let mut js = clones::clone(&Snapshot::load(&path).unwrap());
    gives(
        &mut js,
        "[big, bytes, re.exec('xab').groups.b, map.size, it.next().value, s.get()]",
        r#"[{"$bigint":"18446744073709551616"},{"$bytes":"AQID"},"b",1,1,"hidden"]"#,
    );
    gives(&mut js, "settle(21); promise", "42");
}

#[test]
fn a_guest_that_only_starts_asks_for_nothing() {
    // Two that have only started are alike, byte for byte: neither time nor entropy is in them.
    let (first, second) = (engine(), engine());
    let (first, second) = (first.dump_memory().unwrap(), second.dump_memory().unwrap());
    assert!(libhyperlight_tests::prober::first_difference(&first, &second).is_none());
}
