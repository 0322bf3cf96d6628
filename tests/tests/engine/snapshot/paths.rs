//! Every way to find dirty pages gives the same memory, however the kernel has moved it meanwhile.
//!
//! The way is chosen for a whole process, so each test runs in one of its own.
#![expect(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

use std::fs;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use libhyperlight::{Sandbox, SandboxOptions, Snapshot, force_tracking};
use libhyperlight_tests::clones::{self, add, count};
use libhyperlight_tests::harm::anonymous;
use libhyperlight_tests::prober::{self, End, find, first_difference, plant};
use libhyperlight_tests::process::{NOT_SHOWN, in_own_process};
use libhyperlight_tests::stop::Done;
use libhyperlight_tests::swap::Swap;
use libhyperlight_tests::{assert_works, demo, harm, sandbox, seccomp, uninitialized_with};

/// `PAGEMAP_SCAN`, the words of `/proc/self/pagemap`, KVM's dirty log, nothing known.
const WAYS: Range<u8> = 0..4;

/// `_IOWR('f', 16, struct pm_scan_arg)`.
const PAGEMAP_SCAN: u32 = 0xc060_6610;

/// Confirms that the sandbox's memory is what a clone has, and no word of a secret is in it.
#[track_caller]
fn assert_pristine(sandbox: &mut Sandbox, snapshot: &Snapshot, what: &str) {
    let (found, expected) = (sandbox.dump_memory().unwrap(), prober::clone(snapshot).dump_memory().unwrap());
    assert_eq!(first_difference(&found, &expected), None, "a page {what}");
    assert_eq!(find(sandbox), [0; 0], "{what}");
}

/// Has a tenant end in several ways, in a sandbox that maps the snapshot's base, the snapshot itself, or neither.
fn exercise(what: &str) {
    let ends = [End::Return, End::InvalidOpcode, End::MoveString, End::InString];
    let mut sandbox = prober::uninitialized().evolve().unwrap();
    let snapshot = sandbox.snapshot().unwrap();
    let mut clone = prober::clone(&snapshot);
    for end in ends {
        for sandbox in [&mut sandbox, &mut clone] {
            plant(sandbox, end);
            sandbox.restore(&snapshot).unwrap();
            assert_pristine(sandbox, &snapshot, &format!("{what}, after {end:?}"));
        }
    }
    plant(&mut clone, End::Return);
    let secret = clone.snapshot().unwrap();
    let mut moving = prober::clone(&secret);
    for end in ends {
        moving.restore(&secret).unwrap();
        assert_eq!(find(&mut moving).len(), 64);
        plant(&mut moving, end);
        moving.restore(&snapshot).unwrap();
        assert_pristine(&mut moving, &snapshot, &format!("{what}, moved, after {end:?}"));
    }
}

#[test]
fn each_way_restores_the_same_memory() {
    in_own_process(|| {
        for way in WAYS {
            force_tracking(way);
            exercise(&format!("by way {way}"));
        }
    });
}

#[test]
fn each_way_takes_the_same_snapshot() {
    in_own_process(|| {
        let mut sandbox = prober::uninitialized().evolve().unwrap();
        let before = sandbox.snapshot().unwrap();
        plant(&mut sandbox, End::Return);
        let mut expected = None;
        for way in WAYS {
            force_tracking(way);
            let snapshot = sandbox.snapshot().unwrap();
            let mut clone = prober::clone(&snapshot);
            let memory = clone.dump_memory().unwrap();
            let expected = &*expected.get_or_insert_with(|| memory.clone());
            assert_eq!(first_difference(&memory, expected), None, "taken by way {way}");
            for back in WAYS {
                force_tracking(back);
                plant(&mut clone, End::InvalidOpcode);
                clone.restore(&snapshot).unwrap();
                let memory = clone.dump_memory().unwrap();
                assert_eq!(
                    first_difference(&memory, expected),
                    None,
                    "taken by way {way}, restored by {back}"
                );
                clone.restore(&before).unwrap();
                assert_pristine(&mut clone, &before, &format!("by way {back}"));
            }
        }
    });
}

