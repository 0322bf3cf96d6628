//! Successful calls: guest functions, host functions, and the values between them.

use std::sync::{Arc, Mutex};

use libhyperlight::{Kind, SandboxOptions, Signature, Value, ValueRef};
use libhyperlight_abi::FrameKind;
use libhyperlight_tests::script::{Step, frame, scripted};
use libhyperlight_tests::{assert_works, demo, on_each_guest, printing, sandbox, uninitialized};

#[test]
fn a_guest_prints_through_the_host() {
    on_each_guest(|guest| {
        let (mut sandbox, printed) = printing(guest);
        for function in ["PrintOutput", "PrintUsingPrintf"] {
            let text = "Hello, World! I am executing inside of a VM :)\n";
            assert_eq!(sandbox.call::<i32>(function, (text,)).unwrap(), 47);
            assert_eq!(printed.take(), [text]);
        }
        // Bytes of UTF-8 are counted, not characters.
        assert_eq!(sandbox.call::<i32>("PrintOutput", ("äöü",)).unwrap(), 6);
        assert_eq!(printed.take(), ["äöü"]);
    });
}

#[test]
fn functions_take_two_to_eleven_parameters() {
    let arguments: [Value; 11] = [
        Value::String("1".into()),
        Value::I32(2),
        Value::I64(3),
        Value::String("4".into()),
        Value::String("5".into()),
        Value::Bool(true),
        Value::Bool(false),
        Value::U32(8),
        Value::U64(9),
        Value::I32(10),
        Value::F32(3.123),
    ];
    let texts = ["1", "2", "3", "4", "5", "true", "false", "8", "9", "10", "3.123"];
    let names = ["Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine", "Ten", "Eleven"];
    on_each_guest(|guest| {
        let (mut sandbox, printed) = printing(guest);
        for (count, name) in (2..).zip(names) {
            let result = sandbox.call_values(&format!("Print{name}Args"), &arguments[..count]).unwrap();
            let parts: Vec<_> =
                (1..).zip(&texts[..count]).map(|(number, text)| format!("arg{number}:{text}")).collect();
            let expected = format!("Message: {}.", parts.join(" "));
            assert_eq!(result, Value::I32(i32::try_from(expected.len()).unwrap()));
            assert_eq!(printed.take(), [expected]);
        }
    });
}

#[test]
fn a_function_takes_one_parameter_of_each_kind() {
    on_each_guest(|guest| {
        let arguments = (true, -1, 2_u32, i64::MIN, u64::MAX, 1.5_f32, -0.25_f64, "text", b"\x00\xff");
        let described: String = sandbox(guest).call("DescribeAll", arguments).unwrap();
        assert_eq!(described, "true -1 2 -9223372036854775808 18446744073709551615 1.5 -0.25 text [0, 255]");
    });
}

#[test]
fn a_guest_function_takes_thirty_two_parameters() {
    on_each_guest(|guest| {
        let arguments: Vec<_> = (0..32).map(|bit| Value::U32(1 << bit)).collect();
        let sum = sandbox(guest).call_values("SumOfThirtyTwo", &arguments).unwrap();
        assert_eq!(sum, Value::U64(u64::from(u32::MAX)));
    });
}

#[test]
fn guest_functions_call_host_functions() {
    on_each_guest(|guest| {
        let heard = Arc::new(Mutex::new(Vec::<String>::new()));
        let mut host = uninitialized(guest);
        for name in ["HostMethod", "HostMethod1"] {
            let to = Arc::clone(&heard);
            let hear = move |text: String| {
                let len = i32::try_from(text.len()).unwrap();
                to.lock().unwrap().push(text);
                len
            };
            host.register(name, hear).unwrap();
        }
        let to = Arc::clone(&heard);
        host.register("HostMethod4", move |text: String| to.lock().unwrap().push(text)).unwrap();

        let mut sandbox = host.evolve().unwrap();
        for (function, heard_text) in [
            ("GuestMethod", "Hello from GuestFunction, Hi"),
            ("GuestMethod1", "Hello from GuestFunction1, Hi"),
            ("GuestMethod2", "Hello from GuestFunction2, Hi"),
            ("GuestMethod3", "Hello from GuestFunction3, Hi"),
        ] {
            let len: i32 = sandbox.call(function, ("Hi",)).unwrap();
            assert_eq!(len, i32::try_from(heard_text.len()).unwrap());
            assert_eq!(heard.lock().unwrap().drain(..).collect::<Vec<_>>(), [heard_text]);
        }
        sandbox.call::<()>("GuestMethod4", ()).unwrap();
        assert_eq!(*heard.lock().unwrap(), ["Hello from GuestFunction4"]);
    });
}

#[test]
fn a_guest_function_returns_what_a_host_function_computed() {
    on_each_guest(|guest| {
        let mut host = uninitialized(guest);
        host.register("HostAdd", |a: i32, b: i32| a.wrapping_add(b)).unwrap();
        host.register("TheAnswer", || 42_i64).unwrap();
        let mut sandbox = host.evolve().unwrap();
        assert_eq!(sandbox.call::<i32>("Add", (2, 3)).unwrap(), 5);
        assert_eq!(sandbox.call::<i32>("Add", (i32::MAX, 1)).unwrap(), i32::MIN);
        let answer: i64 = sandbox.call("CallGivenParamlessHostFuncThatReturnsI64", ("TheAnswer",)).unwrap();
        assert_eq!(answer, 42);
    });
}

