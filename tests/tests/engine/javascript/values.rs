//! Values that can be passed as JSON, and those that cannot: views of buffers that change their size, objects that JSON
//! would lose, numbers and nesting up to the bounds that host and guest share.
#![expect(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

use std::sync::{Arc, Mutex};

use libhyperlight::{ErrorCode, Sandbox, State};
use libhyperlight_tests::fails_with;
use libhyperlight_tests::javascript::{call, engine, eval, gives, load, throws, uninitialized};

/// Levels of arrays and objects that cross the wall.
const DEPTH: usize = 512;

/// The digits of the largest whole numbers that cross the wall, which are below 2^65536.
const DIGITS: usize = 19_729;

fn with_host() -> Sandbox {
    let mut host = uninitialized();
    host.register("json:echo", |text: String| text).unwrap();
    host.register("json:first", |text: String| text[1..text.len() - 1].to_owned()).unwrap();
    host.register("bytes", |bytes: Vec<u8>| bytes).unwrap();
    host.evolve().unwrap()
}

/// Confirms that a source is an error of the library's own for what is too large, which leaves the sandbox ready.
#[track_caller]
fn too_large(js: &mut Sandbox, result: libhyperlight::Result<String>, expected: &str) {
    let error = fails_with(ErrorCode::TooLarge, result);
    assert!(error.message().contains(expected), "{error}");
    assert_eq!(js.state(), State::Ready);
    gives(js, "6 * 7", "42");
}

