//! Names and signatures: a mismatch is refused before anything runs.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use libhyperlight::{ErrorCode, Kind, MAX_NAME_LEN, Sandbox, Signature, Value, ValueRef};
use libhyperlight_abi::FrameKind;
use libhyperlight_tests::script::{Step, frame, scripted};
use libhyperlight_tests::{demo, fails_with, on_each_guest, sandbox, spares, uninitialized};

fn one_of_each_kind() -> [Value; 9] {
    [
        Value::Bool(true),
        Value::I32(-1),
        Value::U32(1),
        Value::I64(-1),
        Value::U64(1),
        Value::F32(1.0),
        Value::F64(1.0),
        Value::String("text".into()),
        Value::Bytes(vec![1]),
    ]
}

#[test]
fn an_unknown_guest_function_is_not_found_by_name() {
    on_each_guest(|guest| {
        let mut sandbox = sandbox(guest);
        for name in ["SetByteArrayToZeroNoLength", "Ech", "Echoo", "echo", " Echo", "Echo\0", "", "\x1b[2J\n"]
        {
            let error =
                spares(&mut sandbox, ErrorCode::FunctionNotFound, |sandbox| sandbox.call::<()>(name, ()));
            if name.chars().all(|c| c.is_ascii_graphic()) {
                assert!(error.message().contains(&format!("`{name}`")), "{error}");
            }
        }
        let error = spares(&mut sandbox, ErrorCode::FunctionNotFound, |sandbox| {
            sandbox.call::<()>(&"x".repeat(1 << 20), ())
        });
        assert!(error.message().len() < 500, "{error}");
    });
}

#[test]
fn a_wrong_number_of_arguments_is_refused() {
    on_each_guest(|guest| {
        let mut sandbox = sandbox(guest);
        for arguments in [vec![], vec![Value::I32(1)], vec![Value::I32(1); 3], vec![Value::I32(1); 33]] {
            let error =
                spares(&mut sandbox, ErrorCode::Signature, |sandbox| sandbox.call_values("Add", &arguments));
            assert!(
                error.message().starts_with("`Add` is (i32, i32) -> i32, but was called with ("),
                "{error}"
            );
        }
        fails_with(ErrorCode::Signature, sandbox.call_values("NoOp", &[Value::Void]));
    });
}

#[test]
fn an_argument_of_any_other_kind_is_refused() {
    let echoes = [
        "EchoBool",
        "EchoI32",
        "EchoU32",
        "EchoI64",
        "EchoU64",
        "EchoFloat",
        "EchoDouble",
        "Echo",
        "EchoBytes",
    ];
    on_each_guest(|guest| {
        let mut sandbox = sandbox(guest);
        let values = one_of_each_kind();
        for (takes, function) in echoes.iter().enumerate() {
            for (gives, value) in values.iter().enumerate() {
                let result = sandbox.call_values(function, std::slice::from_ref(value));
                if takes == gives {
                    assert_eq!(result.unwrap(), *value);
                } else {
                    fails_with(ErrorCode::Signature, result);
                }
            }
            fails_with(ErrorCode::Signature, sandbox.call_values(function, &[Value::Void]));
        }
    });
}

#[test]
fn a_result_of_another_type_than_asked_for_is_refused_before_the_guest_runs() {
    on_each_guest(|guest| {
        let mut sandbox = sandbox(guest);
        let error = fails_with(ErrorCode::Signature, sandbox.call::<i64>("AddToStatic", (1,)));
        assert_eq!(error.message(), "`AddToStatic` is (i32) -> i32, but i64 was expected of it");
        fails_with(ErrorCode::Signature, sandbox.call::<String>("AddToStatic", (1,)));
        fails_with(ErrorCode::Signature, sandbox.call::<()>("AddToStatic", (1,)));
        assert_eq!(sandbox.call::<i32>("GetStatic", ()).unwrap(), 0);
    });
}

