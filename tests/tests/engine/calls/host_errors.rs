//! Host functions that fail: the guest's view, and the caller's error.
#![expect(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

use std::error::Error as _;
use std::fmt;
use std::io;
use std::sync::Arc;

use libhyperlight::{
    ErrorCode, HostError, HostPanic, Kind, Signature, UninitializedSandbox, Value, ValueRef,
};
use libhyperlight_abi::FrameKind;
use libhyperlight_abi::limits::MAX_HOST_FAILURES;
use libhyperlight_tests::script::{Step, frame, scripted};
use libhyperlight_tests::{demo, on_each_guest, poisons, spares, uninitialized};

/// An error that can be told from every other: by its mark.
#[derive(Debug)]
struct Marked(&'static str, Arc<()>);

impl fmt::Display for Marked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for Marked {}

/// Registers a host function without parameters that fails with the marked error.
fn register_failing(host: &mut UninitializedSandbox, name: &'static str, mark: &Arc<()>) {
    let mark = Arc::clone(mark);
    host.register(name, move || Err::<(), _>(Marked(name, Arc::clone(&mark)))).unwrap();
}

/// Registers a host function without parameters or result that does that.
fn register(
    host: &mut UninitializedSandbox,
    name: &str,
    function: impl Fn() -> Result<Value, HostError> + Send + Sync + 'static,
) {
    let signature = Signature::new(&[], Kind::Void).unwrap();
    host.register_dynamic(name, signature, move |_| function()).unwrap();
}

#[test]
fn an_error_that_the_guest_passes_on_comes_back_as_the_same_object() {
    on_each_guest(|guest| {
        let mark = Arc::new(());
        let mut host = uninitialized(guest);
        register_failing(&mut host, "Fails", &mark);
        let mut sandbox = host.evolve().unwrap();
        let error = spares(&mut sandbox, ErrorCode::HostFunction, |sandbox| {
            sandbox.call::<u32>("HostCallLoop", ("Fails", 5_u32))
        });
        assert_eq!(error.message(), "Fails");
        assert_eq!(error.guest_code(), 0);
        assert!(Arc::ptr_eq(&error.source().unwrap().downcast_ref::<Marked>().unwrap().1, &mark));
        let marked = error.into_source().unwrap().downcast::<Marked>().unwrap();
        assert!(Arc::ptr_eq(&marked.1, &mark));
    });
}

#[test]
fn an_error_to_which_the_guest_has_added_words_is_still_the_same_object() {
    let mark = Arc::new(());
    let mut host = uninitialized(&demo());
    register_failing(&mut host, "Fails", &mark);
    let mut sandbox = host.evolve().unwrap();
    let error = spares(&mut sandbox, ErrorCode::HostFunction, |sandbox| {
        sandbox.call::<()>("CallHostWithContext", ("Fails",))
    });
    assert_eq!(error.message(), "Fails");
    assert!(Arc::ptr_eq(&error.into_source().unwrap().downcast::<Marked>().unwrap().1, &mark));
}

#[test]
fn an_error_that_the_guest_handles_does_not_come_back() {
    on_each_guest(|guest| {
        let mut host = uninitialized(guest);
        register_failing(&mut host, "Fails", &Arc::new(()));
        let mut sandbox = host.evolve().unwrap();
        assert_eq!(sandbox.call::<String>("CallHostExpectError", ("Fails",)).unwrap(), "Fails");
        let code: i32 = sandbox.call("CallHostExpectErrorCode", ("Fails",)).unwrap();
        assert_eq!(code, ErrorCode::HostFunction.number());
    });
}

#[test]
fn an_error_of_the_guests_own_has_no_cause_that_it_does_not_name() {
    on_each_guest(|guest| {
        let mut host = uninitialized(guest);
        register_failing(&mut host, "Fails", &Arc::new(()));
        let mut sandbox = host.evolve().unwrap();
        let error = spares(&mut sandbox, ErrorCode::GuestError, |sandbox| {
            sandbox.call::<()>("CallHostReplaceError", ("Fails",))
        });
        assert_eq!(error.guest_code(), 2);
        assert_eq!(error.message(), "the guest's own words for: Fails");
        assert!(error.source().is_none(), "{error:?}");
    });
}

#[test]
fn an_error_of_the_guests_own_may_name_the_hosts_as_its_cause() {
    let mark = Arc::new(());
    let mut host = uninitialized(&demo());
    register_failing(&mut host, "Fails", &mark);
    let mut sandbox = host.evolve().unwrap();
    let error = spares(&mut sandbox, ErrorCode::GuestError, |sandbox| {
        sandbox.call::<()>("CallHostCauseError", ("Fails",))
    });
    assert_eq!((error.guest_code(), error.message()), (2, "because of it"));
    assert!(Arc::ptr_eq(&error.into_source().unwrap().downcast::<Marked>().unwrap().1, &mark));
}

/// Case 31.
#[test]
fn an_earlier_failure_of_a_call_can_be_passed_on() {
    let (first, second) = (Arc::new(()), Arc::new(()));
    let mut host = uninitialized(&demo());
    register_failing(&mut host, "First", &first);
    register_failing(&mut host, "Second", &second);
    let mut sandbox = host.evolve().unwrap();
    let error = spares(&mut sandbox, ErrorCode::HostFunction, |sandbox| {
        sandbox.call::<()>("CallHostPassFirstError", ("First", "Second"))
    });
    assert_eq!(error.message(), "First");
    assert!(Arc::ptr_eq(&error.into_source().unwrap().downcast::<Marked>().unwrap().1, &first));
}

#[test]
fn so_many_failures_of_a_call_are_kept_and_no_more() {
    let mark = Arc::new(());
    let mut host = uninitialized(&demo());
    register_failing(&mut host, "First", &mark);
    register_failing(&mut host, "Second", &mark);
    // Each of them as long as what a guest may make the host keep.
    host.register("Long", || Err::<(), _>("x".repeat(1 << 20))).unwrap();
    let mut sandbox = host.evolve().unwrap();
    let kept = u32::try_from(MAX_HOST_FAILURES).unwrap();
    for (name, after, code) in [
        ("Second", kept - 1, ErrorCode::HostFunction),
        ("Second", kept, ErrorCode::GuestError),
        ("Second", 10 * kept, ErrorCode::GuestError),
        ("Long", 1, ErrorCode::GuestError),
    ] {
        let error = spares(&mut sandbox, code, |sandbox| {
            sandbox.call::<()>("CallHostPassErrorOfLongAgo", ("First", name, after))
        });
        assert_eq!(error.message(), "First");
        assert_eq!(error.source().is_some(), code == ErrorCode::HostFunction, "{after}");
    }
    drop(sandbox);
    assert_eq!(Arc::strong_count(&mark), 1, "failures outlive their calls");
}

#[test]
fn the_token_of_an_earlier_call_is_not_honoured() {
    let call = Step::frame(frame(FrameKind::HostCall, &[ValueRef::String("Fails")]));
    let pass_on = |token| {
        let items = [ValueRef::I32(3), ValueRef::String("the guest's words"), ValueRef::U64(token)];
        Step::frame(frame(FrameKind::Error, &items))
    };
    let guest = scripted(&[
        Step::ready(&[("Ask", &[Kind::Void])]),
        // The first call learns a token and keeps it.
        call.clone(),
        Step::result(ValueRef::Void),
        // The second passes it on although nothing has failed, …
        pass_on(1),
        // … the third although something else has, and the fourth guesses.
        call.clone(),
        pass_on(1),
        call,
        pass_on(u64::MAX),
    ]);
    let mut host = uninitialized(&guest);
    register_failing(&mut host, "Fails", &Arc::new(()));
    let mut sandbox = host.evolve().unwrap();
    sandbox.call::<()>("Ask", ()).unwrap();
    for _ in 0..3 {
        let error = libhyperlight_tests::fails_with(ErrorCode::GuestError, sandbox.call::<()>("Ask", ()));
        assert_eq!((error.message(), error.guest_code()), ("the guest's words", 3));
        assert!(error.source().is_none());
    }
}

#[test]
fn the_status_of_a_host_function_reaches_guest_and_caller() {
    on_each_guest(|guest| {
        let mut host = uninitialized(guest);
        for (name, status) in [("Positive", 42), ("Negative", -42), ("Most", i32::MAX), ("Least", i32::MIN)] {
            register(&mut host, name, move || Err(HostError::new("no").with_status(status)));
        }
        let mut sandbox = host.evolve().unwrap();
        for (name, status, code) in
            [("Positive", 42, 42), ("Negative", -42, 0), ("Most", i32::MAX, i32::MAX), ("Least", i32::MIN, 0)]
        {
            assert_eq!(sandbox.call::<i32>("CallHostExpectErrorCode", (name,)).unwrap(), status);
            let error = spares(&mut sandbox, ErrorCode::HostFunction, |sandbox| {
                sandbox.call::<u32>("HostCallLoop", (name, 1_u32))
            });
            assert_eq!(error.guest_code(), code);
        }
    });
}

#[test]
fn a_host_function_that_fails_without_a_word_still_says_something() {
    on_each_guest(|guest| {
        let mut host = uninitialized(guest);
        register(&mut host, "Silent", || Err(HostError::new("").with_status(7)));
        let error = spares(&mut host.evolve().unwrap(), ErrorCode::HostFunction, |sandbox| {
            sandbox.call::<u32>("HostCallLoop", ("Silent", 1_u32))
        });
        assert_eq!(error.message(), "a host function failed with status 7");
    });
}

#[test]
fn a_panic_in_a_host_function_ends_the_call_and_keeps_its_payload() {
    on_each_guest(|guest| {
        for number in 0..3 {
            let mut host = uninitialized(guest);
            host.register("Panics", move || -> () {
                match number {
                    0 => panic!("text"),
                    1 => panic!("text with \x1b[31m and {number}"),
                    _ => std::panic::panic_any(number),
                }
            })
            .unwrap();
            let mut sandbox = host.evolve().unwrap();
            let error = poisons(&mut sandbox, ErrorCode::Internal, |sandbox| {
                sandbox.call::<String>("CallHostExpectError", ("Panics",))
            });
            assert!(error.message().starts_with("the host function `Panics` panicked: "), "{error}");
            let panic = error.into_source().unwrap().downcast::<HostPanic>().unwrap();
            let payload = panic.into_payload();
            match number {
                0 => assert_eq!(*payload.downcast::<&str>().unwrap(), "text"),
                1 => assert_eq!(*payload.downcast::<String>().unwrap(), "text with \x1b[31m and 1"),
                _ => assert_eq!(*payload.downcast::<i32>().unwrap(), 2),
            }
        }
    });
}

#[test]
fn a_fatal_error_ends_the_call_whatever_the_guest_would_do_with_it() {
    on_each_guest(|guest| {
        let mut host = uninitialized(guest);
        register(&mut host, "Stops", || Err(HostError::from(io::Error::other("keyboard")).fatal()));
        let mut sandbox = host.evolve().unwrap();
        let error = poisons(&mut sandbox, ErrorCode::HostFunction, |sandbox| {
            sandbox.call::<String>("CallHostExpectError", ("Stops",))
        });
        assert_eq!(error.message(), "keyboard");
        assert!(error.into_source().unwrap().is::<io::Error>());
    });
}

#[test]
fn a_result_of_another_kind_than_the_signature_says_is_an_error_in_the_guest() {
    on_each_guest(|guest| {
        let mut host = uninitialized(guest);
        register(&mut host, "Lies", || Ok(Value::String("not void".into())));
        let mut sandbox = host.evolve().unwrap();
        let code: i32 = sandbox.call("CallHostExpectErrorCode", ("Lies",)).unwrap();
        assert_eq!(code, ErrorCode::Signature.number());
        let error = spares(&mut sandbox, ErrorCode::HostFunction, |sandbox| {
            sandbox.call::<u32>("HostCallLoop", ("Lies", 1_u32))
        });
        assert_eq!(error.message(), "the host function `Lies` returned string, its signature says void");
    });
}

#[test]
fn a_result_of_another_kind_than_the_guest_expects_is_an_error_in_the_guest() {
    on_each_guest(|guest| {
        let mut host = uninitialized(guest);
        host.register("HostAdd", |_: i32, _: i32| 1_i64).unwrap();
        let mut sandbox = host.evolve().unwrap();
        let error = spares(&mut sandbox, ErrorCode::GuestError, |sandbox| sandbox.call::<i32>("Add", (1, 2)));
        assert_eq!(error.guest_code(), ErrorCode::Signature.number());
    });
}

#[test]
fn a_sandbox_outlives_a_thousand_host_errors() {
    on_each_guest(|guest| {
        let mut host = uninitialized(guest);
        host.register("ErrorMethod", |text: String| Err::<i32, _>(text)).unwrap();
        let mut sandbox = host.evolve().unwrap();
        for number in 0..1000 {
            let result = sandbox.call::<i32>("CallErrorMethod", (format!("{number}"),));
            let error = libhyperlight_tests::fails_with(ErrorCode::HostFunction, result);
            assert_eq!(error.message(), format!("Error From Host: {number}"));
        }
        libhyperlight_tests::assert_works(&mut sandbox);
    });
}

#[test]
fn long_and_ugly_error_texts_are_cut_and_cleaned() {
    on_each_guest(|guest| {
        let mut host = uninitialized(guest);
        host.register("Long", || Err::<(), _>("é".repeat(1 << 20))).unwrap();
        host.register("Ugly", || Err::<(), _>("one\ntwo\x1b[2J\u{202e}three\0")).unwrap();
        let mut sandbox = host.evolve().unwrap();
        let seen: String = sandbox.call("CallHostExpectError", ("Long",)).unwrap();
        assert_eq!(seen, "é".repeat(512));
        let error = spares(&mut sandbox, ErrorCode::HostFunction, |sandbox| {
            sandbox.call::<u32>("HostCallLoop", ("Long", 1_u32))
        });
        assert_eq!(error.message(), format!("{}…", "é".repeat(2048)));
        // The original is whole.
        assert_eq!(error.into_source().unwrap().to_string().len(), 2 << 20);
        let error = spares(&mut sandbox, ErrorCode::HostFunction, |sandbox| {
            sandbox.call::<u32>("HostCallLoop", ("Ugly", 1_u32))
        });
        assert_eq!(error.message(), r"one\ntwo\u{1b}[2J\u{202e}three\u{0}");
    });
}