/// The memory of this process's only sandbox.
fn mapping() -> Range<usize> {
    let mappings = || {
        let maps = fs::read_to_string("/proc/self/maps").unwrap();
        let lines = maps.lines().filter(|line| line.contains(" rw-p ") && line.contains("memfd:hyperlight"));
        lines.map(|line| line.split(' ').next().unwrap().to_owned()).collect::<Vec<_>>()
    };
    // Others that were dropped go in the background.
    harm::wait_until(|| mappings().len() == 1);
    let mappings = mappings();
    let (start, end) = mappings[0].split_once('-').unwrap();
    let number = |text| usize::from_str_radix(text, 16).unwrap();
    number(start)..number(end)
}

/// Gives every so many pages of the sandbox's memory that advice.
fn advise(advice: i32, stride: usize) {
    for page in mapping().step_by(stride * 4096) {
        // SAFETY: the page is the sandbox's, whose contents nothing in Rust refers to.
        let failed = unsafe { libc::madvise(std::ptr::with_exposed_provenance_mut(page), 4096, advice) };
        assert_eq!(failed, 0, "{}", std::io::Error::last_os_error());
    }
}

/// The number of the sandbox's pages that are swapped out.
fn swapped() -> usize {
    let (map, pages) = (fs::File::open("/proc/self/pagemap").unwrap(), mapping());
    let mut words = vec![0; (pages.end - pages.start) / 512];
    map.read_exact_at(&mut words, (pages.start / 512) as u64).unwrap();
    words.chunks(8).filter(|word| word[7] & 0x40 != 0).count()
}

/// Held by who needs swap space: when one process takes its own away, the pages of all others in it come back.
static SWAPPING: Mutex<()> = Mutex::new(());

#[test]
fn pages_that_the_kernel_took_away_meanwhile_come_back() {
    let _alone = SWAPPING.lock();
    in_own_process(|| {
        let swap = Swap::get();
        if let Err(error) = &swap {
            println!(
                "{NOT_SHOWN}pages that were swapped out; there is no swap, and making some failed: {error}"
            );
        }
        for way in WAYS {
            force_tracking(way);
            let mut sandbox = prober::uninitialized().evolve().unwrap();
            // The picture differs from what is mapped: pages that must be copied though nobody writes to them.
            plant(&mut sandbox, End::Return);
            let secret = sandbox.snapshot().unwrap();
            let expected = prober::clone(&secret).dump_memory().unwrap();
            for advice in [libc::MADV_PAGEOUT, libc::MADV_DONTNEED, libc::MADV_COLD] {
                for stride in [1, 2, 7] {
                    sandbox.restore(&secret).unwrap();
                    if stride != 7 {
                        plant(&mut sandbox, End::InvalidOpcode);
                    }
                    advise(advice, stride);
                    // Where a restore drops everything, there is nothing to swap out behind one.
                    if advice == libc::MADV_PAGEOUT && swap.is_ok() && (way != 3 || stride != 7) {
                        let swapped = swapped();
                        assert!(swapped > 100 / stride, "{swapped} pages are swapped out, by way {way}");
                    }
                    sandbox.restore(&secret).unwrap();
                    let found = sandbox.dump_memory().unwrap();
                    let difference = first_difference(&found, &expected);
                    assert_eq!(
                        difference, None,
                        "by way {way}, after advice {advice} for one page of {stride}"
                    );
                }
            }
        }
    });
}

/// The machine's nodes of memory.
fn nodes() -> Range<i32> {
    let nodes = fs::read_to_string("/sys/devices/system/node/online").unwrap();
    0..nodes.trim().rsplit(['-', ',']).next().unwrap().parse::<i32>().unwrap() + 1
}

