//! The JavaScript guest beside the same engine in this process, alternately in one run.
//!
//! Run it in its folder, where the compiler flags are: `cd bench/javascript && cargo run --release`. Each row is the least
//! of its rounds, because everything that is not the script only adds to it.

use std::ffi::CString;
use std::ptr;
use std::time::{Duration, Instant};

use libhyperlight::{Guest, Sandbox, SandboxOptions, UninitializedSandbox};
use rquickjs_sys as qjs;

type Error = Box<dyn std::error::Error>;

const ROUNDS: usize = 15;

/// Name, and a script that defines `work`.
const SCRIPTS: [(&str, &str); 6] = [
    ("fib(30)", "function fib(n) { return n < 2 ? n : fib(n - 1) + fib(n - 2) } function work() { return fib(30) }"),
    (
        "objects",
        "function work() { let list = null; for (let i = 0; i < 2e5; i++) list = { i, next: i % 100 ? list : null, s: 'x' + i };
         return list.i }",
    ),
    (
        "sort",
        "function work() { let s = 1; const a = Array.from({ length: 1e5 }, () => (s = s * 16807 % 2147483647));
         return a.sort((x, y) => x - y)[5] }",
    ),
    (
        "strings and JSON",
        "function work() { let o = []; for (let i = 0; i < 2e4; i++) o.push({ key: `k${i}`, list: [i, 'text', null] });
         return JSON.parse(JSON.stringify(o)).length }",
    ),
    (
        "expressions",
        "function work() { let n = 0; for (let i = 0; i < 2e4; i++) n += /(\\w+)@(\\w+)\\.com/.exec(`user${i}@host.com`)[1].length;
         return n }",
    ),
    (
        "floats",
        "function work() { let x = 0; for (let i = 1; i < 5e5; i++) x += Math.sin(i) * Math.sqrt(i) / Math.log(i + 1); return x }",
    ),
];

fn main() -> Result<(), Error> {
    let guest = Guest::builtin("javascript")?;
    println!("| script | guest | host | guest / host |\n|---|---:|---:|---:|");
    for (name, script) in SCRIPTS {
        let mut inside = sandbox(&guest)?;
        inside.call::<()>("load", ("bench", script))?;
        let outside = Engine::new(script)?;
        let mut least = [Duration::MAX; 2];
        let mut results = [String::new(), String::new()];
        for _ in 0..ROUNDS {
            let start = Instant::now();
            results[0] = inside.call("call", ("work", "[]"))?;
            least[0] = least[0].min(start.elapsed());
            let start = Instant::now();
            results[1] = outside.evaluate("JSON.stringify(work())")?;
            least[1] = least[1].min(start.elapsed());
        }
        if name != "floats" && results[0] != results[1] {
            return Err(format!("{name}: {results:?}").into());
        }
        let [guest, host] = least.map(|time| time.as_secs_f64() * 1e3);
        println!("| {name} | {guest:.2} ms | {host:.2} ms | {:.3} |", guest / host);
    }
    Ok(())
}

fn sandbox(guest: &Guest) -> Result<Sandbox, Error> {
    let options = SandboxOptions::new().heap_size(256 << 20);
    Ok(UninitializedSandbox::new(guest, options)?.evolve()?)
}

/// The engine in this process.
struct Engine {
    runtime: *mut qjs::JSRuntime,
    context: *mut qjs::JSContext,
}

impl Engine {
    fn new(script: &str) -> Result<Self, Error> {
        // SAFETY: made once, and given back by `drop`.
        let engine = unsafe {
            let runtime = qjs::JS_NewRuntime();
            Self { runtime, context: qjs::JS_NewContext(runtime) }
        };
        engine.evaluate(&format!("{script}\n''"))?;
        Ok(engine)
    }

    fn evaluate(&self, script: &str) -> Result<String, Error> {
        let script = CString::new(script)?;
        // SAFETY: the context lives; a NUL follows the script; what the engine gives is given back.
        unsafe {
            let len = script.as_bytes().len() as u64;
            let result = qjs::JS_Eval(self.context, script.as_ptr(), len, c"bench".as_ptr(), 0);
            let mut len = 0;
            let text = qjs::JS_ToCStringLen2(self.context, ptr::addr_of_mut!(len), result, false);
            if text.is_null() {
                return Err("the script threw".into());
            }
            let bytes = std::slice::from_raw_parts(text.cast(), usize::try_from(len)?);
            let copy = String::from_utf8_lossy(bytes).into_owned();
            qjs::JS_FreeCString(self.context, text);
            qjs::JS_FreeValue(self.context, result);
            Ok(copy)
        }
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        // SAFETY: made by `new`, and not used again.
        unsafe {
            qjs::JS_FreeContext(self.context);
            qjs::JS_FreeRuntime(self.runtime);
        }
    }
}
