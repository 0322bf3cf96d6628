//! Many restores: nothing of the process grows, and none gets slower. Their cost is printed, as ratios in one run.
#![expect(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

use std::time::{Duration, Instant};

use libhyperlight::{CallOptions, Guest, Sandbox, Snapshot};
use libhyperlight_tests::clones::{add, clone, count, fresh};
use libhyperlight_tests::harm::{self, Host};
use libhyperlight_tests::process::in_own_process;
use libhyperlight_tests::stop::processor_time;
use libhyperlight_tests::{assert_works, demo, guests};

/// One cycle of a sandbox's life; each so many of them, a life less simple.
fn cycle(number: u32, sandbox: &mut Sandbox, kept: &mut Snapshot, fresh: &Snapshot) {
    let every = |count: u32| number % count == count - 1;
    assert_eq!(add(sandbox, 1), 1, "cycle {number}");
    if every(10) {
        sandbox.call::<u32>("DirtyPages", (number % 500,)).unwrap();
    }
    if every(50) {
        sandbox.call::<()>("TriggerException", ()).unwrap_err();
    }
    if every(500) {
        let options = CallOptions::new().timeout(Duration::from_millis(1));
        sandbox.restore(fresh).unwrap();
        sandbox.call_with::<()>(&options, "Spin", ()).unwrap_err();
    }
    if every(70) {
        // To another image and back.
        sandbox.restore(kept).unwrap();
        assert_eq!(count(sandbox), 2);
    }
    if every(100) {
        let mut clone = clone(kept);
        add(&mut clone, 1);
        clone.restore(fresh).unwrap();
        add(&mut clone, 2);
        *kept = clone.snapshot().unwrap();
    }
    sandbox.restore(fresh).unwrap();
}

/// Many cycles of a guest. Returns the processor time of one in the middle.
fn cycles(guest: &Guest, count: u32) -> Duration {
    let (mut sandbox, fresh) = fresh(guest);
    let mut other = clone(&fresh);
    add(&mut other, 2);
    let mut kept = other.snapshot().unwrap();
    drop(other);
    let mut times: Vec<Duration> = (0..count)
        .map(|number| {
            let start = processor_time();
            cycle(number, &mut sandbox, &mut kept, &fresh);
            processor_time() - start
        })
        .collect();
    times.sort_unstable();
    times[times.len() / 2]
}

#[test]
fn nothing_grows_over_a_hundred_thousand_cycles() {
    in_own_process(|| {
        let guests = guests();
        // What is made once is made, and the allocator finds its size.
        for (_, guest) in &guests {
            cycles(guest, 1000);
        }
        let settled = || {
            // Two at most: a machine that was dropped is destroyed in the background.
            harm::wait_until(|| harm::count_files("kvm-vm") <= 1);
            (Host::now(), harm::resident())
        };
        let (before, resident_before) = settled();
        let mut medians = Vec::new();
        for _ in 0..3 {
            for (language, guest) in &guests {
                medians.push((language, cycles(guest, 17_000)));
            }
        }
        let (after, resident) = settled();
        println!("median of a cycle: {medians:?}; resident {resident_before}, then {resident}");
        assert_eq!(before.files, after.files);
        assert!(after.mappings.abs_diff(before.mappings) <= 4, "{} then {}", before.mappings, after.mappings);
        assert_eq!(Host { mappings: 0, ..before }, Host { mappings: 0, ..after });
        assert!(resident < resident_before + (4 << 20), "{resident_before} bytes, then {resident}");
        // Far more than noise: something that goes through a list that grows.
        assert!(medians[4].1 < 5 * medians[0].1 && medians[5].1 < 5 * medians[1].1, "{medians:?}");
    });
}

#[test]
fn snapshots_that_were_dropped_leave_nothing() {
    in_own_process(|| {
        let (mut sandbox, fresh) = fresh(&demo());
        let chain = |sandbox: &mut Sandbox| {
            // Each is based on the one before, which is dropped.
            for number in 0..50 {
                add(sandbox, 1);
                let snapshot = sandbox.snapshot().unwrap();
                let mut clone = clone(&snapshot);
                assert_eq!(count(&mut clone), number + 1);
                *sandbox = clone;
            }
            sandbox.restore(&fresh).unwrap();
            // The guest's image, the first snapshot's, and the one that the sandbox was made with.
            harm::wait_until(|| harm::count_files("memfd") <= 3);
        };
        chain(&mut sandbox);
        let resident = harm::resident();
        for _ in 0..4 {
            chain(&mut sandbox);
        }
        assert!(harm::resident() < resident + (4 << 20), "{resident} bytes, then {}", harm::resident());
        assert_works(&mut sandbox);
    });
}

/// The median time of `body`.
fn median(mut body: impl FnMut()) -> f64 {
    let mut times: Vec<_> = (0..400)
        .map(|_| {
            let start = Instant::now();
            body();
            start.elapsed().as_secs_f64()
        })
        .collect();
    times.sort_unstable_by(f64::total_cmp);
    times[times.len() / 2]
}

#[test]
fn what_restores_cost_beside_a_call() {
    let (mut sandbox, snapshot) = fresh(&demo());
    let call = |sandbox: &mut Sandbox, pages: u32| {
        sandbox.call::<u32>("DirtyPages", (pages,)).unwrap();
    };
    let mut ratios = Vec::new();
    for pages in [1, 16, 256, 1024, 4096 - 64] {
        let plain = median(|| call(&mut sandbox, pages));
        let restored = median(|| {
            call(&mut sandbox, pages);
            sandbox.restore(&snapshot).unwrap();
        });
        ratios.push((pages, restored / plain));
    }
    println!("call and restore, in calls that dirty as many pages: {ratios:.2?}");

    // Where the picture differs from the mapped base by as many pages that the call does not touch.
    let mut deltas = Vec::new();
    for pages in [16, 256, 1024, 4096 - 64] {
        sandbox.restore(&snapshot).unwrap();
        call(&mut sandbox, pages);
        let large = sandbox.snapshot().unwrap();
        let mut mapped = clone(&large);
        let cost = |sandbox: &mut Sandbox| {
            median(|| {
                call(sandbox, 1);
                sandbox.restore(&large).unwrap();
            })
        };
        deltas.push((pages, cost(&mut sandbox) / cost(&mut mapped)));
    }
    println!("call and restore over a delta of so many pages, in those of a clone: {deltas:.2?}");
    assert_works(&mut sandbox);
}
