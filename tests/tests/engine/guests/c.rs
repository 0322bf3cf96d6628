//! Guests in C: features and faults that only C has.

use std::sync::{Arc, Mutex};

use libhyperlight::{ErrorCode, FaultKind, Guest, Value};
use libhyperlight_tests::script::SMALL;
use libhyperlight_tests::{demo_c, poisons, printing, sandbox, spares, uninitialized};

#[test]
fn the_documented_line_and_its_variations_make_guests_that_run() {
    for (shape, bytes) in SMALL {
        let guest = Guest::from_bytes(bytes).unwrap_or_else(|error| panic!("{shape}: {error}"));
        let mut host = uninitialized(&guest);
        host.register("HostAdd", |a: i32, b: i32| if a == b { Err("equal") } else { Ok(a + b) }).unwrap();
        let mut sandbox = host.evolve().unwrap();
        assert_eq!(sandbox.call::<String>("Echo", ("hello",)).unwrap(), "hello");
        assert_eq!(sandbox.call::<i32>("Add", (2, 3)).unwrap(), 5);
        let error = sandbox.call::<i32>("Add", (2, 2)).unwrap_err();
        assert_eq!((error.code(), error.message()), (ErrorCode::HostFunction, "equal"), "{shape}");
        assert_eq!(sandbox.functions().len(), 2);
        assert_eq!(sandbox.declared_host_functions().len(), 1);
    }
}

#[test]
fn values_from_the_host_reach_c_code() {
    let mut host = uninitialized(&demo_c());
    host.register("HostAddFloat", |a: f32, b: f32| a + b).unwrap();
    host.register("HostAddDouble", |a: f64, b: f64| a + b).unwrap();
    host.register("HostAddStrings", |text: String| text + ", string added by Host Function").unwrap();
    host.register("HostBool", |a: i32, b: i32| a + b > 10).unwrap();
    let mut sandbox = host.evolve().unwrap();
    assert_eq!(sandbox.call::<f32>("GuestRetrievesFloatValue", (1.34_f32, 1.34_f32)).unwrap(), 1.34 + 1.34);
    assert_eq!(sandbox.call::<f64>("GuestRetrievesDoubleValue", (1.34, 1.34)).unwrap(), 1.34 + 1.34);
    let text: String = sandbox.call("GuestRetrievesStringValue", ()).unwrap();
    assert_eq!(text, "Guest Function, string added by Host Function");
    for (a, b, expected) in [(5, 10, true), (5, 3, false)] {
        assert_eq!(sandbox.call::<bool>("GuestRetrievesBoolValue", (a, b)).unwrap(), expected);
    }
}

#[test]
fn a_status_without_words_is_still_an_error() {
    let mut sandbox = sandbox(&demo_c());
    sandbox.call::<()>("ReturnStatus", (0,)).unwrap();
    for status in [1, -1, i32::MAX, i32::MIN] {
        let error = spares(&mut sandbox, ErrorCode::GuestError, |sandbox| {
            sandbox.call::<()>("ReturnStatus", (status,))
        });
        assert_eq!(error.guest_code(), status);
    }
}

#[test]
fn a_result_that_is_none_or_of_another_kind_is_an_error_of_the_guest() {
    let mut sandbox = sandbox(&demo_c());
    for function in ["ReturnWrongKind", "ReturnNoValue", "ReturnBadUtf8"] {
        let error = spares(&mut sandbox, ErrorCode::GuestError, |sandbox| sandbox.call_values(function, &[]));
        assert!(error.guest_code() < 0, "{function}: {error:?}");
    }
}

#[test]
fn host_calls_with_impossible_arguments_never_reach_the_host() {
    let mut host = uninitialized(&demo_c());
    host.register("HostNoOp", || {
        if true {
            panic!("it did")
        }
    })
    .unwrap();
    assert!(host.evolve().unwrap().call::<bool>("RefusedHostCalls", ()).unwrap());
}

#[test]
fn abort_exit_and_failed_assertions_end_the_guest_with_their_words() {
    for (function, arguments, words) in [
        ("Abort", vec![], "abort"),
        ("Exit", vec![Value::I32(3)], "3"),
        ("FailAssertion", vec![], "n_args == 17"),
        ("DoubleFree", vec![], "free"),
    ] {
        let error = poisons(&mut sandbox(&demo_c()), ErrorCode::GuestAbort, |sandbox| {
            sandbox.call_values(function, &arguments)
        });
        assert!(error.message().contains(words), "{function}: {error}");
    }
}

