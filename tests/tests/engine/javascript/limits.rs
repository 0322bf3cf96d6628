//! Scripts that exceed limits, never end, or try to get out: each ends with an error of its own or with a stopped
//! guest, and a restore repairs everything.

use std::thread;
use std::time::Duration;

use libhyperlight::{CallOptions, ErrorCode, Sandbox, SandboxOptions, State};
use libhyperlight_tests::javascript::{engine, engine_with, eval, gives, javascript, load, loaded, throws};
use libhyperlight_tests::{fails_with, uninitialized_with};

/// Confirms that a script throws, or gives anything, and that the guest works on.
#[track_caller]
fn survives(js: &mut Sandbox, source: &str) {
    match eval(js, source) {
        Ok(_) => {}
        Err(error) => assert_eq!(error.code(), ErrorCode::GuestError, "{source}: {error}"),
    }
    assert_eq!(js.state(), State::Ready, "{source}");
    gives(js, "6 * 7", "42");
}

#[test]
fn typed_arrays_end_where_they_end() {
    let mut js = engine();
    for (source, expected) in [
        (
            "const a = new Uint8Array(4); a[4] = 1; a[-1] = 1; a[2 ** 32] = 1; [a[4] ?? null, a[-1] ?? null, a[1e300] ?? null]",
            "[null,null,null]",
        ),
        ("new Float64Array(new ArrayBuffer(8)).subarray(-100, 100).length", "1"),
        (
            "const b = new ArrayBuffer(8, { maxByteLength: 64 }); const v = new Uint8Array(b); b.resize(64); v[63] = 5; b.resize(4); [v.length, v[63] ?? null]",
            "[4,null]",
        ),
        (
            "const r = new ArrayBuffer(16, { maxByteLength: 16 }); const w = new Uint32Array(r, 4, 2); r.resize(8); [w.length, w[1] ?? null]",
            "[0,null]",
        ),
        (
            "const d = new Uint8Array(8); const t = d.buffer.transfer(); [d.length, d[0] ?? null, t.byteLength]",
            "[0,null,8]",
        ),
        (
            "const f = new Uint8Array(8); f.fill({ valueOf() { f.buffer.transfer(); return 1 } }, 0, 8) === f",
            "",
        ),
        ("new Uint8Array(10).set([1, 2, 3], 7)", ""),
    ] {
        match eval(&mut js, source) {
            Ok(found) if !expected.is_empty() => assert_eq!(found, expected, "{source}"),
            Ok(_) => {}
            Err(error) => assert_eq!(error.code(), ErrorCode::GuestError, "{source}: {error}"),
        }
    }
    for source in [
        "new DataView(new ArrayBuffer(8)).getFloat64(1)",
        "new Uint8Array(10).set([1, 2, 3], 8)",
        "new Uint32Array(new ArrayBuffer(8), 8, 1)",
        "new Uint8Array(-1)",
        "new Uint8Array(2 ** 53)",
        "new ArrayBuffer(8).slice(0).resize(9)",
        "Atomics.store(new Int32Array(2), 2, 1)",
        "Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)",
    ] {
        let message = throws(&mut js, source).message().to_owned();
        assert!(message.starts_with("RangeError") || message.starts_with("TypeError"), "{source}: {message}");
    }
}

#[test]
fn a_script_that_changes_its_array_while_it_is_used_harms_nothing() {
    let mut js = engine();
    for source in [
        "const a = [3, 1, 2]; a.sort(() => { a.length = 0; return 1 })",
        "const a = Array.from({ length: 1000 }, (_, i) => i); a.sort((x, y) => { a.pop(); return x - y })",
        "const a = [1, 2, 3]; a.map(x => { a.length = 1e5; a.splice(0, 2); return x })",
        "const t = new Uint8Array(1000); t.sort((x, y) => { try { t.buffer.transfer() } catch {} return x - y })",
        "const s = 'x'.repeat(1000); s.replace(/x/g, () => { s.length; return '' }).length",
        "const m = new Map([[1, 1]]); for (const [k] of m) { m.delete(k); if (k < 1000) m.set(k + 1, 1) }",
        "const o = { get a() { delete this.b; return 1 }, b: 2 }; JSON.stringify(o)",
        "const p = new Proxy([], { ownKeys() { return ['length', 'x'] } }); Object.keys(p)",
        "const a = [1]; a.__proto__ = new Proxy([], {}); a[5]; a.concat(a)",
        "const r = /a/y; r.lastIndex = { valueOf() { r.compile('b'); return 0 } }; r.exec('ab')",
        "class A extends Array { constructor(n) { super(n); this.length = 0 } } A.from([1, 2, 3]).concat([4])",
        "new (class extends Uint8Array { static get [Symbol.species]() { return function () { return new Uint8Array(1) } } })(8).map(x => x)",
    ] {
        survives(&mut js, &format!("{{ {source} }}"));
    }
}

