//! The corpora of the fuzz targets, replayed on any compiler, so that earlier findings stay fixed.

use std::path::Path;

use libhyperlight::ErrorCode;
use libhyperlight_abi::FrameKind;
use libhyperlight_tests::cost::PATIENCE;
use libhyperlight_tests::fuzz::{self, HostCalls, corpus};
use libhyperlight_tests::{host_call_fuzz, need_hypervisor};

/// Replays the corpus of a target, and reports the input that failed.
fn replay(target: &str, mut input: impl FnMut(&[u8])) {
    struct Name<'p>(&'p Path);

    impl Drop for Name<'_> {
        fn drop(&mut self) {
            if std::thread::panicking() {
                #[expect(clippy::print_stderr, reason = "belongs to the panic's message")]
                {
                    eprintln!("this was {}", self.0.display());
                }
            }
        }
    }

    for (path, bytes) in corpus(target) {
        let _name = Name(&path);
        input(&bytes);
    }
}

#[test]
fn frames() {
    replay("frame", fuzz::frame);
}

#[test]
fn values() {
    replay("values", |text| fuzz::values(text, PATIENCE));
}

#[test]
fn guest_files() {
    replay("elf", |file| fuzz::elf(file, PATIENCE));
}

#[test]
fn snapshot_files() {
    need_hypervisor();
    replay("snapshot", |file| fuzz::snapshot(file, PATIENCE));
}

#[test]
fn host_calls() {
    let mut guest = HostCalls::new();
    replay("host_call", |input| drop(guest.run(input)));
}

#[test]
fn the_inputs_that_host_calls_are_fuzzed_from_do_what_they_are_named_after() {
    let mut guest = HostCalls::new();
    for (name, input) in host_call_fuzz::seeds() {
        let made = guest.run(&input);
        let (answers, reached, error) = match name {
            "every" => (11, 10, None),
            "storm" => (30, 24, None),
            "print" => (3, 2, None),
            "all" | "most" => (1, 1, None),
            "context" => (1, 0, None),
            "wait" => (3, 0, None),
            "wait_for_ever" => (0, 0, Some(ErrorCode::Timeout)),
            "result" => (0, 0, None),
            "stops" => (0, 1, Some(ErrorCode::HostFunction)),
            "error" => (0, 0, Some(ErrorCode::GuestError)),
            "abort" => (0, 0, Some(ErrorCode::GuestOutOfMemory)),
            other => panic!("no such input: {other}"),
        };
        assert_eq!((made.answers.len(), made.reached, made.error), (answers, reached, error), "{name}");
        // The committed corpus starts from the same.
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus/host_call").join(name);
        assert_eq!(std::fs::read(&path).unwrap(), input, "{}", path.display());
    }
    let every = guest.run(&host_call_fuzz::seeds()[0].1);
    let failed = every.answers.iter().filter(|kind| **kind == FrameKind::HostError).count();
    assert_eq!(failed, 4, "{every:?}");
}
