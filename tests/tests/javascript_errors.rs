//! What a caller is told when a script fails, and what a script can do about it.

use hyperlight::{ErrorCode, PayloadAccess, State};
use hyperlight_tests::javascript::{UNSETTLED, call, engine, eval, gives, javascript, load, loaded, throws};
use hyperlight_tests::{fails_with, uninitialized};

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