#[test]
fn a_script_without_end_is_stopped_and_a_restore_makes_it_good() {
    let mut js = loaded("let n = 0; function next() { return ++n }");
    let snapshot = js.snapshot().unwrap();
    let limit = CallOptions::new().timeout(Duration::from_millis(50));
    for source in [
        "for (;;) {}",
        "while (true) n++",
        "(function f() { try { f() } finally { f() } })()",
        "try { for (;;) {} } catch {}",
        "const f = () => Promise.resolve().then(f); f()",
        "/^(a+)+$/.test('a'.repeat(40) + 'b')",
        "/(x+x+)+y/.test('x'.repeat(60))",
        "'a'.repeat(100000).replace(/(a|aa)+$/, '').match(/(.*)*b/)",
        "Array.from({ length: 2 ** 32 - 1 }, () => {})",
        "'x'.repeat(1e6).split('').sort(() => { for (;;) {} })",
        "JSON.stringify({ get a() { for (;;) {} } })",
        "throw { get name() { for (;;) {} }, get x() { for (;;) {} } }",
        "2n ** (2n ** 30n) % 7n; for (;;) {}",
    ] {
        let result: libhyperlight::Result<String> = js.call_with(&limit, "eval", (source,));
        match result {
            Err(error) if error.code() == ErrorCode::Timeout => {
                assert_eq!(js.state(), State::Poisoned, "{source}")
            }
            // Some run out of memory or of the stack first, on a fast machine.
            Err(error) => assert_eq!(error.code(), ErrorCode::GuestError, "{source}: {error}"),
            Ok(value) => panic!("{source} gave {value}"),
        }
        js.restore(&snapshot).unwrap();
        gives(&mut js, "next()", "1");
    }
}

#[test]
fn a_script_is_interrupted_from_another_thread() {
    let mut js = engine();
    let snapshot = js.snapshot().unwrap();
    for _ in 0..5 {
        let handle = js.interrupt_handle().unwrap();
        let canceller = thread::spawn(move || {
            while !handle.interrupt() {
                thread::yield_now();
            }
        });
        fails_with(ErrorCode::Interrupted, eval(&mut js, "for (;;) {}"));
        canceller.join().unwrap();
        js.restore(&snapshot).unwrap();
        gives(&mut js, "6 * 7", "42");
    }
}

