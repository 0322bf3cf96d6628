//! Errors of scripts: the caller's view of a failure, and the script's means to handle one.

use std::time::Duration;

use libhyperlight::{CallOptions, ErrorCode, PayloadAccess, Sandbox, State};
use libhyperlight_tests::javascript::{
    self, UNSETTLED, call, engine, eval, gives, javascript, load, loaded, throws,
};
use libhyperlight_tests::{fails_with, uninitialized};

#[test]
fn an_error_has_its_name_its_message_and_its_stack() {
    let mut js = engine();
    js.call::<()>("load", ("handler.js", "function inner() {\n  null.x\n}\nfunction outer() { inner() }"))
        .unwrap();
    let error = fails_with(ErrorCode::GuestError, call(&mut js, "outer", "[]"));
    assert_eq!(
        error.message(),
        "TypeError: cannot read property 'x' of null at inner (handler.js:2:3) at outer (handler.js:4:20)"
    );
    for (source, expected) in [
        ("throw new RangeError('far')", "RangeError: far at <eval>"),
        ("class Mine extends Error { name = 'Mine' } throw new Mine('own')", "Mine: own at "),
        ("throw new Error('')", "Error at <eval>"),
        ("throw Object.assign(new Error('a\\nb'), { name: '' })", "a\\nb at <eval>"),
        (
            "throw Object.assign(new Error(''), { name: '', stack: '' })",
            "an error with neither a name nor a message",
        ),
        ("nowhere", "ReferenceError: nowhere is not defined at <eval>"),
        ("let let = 1", "SyntaxError: "),
        ("throw 'text'", "Uncaught \"text\""),
        ("throw { code: 7, list: [1] }", "Uncaught { code: 7, list: [ 1 ] }"),
        ("throw null", "Uncaught null"),
        ("throw undefined", "Uncaught undefined"),
        ("throw 12n", "Uncaught 12n"),
        ("throw Symbol('s')", "Uncaught Symbol(s)"),
        ("throw { get x() { throw 1 } }", "Uncaught { x: [not readable] }"),
        ("throw new Proxy({}, { get() { throw 1 } })", "Uncaught [Proxy]"),
        (
            "const e = new Error('m'); Object.defineProperty(e, 'stack', { get() { throw 1 } }); throw e",
            "Error: m",
        ),
        ("throw new Error('x'.repeat(5000))", "Error: xxx"),
        ("await Promise.reject(new TypeError('late'))", "TypeError: late at <eval>"),
    ] {
        let error = throws(&mut js, source);
        assert!(error.message().starts_with(expected), "{source}: {error}");
    }
}

#[test]
fn a_failed_call_leaves_nothing_for_the_next_one() {
    let mut js = loaded(
        "let steps = 0; function f() { Promise.resolve().then(() => steps++); throw new Error('now') }",
    );
    for round in 1..=3 {
        fails_with(ErrorCode::GuestError, call(&mut js, "f", "[]"));
        gives(&mut js, "steps", &round.to_string());
    }
}

#[test]
fn a_promise_that_nothing_can_settle_is_an_error() {
    let mut js = engine();
    for source in [
        "new Promise(() => {})",
        "await new Promise(() => {})",
        "(async () => { await new Promise(() => {}) })()",
    ] {
        let error = fails_with(ErrorCode::GuestError, eval(&mut js, source));
        assert_eq!(error.guest_code(), UNSETTLED);
        assert_eq!(
            error.message(),
            "the promise is still pending, and nothing is left to run that could settle it"
        );
    }
    assert_eq!(js.state(), State::Ready);
}

