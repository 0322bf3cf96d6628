//! The language of scripts: syntax, modules, promises, and the platform's objects.

use libhyperlight::ErrorCode;
use libhyperlight_tests::fails_with;
use libhyperlight_tests::javascript::{call, engine, eval, gives, load, loaded, throws};

#[test]
fn the_language_is_that_of_2023() {
    let mut js = engine();
    for (source, expected) in [
        ("[3, 1, 2].toSorted()", "[1,2,3]"),
        ("[1, 2, 3].findLast(x => x < 3)", "2"),
        ("[1, 2, 3].with(1, 9).toReversed()", "[3,9,1]"),
        ("Object.groupBy([1, 2, 3], x => x % 2 ? 'odd' : 'even')", r#"{"odd":[1,3],"even":[2]}"#),
        (
            "class A { #x = 1; static { A.y = 2 } get x() { return this.#x } static has(o) { return #x in o } } [new A().x, A.y, A.has(new A())]",
            "[1,2,true]",
        ),
        ("'a-b'.replaceAll('-', '+') + 'x'.at(-1) + ('b' ?? 'c')", "\"a+bxb\""),
        ("/(?<year>\\d{4})-(?<month>\\d\\d)/d.exec('on 2023-05').indices.groups.year", "[3,7]"),
        ("/(?<=\\$)\\d+/u.exec('$42')[0]", "\"42\""),
        ("[...'a😀b'].length", "3"),
        ("(() => { const { a, ...rest } = { a: 1, b: 2, c: 3 }; return rest })()", r#"{"b":2,"c":3}"#),
        ("function* g() { yield 1; yield* [2, 3] } [...g()]", "[1,2,3]"),
        ("2n ** 100n", r#"{"$bigint":"1267650600228229401496703205376"}"#),
        ("new Map([[1, 2]]).get(1) + new Set([1, 1]).size", "3"),
        ("0.1 + 0.2", "0.30000000000000004"),
        ("(1234.5678).toFixed(2) + (255).toString(16) + (1e21).toString()", "\"1234.57ff1e+21\""),
        ("parseFloat('3.25e2') + Number('0x10')", "341"),
        ("new Date(Date.UTC(2024, 1, 29, 12)).toISOString()", "\"2024-02-29T12:00:00.000Z\""),
        ("new Date(2024, 0, 1).getTimezoneOffset()", "0"),
        (
            "[typeof globalThis, typeof WeakRef, typeof structuredClone]",
            r#"["object","function","undefined"]"#,
        ),
        (
            "label: for (let i = 0; ; i++) { for (;;) { if (i == 3) break label; continue label } } 'out'",
            "\"out\"",
        ),
        ("eval('1 + 1') + new Function('a', 'return a * 2')(4)", "10"),
        ("atob(btoa('hello'))", "\"hello\""),
    ] {
        gives(&mut js, source, expected);
    }
}

#[test]
fn mathematics_is_as_exact_as_the_c_library() {
    let mut js = engine();
    for (source, expected) in [
        ("Math.sqrt(2)", std::f64::consts::SQRT_2),
        ("Math.atan2(1, 1) * 4", std::f64::consts::PI),
        ("Math.exp(1)", std::f64::consts::E),
        ("Math.pow(2, 0.5)", std::f64::consts::SQRT_2),
        ("Math.hypot(3, 4)", 5.0),
        ("Math.cbrt(27)", 3.0),
        ("Math.fround(5.5)", 5.5),
        ("5.5 % 2", 1.5),
    ] {
        let found: f64 = eval(&mut js, source).unwrap().parse().unwrap();
        assert!((found - expected).abs() <= f64::EPSILON * expected, "{source}: {found}");
    }
}

#[test]
fn scripts_share_the_global_scope() {
    let mut js = loaded("var a = 1; let b = 2; const c = 3; function f() { return a + b + c }");
    gives(&mut js, "f() + a + b + c", "12");
    assert_eq!(call(&mut js, "f", "[]").unwrap(), "6");
    load(&mut js, "b = 10").unwrap();
    assert_eq!(call(&mut js, "f", "").unwrap(), "14");
}

#[test]
fn functions_are_found_wherever_a_script_keeps_them() {
    let mut js = loaded(
        "const arrow = x => x + 1; class Tool { static name2() { return this === Tool } }
         globalThis['odd name'] = () => 'odd'; const deep = { a: { b() { return this === deep.a } } };
         async function later(x) { await null; return [x] } let nothing;",
    );
    for (name, arguments, expected) in [
        ("arrow", "[41]", "42"),
        ("Tool.name2", "[]", "true"),
        ("odd name", "[]", "\"odd\""),
        ("deep.a.b", "[]", "true"),
        ("later", "[{\"x\": 1}]", "[{\"x\":1}]"),
        ("Math.max", "[1, 7, 3]", "7"),
        ("JSON.stringify", "[[1]]", "\"[1]\""),
    ] {
        assert_eq!(call(&mut js, name, arguments).unwrap(), expected, "{name}");
    }
    for name in
        ["nothing", "missing", "deep.a.c", "deep.x.y", "", ".", "class", "1a", "a;b", "deep.a", "toString.x"]
    {
        let error = fails_with(ErrorCode::FunctionNotFound, call(&mut js, name, "[]"));
        assert_eq!(error.guest_code(), ErrorCode::FunctionNotFound as i32, "{name}: {error}");
        assert_eq!(
            error.message(),
            format!("the script has no function `{name}`, neither exported by a module nor global")
        );
    }
}

#[test]
fn what_has_no_json_is_nothing() {
    let mut js = loaded("function f(x) { return x }");
    for source in ["undefined", "() => 1", "Symbol('x')", ""] {
        gives(&mut js, source, "");
    }
    assert_eq!(call(&mut js, "f", "[]").unwrap(), "");
    gives(&mut js, "[undefined, { a: undefined }]", "[null,{}]");
    gives(&mut js, "null", "null");
}

#[test]
fn values_come_back_as_they_were_sent() {
    let mut js =
        loaded("function same(x) { return x } function kind(x) { return Object.prototype.toString.call(x) }");
    for text in [
        "null",
        "true",
        "-1.5",
        "\"\"",
        "\"a\\u0000b\\n😀\"",
        "[]",
        "{}",
        "[[[1]]]",
        r#"{"a":{"b":[1,"x",null]}}"#,
        r#"{"$bytes":""}"#,
        r#"{"$bytes":"AP8="}"#,
        r#"{"$bytes":"AAECAwQFBgc="}"#,
        r#"{"$bigint":"0"}"#,
        r#"{"$bigint":"-9223372036854775808"}"#,
        r#"{"$bigint":"123456789012345678901234567890"}"#,
        r#"{"$number":"NaN"}"#,
        r#"{"$number":"Infinity"}"#,
        r#"{"$number":"-Infinity"}"#,
        r#"{"$number":"-0"}"#,
        r#"{"$$bytes":"AP8="}"#,
        r#"{"$$$x":1}"#,
        r#"{"$a":1,"$b":2}"#,
        r#"[{"$$number":{"$bigint":"1"}}]"#,
        r#"{"__proto__":{"x":1}}"#,
    ] {
        assert_eq!(call(&mut js, "same", &format!("[{text}]")).unwrap(), text);
    }
    for (text, kind) in [
        (r#"{"$bytes":"AP8="}"#, "[object Uint8Array]"),
        (r#"{"\u0024bytes":"AP8="}"#, "[object Uint8Array]"),
        (r#"{"$bigint":"7"}"#, "[object BigInt]"),
        (r#"{"$number":"NaN"}"#, "[object Number]"),
        (r#"{"$$bytes":"AP8="}"#, "[object Object]"),
    ] {
        assert_eq!(call(&mut js, "kind", &format!("[{text}]")).unwrap(), format!("\"{kind}\""), "{text}");
    }
    gives(&mut js, "new Uint8Array([1, 2, 3, 4]).subarray(1, 3).buffer", r#"{"$bytes":"AQIDBA=="}"#);
    gives(&mut js, "new Uint8Array([1, 2, 3, 4]).subarray(1, 3)", r#"{"$bytes":"AgM="}"#);
    gives(&mut js, "new Date(0)", "\"1970-01-01T00:00:00.000Z\"");
    gives(&mut js, "'\\ud800'", "\"\\ud800\"");
}

#[test]
fn arguments_that_are_no_json_array_are_refused() {
    let mut js = loaded("function f() { return 1 }");
    for text in [
        "{}",
        "1",
        "[1",
        "[1]x",
        "null",
        r#"[{"$bytes":"?"}]"#,
        r#"[{"$bigint":"1.5"}]"#,
        r#"[{"$number":"1"}]"#,
    ] {
        let error = fails_with(ErrorCode::GuestError, call(&mut js, "f", text));
        assert_eq!(error.guest_code(), ErrorCode::InvalidArgument as i32, "{text}: {error}");
        assert!(error.message().starts_with("the arguments are not the JSON of an array"), "{error}");
    }
    assert_eq!(call(&mut js, "f", "[1, 2]").unwrap(), "1");
}

#[test]
fn a_module_is_one_by_what_it_says_and_its_exports_can_be_called() {
    let mut js = engine();
    load(&mut js, "export let n = 0; export function bump() { return ++n } const own = 1; export default () => 'default'").unwrap();
    assert_eq!(call(&mut js, "bump", "[]").unwrap(), "1");
    assert_eq!(call(&mut js, "bump", "[]").unwrap(), "2");
    assert_eq!(call(&mut js, "default", "[]").unwrap(), "\"default\"");
    gives(&mut js, "typeof own + typeof bump", "\"undefinedundefined\"");
    // The last one wins, and exports win over globals.
    load(&mut js, "function bump() { return 'global' }").unwrap();
    assert_eq!(call(&mut js, "bump", "[]").unwrap(), "3");
    js.call::<()>("load", ("other", "export const bump = () => 'other'")).unwrap();
    assert_eq!(call(&mut js, "bump", "[]").unwrap(), "\"other\"");
    load(&mut js, "export const bump = () => 'again'").unwrap();
    assert_eq!(call(&mut js, "bump", "[]").unwrap(), "\"again\"");
}

#[test]
fn modules_import_what_the_host_has_given() {
    let mut js = engine();
    let module =
        |js: &mut libhyperlight::Sandbox, name: &str, source: &str| js.call::<()>("module", (name, source));
    module(
        &mut js,
        "lib/a.js",
        "import { b } from './b.js'; export const a = () => 'a' + b(); export const url = import.meta.url",
    )
    .unwrap();
    module(&mut js, "lib/b.js", "import { c } from '../c.js'; export function b() { return 'b' + c }")
        .unwrap();
    module(&mut js, "c.js", "export const c = 'c'").unwrap();
    module(&mut js, "waits.js", "export const w = await Promise.resolve('w')").unwrap();
    module(&mut js, "bare", "export default 5").unwrap();
    load(&mut js, "import { a, url } from 'lib/a.js'; import five from 'bare'; export function all() { return [a(), url, five] }").unwrap();
    assert_eq!(call(&mut js, "all", "[]").unwrap(), r#"["abc","lib/a.js",5]"#);
    gives(&mut js, "import('bare').then(m => m.default)", "5");
    gives(&mut js, "(await import('lib/a.js')).a()", "\"abc\"");
    gives(&mut js, "(await import('waits.js')).w", "\"w\"");

    let error = throws(&mut js, "import('./nowhere.js')");
    assert!(error.message().starts_with("TypeError: there is no module `nowhere.js`"), "{error}");
    let error = fails_with(ErrorCode::GuestError, load(&mut js, "import 'fs'"));
    assert!(error.message().starts_with("TypeError: there is no module `fs`"), "{error}");
    let error = fails_with(ErrorCode::GuestError, module(&mut js, "bare", "export default 6"));
    assert_eq!(error.message(), "the module `bare` was imported already");
    // One that nobody has imported can still be changed.
    module(&mut js, "late", "syntax error").unwrap();
    module(&mut js, "late", "export default 7").unwrap();
    gives(&mut js, "(await import('late')).default", "7");
}

#[test]
fn a_module_may_be_json() {
    let mut js = engine();
    js.call::<()>("module", ("lib/prices.json", r#"{"apple": 3, "$bytes": "AAAA"}"#)).unwrap();
    js.call::<()>("module", ("broken.json", "{\n oops")).unwrap();
    js.call::<()>("module", ("plain.js", "export default 1")).unwrap();
    let source = "import prices from 'lib/prices.json' with { type: 'json' };
        import * as all from 'lib/prices.json' with { type: 'json' };
        export const price = name => [prices[name], all.default === prices, Object.keys(prices)]";
    load(&mut js, source).unwrap();
    assert_eq!(call(&mut js, "price", r#"["apple"]"#).unwrap(), r#"[3,true,["apple","$bytes"]]"#);
    gives(&mut js, "(await import('lib/prices.json', { with: { type: 'json' } })).default.apple", "3");
    for (source, message) in [
        ("import('broken.json', { with: { type: 'json' } })", "SyntaxError: "),
        (
            "import('plain.js', { with: { type: 'css' } })",
            "TypeError: there are no modules of the type \"css\"",
        ),
        ("import('plain.js', { with: { as: 'json' } })", "SyntaxError: there is no import attribute \"as\""),
        ("import('none.json', { with: { type: 'json' } })", "TypeError: there is no module `none.json`"),
    ] {
        let error = throws(&mut js, source);
        assert!(error.message().starts_with(message), "{source}: {error}");
        assert!(
            source.starts_with("import('plain") || error.message().contains(".json"),
            "{source}: {error}"
        );
    }
    gives(&mut js, "(await import('plain.js')).default", "1");
}

#[test]
fn promises_are_driven_to_their_end() {
    let mut js = loaded(
        "let log = []; async function f(n) { for (let i = 0; i < n; i++) await null; log.push(n); return log }",
    );
    assert_eq!(call(&mut js, "f", "[1000]").unwrap(), "[1000]");
    gives(&mut js, "Promise.all([1, Promise.resolve(2), (async () => 3)()])", "[1,2,3]");
    gives(&mut js, "await (async () => 4)()", "4");
    gives(&mut js, "const got = await Promise.race([new Promise(() => {}), 5]); got", "5");
    gives(
        &mut js,
        "let seen = []; for await (const x of (async function* () { yield 1; yield 2 })()) seen.push(x); seen",
        "[1,2]",
    );
    // What a script leaves to be done is done before the call returns.
    load(
        &mut js,
        "log = []; Promise.resolve().then(() => log.push('later')); queueMicrotask(() => log.push('too'))",
    )
    .unwrap();
    gives(&mut js, "log", r#"["later","too"]"#);
    // `await` may still be a name.
    gives(&mut js, "var await = 3; await + 1", "4");
}

#[test]
fn text_is_encoded_and_decoded() {
    let mut js = engine();
    for (source, expected) in [
        ("new TextEncoder().encode('grüße😀')", r#"{"$bytes":"Z3LDvMOfZfCfmIA="}"#),
        ("new TextEncoder().encode('a\\ud800b')", r#"{"$bytes":"Ye+/vWI="}"#),
        ("new TextEncoder().encodeInto('aä😀', new Uint8Array(4))", r#"{"read":2,"written":3}"#),
        ("new TextDecoder().decode(new Uint8Array([0xef, 0xbb, 0xbf, 0x61]))", "\"a\""),
        (
            "new TextDecoder('utf-8', { ignoreBOM: true }).decode(new Uint8Array([0xef, 0xbb, 0xbf, 0x61])).length",
            "2",
        ),
        (
            "new TextDecoder().decode(new Uint8Array([0x61, 0xff, 0x62, 0xe2, 0x82]))",
            "\"a\u{fffd}b\u{fffd}\"",
        ),
        (
            "new TextDecoder('utf-16le').decode(new Uint8Array([0x61, 0, 0x3d, 0xd8, 0x00, 0xde]).buffer)",
            "\"a😀\"",
        ),
        ("new TextDecoder().decode(new DataView(new Uint8Array([120, 97, 98]).buffer, 1))", "\"ab\""),
        (
            "const d = new TextDecoder(); [[0xf0, 0x9f], [0x98], [0x80, 0x61]].map(b => d.decode(new Uint8Array(b), { stream: true })).join('|') + d.decode()",
            "\"||😀a\"",
        ),
        (
            "new TextDecoder('utf-16be').decode(new Uint8Array([0, 0x61, 0xd8, 0x3d, 0xde, 0, 0xdc, 0]))",
            "\"a\u{1f600}\u{fffd}\"",
        ),
        (
            "const w = new TextDecoder('utf-16be'); [[0xfe], [0xff, 0], [0x61, 0xd8, 0x3d], [0xde, 0]].map(b => w.decode(new Uint8Array(b), { stream: true })).join('|') + w.decode()",
            "\"||a|\u{1f600}\"",
        ),
        (
            "new TextDecoder('latin1', { fatal: true }).decode(new Uint8Array([0x61, 0xe9, 0x80, 0x81, 0x9f]))",
            "\"a\u{e9}\u{20ac}\u{81}\u{178}\"",
        ),
        (
            "['ascii', 'ISO-8859-1', 'utf-16', 'UTF-16BE'].map(l => new TextDecoder(l).encoding).join()",
            "\"windows-1252,windows-1252,utf-16le,utf-16be\"",
        ),
        ("new TextDecoder(' UTF8 ').encoding + new TextEncoder().encoding", "\"utf-8utf-8\""),
    ] {
        gives(&mut js, source, expected);
    }
    for (source, expected) in [
        (
            "new TextDecoder('utf-8', { fatal: true }).decode(new Uint8Array([0xff]))",
            "TypeError: the bytes are not text of this encoding",
        ),
        ("new TextDecoder('ebcdic')", "RangeError: there is no decoder for ebcdic"),
        ("new TextDecoder().decode('text')", "TypeError: the bytes must be an ArrayBuffer or a view of one"),
        ("new TextEncoder().encodeInto('a', [])", "TypeError: the target must be a Uint8Array"),
    ] {
        let error = throws(&mut js, source);
        assert!(error.message().starts_with(expected), "{source}: {error}");
    }
}

#[test]
fn clocks_are_the_hosts() {
    let mut js = engine();
    let now = || {
        i64::try_from(std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis())
            .unwrap()
    };
    let before = now();
    let found: i64 = eval(&mut js, "Date.now()").unwrap().parse().unwrap();
    assert!((before - 1..=now() + 1).contains(&found), "{before} {found}");
    gives(&mut js, "const t = performance.now(); t >= 0 && performance.now() >= t", "true");
    gives(&mut js, "Math.abs(performance.timeOrigin + performance.now() - Date.now()) < 5000", "true");
}

#[test]
fn random_numbers_are_spread_and_fit_for_keys() {
    let mut js = engine();
    gives(
        &mut js,
        "const n = Array.from({ length: 10000 }, Math.random); n.every(x => x >= 0 && x < 1) && new Set(n).size === 10000",
        "true",
    );
    gives(&mut js, "Math.abs(n.reduce((a, b) => a + b) / 10000 - 0.5) < 0.05", "true");
    gives(&mut js, "const a = crypto.getRandomValues(new Uint32Array(1000)); new Set(a).size > 990", "true");
    gives(&mut js, "crypto.getRandomValues(new Uint8Array(0)).length", "0");
    gives(
        &mut js,
        "/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(crypto.randomUUID())",
        "true",
    );
    for source in [
        "crypto.getRandomValues(new Float64Array(1))",
        "crypto.getRandomValues([])",
        "crypto.getRandomValues(new Uint8Array(65537))",
    ] {
        assert!(throws(&mut js, source).message().contains("getRandomValues"));
    }
}

// Case 1.
#[test]
fn a_regular_expression_has_as_many_groups_as_it_needs() {
    let mut js = engine();
    for (source, expected) in [
        (
            "new RegExp('(?<a>X)|' + Array.from({ length: 256 }, (_, i) => 'z' + i).join('|')).exec('z99')[0]",
            "\"z9\"",
        ),
        (
            "const named = new RegExp(Array.from({ length: 300 }, (_, i) => `(?<g${i}>[a-z]+${i};)`).join('') + '\\\\299\\\\k<g280>', 'd');
            const text = Array.from({ length: 300 }, (_, i) => 'q' + i + ';').join('');
            const found = named.exec(text + 'q298;q280;');
            [found.length, found[257], found.groups.g299, found.indices.groups.g0]",
            r#"[301,"q256;","q299;",[0,3]]"#,
        ),
        (
            "new RegExp(Array.from({ length: 300 }, (_, i) => `(?<s>a${i}x)`).join('|')).exec('a299x').groups.s",
            "\"a299x\"",
        ),
        (
            "const loop = new RegExp('(?:' + Array.from({ length: 500 }, (_, i) => `(k${i};)|`).join('') + 'z)*').exec('k3;k400;z'); [loop[0], loop[4] ?? null]",
            r#"["k3;k400;z",null]"#,
        ),
        (
            "text.replace(new RegExp(Array(299).fill('([a-z]\\\\d+;)').join('') + '(.*)'), '$1$<x>|')",
            r#""q0;$<x>|""#,
        ),
        ("new RegExp('()'.repeat(65534)).exec('').length", "65535"),
    ] {
        gives(&mut js, source, expected);
    }
    let error = throws(&mut js, "new RegExp('()'.repeat(65535))");
    assert!(error.message().starts_with("SyntaxError: too many captures"), "{error}");
}
