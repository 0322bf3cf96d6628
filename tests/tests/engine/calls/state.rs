//! Ready or poisoned: the state after each end of a call.

use libhyperlight::{ErrorCode, Guest, State, Value};
use libhyperlight_tests::{assert_works, demo, fails_with, on_each_guest, poisons, sandbox, spares};

fn text(text: &str) -> Value {
    Value::String(text.into())
}

#[test]
fn a_guest_error_leaves_the_sandbox_ready() {
    on_each_guest(|guest| {
        let mut sandbox = sandbox(guest);
        for (code, message) in
            [(7, "no such key"), (0, "no code"), (-500, "negative"), (i32::MIN, "least"), (i32::MAX, "é")]
        {
            let result = sandbox.call::<()>("ReturnError", (code, message));
            let error = result.unwrap_err();
            assert_eq!((error.code(), error.guest_code()), (ErrorCode::GuestError, code), "{error}");
            assert_eq!(error.message(), message);
            assert!(error.fault().is_none());
            assert_works(&mut sandbox);
        }
        // State that the function has changed before it failed stays changed.
        assert_eq!(sandbox.call::<i32>("AddToStatic", (1,)).unwrap(), 1);
        let error = spares(&mut sandbox, ErrorCode::GuestError, |sandbox| {
            sandbox.call::<i32>("AddToStaticAndFail", ())
        });
        assert!(error.message().contains("Crash on purpose"), "{error}");
        assert_eq!(sandbox.call::<i32>("GetStatic", ()).unwrap(), 11);
    });
}

#[test]
fn a_guest_abort_is_reported_with_its_code_and_text_and_poisons() {
    on_each_guest(|guest| {
        for code in [0, 13, 25, 75, -1, i32::MAX, i32::MIN] {
            let error = poisons(&mut sandbox(guest), ErrorCode::GuestAbort, |sandbox| {
                sandbox.call::<()>("GuestAbortWithCode", (code,))
            });
            assert_eq!(error.guest_code(), code);
            let error = poisons(&mut sandbox(guest), ErrorCode::GuestAbort, |sandbox| {
                sandbox.call::<()>("GuestAbortWithMessage", (code, "Oh no"))
            });
            assert_eq!(error.message(), format!("the guest aborted with code {code}: Oh no"));
            assert_eq!(error.guest_code(), code);
        }
    });
}

#[test]
fn a_long_and_ugly_abort_text_is_cut_and_cleaned() {
    on_each_guest(|guest| {
        let error = poisons(&mut sandbox(guest), ErrorCode::GuestAbort, |sandbox| {
            sandbox.call::<()>("GuestAbortWithMessage", (1, "a".repeat(1_000_000)))
        });
        assert!((4096..4300).contains(&error.message().len()), "{} bytes", error.message().len());
        let error = poisons(&mut sandbox(guest), ErrorCode::GuestAbort, |sandbox| {
            sandbox.call::<()>("GuestAbortWithMessage", (1, "\r\n\x1b[2J\u{202e}\u{2028}\u{feff}"))
        });
        assert!(error.message().ends_with(r": \r\n\u{1b}[2J\u{202e}\u{2028}\u{feff}"), "{error}");
    });
}

#[test]
fn a_guest_panic_is_reported_with_its_text_and_poisons() {
    on_each_guest(|guest| {
        for function in ["Panic", "guest_panic"] {
            let error = poisons(&mut sandbox(guest), ErrorCode::GuestAbort, |sandbox| {
                sandbox.call::<()>(function, ("Error... Oh no",))
            });
            assert!(error.message().contains("Error... Oh no"), "{error}");
        }
    });
    let error = poisons(&mut sandbox(&demo()), ErrorCode::GuestAbort, |sandbox| {
        sandbox.call::<()>("Panic", ("Error... Oh no",))
    });
    assert!(error.message().starts_with("the guest panicked: Error... Oh no at "), "{error}");
    assert!(error.message().contains("errors.rs:"), "{error}");
}

