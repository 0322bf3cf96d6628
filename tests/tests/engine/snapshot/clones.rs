//! Clones: many sandboxes of one snapshot. None sees another, and none of their writes reaches the snapshot.
#![expect(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::fd::AsRawFd;
use std::thread;

use libhyperlight::{Sandbox, Snapshot};
use libhyperlight_tests::clones::{self, add, assert_pristine, clone, count};
use libhyperlight_tests::process::in_own_process;
use libhyperlight_tests::{assert_works, demo, many, on_each_guest, sandbox};

/// A snapshot of a sandbox that has counted to that.
fn snapshot_at(guest: &libhyperlight::Guest, number: i32) -> Snapshot {
    let mut sandbox = sandbox(guest);
    add(&mut sandbox, number);
    sandbox.call::<u64>("AllocAndWritePattern", (5000_u32,)).unwrap();
    sandbox.snapshot().unwrap()
}

#[test]
fn a_clone_starts_where_the_snapshot_was_taken() {
    on_each_guest(|guest| {
        let snapshot = snapshot_at(guest, 5);
        let mut clone = clone(&snapshot);
        assert_eq!(count(&mut clone), 5);
        assert!(clone.call::<bool>("ReadPattern", ()).unwrap());
        // Nothing ran for it to start.
        assert_eq!(clone.call::<i32>("MainRuns", ()).unwrap(), 1);
        assert_works(&mut clone);
        assert!(clone.functions().any(|(name, _)| name == "AddToStatic"));
        assert!(clone.declared_host_functions().any(|(name, _)| name == "HostAdd"));
    });
}

#[test]
fn a_hundred_clones_write_to_the_same_pages() {
    let _many = many();
    on_each_guest(|guest| {
        let snapshot = snapshot_at(guest, 1000);
        let before = clone(&snapshot).dump_memory().unwrap();
        let mut clones: Vec<Sandbox> = (0..100).map(|_| clone(&snapshot)).collect();
        for (number, clone) in (0..).zip(&mut clones) {
            add(clone, number);
            clone.call::<u32>("DirtyPages", (20_u32,)).unwrap();
        }
        for (number, clone) in (0..).zip(&mut clones) {
            assert_eq!(count(clone), 1000 + number);
            assert!(clone.call::<bool>("ReadPattern", ()).unwrap());
        }
        // The snapshot is what it was, and so is every clone that goes back to it.
        let after = clone(&snapshot).dump_memory().unwrap();
        assert_eq!(libhyperlight_tests::prober::first_difference(&before, &after), None);
        for clone in &mut clones {
            clone.restore(&snapshot).unwrap();
        }
        assert_pristine(&clones[0], &snapshot);
        for clone in &mut clones {
            assert_eq!(count(clone), 1000);
        }
    });
}

#[test]
fn clones_run_side_by_side_on_many_threads() {
    on_each_guest(|guest| {
        let snapshot = snapshot_at(guest, 0);
        thread::scope(|scope| {
            for number in 0..8 {
                let snapshot = &snapshot;
                scope.spawn(move || {
                    let mut clone = clone(snapshot);
                    for round in 0..50 {
                        assert_eq!(add(&mut clone, number), number);
                        assert_eq!(add(&mut clone, round), number + round);
                        clone.restore(snapshot).unwrap();
                    }
                    assert_pristine(&clone, snapshot);
                });
            }
        });
    });
}

#[test]
fn one_uninitialized_clone_starts_any_number() {
    on_each_guest(|guest| {
        let snapshot = snapshot_at(guest, 9);
        let mut template = clones::of(&snapshot);
        template.register("HostAdd", |a: i32, b: i32| a - b).unwrap();
        let mut clones: Vec<Sandbox> = (0..5).map(|_| template.try_evolve().unwrap()).collect();
        for (number, clone) in (0..).zip(&mut clones) {
            assert_eq!(add(clone, number), 9 + number);
            assert_eq!(clone.call::<i32>("Add", (number, 1)).unwrap(), number - 1);
        }
    });
}

#[test]
fn a_clone_has_interrupt_handles_and_limits_of_its_own() {
    on_each_guest(|guest| {
        let snapshot = snapshot_at(guest, 0);
        let (mut one, mut other) = (clone(&snapshot), clone(&snapshot));
        let handle = one.interrupt_handle().unwrap();
        assert!(!handle.interrupt());
        assert_works(&mut other);
        one.restore(&snapshot).unwrap();
        // A restore does not make a handle useless.
        thread::scope(|scope| {
            let canceller = scope.spawn(|| {
                while !handle.interrupt() {
                    thread::yield_now();
                }
            });
            let error = one.call::<()>("Spin", ()).unwrap_err();
            assert_eq!(error.code(), libhyperlight::ErrorCode::Interrupted);
            canceller.join().unwrap();
        });
        assert_works(&mut other);
    });
}

#[test]
fn nobody_can_write_to_an_image() {
    // In a process of its own: this opens every image there is.
    in_own_process(|| {
        let snapshot = snapshot_at(&demo(), 3);
        let mut clone = clone(&snapshot);
        let before = clone.dump_memory().unwrap();
        let mut images = 0;
        for entry in fs::read_dir("/proc/self/fd").unwrap().flatten() {
            let is_image = |target: std::path::PathBuf| target.to_string_lossy().contains("memfd:hyperlight");
            if !fs::read_link(entry.path()).is_ok_and(is_image) {
                continue;
            }
            images += 1;
            let refused = |result: std::io::Result<()>| {
                assert_eq!(result.unwrap_err().raw_os_error(), Some(libc::EPERM));
            };
            let mut file = OpenOptions::new().write(true).open(entry.path()).unwrap();
            refused(file.write_all(b"no"));
            refused(file.set_len(0));
            refused(file.set_len(1 << 40));
            let both = OpenOptions::new().read(true).write(true).open(entry.path()).unwrap();
            let protection = libc::PROT_READ | libc::PROT_WRITE;
            // SAFETY: a new mapping, which replaces nothing, and which is refused.
            let mapped = unsafe {
                libc::mmap(std::ptr::null_mut(), 4096, protection, libc::MAP_SHARED, both.as_raw_fd(), 0)
            };
            assert_eq!(mapped, libc::MAP_FAILED);
        }
        // That of the guest, and the snapshot's.
        assert_eq!(images, 2);
        clone.restore(&snapshot).unwrap();
        let after = clone.dump_memory().unwrap();
        assert_eq!(libhyperlight_tests::prober::first_difference(&before, &after), None);
        assert_eq!(count(&mut clone), 3);
    });
}