#[test]
fn payloads_are_loaded_when_the_guest_starts() {
    let read = PayloadAccess::Read;
    let guest = javascript()
        .with_payload(b"import { two } from './two.js'; export function f() { return two + 1 }", read)
        .unwrap()
        .with_payload(b"two.js\0export const two = 2", read)
        .unwrap();
    let mut js = uninitialized(&guest).evolve().unwrap();
    assert_eq!(call(&mut js, "f", "[]").unwrap(), "3");
    // Another one of the same guest starts anew.
    let mut js = uninitialized(&guest).evolve().unwrap();
    assert_eq!(call(&mut js, "f", "[]").unwrap(), "3");

    let failing = |payloads: &[&[u8]]| {
        let guest =
            payloads.iter().fold(javascript(), |guest, bytes| guest.with_payload(bytes, read).unwrap());
        fails_with(ErrorCode::GuestAbort, uninitialized(&guest).evolve())
    };
    for (payloads, expected) in [
        (&[&b"throw new Error('at once')"[..]][..], "Error: at once at <eval> (main:1:11)"),
        (&[b"1 +"], "SyntaxError"),
        (&[b"\xff"], "payload 0 is no UTF-8"),
        (&[b"", b"no module"], "payload 1 is no module"),
        (&[b"import 'x'"], "TypeError: there is no module `x`"),
        (&[b"await new Promise(() => {})"], "the promise is still pending"),
    ] {
        let error = failing(payloads);
        assert!(error.message().contains(expected), "{error}");
    }
}

#[test]
fn names_may_be_anything() {
    let mut js = engine();
    for name in ["", "a\0b", "../../x", "😀", "\n", &"long".repeat(5000)] {
        js.call::<()>("load", (name, "1")).unwrap();
        fails_with(ErrorCode::GuestError, js.call::<()>("load", (name, "throw new Error('x')")));
    }
    for name in ["", "a\0b"] {
        let error = fails_with(ErrorCode::GuestError, js.call::<()>("module", (name, "1")));
        assert_eq!(error.message(), "a module's name must not be empty or contain NUL");
    }
    load(&mut js, "var text = 'a\0b'").unwrap();
    gives(&mut js, "text.length", "3");
}

/// The details of a thrown value.
#[track_caller]
fn details(js: &mut Sandbox, source: &str) -> String {
    throws(js, source).details().expect("details").to_owned()
}

