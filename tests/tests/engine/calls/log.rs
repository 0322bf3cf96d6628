//! Log records of guests reach the host's logger: bounded, cleaned, and with their place.
#![expect(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

use std::time::Duration;

use libhyperlight::{ErrorCode, GUEST_LOG_TARGET, Guest, Kind, SandboxOptions, State, ValueRef};
use libhyperlight_abi::FrameKind;
use libhyperlight_tests::logger::{self, Kept};
use libhyperlight_tests::process::in_own_process;
use libhyperlight_tests::script::{Step, frame, scripted};
use libhyperlight_tests::{demo, fails_with, on_each_guest, poisons, sandbox, sandbox_with, uninitialized};
use log::{Level, LevelFilter};

static LOG_STORM: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/log_storm.elf"));

const LEVELS: [Level; 5] = [Level::Error, Level::Warn, Level::Info, Level::Debug, Level::Trace];

fn number(level: Level) -> i32 {
    i32::try_from(level as usize).unwrap()
}

/// The record as the guest's SDK writes it into the ring.
fn record(level: u32, target: &str, file: &str, line: u32, message: &str) -> Vec<u8> {
    use ValueRef::{String, U32};
    frame(FrameKind::Log, &[U32(level), String(target), String(file), U32(line), String(message)])
}

/// A guest that answers one call, `Ask`, with these steps.
fn asked(step: Step) -> Guest {
    scripted(&[Step::ready(&[("Ask", &[Kind::Void])]), step])
}

#[test]
fn a_record_arrives_with_level_target_file_and_line() {
    in_own_process(|| {
        logger::install(LevelFilter::Trace);
        on_each_guest(|guest| {
            let mut sandbox = sandbox(guest);
            for level in LEVELS {
                let arguments = ("a message: äöü", "where it came from", number(level));
                sandbox.call::<i32>("LogMessageWithSource", arguments).unwrap();
                let [kept] = logger::take_of("where it came from").try_into().unwrap();
                assert_eq!((kept.level, &*kept.message), (level, "a message: äöü"));
                assert!(kept.file.is_some_and(|file| !file.is_empty()));
                assert!(kept.line.is_some_and(|line| line > 0));
            }
        });
    });
}

#[test]
fn records_arrive_in_order_and_before_the_call_returns() {
    in_own_process(|| {
        logger::install(LevelFilter::Trace);
        let guest = scripted(&[
            Step::ready(&[("Ask", &[Kind::Void])]).log(
                [record(3, "in order", "f.c", 1, "first"), record(1, "in order", "", 0, "second")].concat(),
                None,
            ),
            Step::frame(frame(FrameKind::HostCall, &[ValueRef::String("Look")])),
        ]);
        let mut host = uninitialized(&guest);
        host.register("Look", || assert_eq!(logger::take_of("in order"), [])).unwrap();
        let mut sandbox = host.evolve().unwrap();
        let kept = |level, file: Option<&str>, line, message: &str| Kept {
            level,
            target: "in order".into(),
            file: file.map(str::to_owned),
            line,
            message: message.into(),
        };
        assert_eq!(
            logger::take_of("in order"),
            [kept(Level::Info, Some("f.c"), Some(1), "first"), kept(Level::Error, None, None, "second")]
        );
        fails_with(ErrorCode::GuestFault, sandbox.call::<()>("Ask", ()));
    });
}

#[test]
fn what_a_guest_logged_before_it_died_is_not_lost_if_it_had_rung() {
    in_own_process(|| {
        logger::install(LevelFilter::Trace);
        on_each_guest(|guest| {
            let mut host = uninitialized(guest);
            host.register("HostEchoString", |text: String| text).unwrap();
            let mut sandbox = host.evolve().unwrap();
            sandbox.call::<i32>("LogMessageWithSource", ("before", "a dying guest", 3)).unwrap();
            poisons(&mut sandbox, ErrorCode::GuestAbort, |sandbox| sandbox.call::<()>("Panic", ("gone",)));
            assert_eq!(logger::take_of("a dying guest").len(), 1);
        });
    });
}

#[test]
fn the_hosts_level_decides_what_the_guest_writes() {
    in_own_process(|| {
        on_each_guest(|guest| {
            let mut sandbox = sandbox(guest);
            for filter in LevelFilter::iter() {
                logger::install(filter);
                for level in LEVELS {
                    sandbox.call::<i32>("LogMessageWithSource", ("text", "levels", number(level))).unwrap();
                    sandbox.call::<()>("LogMessage", ("text", number(level))).unwrap();
                }
                sandbox.call::<()>("LogMessage", ("off", 0)).unwrap();
                let levels: Vec<_> = logger::take_of("levels").iter().map(|kept| kept.level).collect();
                let expected: Vec<_> = LEVELS.into_iter().filter(|level| *level <= filter).collect();
                assert_eq!(levels, expected, "{filter}");
                let others: Vec<_> =
                    logger::take().into_iter().filter(|kept| kept.message == "text").collect();
                assert_eq!(others.len(), expected.len(), "{filter}");
            }
        });
    });
}

