//! Snapshots in files: a load returns what was saved, and a damaged or forged file does no harm.
#![expect(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

use std::collections::HashSet;
use std::fs;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use libhyperlight::{ErrorCode, Guest, Sandbox, SandboxOptions, Snapshot, UninitializedSandbox};
use libhyperlight_tests::process::in_own_process;
use libhyperlight_tests::random::Random;
use libhyperlight_tests::snapshot_file::{CHECKSUM, PREFIX, header_end, sign};
use libhyperlight_tests::stop::Done;
use libhyperlight_tests::{demo, fails_with, guests, sandbox, sandbox_with, seccomp, uninitialized_with};
use tempfile::TempDir;

/// A sandbox as small as it gets, so that its file is small.
fn small(guest: &Guest) -> Sandbox {
    let options = SandboxOptions::new().heap_size(64 << 10).stack_size(1).input_size(1).output_size(1 << 16);
    let mut sandbox = sandbox_with(guest, options);
    sandbox.call::<i32>("AddToStatic", (7,)).unwrap();
    sandbox
}

fn resume(snapshot: &Snapshot) -> Sandbox {
    let mut sandbox = UninitializedSandbox::from_snapshot(snapshot, SandboxOptions::new()).unwrap();
    sandbox.register("HostPrint", |text: String| i32::try_from(text.len()).unwrap()).unwrap();
    sandbox.evolve().unwrap()
}

struct Place {
    _directory: TempDir,
    path: PathBuf,
}

impl Place {
    fn new() -> Self {
        let directory = TempDir::new().unwrap();
        let path = directory.path().join("guest.hls");
        Self { _directory: directory, path }
    }

    /// The result of loading these bytes.
    fn load(&self, bytes: &[u8]) -> libhyperlight::Result<Snapshot> {
        fs::write(&self.path, bytes).unwrap();
        Snapshot::load(&self.path)
    }
}

/// A valid file, and where it can be changed.
fn file() -> (Place, Vec<u8>) {
    let place = Place::new();
    small(&demo()).snapshot().unwrap().save(&place.path).unwrap();
    let bytes = fs::read(&place.path).unwrap();
    (place, bytes)
}

#[test]
fn what_is_saved_is_what_is_loaded() {
    for (language, guest) in guests() {
        let place = Place::new();
        let mut original = small(&guest);
        let snapshot = original.snapshot().unwrap();
        snapshot.save(&place.path).unwrap();
        let loaded = Snapshot::load(&place.path).unwrap();

        let mut resumed = resume(&loaded);
        assert_eq!(resumed.call::<i32>("AddToStatic", (1,)).unwrap(), 8, "{language}");
        assert_eq!(resumed.functions().collect::<Vec<_>>(), original.functions().collect::<Vec<_>>());
        // Both ways: into the sandbox that it was taken of, and from the file's sandbox to the first snapshot.
        original.call::<i32>("AddToStatic", (1,)).unwrap();
        original.restore(&loaded).unwrap();
        assert_eq!(original.call::<i32>("GetStatic", ()).unwrap(), 7);
        resumed.restore(&snapshot).unwrap();
        assert_eq!(resumed.call::<i32>("GetStatic", ()).unwrap(), 7);
    }
}

#[test]
fn a_file_is_not_needed_once_it_is_loaded() {
    let (place, bytes) = file();
    let loaded = place.load(&bytes).unwrap();
    fs::write(&place.path, b"something else").unwrap();
    let mut first = resume(&loaded);
    fs::remove_file(&place.path).unwrap();
    assert_eq!(first.call::<i32>("GetStatic", ()).unwrap(), 7);
    assert_eq!(resume(&loaded).call::<i32>("GetStatic", ()).unwrap(), 7);
}