// Case 24.
#[test]
fn what_is_thrown_has_details_for_programs() {
    let mut js = engine();
    js.call::<()>("load", ("t.js", "function fail(make) { throw make() }")).unwrap();
    let stack = r#""stack":"    at "#;
    for (source, start, rest) in [
        (
            "fail(() => new RangeError('far \\n\"q\"'))",
            r#"{"name":"RangeError","message":"far \n\"q\"",""#,
            vec![stack],
        ),
        (
            "fail(() => Object.assign(new Error('m'), { code: 'E_NO' }))",
            r#"{"name":"Error","message":"m","#,
            vec![r#""code":"E_NO""#],
        ),
        (
            "fail(() => Object.assign(new Error('m'), { code: 7 }))",
            r#"{"name":"Error""#,
            vec![r#","code":7}"#],
        ),
        (
            "fail(() => Object.assign(new Error('m'), { code: false }))",
            r#"{"name":"Error""#,
            vec![r#","code":false}"#],
        ),
        (
            "fail(() => new Error('outer', { cause: new TypeError('inner', { cause: { at: [1n] } }) }))",
            r#"{"name":"Error","message":"outer""#,
            vec![
                r#","cause":{"name":"TypeError","message":"inner""#,
                r#","cause":{"at":[{"$bigint":"1"}]}}}"#,
            ],
        ),
        (
            "fail(() => new AggregateError([new Error('a'), 'b', new Error('c')], 'many'))",
            r#"{"name":"AggregateError","message":"many""#,
            vec![r#","errors":[{"name":"Error","message":"a""#, r#"},"b",{"name":"Error","message":"c""#],
        ),
        ("fail(() => ({ code: 1 }))", r#"{"name":null,"message":"{ code: 1 }","value":{"code":1}}"#, vec![]),
        ("fail(() => 'text')", r#"{"name":null,"message":"\"text\"","value":"text"}"#, vec![]),
        ("fail(() => undefined)", r#"{"name":null,"message":"undefined"}"#, vec![]),
        ("fail(() => new Map)", r#"{"name":null,"message":"Map(0) {}"}"#, vec![]),
        ("fail(() => Symbol('s'))", r#"{"name":null,"message":"Symbol(s)"}"#, vec![]),
    ] {
        let found = details(&mut js, source);
        assert!(
            found.starts_with(start) && rest.iter().all(|part| found.contains(part)),
            "{source}: {found}"
        );
    }
}

// Case 24.
#[test]
fn details_of_hostile_errors_are_bounded_and_json() {
    let mut js = engine();
    // What is read back is JSON.
    load(&mut js, "const parsed = text => (JSON.parse(text), text.length)").unwrap();
    for source in [
        "const e = new Error('loop'); e.cause = e; e.errors = [e, e]; throw e",
        "let e = new Error('deep'); for (let i = 0; i < 100; i++) e = new Error('e' + i, { cause: e }); throw e",
        "throw new AggregateError(Array.from({ length: 10000 }, (_, i) => new Error('x'.repeat(1000) + i)))",
        "const e = new AggregateError([]); e.errors = Array(1e9).fill(e); throw e",
        "throw new Error('ä\\u0001\"'.repeat(1_000_000))",
        "throw Object.defineProperties(new Error('m'), { cause: { get() { throw 1 } }, errors: { get() { throw 2 } }, code: { get() { throw 3 } } })",
        "throw Object.assign(new Error('m'), { cause: new Proxy({}, { get() { throw 1 }, ownKeys() { throw 2 } }) })",
        "throw Object.assign(new Error('m'), { cause: { get x() { throw 1 } }, errors: [new Proxy([], {}), new Map, () => 1] })",
        "throw Object.assign(new Error('m'), { cause: 'c'.repeat(1_000_000), code: 'c'.repeat(100_000) })",
        "throw new Error('m', { cause: Array.from({ length: 100_000 }, (_, i) => i) })",
        "throw { a: 'v'.repeat(200_000) }",
    ] {
        let result = eval(&mut js, &format!("{{ {source} }}"));
        let Err(error) = result else { panic!("{source} throws") };
        // One of them uses the heap up.
        let found = error.details().expect("details");
        assert!(found.len() <= 64 << 10, "{source}: {} bytes", found.len());
        let argument = format!("[{}]", quoted(found));
        call(&mut js, "parsed", &argument).unwrap_or_else(|error| panic!("{source}: {error}: {found}"));
    }
    let long = details(&mut js, "throw new Error('l'.repeat(10_000))");
    assert!(long.contains(&"l".repeat(10_000)), "{} bytes", long.len());
    let limit = CallOptions::new().timeout(Duration::from_millis(100));
    let endless = "throw Object.defineProperty(new Error('m'), 'cause', { get() { for (;;) {} } })";
    let result: libhyperlight::Result<String> = js.call_with(&limit, "eval", (endless,));
    fails_with(ErrorCode::Timeout, result);
}

/// A text as a JSON string.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c => out.push(c),
        }
    }
    out + "\""
}

// Cases 30 and 31.
#[test]
fn the_error_that_is_thrown_again_is_the_one_that_the_caller_gets() {
    let mut host = javascript::uninitialized();
    host.register("f", |n: i32| Err::<i32, _>(format!("no {n}"))).unwrap();
    let mut js = host.evolve().unwrap();
    load(&mut js, "function caught(n) { try { host.f(n) } catch (e) { return e } }").unwrap();
    let source = "const [first, second] = [caught(1), caught(2)]; caught(3); throw first";
    let error = fails_with(ErrorCode::HostFunction, eval(&mut js, source));
    assert!(error.message().contains("no 1"), "{error}");
    let error = throws(&mut js, "caught(1); throw new Error('unrelated')");
    assert!(std::error::Error::source(&error).is_none(), "{error:?}");
    let error = throws(
        &mut js,
        "const a = caught(4); caught(5); throw new Error('related', { cause: new Error('between', { cause: a }) })",
    );
    let source = std::error::Error::source(&error).expect("a cause").to_string();
    assert!(source.contains("no 4"), "{source}");
    let many = "const all = []; for (let i = 0; i < 60; i++) all.push(caught(i)); throw all[0]";
    let error = fails_with(ErrorCode::HostFunction, eval(&mut js, many));
    assert!(error.message().contains("no 0"), "{error}");
}
