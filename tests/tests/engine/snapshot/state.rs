//! A restore brings back everything that the guest knew, from any snapshot of it, in any order.
#![expect(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

use libhyperlight::{Kind, Sandbox, ValueRef};
use libhyperlight_tests::clones::{add, assert_pristine, clone, count, fresh};
use libhyperlight_tests::random::Random;
use libhyperlight_tests::script::{self, Step};
use libhyperlight_tests::{assert_works, on_each_guest, sandbox, uninitialized};

/// Uses statics, a large static, heap and stack.
fn use_all_memory(sandbox: &mut Sandbox, number: i32) {
    add(sandbox, number);
    sandbox.call::<u32>("SetStatic", ()).unwrap();
    sandbox.call::<u64>("AllocAndWritePattern", (100_000_u32,)).unwrap();
    sandbox.call::<u32>("DirtyPages", (50_u32,)).unwrap();
    sandbox.call::<i32>("StackOverflow", (20,)).unwrap();
    assert!(sandbox.call::<bool>("ReadPattern", ()).unwrap());
}

#[test]
fn statics_heap_and_stack_are_undone() {
    on_each_guest(|guest| {
        let (mut sandbox, snapshot) = fresh(guest);
        let address: u64 = sandbox.call("TestMalloc", (1000_u64,)).unwrap();
        sandbox.restore(&snapshot).unwrap();
        for round in 1..=20 {
            use_all_memory(&mut sandbox, round);
            assert_eq!(sandbox.call::<i64>("SumStatic", ()).unwrap(), 1 << 20);
            sandbox.restore(&snapshot).unwrap();
            assert_pristine(&sandbox, &snapshot);
            assert_eq!(count(&mut sandbox), 0);
            assert_eq!(sandbox.call::<i64>("SumStatic", ()).unwrap(), 0);
            // The heap's own bookkeeping too: it gives out the same memory again.
            assert_eq!(sandbox.call::<u64>("TestMalloc", (1000_u64,)).unwrap(), address);
            assert_eq!(sandbox.call::<i32>("MainRuns", ()).unwrap(), 1);
        }
    });
}

#[test]
fn what_was_there_when_the_snapshot_was_taken_comes_back() {
    on_each_guest(|guest| {
        let mut sandbox = sandbox(guest);
        use_all_memory(&mut sandbox, 7);
        let snapshot = sandbox.snapshot().unwrap();
        // Taking it has changed nothing.
        assert_eq!(count(&mut sandbox), 7);
        for _ in 0..5 {
            add(&mut sandbox, 1);
            sandbox.call::<u64>("AllocAndWritePattern", (10_u32,)).unwrap();
            sandbox.restore(&snapshot).unwrap();
            assert_pristine(&sandbox, &snapshot);
            assert_eq!(count(&mut sandbox), 7);
            assert!(sandbox.call::<bool>("ReadPattern", ()).unwrap());
            assert_eq!(sandbox.call::<i64>("SumStatic", ()).unwrap(), 1 << 20);
        }
        assert_works(&mut sandbox);
    });
}

#[test]
fn a_restore_twice_in_a_row_is_one() {
    on_each_guest(|guest| {
        let (mut sandbox, snapshot) = fresh(guest);
        use_all_memory(&mut sandbox, 1);
        for _ in 0..3 {
            sandbox.restore(&snapshot).unwrap();
            assert_pristine(&sandbox, &snapshot);
        }
        assert_works(&mut sandbox);
    });
}

#[test]
fn snapshots_of_one_sandbox_do_not_know_of_each_other() {
    on_each_guest(|guest| {
        let mut sandbox = sandbox(guest);
        let mut snapshots = Vec::new();
        for number in 1..=6 {
            snapshots.push((sandbox.snapshot().unwrap(), count(&mut sandbox)));
            add(&mut sandbox, number);
            sandbox.call::<u32>("DirtyPages", (10_u32,)).unwrap();
        }
        let mut random = Random::new(1);
        for _ in 0..60 {
            let (snapshot, number) = &snapshots[random.below(snapshots.len())];
            sandbox.restore(snapshot).unwrap();
            assert_eq!(count(&mut sandbox), *number);
            add(&mut sandbox, 1000);
        }
        // The ones that are left do not miss those that are gone.
        let (last, number) = snapshots.pop().unwrap();
        drop(snapshots);
        sandbox.restore(&last).unwrap();
        assert_eq!(count(&mut sandbox), number);
    });
}

