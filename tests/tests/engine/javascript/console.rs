//! `console`: printed output, log records, and the form of values.

use std::sync::{Arc, Mutex};

use libhyperlight::{ErrorCode, SandboxOptions};
use libhyperlight_tests::javascript::{eval, javascript};
use libhyperlight_tests::process::in_own_process;
use libhyperlight_tests::{fails_with, logger, printing, uninitialized_with};
use log::{Level, LevelFilter};

#[test]
fn log_prints_a_line_and_the_rest_is_logged() {
    // The logger is the process's, and other tests log too.
    in_own_process(|| {
        logger::install(LevelFilter::Trace);
        let (mut js, printed) = printing(&javascript());
        let _ = logger::take_of("javascript");
        eval(
        &mut js,
        "for (const level of ['log', 'info', 'warn', 'error', 'debug', 'trace']) console[level]('of', level)",
    )
    .unwrap();
        eval(
            &mut js,
            "console.assert(true, 'not this'); console.assert(false, 'but', 'this'); console.assert(0)",
        )
        .unwrap();
        assert_eq!(printed.take(), ["of log\n"]);
        let records: Vec<_> =
            logger::take_of("javascript").into_iter().map(|kept| (kept.level, kept.message)).collect();
        let expected = [
            (Level::Info, "of log"),
            (Level::Info, "of info"),
            (Level::Warn, "of warn"),
            (Level::Error, "of error"),
            (Level::Debug, "of debug"),
            (Level::Trace, "of trace"),
            (Level::Error, "Assertion failed: but this"),
            (Level::Error, "Assertion failed"),
        ];
        assert_eq!(records, expected.map(|(level, text)| (level, text.to_owned())));

        eval(
            &mut js,
            "Promise.reject(new Error('nobody asked')); const kept = Promise.reject(1); kept.catch(() => {})",
        )
        .unwrap();
        let [record] = logger::take_of("javascript").try_into().unwrap();
        assert_eq!(record.level, Level::Error);
        assert!(
            record.message.starts_with("Uncaught (in promise) Error: nobody asked at "),
            "{}",
            record.message
        );
    });
}

