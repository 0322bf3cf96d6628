//! The call buffers: a long message leaves no tail in a short one, and a restore leaves nothing in them at all.
#![expect(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

use libhyperlight::{ErrorCode, Sandbox, Value};
use libhyperlight_tests::clones::{clone, fresh};
use libhyperlight_tests::process::in_own_process;
use libhyperlight_tests::{demo, logger, on_each_guest, poisons, printing, uninitialized};
use log::LevelFilter;

const SECRET: &str = "a secret that only one tenant may know";

/// A text that is repeated until it fills half of a buffer.
fn long() -> String {
    SECRET.repeat((512 << 10) / SECRET.len())
}

/// A span of the Rust demo guest's memory, as it reads it itself.
fn read(sandbox: &mut Sandbox, span: &str) -> Vec<u8> {
    let start: u64 = sandbox.call("AddressOf", (span,)).unwrap();
    let end: u64 = sandbox.call("AddressOf", (format!("{span}_end"),)).unwrap();
    // What the guest sends, it writes to the buffer that it reads: in pieces from the end, where nothing was written
    // yet.
    let mut pieces = Vec::new();
    for at in (start..end).step_by(16 << 10).collect::<Vec<_>>().into_iter().rev() {
        let len = u32::try_from((end - at).min(16 << 10)).unwrap();
        pieces.push(sandbox.call::<Vec<u8>>("ReadMemory", (at, len)).unwrap());
    }
    pieces.into_iter().rev().flatten().collect()
}

fn holds_secret(bytes: &[u8]) -> bool {
    bytes.windows(SECRET.len()).any(|window| window == SECRET.as_bytes())
}

#[test]
fn a_short_value_behind_a_long_one_has_no_tail() {
    on_each_guest(|guest| {
        let (mut sandbox, snapshot) = fresh(guest);
        let long = long();
        for with_restore in [false, true] {
            for short in ["", "x", "seven b", "eight by", "nine byte", SECRET] {
                assert_eq!(sandbox.call::<String>("Echo", (&long,)).unwrap(), long);
                if with_restore {
                    sandbox.restore(&snapshot).unwrap();
                }
                assert_eq!(sandbox.call::<String>("Echo", (short,)).unwrap(), short);
                assert_eq!(
                    sandbox.call::<Vec<u8>>("EchoBytes", (short.as_bytes(),)).unwrap(),
                    short.as_bytes()
                );
                let error = sandbox.call::<()>("ReturnError", (1, short)).unwrap_err();
                let said = if short.is_empty() { "the guest function failed with code 1" } else { short };
                assert_eq!(error.message(), said);
            }
        }
    });
}

#[test]
fn the_same_of_host_functions_and_what_they_return() {
    on_each_guest(|guest| {
        let mut host = uninitialized(guest);
        host.register("HostEchoString", |text: String| text).unwrap();
        host.register("HostEchoVecBytes", |bytes: Vec<u8>| bytes).unwrap();
        let mut sandbox = host.evolve().unwrap();
        let snapshot = sandbox.snapshot().unwrap();
        let long = long();
        for with_restore in [false, true] {
            for short in ["", "x", "seven b", "eight by", "nine byte"] {
                assert_eq!(sandbox.call::<String>("RoundTripHostString", (&long,)).unwrap(), long);
                if with_restore {
                    sandbox.restore(&snapshot).unwrap();
                }
                assert_eq!(sandbox.call::<String>("RoundTripHostString", (short,)).unwrap(), short);
                let bytes: Vec<u8> = sandbox.call("RoundTripHostVecBytes", (short.as_bytes(),)).unwrap();
                assert_eq!(bytes, short.as_bytes());
            }
        }
    });
}

#[test]
fn a_restore_empties_both_buffers_and_the_log_ring() {
    in_own_process(|| {
        logger::install(LevelFilter::Trace);
        let (mut sandbox, snapshot) = fresh(&demo());
        let soil = |sandbox: &mut Sandbox| {
            sandbox.call::<String>("Echo", (long(),)).unwrap();
            for _ in 0..3 {
                sandbox.call::<()>("LogMessage", (SECRET.repeat(20), 1)).unwrap();
            }
        };
        for span in ["input", "output", "log_ring"] {
            soil(&mut sandbox);
            // Without a restore it is there, or this would show nothing.
            assert!(holds_secret(&read(&mut sandbox, span)), "{span}");
            for poisoned in [false, true] {
                soil(&mut sandbox);
                if poisoned {
                    poisons(&mut sandbox, ErrorCode::GuestAbort, |sandbox| {
                        sandbox.call::<()>("GuestAbortWithMessage", (1, SECRET))
                    });
                }
                sandbox.restore(&snapshot).unwrap();
                assert!(!holds_secret(&read(&mut sandbox, span)), "{span}, poisoned: {poisoned}");
            }
            // Nor is it in the picture of a sandbox whose buffers are full of it.
            sandbox.restore(&snapshot).unwrap();
            soil(&mut sandbox);
            let full = sandbox.snapshot().unwrap();
            assert!(!holds_secret(&read(&mut clone(&full), span)), "{span} in a clone");
            sandbox.restore(&snapshot).unwrap();
        }
    });
}

#[test]
fn the_guests_log_goes_on_after_a_restore() {
    in_own_process(|| {
        on_each_guest(|guest| {
            logger::install(LevelFilter::Trace);
            let (mut sandbox, snapshot) = fresh(guest);
            // Many times more than the ring holds, with a restore at every possible fill.
            for round in 0..400_usize {
                let text = format!("round {round} {}", "x".repeat(round));
                sandbox.call::<()>("LogMessage", (&text, 3)).unwrap();
                let found = logger::take().into_iter().any(|record| record.message == text);
                assert!(found, "round {round}");
                if round % 3 == 0 {
                    sandbox.restore(&snapshot).unwrap();
                }
            }
        });
    });
}

#[test]
fn a_restore_does_not_print_again() {
    on_each_guest(|guest| {
        let (mut sandbox, printed) = printing(guest);
        let snapshot = sandbox.snapshot().unwrap();
        for text in ["one", "two", "three"] {
            sandbox.call::<i32>("PrintOutput", (text,)).unwrap();
            sandbox.restore(&snapshot).unwrap();
            assert_eq!(printed.take(), [text]);
        }
        let of_printed = {
            sandbox.call::<i32>("PrintOutput", ("four",)).unwrap();
            sandbox.snapshot().unwrap()
        };
        printed.take();
        sandbox.restore(&of_printed).unwrap();
        sandbox.call_values("NoOp", &[]).unwrap();
        assert_eq!(printed.take(), [""; 0]);
    });
}

#[test]
fn the_largest_messages_pass_after_a_restore_too() {
    on_each_guest(|guest| {
        let (mut sandbox, snapshot) = fresh(guest);
        let largest = vec![0xa5; 1 << 20];
        for _ in 0..5 {
            assert!(sandbox.call::<Vec<u8>>("EchoBytes", (&largest[..],)).unwrap() == largest);
            sandbox.restore(&snapshot).unwrap();
            assert_eq!(sandbox.call_values("BytesLength", &[Value::Bytes(vec![1])]).unwrap(), Value::U64(1));
        }
    });
}
