//! Calls from scripts to the host: kinds of values, unsuitable values, and failures.
#![expect(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use libhyperlight::{ErrorCode, Sandbox, SandboxOptions, UninitializedSandbox};
use libhyperlight_tests::javascript::{eval, gives, javascript, throws, uninitialized};
use libhyperlight_tests::{clones, fails_with, uninitialized_with};

fn with(register: impl FnOnce(&mut UninitializedSandbox)) -> Sandbox {
    let mut host = uninitialized();
    register(&mut host);
    host.evolve().unwrap()
}

fn echoing() -> Sandbox {
    with(|host| {
        host.register("bool", |x: bool| x).unwrap();
        host.register("i32", |x: i32| x).unwrap();
        host.register("u32", |x: u32| x).unwrap();
        host.register("i64", |x: i64| x).unwrap();
        host.register("u64", |x: u64| x).unwrap();
        host.register("f32", |x: f32| x).unwrap();
        host.register("f64", |x: f64| x).unwrap();
        host.register("string", |x: String| x).unwrap();
        host.register("bytes", |x: Vec<u8>| x).unwrap();
        host.register("nothing", || ()).unwrap();
        host.register("add", |a: i32, b: f64, c: String| format!("{a} {b} {c}")).unwrap();
    })
}

#[test]
fn every_kind_of_value_goes_to_the_host_and_back() {
    let mut js = echoing();
    for (source, expected) in [
        ("host.bool(true)", "true"),
        ("host.i32(-2147483648)", "-2147483648"),
        ("host.u32(4294967295)", "4294967295"),
        ("host.i64(-9007199254740991)", r#"{"$bigint":"-9007199254740991"}"#),
        ("host.i64(-9223372036854775808n)", r#"{"$bigint":"-9223372036854775808"}"#),
        ("host.u64(18446744073709551615n)", r#"{"$bigint":"18446744073709551615"}"#),
        ("host.u64(7)", r#"{"$bigint":"7"}"#),
        ("host.f32(0.5)", "0.5"),
        ("host.f32(Infinity)", r#"{"$number":"Infinity"}"#),
        ("host.f64(-0)", r#"{"$number":"-0"}"#),
        ("host.f64(NaN)", r#"{"$number":"NaN"}"#),
        ("host.string('grüße\\0😀')", "\"grüße\\u0000😀\""),
        ("host.string('a\\udc00')", "\"a\u{fffd}\""),
        ("host.bytes(new Uint8Array([0, 255]))", r#"{"$bytes":"AP8="}"#),
        ("host.bytes(new Uint8Array([1, 2, 3]).buffer)", r#"{"$bytes":"AQID"}"#),
        ("host.bytes(new Uint8Array([1, 2, 3]).subarray(1))", r#"{"$bytes":"AgM="}"#),
        ("host.nothing()", ""),
        ("host.add(1, 2.5, 'x')", "\"1 2.5 x\""),
        ("typeof host.i64(1)", "\"bigint\""),
        ("host.bytes(new Uint8Array(2)) instanceof Uint8Array", "true"),
    ] {
        gives(&mut js, source, expected);
    }
}

#[test]
fn what_does_not_fit_is_refused_before_it_leaves() {
    let mut js = echoing();
    for (source, expected) in [
        ("host.i32(1.5)", "RangeError: argument 1 of host.i32 must be a whole number of 32 bits"),
        ("host.i32(2147483648)", "RangeError"),
        ("host.i32(NaN)", "RangeError"),
        ("host.i32('1')", "TypeError: argument 1 of host.i32 must be"),
        ("host.i32(1n)", "TypeError"),
        ("host.u32(-1)", "RangeError"),
        ("host.i64(9007199254740992)", "RangeError"),
        ("host.i64(9223372036854775808n)", "RangeError"),
        ("host.u64(-1n)", "RangeError"),
        ("host.u64(0.5)", "RangeError"),
        ("host.f32(1e300)", "RangeError: argument 1 of host.f32 must be a number"),
        ("host.f64('1')", "TypeError"),
        ("host.bool(1)", "TypeError: argument 1 of host.bool must be a boolean"),
        ("host.string(1)", "TypeError"),
        ("host.string(new String('x'))", "TypeError"),
        ("host.bytes([1, 2])", "TypeError"),
        ("host.bytes(new Float32Array(1))", "TypeError"),
        ("const gone = new Uint8Array(4); gone.buffer.transfer(); host.bytes(gone)", "TypeError"),
        ("host.add(1, 2)", "TypeError: host.add takes 3 arguments, not 2"),
        ("host.nothing(1)", "TypeError: host.nothing takes 0 arguments, not 1"),
        ("host.missing(1)", "TypeError: the host has no function missing"),
        ("host['']()", "TypeError: the host has no function"),
        ("host.x = 1", "TypeError: host.x belongs to the host"),
        ("'use strict'; delete host.i32", "TypeError"),
    ] {
        let error = throws(&mut js, source);
        assert!(error.message().starts_with(expected), "{source}: {error}");
    }
    gives(
        &mut js,
        "['i32' in host, 'missing' in host, typeof host.missing, Object.keys(host)]",
        r#"[true,false,"function",[]]"#,
    );
    gives(&mut js, "host.i32 === host.i32 && host.i32.name", "\"i32\"");
}

#[test]
fn functions_without_a_signature_take_and_return_json() {
    let mut js = with(|host| {
        host.register("json:echo", |text: String| text).unwrap();
        host.register("json:nothing", |_: String| String::new()).unwrap();
        host.register("json:broken", |_: String| String::from("{")).unwrap();
        host.register("json:typed", |_: i32| String::new()).unwrap();
        host.register("both", |x: i32| x + 1).unwrap();
        host.register("json:both", |_: String| String::from("\"json\"")).unwrap();
    });
    gives(&mut js, "host.echo(1, { a: [null, 'x'] }, undefined)", r#"[1,{"a":[null,"x"]},null]"#);
    gives(
        &mut js,
        "host.echo(1n, new Uint8Array([1]), NaN)",
        r#"[{"$bigint":"1"},{"$bytes":"AQ=="},{"$number":"NaN"}]"#,
    );
    gives(&mut js, "host.echo(new Uint8Array([1]))[0] instanceof Uint8Array", "true");
    gives(&mut js, "host.nothing({})", "");
    gives(&mut js, "host.both(1)", "2");
    assert!(throws(&mut js, "host.broken()").message().starts_with("SyntaxError"));
    assert!(throws(&mut js, "const o = {}; o.o = o; host.echo(o)").message().starts_with("TypeError"));
    assert!(
        throws(&mut js, "host.typed(1)").message().starts_with("TypeError: the host has no function typed")
    );
}

#[test]
fn the_host_is_asked_once_for_a_signature() {
    let calls = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&calls);
    // Were it asked each time, the limit would be passed.
    let mut host = uninitialized_with(&javascript(), SandboxOptions::new().max_host_calls(100));
    host.register("tick", move || {
        count.fetch_add(1, Ordering::SeqCst);
    })
    .unwrap();
    let mut js = host.evolve().unwrap();
    eval(&mut js, "host.tick()").unwrap();
    eval(&mut js, "for (let i = 0; i < 100; i++) host.tick()").unwrap();
    assert_eq!(calls.load(Ordering::SeqCst), 101);
}

#[test]
fn a_host_functions_failure_reaches_the_caller_as_it_was_unless_a_script_catches_it() {
    let mut js = with(|host| {
        host.register("fail", |what: String| Err::<i32, _>(what)).unwrap();
    });
    for source in [
        "host.fail('no paper')",
        "(async () => { await null; host.fail('no paper') })()",
        "try { host.fail('no paper') } catch (e) { throw e }",
        "try { host.fail('first') } catch {} host.fail('no paper')",
    ] {
        let error = fails_with(ErrorCode::HostFunction, eval(&mut js, source));
        assert_eq!(error.message(), "no paper", "{source}");
    }
    gives(
        &mut js,
        "try { host.fail('no paper') } catch (e) { [e instanceof Error, e.name, e.message, e.code, e.stack.includes('eval')] }",
        &format!(r#"[true,"HostError","no paper",{},true]"#, ErrorCode::HostFunction as i32),
    );
    // Another error that tells of it is the script's own.
    let error = throws(
        &mut js,
        "try { host.fail('no paper') } catch (e) { throw new Error('while printing: ' + e.message) }",
    );
    assert!(error.message().starts_with("Error: while printing: no paper"), "{error}");
    // Longer than the engine's own messages.
    let error = fails_with(ErrorCode::HostFunction, eval(&mut js, "host.fail('x'.repeat(2000))"));
    assert_eq!(error.message().len(), 2000);
    gives(&mut js, "let kept; try { host.fail('old') } catch (e) { kept = e } 1", "1");
    let error = throws(&mut js, "throw kept");
    assert!(error.message().starts_with("HostError: old"), "a failure of an earlier call: {error}");
}

#[test]
fn a_snapshot_goes_on_with_another_host_that_may_have_more() {
    let mut first = with(|host| {
        host.register("f", |x: i32| x + 1).unwrap();
    });
    gives(&mut first, "host.f(1)", "2");
    throws(&mut first, "host.g()");
    let snapshot = first.snapshot().unwrap();
    let mut host = clones::of(&snapshot);
    host.register("f", |x: i32| x + 100).unwrap();
    host.register("g", || 3).unwrap();
    let mut second = host.evolve().unwrap();
    gives(&mut second, "host.f(1) + host.g()", "104");
}

#[test]
fn what_the_guest_asks_about_a_host_function_is_no_call_of_it() {
    let mut host = uninitialized_with(&javascript(), SandboxOptions::new().max_host_calls(1));
    host.register("one", || 1).unwrap();
    let mut js = host.evolve().unwrap();
    gives(&mut js, "host.one()", "1");
    let error = fails_with(ErrorCode::HostFunction, eval(&mut js, "host.one() + host.one()"));
    assert_eq!(error.message(), "the call has made as many host calls as max_host_calls allows");
}