#[test]
fn values_look_as_in_code() {
    let (mut js, printed) = printing(&javascript());
    for (arguments, expected) in [
        ("", ""),
        (
            "'text', 1, -0, true, null, undefined, 2n, Symbol('s')",
            "text 1 -0 true null undefined 2n Symbol(s)",
        ),
        ("['text', [1, [2]], {}]", r#"[ "text", [ 1, [ 2 ] ], {} ]"#),
        (
            "{ a: 1, 'b-c': 'x', d: { e: { f: { g: {} } } } }",
            r#"{ a: 1, "b-c": "x", d: { e: { f: { g: [Object] } } } }"#,
        ),
        ("[[[[[1]]]]]", "[ [ [ [ [Array] ] ] ] ]"),
        ("new (class Point { x = 1 })", "Point { x: 1 }"),
        ("() => 1, function named() {}, class K {}", "[Function] [Function: named] [Function: K]"),
        ("new Map([[1, 'a']]), new Set(['b'])", r#"Map(1) { 1 => "a" } Set(1) { "b" }"#),
        (
            "new Uint8Array([1, 2]), new ArrayBuffer(3)",
            "Uint8Array(2) [ 1, 2 ] ArrayBuffer { byteLength: 3 }",
        ),
        ("new Date(0), /x/g, new Date(NaN)", "1970-01-01T00:00:00.000Z /x/g Invalid Date"),
        ("Array.from({ length: 102 }, () => 0).length, [,1]", "102 [ undefined, 1 ]"),
        (
            "'%s is %d or %i, %f; %j %o %% %c!', 'x', 1.5, 1.5, '2', [1], { a: 1 }, 'css', 'more'",
            "x is 1.5 or 1, NaN; [ 1 ] { a: 1 } % ! more",
        ),
        ("'%s %x %', 1", "1 %x %"),
        ("{ get x() { throw 1 } }", "{ x: [not readable] }"),
        ("new Proxy([], { get() { throw 1 } })", "[Proxy]"),
        ("(() => { const o = {}; o.o = o; return o })()", "{ o: { o: { o: { o: [Object] } } } }"),
    ] {
        eval(&mut js, &format!("console.log({arguments})")).unwrap();
        assert_eq!(printed.take(), [format!("{expected}\n")], "{arguments}");
    }
    eval(&mut js, "console.log(Array.from({ length: 1000 }, (_, i) => i))").unwrap();
    assert!(printed.take()[0].ends_with(", 99, … 900 more ]\n"));
}

#[test]
fn what_is_too_long_is_cut_and_what_is_long_comes_in_pieces() {
    let printed = Arc::new(Mutex::new(Vec::<String>::new()));
    let pieces = Arc::clone(&printed);
    let options = SandboxOptions::new().output_size(4096);
    let mut host = uninitialized_with(&javascript(), options);
    host.register("HostPrint", move |text: String| {
        pieces.lock().unwrap().push(text);
        0
    })
    .unwrap();
    let take = || std::mem::take(&mut *printed.lock().unwrap());
    let mut js = host.evolve().unwrap();
    eval(&mut js, "console.log('ä'.repeat(20000))").unwrap();
    let pieces = take();
    assert!(pieces.len() > 5, "{} pieces", pieces.len());
    assert_eq!(pieces.concat(), format!("{}\n", "ä".repeat(20_000)));
    eval(&mut js, "console.log('x'.repeat(10_000_000))").unwrap();
    assert_eq!(take().concat(), format!("{}…\n", "x".repeat(1 << 20)));
    // Two bytes to a character: the cut is in none.
    eval(&mut js, "console.log('x' + 'ä'.repeat(1_000_000))").unwrap();
    assert_eq!(take().concat(), format!("x{}…\n", "ä".repeat((1 << 19) - 1)));
    eval(&mut js, "console.log({ long: 'ä'.repeat(100_000) })").unwrap();
    let shown = take().concat();
    assert!(shown.starts_with("{ long: \"ää") && shown.ends_with("ä…\n"), "{} bytes", shown.len());
    assert!(shown.len() <= (64 << 10) + "…\n".len(), "{} bytes", shown.len());
}

// Case 7.
#[test]
fn a_long_text_is_logged_whole_in_as_many_records_as_it_needs() {
    in_own_process(|| {
        logger::install(LevelFilter::Trace);
        let options = SandboxOptions::new().max_log_bytes(4 << 20);
        let mut js = uninitialized_with(&javascript(), options).evolve().unwrap();
        for (text, source) in [
            ("y".repeat(100_000), "'y'.repeat(100000)"),
            ("ä😀".repeat(20_000), "'ä😀'.repeat(20000)"),
            ("z".repeat(4096), "'z'.repeat(4096)"),
        ] {
            let _ = logger::take_of("javascript");
            eval(&mut js, &format!("console.error({source})")).unwrap();
            let records = logger::take_of("javascript");
            assert!(
                records.iter().all(|record| record.level == Level::Error && record.message.len() <= 4096)
            );
            let logged: String = records.into_iter().map(|record| record.message).collect();
            assert!(logged == text, "{source}: {} bytes of {}", logged.len(), text.len());
        }
        eval(&mut js, "console.warn('w'.repeat(2_000_000))").unwrap();
        let logged: String = logger::take_of("javascript").into_iter().map(|record| record.message).collect();
        assert!(logged == format!("{}…", "w".repeat(1 << 20)), "{} bytes", logged.len());
    });
}

#[test]
fn printing_more_than_the_host_takes_is_an_error_that_a_script_can_catch() {
    let mut host = uninitialized_with(&javascript(), SandboxOptions::new().max_print_bytes(100));
    host.register("HostPrint", |_: String| 0).unwrap();
    let mut js = host.evolve().unwrap();
    let error = fails_with(ErrorCode::HostFunction, eval(&mut js, "for (;;) console.log('spam')"));
    assert!(error.message().contains("max_print_bytes"), "{error}");
    let caught = eval(&mut js, "try { for (;;) console.log('spam') } catch (e) { e.name }").unwrap();
    assert_eq!(caught, "\"HostError\"");
}