#[test]
fn a_snapshot_outlives_its_sandbox_and_its_guest() {
    let snapshot = {
        let guest =
            script::perform(&script::file().load().unwrap(), &[ready(), result(1), result(2).sequence(1)]);
        let mut sandbox = uninitialized(&guest).evolve().unwrap();
        assert_eq!(sandbox.call::<i32>("Next", ()).unwrap(), 1);
        sandbox.snapshot().unwrap()
    };
    let mut sandbox = clone(&snapshot);
    drop(snapshot);
    assert_eq!(sandbox.call::<i32>("Next", ()).unwrap(), 2);
}

#[test]
fn a_snapshot_fits_every_sandbox_of_the_same_guest_and_sizes() {
    on_each_guest(|guest| {
        let (mut one, at_zero) = fresh(guest);
        add(&mut one, 5);
        let at_five = one.snapshot().unwrap();
        // Made on its own, by its own evolve.
        let mut other = sandbox(guest);
        add(&mut other, 100);
        for _ in 0..3 {
            other.restore(&at_five).unwrap();
            assert_pristine(&other, &at_five);
            assert_eq!(add(&mut other, 1), 6);
            other.restore(&at_zero).unwrap();
            assert_pristine(&other, &at_zero);
            assert_eq!(add(&mut other, 1), 1);
        }
        let of_other = other.snapshot().unwrap();
        one.restore(&of_other).unwrap();
        assert_eq!(add(&mut one, 1), 2);
    });
}

#[test]
fn a_guest_that_was_loaded_twice_is_one_guest() {
    let load = || {
        let guest = script::perform(&script::file().load().unwrap(), &[ready(), result(1).sequence(1)]);
        uninitialized(&guest).evolve().unwrap()
    };
    let snapshot = load().snapshot().unwrap();
    let mut other = load();
    other.restore(&snapshot).unwrap();
    assert_eq!(other.call::<i32>("Next", ()).unwrap(), 1);
}

// In a restored guest both mailboxes are empty, so that it counts its frames from one again.
fn ready() -> Step {
    Step::ready(&[("Next", &[Kind::I32])])
}

fn result(number: i32) -> Step {
    Step::result(ValueRef::I32(number))
}

#[test]
fn a_chain_of_clones_goes_to_every_link_and_back() {
    on_each_guest(|guest| {
        // Each link is a snapshot of a clone of the one before, so that no two have the same base.
        let (first, snapshot) = fresh(guest);
        let mut sandboxes = vec![first];
        let mut links = vec![snapshot];
        for number in 1..=5 {
            let mut next = clone(links.last().unwrap());
            assert_eq!(add(&mut next, 1), number);
            next.call::<u32>("DirtyPages", (5 * number.unsigned_abs(),)).unwrap();
            links.push(next.snapshot().unwrap());
            sandboxes.push(next);
        }
        // In order and back, from every sandbox: the target's base is the mapped image, or has it as its base, or
        // neither.
        for sandbox in &mut sandboxes {
            let numbered: Vec<_> = (0..).zip(&links).collect();
            for (number, link) in numbered.iter().chain(numbered.iter().rev()) {
                sandbox.restore(link).unwrap();
                assert_eq!(count(sandbox), *number);
                add(sandbox, 77);
            }
        }
        for (sandbox, link) in sandboxes.iter_mut().zip(links.iter().rev()) {
            sandbox.restore(link).unwrap();
            assert_pristine(sandbox, link);
        }
    });
}

#[test]
fn a_snapshot_may_be_taken_before_the_first_call() {
    on_each_guest(|guest| {
        let mut sandbox = sandbox(guest);
        add(&mut sandbox, 3);
        let three = sandbox.snapshot().unwrap();
        add(&mut sandbox, 1);
        sandbox.restore(&three).unwrap();
        // Of a sandbox that was restored and not called since, of a clone likewise, and of one whose image was
        // replaced.
        let of_restored = sandbox.snapshot().unwrap();
        let of_clone = clone(&of_restored).snapshot().unwrap();
        let mut moved = clone(&three);
        moved.restore(&of_clone).unwrap();
        let of_moved = moved.snapshot().unwrap();
        for snapshot in [&of_restored, &of_clone, &of_moved] {
            let mut clone = clone(snapshot);
            assert_eq!(count(&mut clone), 3);
            assert_works(&mut clone);
            sandbox.restore(snapshot).unwrap();
            assert_pristine(&sandbox, snapshot);
            assert_pristine(&sandbox, &three);
            assert_eq!(add(&mut sandbox, 1), 4);
        }
    });
}