#[test]
fn a_guest_that_ignores_the_level_is_filtered_by_the_host() {
    in_own_process(|| {
        logger::install(LevelFilter::Warn);
        let records: Vec<_> = (1..=5).flat_map(|level| record(level, "loud", "", 0, "text")).collect();
        let guest = asked(Step::result(ValueRef::Void).log(records, None));
        uninitialized(&guest).evolve().unwrap().call::<()>("Ask", ()).unwrap();
        let levels: Vec<_> = logger::take_of("loud").iter().map(|kept| kept.level).collect();
        assert_eq!(levels, [Level::Error, Level::Warn]);
    });
}

#[test]
fn ugly_records_are_cleaned_and_cut() {
    in_own_process(|| {
        logger::install(LevelFilter::Trace);
        let ugly = "\x1b[2J\r\n\0\u{202e}\u{200b}\u{85}";
        let records = [
            record(1, ugly, ugly, 1, ugly),
            record(1, "ugly", &"f".repeat(1000), 2, &"é".repeat(10_000)),
            record(1, &"ugly".repeat(1000), "", u32::MAX, ""),
        ];
        let guest = asked(Step::result(ValueRef::Void).log(records.concat(), None));
        uninitialized(&guest).evolve().unwrap().call::<()>("Ask", ()).unwrap();
        let clean = r"\u{1b}[2J\r\n\u{0}\u{202e}\u{200b}\u{85}";
        let [kept] = logger::take_of(clean).try_into().unwrap();
        assert_eq!((kept.file.as_deref(), &*kept.message), (Some(clean), clean));
        let [kept] = logger::take_of("ugly").try_into().unwrap();
        assert_eq!(kept.message, format!("{}…", "é".repeat(2048)));
        assert_eq!(kept.file.unwrap().len(), 256 + '…'.len_utf8());
        assert_eq!(logger::take_of(&format!("{}…", "ugly".repeat(64))).len(), 1);
    });
}

#[test]
fn a_full_ring_drops_records_and_says_how_many() {
    in_own_process(|| {
        logger::install(LevelFilter::Trace);
        {
            let mut sandbox = sandbox(&demo());
            for (records, bytes) in [(10_u32, 100_u32), (1000, 100), (10_000, 10), (100, 4000), (5000, 0)] {
                sandbox.call::<()>("LogFlood", (records, bytes)).unwrap();
                let (own, guests): (Vec<_>, Vec<_>) =
                    logger::take().into_iter().partition(|kept| kept.target == "libhyperlight");
                let arrived = u32::try_from(guests.len()).unwrap();
                assert!(guests.iter().all(|kept| kept.message == "x".repeat(bytes as usize)));
                assert!(arrived > 0 && arrived <= records);
                let dropped: Vec<_> = own.into_iter().map(|kept| kept.message).collect();
                if arrived == records {
                    assert_eq!(dropped, [""; 0]);
                } else {
                    let missing = records - arrived;
                    assert_eq!(
                        dropped,
                        [format!("the guest dropped {missing} log records: its ring was full")]
                    );
                }
            }
        }
    });
}

#[test]
fn the_ring_wraps_without_a_seam() {
    in_own_process(|| {
        logger::install(LevelFilter::Trace);
        on_each_guest(|guest| {
            let mut sandbox = sandbox(guest);
            for number in 0..2000_u32 {
                sandbox.call::<()>("LogNumbered", (format!("call {number}"), 3_u32)).unwrap();
                let texts: Vec<_> = logger::take().into_iter().map(|kept| kept.message).collect();
                assert_eq!(texts, [0, 1, 2].map(|n| format!("call {number} {n}")));
            }
        });
    });
}

#[test]
fn max_log_bytes_bounds_what_one_call_brings() {
    in_own_process(|| {
        logger::install(LevelFilter::Trace);
        on_each_guest(|guest| {
            let mut sandbox = sandbox_with(guest, SandboxOptions::new().max_log_bytes(2000));
            for _ in 0..3 {
                sandbox.call::<()>("LogNumbered", ("some words", 100_u32)).unwrap();
                let (own, guests): (Vec<_>, Vec<_>) =
                    logger::take().into_iter().partition(|kept| kept.target == "libhyperlight");
                assert!((2..40).contains(&guests.len()), "{} records", guests.len());
                assert_eq!(guests[0].message, "some words 0");
                let [warning] = own.try_into().unwrap();
                let dropped = 100 - guests.len();
                assert_eq!(
                    warning.message,
                    format!(
                        "dropped {dropped} log records of the guest: the call's bytes of logging are used up"
                    )
                );
            }
        });
    });
}

