//! Time and random numbers are no part of a snapshot: each restore and each clone gets its own.
#![expect(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

use std::collections::HashSet;
use std::time::Duration;

use libhyperlight::{CallOptions, ErrorCode, Sandbox};
use libhyperlight_tests::clones::{clone, fresh};
use libhyperlight_tests::prober::{self, End, plant};
use libhyperlight_tests::process::in_own_process;
use libhyperlight_tests::{demo, fails_with, on_each_guest, signals};

/// The context of a call.
#[derive(Debug)]
struct Context {
    generation: u64,
    monotonic: u64,
    wall: u64,
    entropy: Option<[u8; 32]>,
}

fn context(sandbox: &mut Sandbox) -> Context {
    let bytes: Vec<u8> = sandbox.call("Context", ()).unwrap();
    let context = libhyperlight_abi::message::Context::from_bytes(&bytes).unwrap();
    Context {
        generation: context.generation,
        monotonic: context.monotonic_ns,
        wall: context.wall_ns,
        entropy: context.entropy,
    }
}

#[test]
fn a_thousand_restores_and_a_thousand_clones_draw_as_many_numbers() {
    let mut sandbox = prober::uninitialized().evolve().unwrap();
    let snapshot = sandbox.snapshot().unwrap();
    let (mut numbers, mut generations) = (HashSet::new(), HashSet::new());
    let mut draw = |sandbox: &mut Sandbox| {
        let first = context(sandbox);
        assert!(numbers.insert(first.entropy.unwrap()), "the same entropy twice");
        assert!(generations.insert(first.generation), "the same generation twice");
        let second = context(sandbox);
        assert_eq!(second.generation, first.generation, "one generation between two restores");
        assert_eq!(second.entropy, None);
    };
    draw(&mut sandbox);
    for round in 0..999 {
        if round % 100 == 0 {
            plant(&mut sandbox, End::InvalidOpcode);
        }
        sandbox.restore(&snapshot).unwrap();
        draw(&mut sandbox);
    }
    for _ in 0..1000 {
        draw(&mut prober::clone(&snapshot));
    }
    assert_eq!(numbers.len(), 2000);
}

#[test]
fn guests_draw_other_random_numbers_after_each_restore_and_in_each_clone() {
    on_each_guest(|guest| {
        let (mut sandbox, untouched) = fresh(guest);
        // Snapshots of a guest whose generator has not been used, and of one whose has.
        sandbox.call::<Vec<u8>>("RandomBytes", (100_u32,)).unwrap();
        let used = sandbox.snapshot().unwrap();
        let mut seen = HashSet::new();
        for snapshot in [&untouched, &used] {
            for _ in 0..100 {
                sandbox.restore(snapshot).unwrap();
                for _ in 0..2 {
                    assert!(seen.insert(sandbox.call::<Vec<u8>>("RandomBytes", (16_u32,)).unwrap()));
                }
            }
            for _ in 0..50 {
                let mut clone = clone(snapshot);
                assert!(seen.insert(clone.call::<Vec<u8>>("RandomBytes", (16_u32,)).unwrap()));
            }
        }
        assert_eq!(seen.len(), 2 * (200 + 50));
    });
}

#[test]
fn a_first_call_that_did_not_begin_does_not_use_up_the_entropy() {
    in_own_process(|| {
        let (mut sandbox, snapshot) = fresh(&demo());
        sandbox.call::<Vec<u8>>("RandomBytes", (16_u32,)).unwrap();
        let used = sandbox.snapshot().unwrap();
        drop(snapshot);
        let draw = || {
            let mut clone = clone(&used);
            // A call that cannot begin: nothing could stop it.
            signals::act(signals::interrupt_signal(), libc::SIG_IGN);
            let options = CallOptions::new().timeout(Duration::from_secs(60));
            fails_with(ErrorCode::InvalidArgument, clone.call_with::<()>(&options, "NoOp", ()));
            signals::act(signals::interrupt_signal(), libc::SIG_DFL);
            clone.call::<Vec<u8>>("RandomBytes", (16_u32,)).unwrap()
        };
        assert_ne!(draw(), draw(), "two clones draw the same numbers");
    });
}

#[test]
fn time_never_goes_back_over_a_restore() {
    let mut sandbox = prober::uninitialized().evolve().unwrap();
    let snapshot = sandbox.snapshot().unwrap();
    let (mut monotonic, mut wall) = (0, 0);
    let mut later = |context: Context| {
        assert!(context.monotonic > monotonic, "{} after {monotonic}", context.monotonic);
        assert!(context.wall > wall, "{} after {wall}", context.wall);
        (monotonic, wall) = (context.monotonic, context.wall);
    };
    for _ in 0..100 {
        later(context(&mut sandbox));
        later(context(&mut sandbox));
        sandbox.restore(&snapshot).unwrap();
    }
    later(context(&mut prober::clone(&snapshot)));
}

#[test]
fn nor_does_the_time_that_a_guest_reads() {
    on_each_guest(|guest| {
        let (mut sandbox, snapshot) = fresh(guest);
        let mut last = 0;
        let mut later = |now: u64| {
            assert!(now >= last, "{now} after {last}");
            last = now;
        };
        for round in 0..50 {
            later(sandbox.call("GuestTime", ()).unwrap());
            if round % 10 == 0 {
                // The guest measures on by itself while a call lasts.
                sandbox.call::<u64>("SpinForMs", (20_u32,)).unwrap();
                later(sandbox.call("GuestTime", ()).unwrap());
            }
            sandbox.restore(&snapshot).unwrap();
        }
        later(clone(&snapshot).call("GuestTime", ()).unwrap());
    });
}