#[test]
fn a_host_call_with_arguments_of_any_other_kind_never_reaches_the_function() {
    let values = one_of_each_kind();
    let pairs: Vec<_> = (0..9).flat_map(|takes| (0..9).map(move |gives| (takes, gives))).collect();
    // Seven calls fit into the script of one guest: two steps each, behind the first frame.
    for pairs in pairs.chunks(7) {
        let mut steps = vec![Step::ready(&[("Ask", &[Kind::Void])])];
        for (takes, gives) in pairs {
            let name = format!("Takes{takes}");
            let call = frame(FrameKind::HostCall, &[ValueRef::String(&name), values[*gives].borrow()]);
            steps.extend([Step::frame(call), Step::result(ValueRef::Void)]);
        }
        let called = Arc::new(AtomicUsize::new(0));
        let mut host = uninitialized(&scripted(&steps));
        for (takes, value) in values.iter().enumerate() {
            let called = Arc::clone(&called);
            let signature = Signature::new(&[value.kind()], Kind::Void).unwrap();
            let call = move |arguments: &[ValueRef<'_>]| {
                assert_eq!(arguments.len(), 1);
                called.fetch_add(1, Ordering::Relaxed);
                Ok(Value::Void)
            };
            host.register_dynamic(&format!("Takes{takes}"), signature, call).unwrap();
        }
        let mut sandbox = host.evolve().unwrap();
        for (takes, gives) in pairs {
            sandbox.call::<()>("Ask", ()).unwrap();
            assert_eq!(called.swap(0, Ordering::Relaxed), usize::from(takes == gives), "{takes} for {gives}");
        }
    }
}

#[test]
fn the_guest_sees_why_its_host_call_was_refused() {
    on_each_guest(|guest| {
        let mut host = uninitialized(guest);
        host.register("Takes", |_: i32, _: String| ()).unwrap();
        let mut sandbox = host.evolve().unwrap();
        let error = spares(&mut sandbox, ErrorCode::HostFunction, |sandbox| {
            sandbox.call::<()>("CallHostWithWrongArguments", ("Takes",))
        });
        assert_eq!(error.message(), "`Takes` is (i32, string) -> void, but was called with (f64, string)");
        let seen: String = sandbox.call("CallHostExpectError", ("Take",)).unwrap();
        assert_eq!(seen, "the host has no function `Take`; register it before the start");
        let code: i32 = sandbox.call("CallHostExpectErrorCode", ("Take",)).unwrap();
        assert_eq!(code, ErrorCode::FunctionNotFound.number());
        let code: i32 = sandbox.call("CallHostExpectErrorCode", ("Takes",)).unwrap();
        assert_eq!(code, ErrorCode::Signature.number());
    });
}

#[test]
fn a_sandbox_lists_the_functions_that_the_contract_of_the_demo_guests_names() {
    on_each_guest(|guest| {
        let sandbox = sandbox(guest);
        let functions: BTreeMap<_, _> =
            sandbox.functions().map(|(name, signature)| (name, signature.to_string())).collect();
        assert_eq!(functions.len(), sandbox.functions().len(), "each is listed once");
        for (name, signature) in [
            ("PrintOutput", "(string) -> i32"),
            ("Echo", "(string) -> string"),
            ("EchoBytes", "(bytes) -> bytes"),
            ("EchoBool", "(bool) -> bool"),
            ("EchoI32", "(i32) -> i32"),
            ("EchoU32", "(u32) -> u32"),
            ("EchoI64", "(i64) -> i64"),
            ("EchoU64", "(u64) -> u64"),
            ("EchoFloat", "(f32) -> f32"),
            ("EchoDouble", "(f64) -> f64"),
            ("NoOp", "() -> void"),
            ("SetByteArrayToZero", "(bytes) -> bytes"),
            ("Add", "(i32, i32) -> i32"),
            ("PrintElevenArgs", "(string, i32, i64, string, string, bool, bool, u32, u64, i32, f32) -> i32"),
            ("AddToStatic", "(i32) -> i32"),
            ("GetStatic", "() -> i32"),
            ("HostCallLoop", "(string, u32) -> u32"),
            ("CallHostExpectError", "(string) -> string"),
            ("ReturnError", "(i32, string) -> void"),
            ("GuestAbortWithMessage", "(i32, string) -> void"),
            ("Panic", "(string) -> void"),
            ("Spin", "() -> void"),
            ("SpinForMs", "(u32) -> u64"),
            ("InfiniteRecursion", "() -> void"),
            ("ExhaustHeap", "() -> void"),
            ("CallMalloc", "(u64) -> u64"),
            ("ReadAddress", "(u64) -> u64"),
            ("WriteAddress", "(u64, u64) -> void"),
            ("ExecuteAddress", "(u64) -> void"),
            ("ExecuteOnHeap", "() -> void"),
            ("DirtyPages", "(u32) -> u32"),
            ("Fibonacci", "(u32) -> u64"),
            ("RandomBytes", "(u32) -> bytes"),
        ] {
            assert_eq!(functions.get(name).map(String::as_str), Some(signature), "{name}");
        }
        let declared: BTreeMap<_, _> = sandbox
            .declared_host_functions()
            .map(|(name, signature)| (name, signature.to_string()))
            .collect();
        assert_eq!(declared.get("HostAdd").map(String::as_str), Some("(i32, i32) -> i32"));
        assert_eq!(declared.get("HostPrint").map(String::as_str), Some("(string) -> i32"));
    });
}

