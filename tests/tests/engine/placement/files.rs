//! Snapshot files of guests with placed memory: with the fixed part and without, right ones and forged ones.
#![expect(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use libhyperlight::placement::{Placement, RegionAccess};
use libhyperlight::{ErrorCode, Guest, LoadOptions, Sandbox, Snapshot};
use libhyperlight_tests::clones::{assert_pristine, clone, fresh};
use libhyperlight_tests::placement::{PAGE, PLACED, alias, numbered, own, peek, poke, server, told};
use libhyperlight_tests::process::in_own_process;
use libhyperlight_tests::snapshot_file::{CHECKSUM, PREFIX, header_end, sign};
use libhyperlight_tests::{assert_works, fails_with, sandbox};
use tempfile::TempDir;

const OWN: u64 = PLACED + 0x1000_0000;
const CALL: u64 = OWN + 0x10_0000;

/// A guest with a fixed part of so many pages, a page of its own, code that makes a system call, an arena, a stack.
fn guest(pages: u64) -> Guest {
    let mut placement = Placement::new(&numbered(pages));
    placement
        .region(alias(PLACED, 0, pages, RegionAccess::Read))
        .region(own(OWN, b"contents", RegionAccess::ReadWrite))
        .region(own(CALL, &[0x89, 0xf8, 0x0f, 0x05, 0xc3], RegionAccess::ReadExecute))
        .arena(8 * PAGE)
        .stacks(1, PAGE)
        .rewriter(7);
    server().with_placement(placement).unwrap()
}

/// A folder with two files of one snapshot: by name, and whole.
fn files(guest: &Guest) -> (TempDir, PathBuf, PathBuf) {
    let mut sandbox = sandbox(guest);
    let [arena, ..] = told(&mut sandbox);
    poke(&mut sandbox, OWN, 1);
    poke(&mut sandbox, arena + PAGE, 2);
    let snapshot = sandbox.snapshot().unwrap();
    let folder = TempDir::new().unwrap();
    let (named, whole) = (folder.path().join("named.hls"), folder.path().join("whole.hls"));
    snapshot.save(&named).unwrap();
    snapshot.save_whole(&whole).unwrap();
    (folder, named, whole)
}

#[track_caller]
fn assert_right(sandbox: &mut Sandbox, pages: u64) {
    let [arena, ..] = told(sandbox);
    assert_eq!((peek(sandbox, OWN), peek(sandbox, arena + PAGE), peek(sandbox, arena)), (1, 2, 0));
    for page in [0, pages / 2, pages - 1] {
        assert_eq!(peek(sandbox, PLACED + page * PAGE + 8), page);
    }
    sandbox.call::<u64>("CallAddress", (CALL, 50_u64)).unwrap();
    assert_works(sandbox);
}

#[test]
fn a_snapshot_comes_back_from_its_file() {
    const PAGES: u64 = 300;

    let guest = guest(PAGES);
    let (_folder, named, whole) = files(&guest);
    let [small, large] = [&named, &whole].map(|path| fs::metadata(path).unwrap().len());
    assert!(large >= small + PAGES * PAGE, "{small} and {large} bytes");
    for path in [named, whole] {
        let loaded = Snapshot::load(path).unwrap();
        let mut clone = clone(&loaded);
        assert_pristine(&clone, &loaded);
        assert_right(&mut clone, PAGES);
        clone.restore(&loaded).unwrap();
        assert_pristine(&clone, &loaded);
        let mut sandbox = sandbox(&guest);
        sandbox.restore(&loaded).unwrap();
        assert_right(&mut sandbox, PAGES);
    }
}