#[test]
fn whatever_stops_the_guest_in_the_middle_poisons() {
    on_each_guest(|guest| {
        for (function, arguments, code) in [
            ("GuestAbortWithCode", vec![Value::I32(1)], ErrorCode::GuestAbort),
            ("Panic", vec![text("no")], ErrorCode::GuestAbort),
            ("TriggerException", vec![], ErrorCode::GuestFault),
            ("InfiniteRecursion", vec![], ErrorCode::StackOverflow),
            ("ExhaustHeap", vec![], ErrorCode::GuestOutOfMemory),
        ] {
            assert_poisons(guest, function, &arguments, code);
        }
    });
    for (function, arguments, code) in [
        ("CorruptOutputMagic", vec![], ErrorCode::Protocol),
        ("RingWithoutFrame", vec![], ErrorCode::Protocol),
        ("OutbWithPort", vec![Value::U32(0x1234), Value::U32(1)], ErrorCode::GuestFault),
    ] {
        assert_poisons(&demo(), function, &arguments, code);
    }
}

fn assert_poisons(guest: &Guest, function: &str, arguments: &[Value], code: ErrorCode) {
    let mut sandbox = sandbox(guest);
    assert_eq!(sandbox.state(), State::Ready);
    poisons(&mut sandbox, code, |sandbox| sandbox.call_values(function, arguments));
    // Every way to call says so, before it looks at anything else.
    fails_with(ErrorCode::Poisoned, sandbox.call::<i32>("GetStatic", ()));
    fails_with(ErrorCode::Poisoned, sandbox.call_values("NoSuchFunction", &[]));
    fails_with(ErrorCode::Poisoned, sandbox.call_ref("Echo", &[]).map(|_| ()));
    // What it knows, it still tells.
    assert!(sandbox.functions().any(|(name, _)| name == "Echo"));
}

#[test]
fn a_poisoned_sandbox_names_the_way_out() {
    on_each_guest(|guest| {
        let mut sandbox = sandbox(guest);
        poisons(&mut sandbox, ErrorCode::GuestAbort, |sandbox| sandbox.call::<()>("Panic", ("no",)));
        let error = fails_with(ErrorCode::Poisoned, sandbox.call::<()>("NoOp", ()));
        assert!(error.message().contains("restore") && error.message().contains("new one"), "{error}");
    });
}

#[test]
fn a_poisoned_sandbox_does_not_poison_its_guest() {
    on_each_guest(|guest| {
        for _ in 0..20 {
            let mut sandbox = sandbox(guest);
            assert_eq!(sandbox.call::<i32>("AddToStatic", (1,)).unwrap(), 1);
            poisons(&mut sandbox, ErrorCode::GuestAbort, |sandbox| sandbox.call::<()>("Panic", ("no",)));
        }
    });
}

#[test]
fn the_text_of_one_failure_never_shows_in_the_next() {
    on_each_guest(|guest| {
        let mut sandbox = sandbox(guest);
        let long = "secret ".repeat(300);
        let error = sandbox.call::<()>("ReturnError", (1, &long)).unwrap_err();
        assert_eq!(error.message(), long);
        let error = sandbox.call::<()>("ReturnError", (2, "x")).unwrap_err();
        assert_eq!(error.message(), "x");
        let error = sandbox.call::<()>("ReturnError", (3, "")).unwrap_err();
        // An error always says something.
        assert_eq!(error.message(), "the guest function failed with code 3");
        let error = poisons(&mut sandbox, ErrorCode::GuestAbort, |sandbox| {
            sandbox.call::<()>("GuestAbortWithCode", (4,))
        });
        assert_eq!(error.message(), "the guest aborted with code 4");
    });
}

#[test]
fn an_index_out_of_bounds_is_a_panic_that_names_its_place() {
    let mut sandbox = sandbox(&demo());
    let error = poisons(&mut sandbox, ErrorCode::GuestAbort, |sandbox| {
        sandbox.call::<i32>("IndexOutOfBounds", (7_u32,))
    });
    assert!(error.message().contains("index out of bounds: the len is 3 but the index is 7"), "{error}");
    assert!(error.message().contains("errors.rs:"), "{error}");
}