#[test]
fn a_function_of_both_demo_guests_has_one_signature() {
    let [rust, c] = libhyperlight_tests::guests().map(|(_, guest)| sandbox(&guest));
    let rust: BTreeMap<_, _> = rust.functions().collect();
    let both: Vec<_> = c.functions().filter(|(name, _)| rust.contains_key(name)).collect();
    assert!(both.len() > 60, "{} functions", both.len());
    for (name, signature) in both {
        assert_eq!(rust[name], signature, "{name}");
    }
}

#[test]
fn a_guest_can_ask_what_a_host_function_takes_and_returns() {
    on_each_guest(|guest| {
        let mut host = uninitialized(guest);
        host.register("Mixed", |_: String, _: f64, _: Vec<u8>| 1_u64).unwrap();
        host.register("Nothing", || {}).unwrap();
        let mut sandbox = host.evolve().unwrap();
        let kinds = |sandbox: &mut Sandbox, name: &str| {
            let wire: Vec<u8> = sandbox.call("SignatureOfHostFunction", (name,)).unwrap();
            wire.iter().map(|code| Kind::from_code((*code).into()).unwrap()).collect::<Vec<_>>()
        };
        assert_eq!(kinds(&mut sandbox, "Mixed"), [Kind::U64, Kind::String, Kind::F64, Kind::Bytes]);
        assert_eq!(kinds(&mut sandbox, "Nothing"), [Kind::Void]);
        assert_eq!(kinds(&mut sandbox, "HostPrint"), [Kind::I32, Kind::String]);
        assert_eq!(kinds(&mut sandbox, "Missing"), []);
        assert_eq!(kinds(&mut sandbox, "hyperlight:signature"), []);
    });
}

#[test]
fn the_engines_own_names_cannot_be_registered() {
    let mut host = uninitialized(&demo());
    fails_with(ErrorCode::InvalidArgument, host.register("hyperlight:signature", |_: String| {}));
    fails_with(ErrorCode::InvalidArgument, host.register("hyperlight:", || {}));
    host.register("hyperlight", || {}).unwrap();
}

#[test]
fn names_and_signatures_of_host_functions_have_limits() {
    let mut host = uninitialized(&demo());
    host.register(&"n".repeat(MAX_NAME_LEN), || ()).unwrap();
    for name in [String::new(), "n".repeat(MAX_NAME_LEN + 1), "n".repeat(1 << 20)] {
        let error = fails_with(ErrorCode::InvalidArgument, host.register(&name, || ()));
        assert!(error.message().contains("1 to 1024 bytes"), "{error}");
    }
    Signature::new(&[Kind::Bytes; 32], Kind::Void).unwrap();
    fails_with(ErrorCode::InvalidArgument, Signature::new(&[Kind::Bytes; 33], Kind::Void));
    fails_with(ErrorCode::InvalidArgument, Signature::new(&[Kind::I32, Kind::Void], Kind::I32));
}

#[test]
fn a_host_function_can_be_replaced_and_removed_until_the_first_sandbox_starts() {
    on_each_guest(|guest| {
        let mut host = uninitialized(guest);
        host.register("HostAdd", |_: i32, _: i32| 1).unwrap();
        host.register("HostAdd", |a: i32, b: i32| a + b).unwrap();
        host.register("Gone", || ()).unwrap();
        assert!(host.unregister("Gone").unwrap());
        assert!(!host.unregister("Gone").unwrap());

        let mut first = host.try_evolve().unwrap();
        assert_eq!(first.call::<i32>("Add", (2, 3)).unwrap(), 5);
        let seen: String = first.call("CallHostExpectError", ("Gone",)).unwrap();
        assert!(seen.contains("`Gone`"), "{seen}");
        fails_with(ErrorCode::State, host.register("Late", || ()));
        fails_with(ErrorCode::State, host.unregister("HostAdd"));
        let mut second = host.evolve().unwrap();
        assert_eq!(second.call::<i32>("Add", (4, 5)).unwrap(), 9);
        assert_eq!(first.call::<i32>("Add", (6, 7)).unwrap(), 13);
    });
}
