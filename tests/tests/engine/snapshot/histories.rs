//! Any history of calls, snapshots, restores and clones, against a model that only counts.

use libhyperlight::{Sandbox, SandboxOptions, Snapshot};
use libhyperlight_tests::clones::{add, assert_pristine, clone, count};
use libhyperlight_tests::random::Random;
use libhyperlight_tests::{assert_works, on_each_guest, sandbox_with};

/// A sandbox, or a snapshot, and what its guest must have counted.
struct Counted<T> {
    subject: T,
    count: i32,
}

#[test]
fn any_history_ends_as_the_model_says() {
    on_each_guest(|guest| {
        let mut random = Random::new(2);
        let mut sandboxes: Vec<Counted<Sandbox>> = Vec::new();
        let mut snapshots: Vec<Counted<Snapshot>> = Vec::new();
        for number in 0..3 {
            let mut sandbox = sandbox_with(guest, SandboxOptions::new().heap_size(1 << 20));
            add(&mut sandbox, number);
            snapshots.push(Counted { subject: sandbox.snapshot().unwrap(), count: number });
            sandboxes.push(Counted { subject: sandbox, count: number });
        }
        for step in 0..500 {
            let place = random.below(sandboxes.len());
            let Counted { subject: sandbox, count } = &mut sandboxes[place];
            let from = &snapshots[random.below(snapshots.len())];
            match random.below(9) {
                0..3 => {
                    *count += 1;
                    assert_eq!(add(sandbox, 1), *count, "step {step}");
                }
                3 => {
                    let pages = u32::try_from(random.below(60)).unwrap();
                    sandbox.call::<u32>("DirtyPages", (pages,)).unwrap();
                }
                4 => {
                    let taken = Counted { subject: sandbox.snapshot().unwrap(), count: *count };
                    let place = random.below(snapshots.len());
                    if snapshots.len() < 6 {
                        snapshots.push(taken);
                    } else {
                        snapshots[place] = taken;
                    }
                }
                5..8 => {
                    sandbox.restore(&from.subject).unwrap();
                    *count = from.count;
                    if step % 10 == 0 {
                        assert_pristine(sandbox, &from.subject);
                    }
                }
                _ => {
                    sandboxes[place] = Counted { subject: clone(&from.subject), count: from.count };
                }
            }
        }
        for Counted { subject: sandbox, count: expected } in &mut sandboxes {
            assert_eq!(count(sandbox), *expected);
            assert_works(sandbox);
        }
    });
}
