//! How long programs take in a sandbox, and under the ordinary runtime on the host: in turns, in one process, so that
//! whatever else the machine does meets both. And what a pool of a warm module takes, beside one of the demo guest. Prints medians and
//! the median of the ratios.

mod pools;

use std::time::{Duration, Instant};

use libhyperlight::{Sandbox, SandboxOptions, UninitializedSandbox};
use libhyperlight_wasm::{Options, compile};
use wasmtime::{Engine, Instance, Module, Store, TypedFunc};

/// Turns of each program.
const TURNS: usize = 101;

/// Name, argument, and the text whose function `run` is called.
const PROGRAMS: [(&str, i32, &str); 3] = [
    (
        "fib(30)",
        30,
        r#"(module (func $fib (export "run") (param i32) (result i32)
            (if (result i32) (i32.lt_u (local.get 0) (i32.const 2)) (then (local.get 0))
             (else (i32.add (call $fib (i32.sub (local.get 0) (i32.const 1)))
                            (call $fib (i32.sub (local.get 0) (i32.const 2))))))))"#,
    ),
    (
        "sieve(1000000)",
        1_000_000,
        r#"(module (memory 20)
            (func (export "run") (param $n i32) (result i32) (local $i i32) (local $j i32) (local $count i32)
              (memory.fill (i32.const 0) (i32.const 0) (local.get $n))
              (local.set $i (i32.const 2))
              (block $done (loop $next
                (br_if $done (i32.ge_u (local.get $i) (local.get $n)))
                (if (i32.eqz (i32.load8_u (local.get $i))) (then
                  (local.set $count (i32.add (local.get $count) (i32.const 1)))
                  (local.set $j (i32.add (local.get $i) (local.get $i)))
                  (block $out (loop $mark
                    (br_if $out (i32.ge_u (local.get $j) (local.get $n)))
                    (i32.store8 (local.get $j) (i32.const 1))
                    (local.set $j (i32.add (local.get $j) (local.get $i)))
                    (br $mark)))))
                (local.set $i (i32.add (local.get $i) (i32.const 1)))
                (br $next)))
              (local.get $count)))"#,
    ),
    (
        "sum of 4 MiB",
        1 << 20,
        r#"(module (memory 65)
            (func (export "run") (param $n i32) (result i32) (local $at i32) (local $sum i32)
              (block $out (loop $next
                (br_if $out (i32.eqz (local.get $n)))
                (local.set $sum (i32.add (local.get $sum) (i32.load (local.get $at))))
                (local.set $at (i32.add (local.get $at) (i32.const 4)))
                (local.set $n (i32.sub (local.get $n) (i32.const 1)))
                (br $next)))
              (local.get $sum)))"#,
    ),
];

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

fn main() -> Result<()> {
    println!("{:<32}{:>14}{:>14}{:>8}", "program", "sandbox", "host", "ratio");
    for (name, argument, text) in PROGRAMS {
        let wasm = wat::parse_str(text)?;
        let guest = compile(&wasm, &Options::new())?;
        let mut sandbox = UninitializedSandbox::new(&guest, SandboxOptions::new())?.evolve()?;
        let (mut store, run) = on_host(&wasm)?;
        let (mut inside, mut outside) = (Vec::new(), Vec::new());
        for turn in 0..TURNS + 3 {
            let (found, first) = timed(|| call(&mut sandbox, argument))?;
            let (expected, second) = timed(|| Ok(run.call(&mut store, argument)?))?;
            assert_eq!(found, expected);
            // The first turns touch memory for the first time.
            if turn >= 3 {
                inside.push(first);
                outside.push(second);
            }
        }
        print(name, inside, outside);
    }
    println!("{:<32}{:>14}{:>14}{:>8}", "", "module", "demo guest", "ratio");
    for (name, module, demo) in pools::rows()? {
        print(name, module, demo);
    }
    Ok(())
}

/// The medians, and that of the ratios of each turn.
fn print(name: &str, ours: Vec<Duration>, floor: Vec<Duration>) {
    let mut ratios: Vec<_> =
        ours.iter().zip(&floor).map(|(ours, floor)| ours.as_secs_f64() / floor.as_secs_f64()).collect();
    ratios.sort_by(f64::total_cmp);
    let ratio = ratios[ratios.len() / 2];
    println!("{name:<32}{:>14.2?}{:>14.2?}{ratio:>8.3}", median(ours), median(floor));
}

fn on_host(wasm: &[u8]) -> Result<(Store<()>, TypedFunc<i32, i32>)> {
    let engine = Engine::default();
    let module = Module::new(&engine, wasm)?;
    let mut store = Store::new(&engine, ());
    let run = Instance::new(&mut store, &module, &[])?.get_typed_func(&mut store, "run")?;
    Ok((store, run))
}

fn call(sandbox: &mut Sandbox, argument: i32) -> Result<i32> {
    Ok(sandbox.call("run", (argument,))?)
}

fn timed<T>(run: impl FnOnce() -> Result<T>) -> Result<(T, Duration)> {
    let start = Instant::now();
    let value = run()?;
    Ok((value, start.elapsed()))
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}