/// Moves the present pages of that memory from node to node. Returns their number.
fn move_pages(pages: &Range<usize>) -> usize {
    const MPOL_MF_MOVE: i32 = 1 << 1;
    let addresses: Vec<_> = pages.clone().step_by(4096).collect();
    let mut moved = 0;
    for node in nodes() {
        let (to, mut status) = (vec![node; addresses.len()], vec![i32::MIN; addresses.len()]);
        // SAFETY: the kernel reads two lists and writes one, each of as many numbers; what it moves stays what it is.
        let failed = unsafe {
            libc::syscall(
                libc::SYS_move_pages,
                0,
                addresses.len(),
                addresses.as_ptr(),
                to.as_ptr(),
                status.as_mut_ptr(),
                MPOL_MF_MOVE,
            )
        };
        assert!(failed >= 0, "{}", std::io::Error::last_os_error());
        moved += status.iter().filter(|status| **status == node).count();
    }
    moved
}

#[test]
fn pages_that_the_kernel_moves_about_at_the_same_time_come_back() {
    let _alone = SWAPPING.lock();
    in_own_process(|| {
        if nodes().len() == 1 {
            println!("{NOT_SHOWN}pages under migration; this machine has one node, where they are already");
        }
        let swap = Swap::get();
        for way in WAYS {
            force_tracking(way);
            let mut sandbox = prober::uninitialized().evolve().unwrap();
            let fresh = sandbox.snapshot().unwrap();
            let expected = prober::clone(&fresh).dump_memory().unwrap();
            let pages = mapping();
            let (is_done, moved) = (AtomicBool::new(false), AtomicUsize::new(0));
            thread::scope(|scope| {
                let _done = Done(&is_done);
                scope.spawn(|| {
                    while !is_done.load(Ordering::Relaxed) {
                        moved.fetch_add(move_pages(&pages), Ordering::Relaxed);
                        for advice in [libc::MADV_PAGEOUT, libc::MADV_WILLNEED] {
                            advise_at(&pages, advice);
                        }
                    }
                });
                for round in 0..20 {
                    plant(&mut sandbox, if round % 2 == 0 { End::Return } else { End::InvalidOpcode });
                    sandbox.restore(&fresh).unwrap();
                    if round % 8 == 7 {
                        // What is seen of the pages goes into a picture, too.
                        let again = sandbox.snapshot().unwrap();
                        let memory = prober::clone(&again).dump_memory().unwrap();
                        assert_eq!(first_difference(&memory, &expected), None, "by way {way}");
                    }
                    let found = sandbox.dump_memory().unwrap();
                    assert_eq!(first_difference(&found, &expected), None, "by way {way}");
                }
            });
            assert!(moved.into_inner() > 0);
        }
        drop(swap);
    });
}

/// Gives a whole range that advice. Returns true if the kernel took it.
fn advise_at(pages: &Range<usize>, advice: i32) -> bool {
    let start = std::ptr::with_exposed_provenance_mut(pages.start);
    // SAFETY: the pages are the sandbox's, whose contents nothing in Rust refers to; none of the advices changes them.
    unsafe { libc::madvise(start, pages.len(), advice) == 0 }
}

/// Bytes of sandboxes' memory that large pages back.
fn huge() -> u64 {
    let maps = fs::read_to_string("/proc/self/smaps").unwrap();
    let of_sandboxes = maps.split("VmFlags").filter(|map| map.contains("memfd:hyperlight"));
    let lines = of_sandboxes.flat_map(str::lines).filter(|line| {
        ["AnonHugePages:", "ShmemPmdMapped:", "FilePmdMapped:"].iter().any(|name| line.starts_with(name))
    });
    let kib = |line: &str| line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap();
    lines.map(kib).sum::<u64>() << 10
}

/// Memory of nobody's: what was mapped next would be lower.
fn reserve(size: usize) -> usize {
    // SAFETY: a new mapping, which takes no memory and is never used.
    let start = unsafe {
        libc::mmap(
            std::ptr::null_mut(),
            size,
            libc::PROT_NONE,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
            -1,
            0,
        )
    };
    assert_ne!(start, libc::MAP_FAILED);
    start.addr()
}