#[test]
fn saving_is_all_or_nothing_and_private() {
    let place = Place::new();
    let directory = place.path.parent().unwrap();
    let mut sandbox = small(&demo());
    let first = sandbox.snapshot().unwrap();
    first.save(&place.path).unwrap();
    assert_eq!(fs::metadata(&place.path).unwrap().permissions().mode() & 0o777, 0o600);
    // In place of an older file, with nothing left beside it.
    sandbox.call::<i32>("AddToStatic", (1,)).unwrap();
    sandbox.snapshot().unwrap().save(&place.path).unwrap();
    assert_eq!(fs::read_dir(directory).unwrap().count(), 1);
    assert_eq!(resume(&Snapshot::load(&place.path).unwrap()).call::<i32>("GetStatic", ()).unwrap(), 8);
    // Where nothing can be written, nothing is.
    let error = fails_with(ErrorCode::Io, first.save(directory.join("no").join("such")));
    assert!(std::error::Error::source(&error).is_some(), "{error:?}");
}

/// An older file, and a newer snapshot that cannot be saved in its place: the older file is as it was, and alone.
struct Older {
    place: Place,
    bytes: Vec<u8>,
    newer: Snapshot,
}

impl Older {
    fn new() -> Self {
        let (place, bytes) = file();
        let mut sandbox = small(&demo());
        sandbox.call::<i32>("AddToStatic", (1,)).unwrap();
        Self { newer: sandbox.snapshot().unwrap(), place, bytes }
    }

    /// Confirms that saving fails with that reason.
    #[track_caller]
    fn stays(&self, errno: i32) {
        let error = fails_with(ErrorCode::Io, self.newer.save(&self.place.path));
        let cause = std::error::Error::source(&error).unwrap().downcast_ref::<std::io::Error>();
        assert_eq!(cause.unwrap().raw_os_error(), Some(errno), "{error}");
        assert!(fs::read(&self.place.path).unwrap() == self.bytes, "the older file has changed");
        assert_eq!(fs::read_dir(self.place.path.parent().unwrap()).unwrap().count(), 1);
    }

    /// Confirms that saving works.
    fn is_replaced(&self) {
        self.newer.save(&self.place.path).unwrap();
        let loaded = Snapshot::load(&self.place.path).unwrap();
        assert_eq!(resume(&loaded).call::<i32>("GetStatic", ()).unwrap(), 8);
    }
}

/// Limits the size of the files that this process may write.
fn limit_files(limit: u64) {
    let limit = libc::rlimit { rlim_cur: limit, rlim_max: libc::RLIM_INFINITY };
    // SAFETY: the kernel reads one `rlimit`.
    assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_FSIZE, &raw const limit) }, 0);
}

#[test]
fn a_disk_that_fills_up_half_way_leaves_the_older_file() {
    in_own_process(|| {
        let older = Older::new();
        // SAFETY: ignores a signal. Writing more than one may then fails.
        unsafe { libc::signal(libc::SIGXFSZ, libc::SIG_IGN) };
        let len = older.bytes.len() as u64;
        for limit in [0, 1, 4095, 4096, 5000, len / 2, len - CHECKSUM as u64, len - 1] {
            limit_files(limit);
            older.stays(libc::EFBIG);
        }
        limit_files(libc::RLIM_INFINITY);
        older.is_replaced();
    });
}

#[test]
fn a_file_is_on_the_disk_before_it_takes_the_olders_place() {
    in_own_process(|| {
        let older = Older::new();
        let without = |calls: &[i64]| {
            thread::scope(|scope| {
                let saving = scope.spawn(|| {
                    calls.iter().for_each(|call| seccomp::forbid(*call, libc::EDQUOT));
                    older.stays(libc::EDQUOT);
                });
                saving.join().unwrap();
            });
        };
        without(&[libc::SYS_fsync, libc::SYS_fdatasync]);
        without(&[libc::SYS_rename, libc::SYS_renameat, libc::SYS_renameat2]);
        older.is_replaced();
    });
}