#[test]
fn memory_ends_with_an_error_of_the_script() {
    for heap in [2 << 20, 16 << 20, 64 << 20] {
        let mut js = engine_with(SandboxOptions::new().heap_size(heap));
        let snapshot = js.snapshot().unwrap();
        for source in [
            "const a = []; for (;;) a.push(new Array(1000).fill(0))",
            "const a = []; for (;;) a.push({ a: a.length })",
            "let s = 'x'; for (;;) s += s",
            "const a = []; for (let i = 0; ; i++) a.push('text' + i)",
            "const m = new Map(); for (let i = 0; ; i++) m.set(i, [i])",
            "new ArrayBuffer(2 ** 31)",
            "const a = []; for (;;) a.push(new Uint8Array(100000))",
            "'x'.repeat(2 ** 30 - 2)",
            "new Array(2 ** 32 - 1).fill(0)",
            "Array(1e7).join('xyz')",
            "const f = n => new Function('return ' + '['.repeat(n) + ']'.repeat(n)); for (let n = 1; ; n *= 2) f(n)",
            "let o = {}; for (;;) o = { o, p: [o] }",
            "const p = []; for (;;) p.push(new Promise(() => {}))",
            "2n ** 100000000n",
            "/(?:)/.exec.apply(null, new Array(1e6))",
            "const b = new Uint8Array(2 ** 19).fill(0xff); for (let i = 0; ; i++) b[i] = new TextDecoder(['utf-8', 'latin1'][i % 2]).decode(new Uint8Array(b.length << i).fill(0xff)).length",
            "const d = []; for (let n = 2 ** 16; ; n += n) d.push(new TextDecoder().decode(new Uint8Array(n).fill(0x80)))",
        ] {
            let error = eval(&mut js, &format!("{{ {source} }}")).unwrap_err();
            // A text that there is memory for may still be too long for a message.
            let expected = [ErrorCode::GuestError, ErrorCode::TooLarge];
            assert!(expected.contains(&error.code()), "{source} in {heap}: {error}");
            assert_eq!(js.state(), State::Ready, "{source} in {heap}: {error}");
            js.restore(&snapshot).unwrap();
        }
    }
}

#[test]
fn sizes_that_are_too_small_are_an_error_of_the_start() {
    let mut works = 0;
    for (heap, stack) in [4, 16, 64, 128, 192, 256, 384, 512, 1024]
        .map(|kib| (kib << 10, 0))
        .into_iter()
        .chain([16, 32, 64, 128].map(|kib| (0, kib << 10)))
    {
        let options = SandboxOptions::new().heap_size(heap).stack_size(stack);
        match uninitialized_with(&javascript(), options).evolve() {
            Ok(mut js) => {
                works += 1;
                gives(&mut js, "6 * 7", "42");
            }
            Err(error) => assert!(
                matches!(
                    error.code(),
                    ErrorCode::GuestAbort | ErrorCode::GuestOutOfMemory | ErrorCode::StackOverflow
                ),
                "{heap} {stack}: {error:?}"
            ),
        }
    }
    assert!(works >= 4, "{works} of these sizes work");
}

#[test]
fn a_script_can_catch_the_lack_of_memory_and_go_on() {
    let mut js = engine();
    gives(
        &mut js,
        "(() => { const a = []; try { for (;;) a.push(new Array(1000).fill(0)) } catch (e) { a.length = 0; return e.name } })()",
        "\"InternalError\"",
    );
    gives(&mut js, "'x'.repeat(1e6).length", "1000000");
}

#[test]
fn what_is_too_large_for_the_way_out_is_said_so() {
    let mut js = engine_with(SandboxOptions::new().heap_size(128 << 20));
    for text in ["'x'.repeat(3e6)", "'\\ud800'.repeat(3e5)", "Array(3e5).fill(`abc`)", "new Uint8Array(2e6)"]
    {
        let error = fails_with(ErrorCode::TooLarge, eval(&mut js, text));
        assert!(error.message().starts_with("the result takes "), "{error}");
        for use_of_it in ["throw", "console.log", "throw new Error", "host[", "throw { x:"] {
            let end = match use_of_it {
                "host[" => "]()",
                "throw { x:" => "}",
                "throw" => "",
                _ => ")",
            };
            let open = if end == ")" { "(" } else { " " };
            survives(&mut js, &format!("{use_of_it}{open}{text}{end}"));
        }
    }
}