#[test]
fn a_host_function_takes_any_number_of_parameters_up_to_thirty_two() {
    for count in 0..=32 {
        let numbers: Vec<_> = (1..=count).collect();
        let mut call = vec![ValueRef::String("Take")];
        call.extend(numbers.iter().map(|number| ValueRef::U32(*number)));
        let guest = scripted(&[
            Step::ready(&[("Ask", &[Kind::Void])]),
            Step::frame(frame(FrameKind::HostCall, &call)),
            Step::result(ValueRef::Void),
        ]);
        let seen = Arc::new(Mutex::new(Vec::new()));
        let to = Arc::clone(&seen);
        let mut host = uninitialized(&guest);
        let signature = Signature::new(&vec![Kind::U32; numbers.len()], Kind::Void).unwrap();
        host.register_dynamic("Take", signature, move |arguments| {
            to.lock().unwrap().extend(arguments.iter().map(|value| Value::from(*value)));
            Ok(Value::Void)
        })
        .unwrap();
        host.evolve().unwrap().call::<()>("Ask", ()).unwrap();
        assert_eq!(*seen.lock().unwrap(), numbers.into_iter().map(Value::U32).collect::<Vec<_>>());
    }
}

#[test]
fn arguments_survive_a_host_call_that_reuses_their_buffer() {
    on_each_guest(|guest| {
        let mut host = uninitialized(guest);
        host.register("HostEchoString", |text: String| text).unwrap();
        let text: String =
            host.evolve().unwrap().call("EchoAfterHostCall", ("mine", b"\x01\x02\x03")).unwrap();
        assert_eq!(text, "mine [1, 2, 3]");
    });
}

#[test]
fn bytes_are_handed_over_and_back() {
    on_each_guest(|guest| {
        let mut sandbox = sandbox(guest);
        let zeroed: Vec<u8> = sandbox.call("SetByteArrayToZero", ([1_u8, 2, 3, 4, 5],)).unwrap();
        assert_eq!(zeroed, [0; 5]);
        let out: Vec<u8> = sandbox.call("24K_in_8K_out", (vec![7_u8; 24 << 10],)).unwrap();
        assert_eq!(out, vec![7; 8 << 10]);
        sandbox.call::<()>("LargeParameters", (vec![1_u8; 400_000], "a".repeat(400_000))).unwrap();
    });
}

#[test]
fn a_result_can_be_looked_at_without_a_copy() {
    on_each_guest(|guest| {
        let mut sandbox = sandbox(guest);
        for text in ["first", "", "third"] {
            let result = sandbox.call_ref("Echo", &[ValueRef::String(text)]).unwrap();
            assert_eq!(result, ValueRef::String(text));
        }
        let result = sandbox.call_ref("EchoBytes", &[ValueRef::Bytes(&[1, 2])]).unwrap();
        assert_eq!(result, ValueRef::Bytes(&[1, 2]));
    });
}

#[test]
fn state_persists_between_calls() {
    on_each_guest(|guest| {
        let (mut one, mut other) = (sandbox(guest), sandbox(guest));
        assert_eq!(one.call::<i32>("GetStatic", ()).unwrap(), 0);
        assert_eq!(one.call::<i32>("AddToStatic", (5,)).unwrap(), 5);
        assert_eq!(one.call::<i32>("AddToStatic", (3,)).unwrap(), 8);
        assert_eq!(one.call::<i32>("GetStatic", ()).unwrap(), 8);
        // And in one sandbox only.
        assert_eq!(other.call::<i32>("GetStatic", ()).unwrap(), 0);
    });
}

#[test]
fn a_large_static_is_there_and_can_be_written() {
    on_each_guest(|guest| {
        let mut sandbox = sandbox(guest);
        assert_eq!(sandbox.call::<i64>("SumStatic", ()).unwrap(), 0);
        assert_eq!(sandbox.call::<u32>("SetStatic", ()).unwrap(), 1 << 20);
        assert_eq!(sandbox.call::<i64>("SumStatic", ()).unwrap(), 1 << 20);
    });
}

#[test]
fn the_main_hook_runs_once_before_the_first_call() {
    on_each_guest(|guest| {
        let mut sandbox = sandbox(guest);
        for _ in 0..3 {
            assert_eq!(sandbox.call::<i32>("MainRuns", ()).unwrap(), 1);
        }
    });
}

#[test]
fn a_thousand_calls_fit_into_a_small_heap_and_stack() {
    on_each_guest(|guest| {
        let options = SandboxOptions::new().heap_size(64 << 10).stack_size(16 << 10);
        let mut sandbox = libhyperlight_tests::sandbox_with(guest, options);
        for number in 0..1000 {
            let text = format!("call number {number}");
            assert_eq!(sandbox.call::<String>("Echo", (&text,)).unwrap(), text);
        }
        assert_works(&mut sandbox);
    });
}

#[test]
fn the_clock_runs_forwards_in_the_guest() {
    sandbox(&demo()).call::<u64>("CheckClock", (1000_u32,)).unwrap();
    on_each_guest(|guest| {
        let mut sandbox = sandbox(guest);
        let mut last = 0;
        for _ in 0..100 {
            let now: u64 = sandbox.call("GuestTime", ()).unwrap();
            assert!(now > last, "{now} after {last}");
            last = now;
        }
        let before = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        let wall: u64 = sandbox.call("GuestWallTime", ()).unwrap();
        assert!(u128::from(wall) >= before.as_nanos(), "the guest's wall clock is behind the host's");
    });
}

#[test]
fn random_bytes_differ_between_calls_and_sandboxes() {
    on_each_guest(|guest| {
        let mut seen = std::collections::HashSet::new();
        for _ in 0..4 {
            let mut sandbox = sandbox(guest);
            for _ in 0..4 {
                assert!(seen.insert(sandbox.call::<Vec<u8>>("RandomBytes", (32_u32,)).unwrap()));
            }
        }
    });
}