#[test]
fn whoever_loads_meanwhile_finds_the_older_file_or_the_newer() {
    let older = Older::new();
    let place = &older.place;
    let old = place.load(&older.bytes).unwrap();
    let is_done = AtomicBool::new(false);
    let seen = thread::scope(|scope| {
        let loading = scope.spawn(|| {
            let mut seen = HashSet::new();
            while !is_done.load(Ordering::Relaxed) {
                let loaded = Snapshot::load(&place.path).unwrap();
                seen.insert(resume(&loaded).call::<i32>("GetStatic", ()).unwrap());
            }
            seen
        });
        {
            let _done = Done(&is_done);
            for _ in 0..50 {
                older.newer.save(&place.path).unwrap();
                old.save(&place.path).unwrap();
            }
        }
        loading.join().unwrap()
    });
    assert!(!seen.is_empty() && seen.is_subset(&HashSet::from([7, 8])), "{seen:?}");
}

#[test]
fn a_file_that_others_may_read_is_replaced_not_written_to() {
    let older = Older::new();
    let place = &older.place;
    fs::set_permissions(&place.path, fs::Permissions::from_mode(0o666)).unwrap();
    let mut others = fs::File::open(&place.path).unwrap();
    older.is_replaced();
    assert_eq!(fs::metadata(&place.path).unwrap().permissions().mode() & 0o777, 0o600);
    // Who has the older file open has not the newer.
    fs::write(&place.path, "").unwrap();
    let mut bytes = Vec::new();
    others.read_to_end(&mut bytes).unwrap();
    assert!(!bytes.is_empty());
}

#[test]
fn what_is_no_file_is_refused() {
    let place = Place::new();
    fails_with(ErrorCode::Io, Snapshot::load(&place.path));
    fails_with(ErrorCode::SnapshotFile, Snapshot::load(place.path.parent().unwrap()));
    fails_with(ErrorCode::SnapshotFile, Snapshot::load("/dev/zero"));
    for bytes in [&b""[..], b"HLSNAP", b"#!/bin/sh\n", &[0; 100]] {
        fails_with(ErrorCode::SnapshotFile, place.load(bytes));
    }
}

#[test]
fn every_damage_is_found() {
    let (place, bytes) = file();
    let header = header_end(&bytes).next_multiple_of(4096);
    let pages = (header..bytes.len() - CHECKSUM).step_by(4096).map(|page| page + 1234);
    let checksum = bytes.len() - CHECKSUM..bytes.len();
    let mut damaged = bytes.clone();
    for at in (0..header).chain(pages).chain(checksum) {
        damaged[at] ^= 1 << (at % 8);
        let error = fails_with(ErrorCode::SnapshotFile, place.load(&damaged));
        assert!(error.message().starts_with("the snapshot file cannot be used"), "{error}");
        damaged[at] = bytes[at];
    }
    place.load(&damaged).unwrap();
}

#[test]
fn every_cut_and_everything_appended_is_found() {
    let (place, bytes) = file();
    let header = header_end(&bytes);
    let cuts = (0..header.min(600)).chain((600..bytes.len()).step_by(997)).chain([
        header,
        header.next_multiple_of(4096),
        bytes.len() - CHECKSUM,
        bytes.len() - 1,
    ]);
    for len in cuts {
        fails_with(ErrorCode::SnapshotFile, place.load(&bytes[..len]));
    }
    for more in [&[0][..], &[0; 4096], &bytes] {
        fails_with(ErrorCode::SnapshotFile, place.load(&[&bytes, more].concat()));
    }
}

#[test]
fn another_format_is_named() {
    let (place, bytes) = file();
    for (format, why) in [
        (1, "its format is 1, that of an earlier version of the library; expected 2 or 3; save it anew"),
        (99, "its format is 99, that of a later version of the library; expected 2 or 3; load it with that"),
    ] {
        let mut other = bytes.clone();
        other[8] = format;
        let error = fails_with(ErrorCode::SnapshotFile, place.load(&sign(other)));
        assert!(error.message().ends_with(why), "{error}");
    }
}