// Case 3.
#[test]
fn a_view_has_the_bytes_that_its_buffer_has_now() {
    let mut js = with_host();
    for (source, expected) in [
        (
            "let b = new ArrayBuffer(2, { maxByteLength: 8 }), u = new Uint8Array(b); b.resize(4); u",
            r#"{"$bytes":"AAAAAA=="}"#,
        ),
        ("b.resize(1); u", r#"{"$bytes":"AA=="}"#),
        ("host.bytes(u)", r#"{"$bytes":"AA=="}"#),
        ("b.resize(8); host.bytes(u).length", "8"),
        ("new Uint8Array(b, 6)", r#"{"$bytes":"AAA="}"#),
        ("crypto.getRandomValues(u).length", "8"),
        ("new TextEncoder().encodeInto('abcdefghij', u).written", "8"),
        ("new TextDecoder().decode(u)", "\"abcdefgh\""),
        ("new TextDecoder().decode(new DataView(b, 6))", "\"gh\""),
        (
            "b.resize(0); [host.bytes(u).length, new TextEncoder().encodeInto('a', u).written, new TextDecoder().decode(u)]",
            r#"[0,0,""]"#,
        ),
        ("let w = new Uint16Array(b); b.resize(5); crypto.getRandomValues(w).length", "2"),
        ("b.resize(5); u.fill(0); new DataView(b, 1)", r#"{"$bytes":"AAAAAA=="}"#),
        ("const tail = new DataView(b, 1); b.resize(2); tail.setUint8(0, 255); tail", r#"{"$bytes":"/w=="}"#),
    ] {
        gives(&mut js, source, expected);
    }
    load(
        &mut js,
        "const small = new ArrayBuffer(8, { maxByteLength: 8 }), fixed = new Uint8Array(small, 4, 4), view = new DataView(small, 4, 4);
        small.resize(6);
        const gone = new Uint8Array(4), taken = gone.buffer.transfer();
        const frozen = new Uint8Array(new ArrayBuffer(4).transferToImmutable?.() ?? gone.buffer);",
    )
    .unwrap();
    for view in ["fixed", "view", "gone", "gone.buffer"] {
        for source in ["V", "[V]", "host.echo(V)", "host.bytes(V)", "new TextDecoder().decode(V)"] {
            let error = throws(&mut js, &source.replace('V', view));
            assert!(error.message().starts_with("TypeError"), "{source} of {view}: {error}");
        }
    }
    for view in ["fixed", "gone", "frozen"] {
        for source in ["crypto.getRandomValues(V)", "new TextEncoder().encodeInto('a', V)"] {
            let error = throws(&mut js, &source.replace('V', view));
            assert!(error.message().starts_with("TypeError"), "{source} of {view}: {error}");
        }
    }
}

// Case 4.
#[test]
fn what_has_a_then_is_awaited() {
    let mut js = engine();
    for (source, expected) in [
        ("({ then(r) { r(7) } })", "7"),
        ("({ then(r) { r({ then(r) { r(8) } }) } })", "8"),
        ("({ then(r) { Promise.resolve(9).then(r) } })", "9"),
        ("({ then: 1 })", r#"{"then":1}"#),
        ("let reads = 0; ({ get then() { if (reads++) throw 'twice'; return r => r(reads) } })", "1"),
        ("(async () => ({ then(r) { r(10) } }))()", "10"),
    ] {
        gives(&mut js, source, expected);
    }
    load(&mut js, "function later(x) { return { then(r) { r(x + 1) } } }").unwrap();
    assert_eq!(call(&mut js, "later", "[1]").unwrap(), "2");
    for (source, expected) in [
        ("({ then(_, reject) { reject(new RangeError('no')) } })", "RangeError: no"),
        ("({ then() { throw new RangeError('thrown') } })", "RangeError: thrown"),
        ("({ get then() { throw new RangeError('getter') } })", "RangeError: getter"),
    ] {
        let error = throws(&mut js, source);
        assert!(error.message().starts_with(expected), "{source}: {error}");
    }
    let never = fails_with(ErrorCode::GuestError, eval(&mut js, "({ then() {} })"));
    assert!(never.message().contains("still pending"), "{never}");
}

// Cases 5 and 12.
#[test]
fn what_json_would_lose_is_refused_by_its_kind() {
    let mut js = with_host();
    for (value, kind) in [
        ("new Map([[1, 2]])", "a Map"),
        ("new Set([1])", "a Set"),
        ("new WeakMap", "a WeakMap"),
        ("new Error('x')", "an Error"),
        ("new RangeError('x')", "an Error"),
        ("/x/g", "a RegExp"),
        ("new Float64Array(2)", "a Float64Array"),
        ("new Int8Array(2)", "an Int8Array"),
        ("new Uint16Array(2)", "a Uint16Array"),
        ("Promise.resolve(1)", "a Promise"),
        ("[].values()", "an Array Iterator"),
        ("(function* () {})()", "a Generator"),
        ("Object(1n)", "a BigInt object"),
        ("Object(Symbol())", "a Symbol object"),
        ("new WeakRef({})", "a WeakRef"),
        ("new DOMException('x')", "a DOMException"),
        ("host", "the object `host`"),
    ] {
        for (source, place) in [
            ("[1, { a: V }]", " at [1].a: "),
            ("host.echo(V)", " at [0]: "),
            ("host.echo(1, [V])", " at [1][0]: "),
        ] {
            let error = throws(&mut js, &source.replace('V', value));
            assert!(error.message().starts_with("TypeError: the "), "{source} of {value}: {error}");
            assert!(
                error.message().contains(&format!(" has {kind}{place}only plain ")),
                "{source} of {value}: {error}"
            );
        }
        if !kind.ends_with("Promise") {
            let error = throws(&mut js, &format!("({value})"));
            assert!(
                error.message().contains(&format!("the result has {kind}: only plain ")),
                "{value}: {error}"
            );
        }
    }
    for (source, expected) in [
        ("new Uint8ClampedArray([1, 300])", r#"{"$bytes":"Af8="}"#),
        ("new DataView(new Uint8Array([1, 2, 3]).buffer, 1)", r#"{"$bytes":"AgM="}"#),
        ("new Uint8Array([1]).buffer", r#"{"$bytes":"AQ=="}"#),
        ("host.bytes(new DataView(new ArrayBuffer(1)))", r#"{"$bytes":"AA=="}"#),
        ("new Date(0)", "\"1970-01-01T00:00:00.000Z\""),
        ("[Object(1), Object('x'), Object(false)]", r#"[1,"x",false]"#),
        ("new (class Point { x = 1; #y = 2 })", r#"{"x":1}"#),
        ("new (class extends Map { toJSON() { return [...this] } })([[1, 2]])", "[[1,2]]"),
        ("Object.assign(Object.create(null), { a: 1 })", r#"{"a":1}"#),
        ("new Proxy({ a: [1] }, {})", r#"{"a":[1]}"#),
        ("(function () { return arguments })(1)", r#"{"0":1}"#),
        ("JSON.rawJSON('1.50')", "1.50"),
        (
            "async function f() { return 'host stays what it is' } host.then === undefined && host.toJSON === undefined && f()",
            "\"host stays what it is\"",
        ),
    ] {
        gives(&mut js, source, expected);
    }
}

#[test]
fn a_result_is_what_json_stringify_gives() {
    let shown = Arc::new(Mutex::new(String::new()));
    let show = Arc::clone(&shown);
    let mut host = uninitialized();
    host.register("show", move |text: String| *show.lock().unwrap() = text).unwrap();
    let mut js = host.evolve().unwrap();
    for source in [
        "[undefined, () => 1, Symbol(), null, 1e21, 1e-7, -1.5, 123456789012, true]",
        "({ a: undefined, b: () => 1, 2: 1, 1: 2, 'q\"\\\\\\n\\u0001\\b\\f\\r\\t\\u007f\\u2028': '\\ud800x\\udc00\\ud83d\\ude00é한' })",
        "({ toJSON(key) { return [key, this === undefined] } })",
        "({ a: { toJSON: key => key }, b: [{ toJSON: key => key }] })",
        "[[], {}, [[]], [{}], { a: [] }]",
        "Object.create({ inherited: 1 }, { hidden: { value: 1 }, shown: { value: 2, enumerable: true } })",
        "[new Date(NaN), Object('text'), Object(2)]",
        "Array.from({ length: 300 }, (_, i) => ({ i, list: [i / 3, String(i)] }))",
        "new Proxy([1, [2]], {})",
        "({ __proto__: null, ['__proto__']: 1 })",
    ] {
        eval(&mut js, &format!("host.show(JSON.stringify({source}))")).unwrap();
        let expected = shown.lock().unwrap().clone();
        gives(&mut js, source, &expected);
    }
    let error = throws(&mut js, "const o = { a: [] }; o.a.push(o); o");
    assert!(error.message().starts_with("TypeError: circular reference"), "{error}");
}

// Case 10.
#[test]
fn keys_are_counted_as_json_leaves_them() {
    let mut js = engine();
    for (source, expected) in [
        (r#"({ "$bytes": "AAAA", "x": undefined })"#, r#"{"$$bytes":"AAAA"}"#),
        (r#"({ "x": () => 1, "$bytes": "AAAA", "y": Symbol() })"#, r#"{"$$bytes":"AAAA"}"#),
        (r#"({ "$a": 1, "x": { toJSON() {} } })"#, r#"{"$$a":1}"#),
        (
            r#"({ "$a": undefined, "$b": { "$c": [{ "$d": 1 }, { "$e": 1, "f": 2 }] } })"#,
            r#"{"$$b":{"$$c":[{"$$d":1},{"$e":1,"f":2}]}}"#,
        ),
        (r#"({ "$a": 1, "b": 2 })"#, r#"{"$a":1,"b":2}"#),
        (r#"({ "$a": undefined })"#, "{}"),
        (r#"({ "$": 0 })"#, r#"{"$$":0}"#),
    ] {
        gives(&mut js, source, expected);
    }
    load(&mut js, "const same = x => x, shown = x => JSON.stringify(x)").unwrap();
    for text in [r#"{"$$bytes":"AAAA"}"#, r#"{"$$$$":{"$$bigint":"x"}}"#, r#"[{"$a":1,"$b":{"$$number":1}}]"#]
    {
        assert_eq!(call(&mut js, "same", &format!("[{text}]")).unwrap(), text);
    }
    assert_eq!(call(&mut js, "shown", r#"[{"$$bytes":"AAAA"}]"#).unwrap(), r#""{\"$bytes\":\"AAAA\"}""#);
}

// Case 8.
#[test]
fn whole_numbers_cross_up_to_one_bound() {
    let mut js = with_host();
    load(&mut js, "const same = x => x, largest = 2n ** 65536n - 1n").unwrap();
    let power = eval(&mut js, "10n ** 6000n").unwrap();
    assert_eq!(power, format!(r#"{{"$bigint":"1{}"}}"#, "0".repeat(6000)));
    assert_eq!(call(&mut js, "same", &format!("[{power}]")).unwrap(), power);
    for source in ["largest", "-largest"] {
        let json = eval(&mut js, source).unwrap();
        assert_eq!(json.bytes().filter(u8::is_ascii_digit).count(), DIGITS);
        assert_eq!(call(&mut js, "same", &format!("[{json}]")).unwrap(), json);
        gives(&mut js, &format!("host.first({source}) === {source}"), "true");
    }
    let too_many = "a bigint of more than 65536 bits";
    for source in ["largest + 1n", "[-largest - 1n]", "2n ** 1000000n"] {
        let result = eval(&mut js, source);
        too_large(&mut js, result, too_many);
        let error = throws(&mut js, &format!("host.first({source})"));
        assert!(error.message().starts_with("RangeError") && error.message().contains(too_many), "{error}");
    }
    for digits in ["9".repeat(DIGITS), "1".repeat(DIGITS + 1), "1".repeat(200_000)] {
        let result = call(&mut js, "same", &format!(r#"[{{"$bigint":"{digits}"}}]"#));
        too_large(&mut js, result, too_many);
    }
    let zeros = format!(r#"[{{"$bigint":"-{}7"}}]"#, "0".repeat(30_000));
    assert_eq!(call(&mut js, "same", &zeros).unwrap(), r#"{"$bigint":"-7"}"#);
}

// Case 9.
#[test]
fn values_nest_up_to_one_bound_in_both_directions() {
    let mut js = with_host();
    load(
        &mut js,
        "const same = x => x; function nest(levels, leaf) { let v = leaf; while (levels--) v = levels % 2 ? [v] : { a: v }; return v }",
    )
    .unwrap();
    for leaf in ["1", "new Uint8Array(1)", "({ $bytes: 1 })"] {
        let levels = if leaf.contains('$') { DEPTH - 1 } else { DEPTH };
        let json = eval(&mut js, &format!("nest({levels}, {leaf})")).unwrap();
        assert_eq!(call(&mut js, "same", &format!("[{json}]")).unwrap(), json);
        assert_eq!(eval(&mut js, &format!("host.first(nest({levels}, {leaf}))")).unwrap(), json);
        let too_deep = format!("nest({}, {leaf})", levels + 1);
        let result = eval(&mut js, &too_deep);
        too_large(&mut js, result, "the result has more than 512 levels");
        let error = throws(&mut js, &format!("host.first({too_deep})"));
        assert!(
            error.message().starts_with("RangeError: the list of arguments has more than 512 levels"),
            "{error}"
        );
    }
    for text in ["[".repeat(600) + &"]".repeat(600), "[".repeat(100_000), r#"[{"a":"#.repeat(30_000) + "1"] {
        let result = call(&mut js, "same", &text);
        too_large(&mut js, result, "the list of arguments has more than 512 levels");
    }
    let brackets = format!(r#"["{}\"[[[{}"]"#, "[".repeat(1000), "{".repeat(1000));
    call(&mut js, "same", &brackets).unwrap();
}