#[test]
fn recursion_ends_with_an_error_of_the_script() {
    for stack in [64 << 10, 256 << 10, 1 << 20, 8 << 20] {
        let mut js = engine_with(SandboxOptions::new().stack_size(stack).heap_size(64 << 20));
        for source in [
            "(function f() { f() })()",
            "(function f(n) { return [n].map(f) })(1)",
            "(function f() { try { f() } finally { [1].sort(); JSON.stringify([[]]) } })()",
            "const o = {}; o.toString = () => `${o}`; `${o}`",
            "const p = new Proxy({}, { get: (t, k, r) => r[k] }); p.x",
            "let a = []; for (let i = 0; i < 1e5; i++) a = [a]; JSON.stringify(a)",
            "let a = []; for (let i = 0; i < 1e5; i++) a = [a]; a.flat(Infinity)",
            "let a = []; for (let i = 0; i < 1e5; i++) a = [a]; String(a)",
            "JSON.parse('['.repeat(1e5))",
            "eval('('.repeat(1e5))",
            "eval('['.repeat(1e5))",
            "eval('{'.repeat(1e5))",
            "eval('!'.repeat(1e5) + 1)",
            "eval('a=>'.repeat(1e5) + 1)",
            "eval('1' + '+1'.repeat(1e5))",
            "eval('`${'.repeat(1e5))",
            "new RegExp('('.repeat(1e5))",
            "new RegExp('(?:'.repeat(1e5) + ')'.repeat(1e5))",
            "new RegExp('[['.repeat(1e5), 'v')",
            "/(?:a|b)*?c/.test('ab'.repeat(500))",
            "class A { constructor() { new A() } } new A()",
            "function* g() { yield* g() } [...g()]",
            "const f = async () => { await f() }; f()",
            "let e = new Error('x'); for (let i = 0; i < 1e5; i++) e = new Error('x', { cause: e }); throw e",
            "Function.prototype.apply.call(function f() { f.apply(null, arguments) }, null, new Array(1000))",
            "let b = () => 1; for (let i = 0; i < 1e5; i++) b = b.bind(null); b()",
            "console.log((function f() { return { get x() { return f() } } })())",
        ] {
            let before = js.state();
            survives(&mut js, &format!("{{ {source} }}"));
            assert_eq!(before, State::Ready, "{source} with {stack}");
        }
    }
}

#[test]
fn what_a_script_does_to_the_language_ends_with_a_restore() {
    let mut js = loaded("function handler(x) { return [x].map(y => y + 1) }");
    let snapshot = js.snapshot().unwrap();
    for poison in [
        "Array.prototype.map = () => 'mine'",
        "Object.prototype.toJSON = () => 'mine'",
        "globalThis.handler = () => 'mine'",
        "JSON.stringify = () => 'mine'; JSON.parse = () => []",
        "Object.prototype.__defineSetter__('0', () => {}); Array.prototype[Symbol.iterator] = null",
        "for (const key of Object.getOwnPropertyNames(globalThis)) try { delete globalThis[key] } catch {}",
        "Object.setPrototypeOf(Array.prototype, new Proxy({}, { get() { throw 1 } }))",
        "Object.freeze(Object.prototype); Object.defineProperty(globalThis, 'x', { value: 1 })",
    ] {
        load(&mut js, poison).unwrap();
        js.restore(&snapshot).unwrap();
        assert_eq!(js.call::<String>("call", ("handler", "[1]")).unwrap(), "[2]", "after {poison}");
    }
}

#[test]
fn what_the_guest_itself_needs_is_out_of_a_scripts_reach() {
    let mut js = engine();
    load(
        &mut js,
        "Object.prototype.toJSON = undefined; JSON.stringify = JSON.parse = () => { throw 'stringify' };
         BigInt = Uint8Array = Proxy = Reflect = Promise = TypeError = Error = null;
         Object.defineProperty(Object.prototype, '$bytes', { set() { throw 'set' } });
         Array.prototype.push = Array.prototype[Symbol.iterator] = () => { throw 'array' };
         Symbol.prototype.toString = Function.prototype.call = Function.prototype.apply = () => { throw 'function' };
         function same(x) { return x }",
    )
    .unwrap();
    for text in [
        r#"{"$bytes":"AP8="}"#,
        r#"{"$bigint":"123456789012345678901234567890"}"#,
        r#"[1,{"a":{"$number":"NaN"}}]"#,
    ] {
        assert_eq!(js.call::<String>("call", ("same", format!("[{text}]"))).unwrap(), text);
    }
    gives(
        &mut js,
        "crypto.getRandomValues(new Float32Array(0).constructor === 1 || new Int8Array(3)).length",
        "3",
    );
    let error = throws(&mut js, "host.missing()");
    assert!(error.message().starts_with("TypeError: the host has no function missing"), "{error}");
    gives(&mut js, "await 5", "5");
}