#[test]
fn features_that_this_processor_lacks_are_named() {
    let (place, mut bytes) = file();
    // Behind the ABI number: XCR0, then the words of CPUID.
    bytes[PREFIX + 8 + 7] |= 0x80;
    bytes[PREFIX + 16 + 3] |= 0x80;
    let error = fails_with(ErrorCode::SnapshotFile, place.load(&sign(bytes)));
    assert!(error.message().contains("XCR0") && error.message().contains("CPUID 1.ECX"), "{error}");
}

#[test]
fn a_file_of_another_guest_or_other_sizes_is_not_restored() {
    let (place, bytes) = file();
    let loaded = place.load(&bytes).unwrap();
    let mut usual = sandbox(&demo());
    fails_with(ErrorCode::SnapshotMismatch, usual.restore(&loaded));
    let mut c = small(&libhyperlight_tests::demo_c());
    fails_with(ErrorCode::SnapshotMismatch, c.restore(&loaded));
    assert_eq!(c.call::<i32>("GetStatic", ()).unwrap(), 7);
    let options = SandboxOptions::new().heap_size(1 << 20);
    fails_with(ErrorCode::InvalidArgument, UninitializedSandbox::from_snapshot(&loaded, options));
}

#[test]
fn the_host_functions_that_a_file_needs_are_listed() {
    let place = Place::new();
    let mut host = uninitialized_with(&demo(), SandboxOptions::new());
    host.register("HostAdd", |a: i32, b: i32| a + b).unwrap();
    host.register("Other", |_: String| ()).unwrap();
    host.evolve().unwrap().snapshot().unwrap().save(&place.path).unwrap();
    let loaded = Snapshot::load(&place.path).unwrap();
    let mut host = UninitializedSandbox::from_snapshot(&loaded, SandboxOptions::new()).unwrap();
    host.register("Other", |_: i32| ()).unwrap();
    let error = fails_with(ErrorCode::SnapshotMismatch, host.try_evolve());
    for part in
        ["`HostAdd` (i32, i32) -> i32 is missing", "`Other` is (i32) -> void, expected (string) -> void"]
    {
        assert!(error.message().contains(part), "{error}");
    }
}

/// Files with a right checksum, whose header is anything: each is refused, or is a guest like any other, whose every
/// end is an orderly one.
#[test]
fn forged_headers_are_refused_or_stay_behind_the_wall() {
    let (place, bytes) = file();
    let header = header_end(&bytes);
    let mut random = Random::new(0x5eed_0056);
    let (mut refused, mut ran) = (0, 0);
    for _ in 0..3000 {
        let mut forged = bytes.clone();
        for _ in 0..1 + random.below(3) {
            let at = PREFIX + random.below(header - PREFIX);
            match random.below(3) {
                0 => forged[at] ^= 1 << random.below(8),
                1 => forged[at] = random.bytes(1)[0],
                // A word, at the places where words are.
                _ => {
                    let at = (at & !7).min(header - 8);
                    let word = [0, 1, u64::MAX, 1 << 63, 1 << 47, 0xffff_8000_0000_0000, 4096, 1 << 40];
                    let word = random.one_of(&word);
                    forged[at..at + 8].copy_from_slice(&word.to_le_bytes());
                }
            }
        }
        match place.load(&sign(forged)) {
            Err(error) => {
                refused += 1;
                fails_with::<()>(ErrorCode::SnapshotFile, Err(error));
            }
            Ok(snapshot) => {
                ran += 1;
                let options = SandboxOptions::new().cpu_time(std::time::Duration::from_millis(50));
                let mut host = UninitializedSandbox::from_snapshot(&snapshot, options).unwrap();
                host.register("HostPrint", |text: String| i32::try_from(text.len()).unwrap()).unwrap();
                if let Ok(mut sandbox) = host.evolve() {
                    let _ = sandbox.call::<i32>("GetStatic", ());
                }
            }
        }
    }
    assert!(refused > 500 && ran > 100, "{refused} refused, {ran} ran");
}