#[test]
fn a_storm_of_records_and_exits_brings_what_it_may_and_one_line_more() {
    in_own_process(|| {
        const BYTES: u64 = 20_000;
        logger::install(LevelFilter::Trace);
        let guest = Guest::from_bytes(LOG_STORM).unwrap();
        let options = || SandboxOptions::new().max_log_bytes(BYTES);
        for (options, code) in [
            // It is stopped because it goes on asking, …
            (options().max_host_calls(5), ErrorCode::TooLarge),
            // … or where that is not limited, by its time.
            (options().timeout(Duration::from_millis(300)), ErrorCode::Timeout),
        ] {
            let mut sandbox = sandbox_with(&guest, options);
            let fresh = sandbox.snapshot().unwrap();
            for _ in 0..3 {
                fails_with(code, sandbox.call::<()>("Storm", ()));
                let (own, guests): (Vec<_>, Vec<_>) =
                    logger::take().into_iter().partition(|kept| kept.target == "libhyperlight");
                let bytes: usize = guests.iter().map(|kept| kept.message.len()).sum();
                assert!(bytes > 0 && bytes as u64 <= BYTES, "{bytes} bytes");
                let [summary] = own.try_into().unwrap();
                assert!(summary.message.contains("bytes of logging") && summary.message.contains("ring"));
                sandbox.restore(&fresh).unwrap();
            }
        }
    });
}

#[test]
fn what_a_record_becomes_counts_as_what_it_is() {
    in_own_process(|| {
        logger::install(LevelFilter::Trace);
        // Three bytes that become eight, and one that becomes five.
        for hidden in ["\u{202e}", "\u{1}"] {
            let text = hidden.repeat(1000 / hidden.len());
            let guest = asked(Step::result(ValueRef::Void).log(record(2, "", "", 0, &text).repeat(10), None));
            let mut sandbox = sandbox_with(&guest, SandboxOptions::new().max_log_bytes(10_000));
            sandbox.call::<()>("Ask", ()).unwrap();
            let kept = logger::take();
            let (summary, records) = kept.split_last().unwrap();
            let bytes: usize = records.iter().map(|kept| kept.message.len()).sum();
            assert!(bytes > 2000 && bytes <= 10_000, "{bytes} bytes");
            assert!(summary.message.starts_with("dropped "), "{}", summary.message);
        }
    });
}

#[test]
fn a_text_that_a_guest_cuts_says_so() {
    in_own_process(|| {
        logger::install(LevelFilter::Trace);
        on_each_guest(|guest| {
            let mut sandbox = sandbox(guest);
            for (text, kept) in [("y", 4093), ("é", 2046), ("語", 1364), ("𝄞", 1023)] {
                for (times, is_cut) in
                    [(4096 / text.len(), false), (4096 / text.len() + 1, true), (100_000, true)]
                {
                    let whole = text.repeat(times);
                    let source = format!("cut {text} {times}");
                    sandbox.call::<i32>("LogMessageWithSource", (&*whole, &*source, 3)).unwrap();
                    let [record] = logger::take_of(&source).try_into().unwrap();
                    let expected = if is_cut { format!("{}…", text.repeat(kept)) } else { whole };
                    assert!(record.message == expected, "{source}: {} bytes", record.message.len());
                }
            }
            // So do the words of an error.
            let error = sandbox.call::<()>("ReturnError", (1, "é".repeat(10_000))).unwrap_err();
            assert_eq!(error.message(), format!("{}…", "é".repeat(2046)));
            let error = poisons(&mut sandbox, ErrorCode::GuestAbort, |sandbox| {
                sandbox.call::<()>("GuestAbortWithMessage", (1, "é".repeat(10_000)))
            });
            assert!(error.message().ends_with("éé…"), "{error}");
        });
    });
}

