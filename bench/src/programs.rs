//! WebAssembly programs in a sandbox, and under the ordinary runtime on the host; a pool of a warm module, beside one
//! of the demo guest.

use libhyperlight::{Guest, Sandbox};
use libhyperlight_wasm::{Options, compile};
use wasmtime::{Engine, Instance, Module, Store, TypedFunc};

use crate::runtimes::{beside_demo, start};
use crate::stats::in_turns;
use crate::table::Row;

/// Turns of each program.
const TURNS: usize = 101;

/// Name, argument, and the text whose function `run` is called.
const PROGRAMS: [(&str, i32, &str); 3] = [
    (
        "WebAssembly: fib(30)",
        30,
        r#"(module (func $fib (export "run") (param i32) (result i32)
            (if (result i32) (i32.lt_u (local.get 0) (i32.const 2)) (then (local.get 0))
             (else (i32.add (call $fib (i32.sub (local.get 0) (i32.const 1)))
                            (call $fib (i32.sub (local.get 0) (i32.const 2))))))))"#,
    ),
    (
        "WebAssembly: sieve(1000000)",
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
        "WebAssembly: sum of 4 MiB",
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

/// Counts its calls in its memory.
const COUNTER: &str = r#"(module (memory 1) (func (export "run") (result i32)
    (i32.store (i32.const 0) (i32.add (i32.load (i32.const 0)) (i32.const 1)))
    (i32.load (i32.const 0))))"#;

pub fn rows() -> Vec<Row> {
    let mut rows: Vec<_> = PROGRAMS.iter().map(|(name, argument, text)| row(name, *argument, text)).collect();
    rows.extend(beside_demo(
        "pool of a warm module: acquire",
        "pool of a warm module: release after a call",
        start(&guest(COUNTER)),
        |sandbox| assert!(sandbox.call::<i32>("run", ()).unwrap() > 0),
    ));
    rows
}

fn row(name: &'static str, argument: i32, text: &str) -> Row {
    let mut sandbox = start(&guest(text));
    let (mut store, run) = on_host(text);
    let call = |sandbox: &mut Sandbox| sandbox.call::<i32>("run", (argument,)).unwrap();
    let [ours, floor] = in_turns(TURNS, |[ours, floor]| {
        let found = ours.time(|| call(&mut sandbox));
        let expected = floor.time(|| run.call(&mut store, argument).unwrap());
        assert_eq!(found, expected);
    });
    Row {
        metric: name,
        floor_name: "the runtime on the host",
        ours,
        floor,
        must: None,
        want: None,
        must_ns: None,
        must_p99: None,
    }
}

fn guest(text: &str) -> Guest {
    compile(&wat::parse_str(text).unwrap(), &Options::new()).unwrap()
}

fn on_host(text: &str) -> (Store<()>, TypedFunc<i32, i32>) {
    let engine = Engine::default();
    let module = Module::new(&engine, wat::parse_str(text).unwrap()).unwrap();
    let mut store = Store::new(&engine, ());
    let run = Instance::new(&mut store, &module, &[]).unwrap().get_typed_func(&mut store, "run").unwrap();
    (store, run)
}
