//! Scripts that exhaust the heap, with any kind of object. The thrown error is one of the language and names the
//! remedy, also for scripts that catch it, and the guest goes on working.

use libhyperlight::{ErrorCode, SandboxOptions, State};
use libhyperlight_tests::fails_with;
use libhyperlight_tests::javascript::{engine_with, eval, gives, load};

/// Scripts that end only by an error.
const SHAPES: [&str; 24] = [
    "let m = new Map(); for (let i = 0;; i++) m.set({}, i)",
    "let o = {}; for (let i = 0;; i++) o['k' + i] = i",
    "let a = []; for (;;) a.push([a])",
    "let a = []; for (let i = 0;; i++) a.push('text' + i)",
    "let a = []; for (;;) a.push(() => a)",
    "let a = []; for (;;) a.push(function () {}.bind(1, 2, 3))",
    "let a = []; for (;;) a.push(new Proxy({}, {}))",
    "let a = []; for (;;) a.push(new Uint8Array(300), new DataView(new ArrayBuffer(8)))",
    "let a = []; for (let i = 0;; i++) a.push(new RegExp('a' + i + '(?<n>[a-z]+)'), /(a)(b)?/.exec('ab'))",
    "let a = []; for (;;) a.push(JSON.parse('{\"a\":[1,2,{\"b\":\"c\"}]}'), JSON.stringify({ a: [1, 2] }))",
    "let a = []; const t = s => s; for (let i = 0;; i++) a.push(eval('t`a${' + i + '}`'))",
    "let a = []; function* g() { yield a } for (;;) { const x = g(); x.next(); a.push(x) }",
    "let a = []; async function f() { await null } for (;;) a.push(f())",
    "let a = []; for (let i = 0;; i++) a.push(Symbol('s' + i))",
    "let a = []; for (let i = 1n;; i++) a.push(i ** 50n)",
    "let a = []; for (;;) a.push(class A { #p = 1; static x = [a]; m() {} })",
    "let a = []; for (;;) try { null.x } catch (e) { a.push(e) }",
    "let a = []; for (;;) a.push(Promise.all([1, Promise.resolve(2)]))",
    "let a = []; for (let i = 0;; i++) a.push(new Function('return ' + i))",
    "let a = []; for (let i = 0;; i++) globalThis['g' + i] = i",
    "let a = []; for (;;) a.push(encodeURIComponent('ä' + a.length), 'ÀÉ'.normalize('NFD'))",
    "let a = []; for (;;) a.push({ ...{ a: 1, b: 2 } }, [1, 2, 3].map(x => [x]))",
    "let a = ['']; for (;;) a.push('x'.padEnd(40) + a.length, 'a-b'.split('-'))",
    "let a = []; for (;;) a.push(new TextDecoder().decode(new TextEncoder().encode('text' + a.length)))",
];

// Case 2.
#[test]
fn what_is_thrown_without_memory_is_an_error_that_names_the_option() {
    let heap = 1 << 20;
    let mut js = engine_with(SandboxOptions::new().heap_size(heap));
    let snapshot = js.snapshot().unwrap();
    for (shape, source) in SHAPES.into_iter().enumerate() {
        // As heaps of 64 sizes, which would take a start each; of 16 for all but the worst.
        let every = if shape < 2 { 1 } else { 4 };
        for taken in (0..64).step_by(every).map(|step| step * 2_999) {
            let taken = format!("const taken = new Uint8Array({taken});");
            let error = fails_with(ErrorCode::GuestError, eval(&mut js, &format!("{{ {taken} {source} }}")));
            assert!(
                error.message().starts_with("InternalError: out of memory: raise the heap size"),
                "{taken} {source}: {error}"
            );
            assert_eq!(js.state(), State::Ready, "{source}");
            js.restore(&snapshot).unwrap();
        }
        for taken in (0..64).step_by(4 * every).map(|step| step * 2_999) {
            let caught = format!(
                "let caught; {{ const taken = new Uint8Array({taken}); try {{ {source} }} catch (e) {{ caught = e }} }}
                [typeof caught, caught instanceof InternalError, caught.message, typeof caught.stack]"
            );
            match eval(&mut js, &caught) {
                Ok(seen) => assert_eq!(
                    seen, r#"["object",true,"out of memory: raise the heap size","string"]"#,
                    "{source}"
                ),
                // What the script has filled may still be there.
                Err(error) => {
                    assert!(error.message().starts_with("InternalError: out of memory: raise"), "{error}")
                }
            }
            js.restore(&snapshot).unwrap();
        }
    }
}

// Case 2.
#[test]
fn heaps_of_every_size_end_in_the_same_way() {
    for heap in (0..64).map(|step| (768 << 10) + step * (12 << 10)) {
        let mut js = engine_with(SandboxOptions::new().heap_size(heap));
        let snapshot = js.snapshot().unwrap();
        for source in SHAPES.iter().take(2) {
            let error = fails_with(ErrorCode::GuestError, eval(&mut js, &format!("{{ {source} }}")));
            assert!(
                error.message().starts_with("InternalError: out of memory: raise the heap size"),
                "{heap} {source}: {error}"
            );
            js.restore(&snapshot).unwrap();
        }
    }
}

// Case 11.
#[test]
fn a_source_that_the_heap_is_too_small_for_is_an_error_that_names_the_option() {
    // As a bundle is: functions that are all kept, of some 600 KiB.
    let function = "exports.push(function (a, b) { const c = a.map(x => x * b); return { c, text: `${a}`, d: [1, 2, 3, c] } });\n";
    let source = format!("const exports = [];\n{}", function.repeat(6000));
    let mut js = engine_with(SandboxOptions::new());
    load(&mut js, &source).unwrap();
    gives(&mut js, "exports[5999]([1], 2).c", "[2]");
    for heap in [2 << 20, 3 << 20, 4 << 20] {
        let mut js = engine_with(SandboxOptions::new().heap_size(heap));
        let error = fails_with(ErrorCode::GuestError, load(&mut js, &source));
        assert!(error.message().starts_with("InternalError: out of memory: raise the heap size"), "{error}");
        gives(&mut js, "6 * 7", "42");
    }
}

#[test]
fn a_script_that_catches_the_error_again_and_again_gets_one_each_time() {
    let mut js = engine_with(SandboxOptions::new().heap_size(1 << 20));
    let source = "const kept = [], kinds = new Set();
        for (let i = 0; i < 20000; i++) {
            try { for (;;) kept.push([kept.length]) } catch (e) { kinds.add(e === null ? 'null' : typeof e) }
        }
        [...kinds]";
    match eval(&mut js, source) {
        Ok(kinds) => assert_eq!(kinds, r#"["object"]"#),
        // The catching itself needs memory.
        Err(error) => assert!(error.message().starts_with("InternalError: out of memory"), "{error}"),
    }
    assert_eq!(js.state(), State::Ready);
}