#[test]
fn a_log_ring_that_lies_breaks_the_contract() {
    in_own_process(|| {
        logger::install(LevelFilter::Trace);
        let good = record(1, "lies", "", 0, "text");
        let truncated = good[..good.len() - 8].to_vec();
        let mut wrong_kind = good.clone();
        wrong_kind[4] = FrameKind::Result as u8;
        for (bytes, head) in [
            // A head that claims more than the ring holds, or goes back.
            (vec![], Some(u64::MAX)),
            (vec![], Some((64 << 10) + 8)),
            (vec![], Some(1 << 32)),
            // Bytes that are no records.
            (vec![0xff; 64], None),
            (vec![0; 64], None),
            (truncated, None),
            (wrong_kind, None),
            (good.clone(), Some(8)),
            (good.clone(), Some(good.len() as u64 + 1)),
            (good.clone(), Some(good.len() as u64 + 16)),
            (record(0, "lies", "", 0, "no level"), None),
            (record(6, "lies", "", 0, "no level"), None),
            (frame(FrameKind::Log, &[ValueRef::U32(1)]), None),
        ] {
            let guest = asked(Step::result(ValueRef::Void).log(bytes.clone(), head));
            let mut sandbox = uninitialized(&guest).evolve().unwrap();
            let error = fails_with(ErrorCode::Protocol, sandbox.call::<()>("Ask", ()));
            assert_eq!(error.message(), "the guest's log ring holds something that is no log record");
            assert_eq!(sandbox.state(), State::Poisoned);
        }
        // The whole ring at once is legal.
        let mut all = Vec::new();
        while all.len() < 64 << 10 {
            // 128 bytes.
            all.extend(record(5, "the whole ring", "", 0, &"x".repeat(40)));
        }
        assert_eq!(all.len(), 64 << 10);
        let guest = asked(Step::result(ValueRef::Void).log(all, None));
        uninitialized(&guest).evolve().unwrap().call::<()>("Ask", ()).unwrap();
        assert_eq!(logger::take_of("the whole ring").len(), 512);
    });
}

#[test]
fn a_guests_claim_about_dropped_records_is_only_a_claim() {
    in_own_process(|| {
        logger::install(LevelFilter::Trace);
        let line = |n: usize| Step::result(ValueRef::Void).log(record(1, "x", "", 0, "x").repeat(n), None);
        let guest = scripted(&[
            Step::ready(&[("Ask", &[Kind::Void])]),
            line(1).dropped(u64::MAX),
            line(2).dropped(0),
            line(3).dropped(5),
        ]);
        let mut sandbox = uninitialized(&guest).evolve().unwrap();
        for claim in [Some(u64::MAX), None, Some(5)] {
            sandbox.call::<()>("Ask", ()).unwrap();
            let texts: Vec<_> = logger::take().into_iter().map(|kept| kept.message).collect();
            let expected = claim.map(|n| format!("the guest dropped {n} log records: its ring was full"));
            assert_eq!(texts, ["x".to_owned()].into_iter().chain(expected).collect::<Vec<_>>());
        }
    });
}

#[test]
fn no_guest_speaks_for_the_library_or_chooses_what_loggers_key_by() {
    /// Target and module path of every record.
    struct Keys(std::sync::Mutex<Vec<(String, Option<String>)>>);

    impl log::Log for Keys {
        fn enabled(&self, _: &log::Metadata<'_>) -> bool {
            true
        }

        fn log(&self, record: &log::Record<'_>) {
            let speaker = record.module_path().map(str::to_owned);
            self.0.lock().unwrap().push((record.target().to_owned(), speaker));
        }

        fn flush(&self) {}
    }

    in_own_process(|| {
        static KEYS: Keys = Keys(std::sync::Mutex::new(Vec::new()));
        log::set_logger(&KEYS).unwrap();
        log::set_max_level(LevelFilter::Trace);
        let names = [
            ("libhyperlight", "guest"),
            ("libhyperlight::guest", "guest"),
            ("libhyperlight::", "guest"),
            ("hyperlighting", "hyperlighting"),
            ("billing", "billing"),
            ("", ""),
        ];
        let records: Vec<_> = names.iter().flat_map(|(name, _)| record(2, name, "", 0, "text")).collect();
        let guest = asked(Step::result(ValueRef::Void).log(records, None).dropped(1));
        uninitialized(&guest).evolve().unwrap().call::<()>("Ask", ()).unwrap();
        let kept = std::mem::take(&mut *KEYS.0.lock().unwrap());
        let (own, guests) = kept.split_last().unwrap();
        assert_eq!(own.0, "libhyperlight");
        assert!(guests.iter().all(|(target, _)| target == GUEST_LOG_TARGET), "{guests:?}");
        let speakers: Vec<_> = guests.iter().map(|(_, speaker)| speaker.as_deref().unwrap()).collect();
        assert_eq!(speakers, names.map(|(_, shown)| shown));
    });
}

#[test]
fn a_panicking_logger_does_not_leave_a_sandbox_half_done() {
    struct Panics;

    impl log::Log for Panics {
        fn enabled(&self, _: &log::Metadata<'_>) -> bool {
            true
        }

        fn log(&self, record: &log::Record<'_>) {
            assert_ne!(record.args().to_string(), "panic, logger");
        }

        fn flush(&self) {}
    }

    in_own_process(|| {
        log::set_logger(&Panics).unwrap();
        log::set_max_level(LevelFilter::Trace);
        let mut sandbox = sandbox(&demo());
        let call = || sandbox.call::<()>("LogMessage", ("panic, logger", 1));
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(call)).unwrap_err();
        fails_with(ErrorCode::Poisoned, sandbox.call::<()>("NoOp", ()));
    });
}