#[test]
fn memory_in_large_pages_comes_back() {
    const LARGE: usize = 2 << 20;
    let host = || {
        let mut host = uninitialized_with(&prober::prober(), prober::options().heap_size(16 << 20));
        host.register("Tenant", |_: Vec<u8>| ()).unwrap();
        host
    };
    in_own_process(|| {
        let mut most = 0;
        for way in WAYS {
            force_tracking(way);
            // The next mapping of that size gets the one hole that is left for it, at the address of a large page.
            let first = host().evolve().unwrap();
            let size = mapping().len();
            (0..20).for_each(|_| _ = reserve(size));
            let hole = (reserve(size + 2 * LARGE) + LARGE) & !(LARGE - 1);
            // SAFETY: a part of the mapping that was just made.
            assert_eq!(unsafe { libc::munmap(std::ptr::with_exposed_provenance_mut(hole), size) }, 0);
            let mut sandbox = host().evolve().unwrap();
            drop(first);
            let pages = mapping();
            assert_eq!(pages.start, hole, "or nothing can be in large pages");
            let fresh = sandbox.snapshot().unwrap();
            let expected = prober::clone(&fresh).dump_memory().unwrap();
            let collapse = || {
                for start in pages.clone().step_by(LARGE) {
                    advise_at(&(start..pages.end.min(start + LARGE)), libc::MADV_COLLAPSE);
                }
                huge()
            };
            assert!(advise_at(&pages, libc::MADV_HUGEPAGE), "{}", std::io::Error::last_os_error());
            for end in [End::Return, End::InvalidOpcode, End::MoveString] {
                for is_after in [false, true] {
                    let before = collapse();
                    plant(&mut sandbox, end);
                    let after = if is_after { collapse() } else { huge() };
                    println!("way {way}, {end:?}: {before} and {after} bytes in large pages");
                    most = most.max(before).max(after);
                    sandbox.restore(&fresh).unwrap();
                    let found = sandbox.dump_memory().unwrap();
                    assert_eq!(first_difference(&found, &expected), None, "by way {way}, after {end:?}");
                }
            }
            // In a picture that is taken of such memory, too.
            collapse();
            let again = prober::clone(&sandbox.snapshot().unwrap()).dump_memory().unwrap();
            assert_eq!(first_difference(&again, &expected), None, "by way {way}");
        }
        if most == 0 {
            println!("{NOT_SHOWN}memory in large pages; this kernel gave none");
        }
    });
}

#[test]
fn every_way_that_knows_what_was_written_keeps_those_pages() {
    in_own_process(|| {
        const WRITTEN: u32 = 200;
        for way in WAYS {
            force_tracking(way);
            let mut sandbox = sandbox(&demo());
            let snapshot = sandbox.snapshot().unwrap();
            for _ in 0..3 {
                sandbox.call::<u32>("DirtyPages", (WRITTEN,)).unwrap();
                sandbox.restore(&snapshot).unwrap();
                let are_kept = anonymous() >= u64::from(WRITTEN) * 4096;
                assert_eq!(are_kept, way != 3, "by way {way}");
            }
            drop(sandbox);
            harm::wait_until(|| anonymous() == 0);
        }
    });
}

#[test]
fn more_pages_than_are_kept_are_given_back_and_come_back_right() {
    in_own_process(|| {
        for way in WAYS {
            force_tracking(way);
            let mut host = uninitialized_with(&prober::prober(), SandboxOptions::new().heap_size(40 << 20));
            host.register("Tenant", |_: Vec<u8>| ()).unwrap();
            let mut sandbox = host.evolve().unwrap();
            let snapshot = sandbox.snapshot().unwrap();
            let small = anonymous();
            for end in [End::Return, End::InvalidOpcode] {
                plant(&mut sandbox, end);
                assert!(anonymous() > small + (35 << 20));
                sandbox.restore(&snapshot).unwrap();
                assert!(anonymous() < small + (8 << 20), "they are not kept, by way {way}");
                assert_pristine(&mut sandbox, &snapshot, &format!("by way {way}"));
                sandbox.restore(&snapshot).unwrap();
            }
            // A picture that is that large itself is copied whole, over and over.
            plant(&mut sandbox, End::Return);
            let secret = sandbox.snapshot().unwrap();
            let expected = prober::clone(&secret).dump_memory().unwrap();
            for _ in 0..2 {
                plant(&mut sandbox, End::InvalidOpcode);
                sandbox.restore(&secret).unwrap();
                assert_eq!(
                    first_difference(&sandbox.dump_memory().unwrap(), &expected),
                    None,
                    "by way {way}"
                );
            }
        }
    });
}

