//! Scripts in the JavaScript guest, and in the same engine in this process: built with the same flags, see `ci/bench`.

use std::ffi::CString;
use std::ptr;

use libhyperlight::{SandboxOptions, UninitializedSandbox};
use rquickjs_sys as qjs;

use crate::stats::in_turns;
use crate::table::Row;

const ROUNDS: usize = 15;

/// Name, and a script that defines `work`.
const SCRIPTS: [(&str, &str); 6] = [
    ("JavaScript: fib(30)", "function fib(n) { return n < 2 ? n : fib(n - 1) + fib(n - 2) } function work() { return fib(30) }"),
    (
        "JavaScript: objects",
        "function work() { let list = null; for (let i = 0; i < 2e5; i++) list = { i, next: i % 100 ? list : null, s: 'x' + i };
         return list.i }",
    ),
    (
        "JavaScript: sort",
        "function work() { let s = 1; const a = Array.from({ length: 1e5 }, () => (s = s * 16807 % 2147483647));
         return a.sort((x, y) => x - y)[5] }",
    ),
    (
        "JavaScript: strings and JSON",
        "function work() { let o = []; for (let i = 0; i < 2e4; i++) o.push({ key: `k${i}`, list: [i, 'text', null] });
         return JSON.parse(JSON.stringify(o)).length }",
    ),
    (
        "JavaScript: expressions",
        "function work() { let n = 0; for (let i = 0; i < 2e4; i++) n += /(\\w+)@(\\w+)\\.com/.exec(`user${i}@host.com`)[1].length;
         return n }",
    ),
    (
        "JavaScript: floats",
        "function work() { let x = 0; for (let i = 1; i < 5e5; i++) x += Math.sin(i) * Math.sqrt(i) / Math.log(i + 1); return x }",
    ),
];

pub fn rows() -> Vec<Row> {
    SCRIPTS.map(|(name, script)| row(name, script)).into()
}

fn row(name: &'static str, script: &str) -> Row {
    let options = SandboxOptions::new().heap_size(256 << 20);
    let guest = libhyperlight_builtin::javascript().unwrap();
    let mut inside = UninitializedSandbox::new(&guest, options).unwrap().evolve().unwrap();
    inside.call::<()>("load", ("bench", script)).unwrap();
    let outside = Engine::new(script);
    let [ours, floor] = in_turns(ROUNDS, |[ours, floor]| {
        let found: String = ours.time(|| inside.call("call", ("work", "[]")).unwrap());
        let expected = floor.time(|| outside.evaluate("JSON.stringify(work())"));
        // The two have mathematical functions of their own.
        assert!(found == expected || name.ends_with("floats"), "{name}: {found}, {expected}");
    });
    Row {
        metric: name,
        floor_name: "the engine on the host",
        ours,
        floor,
        must: None,
        want: None,
        must_ns: None,
        must_p99: None,
    }
}

/// The engine in this process.
struct Engine {
    runtime: *mut qjs::JSRuntime,
    context: *mut qjs::JSContext,
}

impl Engine {
    fn new(script: &str) -> Self {
        // SAFETY: made once, and given back by `drop`.
        let engine = unsafe {
            let runtime = qjs::JS_NewRuntime();
            Self { runtime, context: qjs::JS_NewContext(runtime) }
        };
        engine.evaluate(&format!("{script}\n''"));
        engine
    }

    fn evaluate(&self, script: &str) -> String {
        let script = CString::new(script).unwrap();
        // SAFETY: the context lives; a NUL follows the script; what the engine gives is given back.
        unsafe {
            let len = script.as_bytes().len() as u64;
            let result = qjs::JS_Eval(self.context, script.as_ptr(), len, c"bench".as_ptr(), 0);
            let mut len = 0;
            let text = qjs::JS_ToCStringLen2(self.context, ptr::addr_of_mut!(len), result, false);
            assert!(!text.is_null(), "the script threw");
            let bytes = std::slice::from_raw_parts(text.cast(), usize::try_from(len).unwrap());
            let copy = String::from_utf8_lossy(bytes).into_owned();
            qjs::JS_FreeCString(self.context, text);
            qjs::JS_FreeValue(self.context, result);
            copy
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