#[test]
fn a_smashed_stack_stays_inside_the_guest() {
    let mut sandbox = sandbox(&demo_c());
    sandbox.call::<()>("SmashStack", (16_u32,)).unwrap();
    let error = sandbox.call::<()>("SmashStack", (4096_u32,)).unwrap_err();
    // With a stack protector it is an abort, without one a jump to nowhere.
    assert!(matches!(error.code(), ErrorCode::GuestAbort | ErrorCode::GuestFault), "{error}");
    poisons(&mut libhyperlight_tests::sandbox(&demo_c()), ErrorCode::GuestFault, |sandbox| {
        sandbox.call::<()>("SmashStack", (64_u32 << 20,))
    });
}

#[test]
fn stack_that_is_allocated_as_needed_ends_at_the_guard() {
    let mut first = sandbox(&demo_c());
    for size in [1, 100, 800_000] {
        assert_eq!(first.call::<i32>("StackAllocate", (size,)).unwrap(), size);
    }
    for size in [2 << 20, 800 << 20] {
        let error = poisons(&mut sandbox(&demo_c()), ErrorCode::StackOverflow, |sandbox| {
            sandbox.call::<i32>("StackAllocate", (size,))
        });
        assert_eq!(error.fault().unwrap().kind, FaultKind::StackOverflow);
    }
}

#[test]
fn constructors_run_once() {
    let mut sandbox = sandbox(&demo_c());
    for _ in 0..3 {
        assert_eq!(sandbox.call::<i32>("ConstructorRuns", ()).unwrap(), 1);
    }
}

#[test]
fn setjmp_leaves_many_calls_at_once() {
    let mut sandbox = sandbox(&demo_c());
    for depth in [0, 1, 1000] {
        assert_eq!(sandbox.call::<i32>("Jump", (depth,)).unwrap(), 7);
    }
}

#[test]
fn numbers_and_dates_are_formatted_as_everywhere() {
    let mut sandbox = sandbox(&demo_c());
    for (number, text) in [
        (2.0, "2 2.000000 2.000000e+00 sqrt 1.414214"),
        (-0.5, "-0.5 -0.500000 -5.000000e-01 sqrt 0.707107"),
        (0.1, "0.10000000000000001 0.100000 1.000000e-01 sqrt 0.316228"),
    ] {
        assert_eq!(sandbox.call::<String>("FormatNumber", (number,)).unwrap(), text);
    }
    for (seconds, text) in [(0, "1970-01-01 00:00:00"), (951_826_154, "2000-02-29 12:09:14")] {
        let date: String = sandbox.call("FormatTimestamp", (seconds * 1_000_000_000_u64,)).unwrap();
        assert_eq!(date, text);
    }
}

#[test]
fn random_numbers_follow_their_seed_and_differ_without_one() {
    let numbers = |seed: Option<u32>| {
        let mut sandbox = sandbox(&demo_c());
        if let Some(seed) = seed {
            sandbox.call::<()>("SeedRandom", (seed,)).unwrap();
        }
        [(); 4].map(|()| sandbox.call::<i32>("NextRandom", ()).unwrap())
    };
    assert_eq!(numbers(Some(1)), numbers(Some(1)));
    assert_ne!(numbers(Some(1)), numbers(Some(2)));
    assert_ne!(numbers(None), numbers(None));
    let mut sandbox = sandbox(&demo_c());
    let long: [i64; 2] = [(); 2].map(|()| sandbox.call("NextRandomLong", ()).unwrap());
    assert_ne!(long[0], long[1]);
}

#[test]
fn the_heap_keeps_what_it_was_given() {
    let mut sandbox = sandbox(&demo_c());
    for seed in 1..=5_u32 {
        sandbox.call::<u32>("ExerciseHeap", (seed * 1000,)).unwrap();
    }
}

#[test]
fn output_comes_in_order_and_before_a_host_call() {
    let heard = Arc::new(Mutex::new(String::new()));
    let mut host = uninitialized(&demo_c());
    let to = Arc::clone(&heard);
    host.register("HostPrint", move |text: String| {
        to.lock().unwrap().push_str(&text);
        i32::try_from(text.len()).unwrap()
    })
    .unwrap();
    let to = Arc::clone(&heard);
    host.register("Mark", move || to.lock().unwrap().push_str("<the host>")).unwrap();
    host.evolve().unwrap().call::<()>("PrintAroundHostCall", ("Mark",)).unwrap();
    assert_eq!(*heard.lock().unwrap(), "before\n<the host>after\n");
}

#[test]
fn output_in_many_pieces_comes_in_few_calls_and_whole() {
    let (mut sandbox, printed) = printing(&demo_c());
    sandbox.call::<()>("PrintInPieces", (5000_u32,)).unwrap();
    let pieces = printed.take();
    assert!(pieces.len() < 100, "{} calls of the host", pieces.len());
    let lines: String = (0..5000).map(|number| format!("line {number}: €\n")).collect();
    assert_eq!(pieces.concat(), lines + "5000 lines\n");
}