#[test]
fn a_set_that_was_large_once_does_not_stay_so() {
    in_own_process(|| {
        let mut sandbox = sandbox(&demo());
        let snapshot = sandbox.snapshot().unwrap();
        let expected = clones::clone(&snapshot).dump_memory().unwrap();
        let small = anonymous();
        sandbox.call::<u32>("DirtyPages", (3000_u32,)).unwrap();
        sandbox.restore(&snapshot).unwrap();
        assert!(anonymous() > small + (8 << 20), "3000 pages are few enough to be kept at first");
        for round in 1..=600 {
            add(&mut sandbox, 1);
            sandbox.restore(&snapshot).unwrap();
            if round % 64 < 2 || round % 256 > 253 {
                assert_eq!(
                    first_difference(&sandbox.dump_memory().unwrap(), &expected),
                    None,
                    "round {round}"
                );
            }
        }
        assert!(anonymous() < small + (6 << 20), "{} above {small}", anonymous());
        assert_eq!(count(&mut sandbox), 0);
        assert_works(&mut sandbox);
    });
}

fn has_pagemap_open() -> bool {
    let files = fs::read_dir("/proc/self/fd").unwrap().flatten();
    files.filter_map(|file| fs::read_link(file.path()).ok()).any(|file| file.ends_with("pagemap"))
}

#[test]
fn a_filter_that_forbids_the_scan_does_no_harm() {
    in_own_process(|| {
        libhyperlight::probe().unwrap();
        seccomp::forbid_ioctl(PAGEMAP_SCAN, libc::EPERM);
        exercise("without the scan");
        assert!(has_pagemap_open());
    });
}

#[test]
fn nor_does_a_process_without_proc() {
    in_own_process(|| {
        // All that is opened once is open now, but for what tells which pages were written.
        drop(prober::uninitialized().evolve().unwrap());
        assert!(!has_pagemap_open());
        let body = thread::spawn(|| {
            seccomp::forbid(libc::SYS_openat, libc::ENOENT);
            fs::File::open("/proc/self/pagemap").unwrap_err();
            exercise("without /proc");
        });
        body.join().unwrap();
        assert!(!has_pagemap_open());
    });
}

#[test]
fn a_process_that_is_short_of_descriptors_for_a_while_finds_the_way_again() {
    in_own_process(|| {
        let mut sandbox = sandbox(&demo());
        // Taken without looking, so that the first looks are the first call's and a restore's.
        force_tracking(3);
        let snapshot = sandbox.snapshot().unwrap();
        force_tracking(0);
        let limit = descriptors(0);
        add(&mut sandbox, 1);
        sandbox.restore(&snapshot).unwrap();
        descriptors(limit);
        assert_eq!(count(&mut sandbox), 0);
        assert!(!has_pagemap_open());
        add(&mut sandbox, 1);
        sandbox.restore(&snapshot).unwrap();
        assert_eq!(count(&mut sandbox), 0);
        assert!(has_pagemap_open());
    });
}

/// Limits the number of the process's descriptors. Returns the limit before.
fn descriptors(limit: u64) -> u64 {
    let mut old = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the kernel writes one `rlimit`.
    assert_eq!(unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut old) }, 0);
    let new = libc::rlimit { rlim_cur: limit, ..old };
    // SAFETY: the kernel reads one `rlimit`.
    assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const new) }, 0);
    old.rlim_cur
}