#[test]
fn a_file_that_names_its_fixed_part_needs_it_and_a_whole_one_does_not() {
    in_own_process(|| {
        let (_folder, named, whole) = files(&guest(20));
        // The last machine that has the part is destroyed by another thread.
        let deadline = Instant::now() + Duration::from_secs(60);
        while Snapshot::load(&named).is_ok() {
            assert!(Instant::now() < deadline, "the fixed part is still there");
            std::thread::yield_now();
        }
        let error = fails_with(ErrorCode::SnapshotFile, Snapshot::load(&named));
        assert!(error.message().contains("a fixed part that this process does not have"), "{error}");
        let loaded = Snapshot::load(&whole).unwrap();
        assert_right(&mut clone(&loaded), 20);
        // It is there again.
        assert_right(&mut clone(&Snapshot::load(&named).unwrap()), 20);
    });
}

#[test]
fn a_true_name_with_false_bytes_is_refused_and_harms_nobody() {
    let guest = guest(21);
    let (mut live, snapshot) = fresh(&guest);
    let (folder, _, whole) = files(&guest);
    let bytes = fs::read(whole).unwrap();
    let path = folder.path().join("forged.hls");
    let fixed = header_end(&bytes).next_multiple_of(4096);
    for at in [0, 8, 4095, 20 * 4096 + 3] {
        let mut forged = bytes.clone();
        forged[fixed + at] ^= 1;
        fs::write(&path, sign(forged)).unwrap();
        let error = fails_with(ErrorCode::SnapshotFile, Snapshot::load(&path));
        assert!(error.message().contains("is not the one that it names"), "byte {at}: {error}");
        assert_eq!(peek(&mut live, PLACED + 20 * PAGE + 8), 20);
        live.restore(&snapshot).unwrap();
    }
    assert_works(&mut live);
}

#[test]
fn no_number_of_a_header_harms_the_host() {
    let guest = guest(5);
    let (folder, named, whole) = files(&guest);
    let path = folder.path().join("forged.hls");
    for bytes in [fs::read(named).unwrap(), fs::read(whole).unwrap()] {
        // The functions are texts; what is before them has the numbers.
        let numbers = PREFIX..header_end(&bytes).min(PREFIX + 1400);
        for at in numbers.step_by(5) {
            for change in [1, 0x80, 0xff] {
                let mut forged = bytes.clone();
                forged[at] ^= change;
                fs::write(&path, sign(forged)).unwrap();
                if let Err(error) = Snapshot::load(&path) {
                    assert!(
                        matches!(error.code(), ErrorCode::SnapshotFile | ErrorCode::Resource),
                        "{at}: {error}"
                    );
                }
            }
        }
        for len in (0..bytes.len()).step_by(bytes.len() / 60).chain([bytes.len() - CHECKSUM, bytes.len() - 1])
        {
            fs::write(&path, &bytes[..len]).unwrap();
            fails_with(ErrorCode::SnapshotFile, Snapshot::load(&path));
        }
    }
}

#[test]
fn the_memory_and_the_arena_of_a_file_are_bounded_by_who_loads_it() {
    let (_folder, _, whole) = files(&guest(4000));
    let error = fails_with(
        ErrorCode::SnapshotFile,
        Snapshot::load_with(&whole, &LoadOptions::new().max_size(8 << 20)),
    );
    assert!(error.message().contains("fixed part"), "{error}");
    let mut placement = Placement::new(&numbered(1));
    placement.arena(3 << 30);
    let large = sandbox(&server().with_placement(placement).unwrap()).snapshot().unwrap();
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("arena.hls");
    large.save(&path).unwrap();
    let error = fails_with(
        ErrorCode::SnapshotFile,
        Snapshot::load_with(&path, &LoadOptions::new().max_heap_size(2 << 30)),
    );
    assert!(error.message().contains("its arena and stacks are 3221225472 bytes"), "{error}");
    Snapshot::load_with(&path, &LoadOptions::new().max_heap_size(3 << 30)).unwrap();
}

#[test]
fn a_file_of_another_placement_is_of_another_guest() {
    let (_folder, named, _) = files(&guest(30));
    let part = guest(30);
    let loaded = Snapshot::load(named).unwrap();
    for other in [guest(31), server()] {
        fails_with(ErrorCode::SnapshotMismatch, sandbox(&other).restore(&loaded));
    }
    sandbox(&part).restore(&loaded).unwrap();
}
