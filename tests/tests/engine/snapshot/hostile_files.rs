//! Snapshot files that lie about their pages and sizes: their cost is that of their stored contents, and the loader's
//! bounds hold. All of them have a right checksum.
#![expect(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

use std::fs::{self, File};
use std::io::{Seek, SeekFrom, Write};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use libhyperlight::{
    ErrorCode, Guest, LoadOptions, PayloadAccess, Result, Sandbox, SandboxOptions, Snapshot,
};
use libhyperlight_tests::clones::{add, clone, count};
use libhyperlight_tests::cost::{memory_files, peak, reset_peak, time_for, within};
use libhyperlight_tests::process::in_own_process;
use libhyperlight_tests::snapshot_file::{Forgery, sign};
use libhyperlight_tests::stop::Done;
use libhyperlight_tests::{assert_works, demo, fails_with, sandbox_with};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;
const HEAP: u64 = 192 << 10;
const STACK: u64 = 64 << 10;

/// The number of the first page behind what the guest has written to at the heap's beginning: from there on, up to its
/// last page, the heap is empty.
fn free(runs: &[(u32, u32)]) -> u32 {
    let [.., (start, len), _] = runs else { panic!("{runs:?}") };
    start + len
}

/// The runs and the pages of a file with more of them in its heap, full of that byte.
fn with_more(forgery: &Forgery, more: &[(u32, u32)], byte: u8) -> (Runs, Vec<u8>) {
    let (mut runs, mut contents) = (forgery.runs(), forgery.contents().to_owned());
    let (run, page) = (runs.pop().unwrap(), contents.split_off(contents.len() - 4096));
    assert_eq!(run.1, 1);
    runs.extend(more);
    contents.resize(contents.len() + more.iter().map(|(_, len)| *len as usize * 4096).sum::<usize>(), byte);
    contents.extend(page);
    runs.push(run);
    (runs, contents)
}

/// The number of the first page of each, and how many it has.
type Runs = Vec<(u32, u32)>;

struct Place {
    _folder: TempDir,
    path: PathBuf,
}

impl Place {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("guest.hls");
        Self { _folder: folder, path }
    }

    fn load(&self, bytes: &[u8]) -> Result<Snapshot> {
        self.load_with(bytes, &LoadOptions::new())
    }

    /// The result of loading these bytes, in the time for their number.
    #[track_caller]
    fn load_with(&self, bytes: &[u8], options: &LoadOptions) -> Result<Snapshot> {
        fs::write(&self.path, bytes).unwrap();
        within(time_for(bytes.len()), "loading", || Snapshot::load_with(&self.path, options))
    }

    #[track_caller]
    fn refuses(&self, bytes: &[u8], why: &str) {
        let error = fails_with(ErrorCode::SnapshotFile, self.load(bytes));
        assert!(error.message().contains(why), "{error}, not {why}");
    }
}

fn forgery_of(mut sandbox: Sandbox, heap: u64, stack: u64) -> Forgery {
    add(&mut sandbox, 7);
    Forgery::of(&sandbox.snapshot().unwrap(), heap, stack)
}

fn forgery_with(guest: &Guest) -> Forgery {
    let options = SandboxOptions::new().heap_size(HEAP).stack_size(STACK).input_size(1).output_size(1 << 16);
    forgery_of(sandbox_with(guest, options), HEAP, STACK)
}

fn forgery() -> Forgery {
    forgery_with(&demo())
}

/// A file with a heap of a gigabyte that is nearly empty, and the number of the heap's first page: the demo guest
/// writes to it.
fn gigabyte() -> Forgery {
    forgery_of(sandbox_with(&demo(), SandboxOptions::new().heap_size(GIB)), GIB, MIB)
}

/// Writes a file whose list has one run of pages in the place of all that start at or behind page `from`, of `pages`
/// pages: what was there is in its place, the rest is a hole. Its checksum is right.
fn write_with_hole(forgery: &Forgery, from: usize, pages: u32, file: &File) {
    let runs = forgery.runs();
    let first = runs[from].0;
    let mut forged = runs[..from].to_vec();
    forged.push((first, pages));
    let before: u32 = runs[..from].iter().map(|(_, len)| len).sum();
    let (kept, moved) = forgery.contents().split_at(before as usize * 4096);
    let head = [&forgery.with_runs(forged.len() as u64, &forged)[..], kept].concat();
    file.write_all_at(&head, 0).unwrap();
    let (mut hash, mut at) = (Sha256::new_with_prefix(&head), u64::from(first));
    let zeros = vec![0; 1 << 20];
    let skip = |pages: u64, hash: &mut Sha256| {
        let mut left = pages * 4096;
        while left > 0 {
            let len = left.min(zeros.len() as u64);
            hash.update(&zeros[..usize::try_from(len).unwrap()]);
            left -= len;
        }
    };
    let mut contents = moved;
    for (start, len) in &runs[from..] {
        let (bytes, rest) = contents.split_at(*len as usize * 4096);
        skip(u64::from(*start) - at, &mut hash);
        hash.update(bytes);
        file.write_all_at(bytes, head.len() as u64 + u64::from(start - first) * 4096).unwrap();
        (contents, at) = (rest, u64::from(start + len));
    }
    skip(u64::from(first + pages) - at, &mut hash);
    file.write_all_at(&hash.finalize(), head.len() as u64 + u64::from(pages) * 4096).unwrap();
}

/// `sparse_snapshot.py`, in today's format.
#[test]
fn a_hole_in_a_file_costs_nothing_because_it_ends_the_loading() {
    let forgery = gigabyte();
    let runs = forgery.runs();
    // The heap is the last region, and the guest has written to its beginning and to its end.
    let (last, end) = (runs.len() - 1, runs.last().map(|(start, len)| start + len).unwrap());
    let place = Place::new();
    for (from, max_size, why) in [
        // Whatever is allowed, the first page of the hole is the end.
        (last - 1, u64::MAX, "it lists a page that is zero"),
        (last - 1, 0, "max_size is 1073741824"),
        (0, u64::MAX, "a page is not one of the guest's own"),
    ] {
        let file = File::create(&place.path).unwrap();
        write_with_hole(&forgery, from, end - runs[from].0, &file);
        let found = file.metadata().unwrap();
        assert!(found.len() > GIB && found.blocks() * 512 < 2 * MIB, "{found:?}");
        let options = LoadOptions::new().max_size(max_size);
        let load = || fails_with(ErrorCode::SnapshotFile, Snapshot::load_with(&place.path, &options));
        let error = within(Duration::from_millis(100), "a file with a hole", load);
        assert!(error.message().contains(why), "{error}");
    }
}

#[test]
fn an_empty_heap_of_a_gigabyte_costs_nothing() {
    in_own_process(|| {
        let forgery = gigabyte();
        assert!(forgery.whole().len() < 1 << 20, "{}", forgery.whole().len());
        let place = Place::new();
        fs::write(&place.path, forgery.whole()).unwrap();
        reset_peak();
        let (memory, files) = (peak(), memory_files());
        let snapshot = within(Duration::from_secs(1), "loading", || Snapshot::load(&place.path).unwrap());
        // What was made before may have been given back meanwhile.
        let (memory, files) = (peak().saturating_sub(memory), memory_files().saturating_sub(files));
        assert!(memory + files < 16 * MIB, "{memory} bytes of memory, {files} in files");
        // What is saved again is what was loaded, and no larger.
        snapshot.save(&place.path).unwrap();
        assert_eq!(fs::read(&place.path).unwrap(), forgery.whole());
        let mut clone = clone(&snapshot);
        assert_eq!(count(&mut clone), 7);
        assert_works(&mut clone);
    });
}

#[test]
fn a_page_of_zeros_is_refused_wherever_it_is_listed() {
    let (forgery, place) = (forgery(), Place::new());
    let (runs, contents) = (forgery.runs(), forgery.contents());
    place.load(&forgery.with_pages(&runs, contents)).unwrap();
    for page in 0..contents.len() / 4096 {
        let mut zeroed = contents.to_owned();
        zeroed[page * 4096..][..4096].fill(0);
        place.refuses(&forgery.with_pages(&runs, &zeroed), "it lists a page that is zero");
        // One byte, the last, is something.
        zeroed[page * 4096 + 4095] = 1;
        place.load(&forgery.with_pages(&runs, &zeroed)).unwrap();
    }
    // A page that the guest has not written to, listed in addition.
    let (more, contents) = with_more(&forgery, &[(free(&runs), 1)], 0);
    place.refuses(&forgery.with_pages(&more, &contents), "a page that is zero");
}

#[test]
fn runs_that_overlap_come_in_disorder_or_lie_outside_are_refused() {
    let (forgery, place) = (forgery(), Place::new());
    let (runs, contents) = (forgery.runs(), forgery.contents());
    let why = "a page is not one of the guest's own";
    let pages = |runs: &[(u32, u32)]| {
        let count: u32 = runs.iter().map(|(_, len)| (*len).min(1000)).sum();
        let mut pages = contents.to_owned();
        pages.resize(count as usize * 4096, 7);
        forgery.with_pages(runs, &pages)
    };
    let n = runs.len();
    assert!(n > 3, "{runs:?}");
    let changed = |change: &dyn Fn(&mut Runs)| {
        let mut runs = runs.clone();
        change(&mut runs);
        pages(&runs)
    };
    place.load(&changed(&|_| {})).unwrap();
    place.refuses(&changed(&|runs| runs.swap(0, 1)), why);
    place.refuses(&changed(&|runs| runs.reverse()), why);
    place.refuses(&changed(&|runs| runs.insert(1, runs[0])), why);
    place.refuses(&changed(&|runs| runs.push(runs[n - 1])), why);
    place.refuses(&changed(&|runs| runs.push((runs[n - 1].0, 1))), why);
    place.refuses(&changed(&|runs| runs[n - 1].1 = 0), why);
    for far in [1 << 20, 1 << 31, u32::MAX] {
        place.refuses(&changed(&|runs| runs.push((far, 1))), why);
        place.refuses(&changed(&|runs| runs[n - 1].1 = far), why);
        place.refuses(&changed(&|runs| runs.push((far, far))), why);
    }
    // One that reaches from a region of the guest's into the engine's.
    for at in 0..n {
        place.refuses(&changed(&|runs| runs[at].1 += 1 << 18), why);
    }
}

#[test]
fn counts_that_lie_are_refused_without_making_room_for_them() {
    in_own_process(|| {
        let (forgery, place) = (forgery(), Place::new());
        let runs = forgery.runs();
        let counts = [0, runs.len() as u64 - 1, runs.len() as u64 + 1, 1 << 20, 1 << 32, 1 << 61, u64::MAX];
        reset_peak();
        let before = peak();
        for count in counts {
            let bytes = [&forgery.with_runs(count, &runs)[..], forgery.contents(), &[0; 32]].concat();
            fails_with(ErrorCode::SnapshotFile, place.load(&sign(bytes)));
        }
        // Fewer or more pages than the list says.
        let contents = forgery.contents();
        for contents in [&contents[4096..], &[contents, &[7; 4096]].concat(), &contents[1..], &[]] {
            fails_with(ErrorCode::SnapshotFile, place.load(&forgery.with_pages(&runs, contents)));
        }
        assert!(peak() - before < 8 * MIB, "{} bytes", peak() - before);
    });
}

/// As many runs as a heap can have, every second page: each is one more to look up, to copy and to find again.
#[test]
fn many_tiny_runs_take_the_time_of_their_pages() {
    let place = Place::new();
    let heap = 128 * MIB;
    let forgery = forgery_of(sandbox_with(&demo(), SandboxOptions::new().heap_size(heap)), heap, MIB);
    let start = free(&forgery.runs());
    let more: Vec<_> = (1..8000).map(|n| (start + 2 * n, 1)).collect();
    let (runs, contents) = with_more(&forgery, &more, 7);
    let bytes = forgery.with_pages(&runs, &contents);
    let snapshot = place.load(&bytes).unwrap();
    let mut sandbox = within(time_for(bytes.len()), "a clone", || clone(&snapshot));
    assert_eq!(count(&mut sandbox), 7);
    within(time_for(bytes.len()), "a restore", || sandbox.restore(&snapshot)).unwrap();
    // The list alone, without a page behind it.
    let list = forgery.with_runs(runs.len() as u64, &runs);
    fails_with(ErrorCode::SnapshotFile, place.load(&sign([&list[..], &[0; 32]].concat())));
}

#[test]
fn a_file_brings_no_more_memory_than_is_allowed() {
    let place = Place::new();
    let payload = vec![7; 3 << 20];
    let forgery = forgery_with(&demo().with_payload(&payload, PayloadAccess::Read).unwrap());
    let bytes = forgery.whole();
    let size = |bytes| LoadOptions::new().max_size(bytes);
    let error = fails_with(ErrorCode::SnapshotFile, place.load_with(bytes, &size(MIB)));
    let why = "the memory of its guest's program and payloads is ";
    assert!(error.message().contains(why), "{error}");
    assert!(
        error.message().ends_with("max_size is 1048576; raise max_size if the file can be trusted"),
        "{error}"
    );
    place.load_with(bytes, &size(8 * MIB)).unwrap();
    place.load_with(bytes, &size(u64::MAX)).unwrap();
    place.load_with(bytes, &size(0)).unwrap();

    // A heap full of something: the program has less.
    let heap = 16 * MIB;
    let forgery = forgery_of(sandbox_with(&demo(), SandboxOptions::new().heap_size(heap)), heap, MIB);
    let (runs, contents) = with_more(&forgery, &[(free(&forgery.runs()), 2048)], 7);
    let bytes = forgery.with_pages(&runs, &contents);
    let error = fails_with(ErrorCode::SnapshotFile, place.load_with(&bytes, &size(6 * MIB)));
    assert!(error.message().contains("the memory in it is "), "{error}");
    place.load_with(&bytes, &size(10 * MIB)).unwrap();
    let exact = contents.len() as u64;
    place.load_with(&bytes, &size(exact)).unwrap();
    fails_with(ErrorCode::SnapshotFile, place.load_with(&bytes, &size(exact - 4096)));

    // What is only stated is refused as well: one byte of a file would be a gigabyte of payload.
    let stated = forgery_with(&demo().with_payload(b"x", PayloadAccess::Read).unwrap());
    for len in [GIB, 3 * GIB] {
        let forged = stated.with_word(stated.payloads + 8, len);
        place.refuses(forged.whole(), "raise max_size if the file can be trusted");
    }
}

#[test]
fn a_file_chooses_no_size_above_the_one_that_is_allowed() {
    let place = Place::new();
    let forgery = forgery();
    let with = |at: usize, size: u64| forgery.with_word(forgery.sizes + 8 * at, size);
    let max = |bytes| LoadOptions::new().max_heap_size(bytes);
    // One is above the default, and below what sandboxes may have.
    place.refuses(
        with(0, 2 * GIB).whole(),
        "its heap_size is 2147483648 bytes, max_heap_size is 1073741824; raise max_heap_size if the file can be trusted",
    );
    let large = forgery_of(sandbox_with(&demo(), SandboxOptions::new().heap_size(16 * GIB)), 16 * GIB, MIB);
    fails_with(ErrorCode::SnapshotFile, place.load(large.whole()));
    let snapshot = place.load_with(large.whole(), &max(16 * GIB)).unwrap();
    assert_eq!(count(&mut clone(&snapshot)), 7);
    place.load_with(large.whole(), &max(u64::MAX)).unwrap();
    fails_with(ErrorCode::SnapshotFile, place.load_with(large.whole(), &max(16 * GIB - 1)));
    // More than a sandbox may have is impossible, whatever is allowed.
    let error =
        fails_with(ErrorCode::SnapshotFile, place.load_with(with(0, 32 * GIB).whole(), &max(u64::MAX)));
    assert!(error.message().ends_with("a size is impossible"), "{error}");

    // Each of the four.
    for (at, name, size) in [
        (0, "heap_size", MIB),
        (1, "stack_size", MIB),
        (2, "input_size", MIB + 4096),
        (3, "output_size", MIB + 4096),
    ] {
        let error =
            fails_with(ErrorCode::SnapshotFile, place.load_with(with(at, size).whole(), &max(MIB - 1)));
        assert!(error.message().contains(&format!("its {name} is 1048576 bytes")), "{error}");
    }
    place.load_with(forgery.whole(), &max(HEAP)).unwrap();
    fails_with(ErrorCode::SnapshotFile, place.load_with(forgery.whole(), &max(HEAP - 4096)));
}

/// All that a header may state at once, within the defaults.
#[test]
fn the_largest_sizes_that_can_be_stated_cost_page_tables_and_no_more() {
    in_own_process(|| {
        let place = Place::new();
        let sizes =
            SandboxOptions::new().heap_size(GIB).stack_size(GIB).input_size(256 * MIB).output_size(256 * MIB);
        let forgery = forgery_of(sandbox_with(&demo(), sizes), GIB, GIB);
        fs::write(&place.path, forgery.whole()).unwrap();
        assert!(forgery.whole().len() < 1 << 20, "{}", forgery.whole().len());
        reset_peak();
        let (memory, files) = (peak(), memory_files());
        let snapshot = within(Duration::from_secs(1), "loading", || Snapshot::load(&place.path).unwrap());
        // What was made before may have been given back meanwhile.
        let (memory, files) = (peak().saturating_sub(memory), memory_files().saturating_sub(files));
        assert!(memory + files < 16 * MIB, "{memory} bytes of memory, {files} in files");
        drop(snapshot);
    });
}

/// A load sees the file as it was, or finds it damaged.
#[test]
fn a_file_that_changes_while_it_is_read_is_itself_or_damaged() {
    let place = Place::new();
    let options = SandboxOptions::new().heap_size(4 * MIB).stack_size(STACK);
    let forgery = forgery_of(sandbox_with(&demo(), options), 4 * MIB, STACK);
    let bytes = forgery.whole();
    fs::write(&place.path, bytes).unwrap();
    let is_done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut file = File::options().write(true).open(&place.path).unwrap();
            for n in (0..bytes.len() as u64).cycle().step_by(997) {
                if is_done.load(Ordering::Relaxed) {
                    return;
                }
                let at = usize::try_from(n).unwrap();
                file.write_all_at(&[bytes[at] ^ 0x10], n).unwrap();
                file.write_all_at(&[bytes[at]], n).unwrap();
                // Shorter, and again as long.
                if n % 7 == 0 {
                    file.set_len(n).unwrap();
                    file.seek(SeekFrom::Start(n)).unwrap();
                    file.write_all(&bytes[at..]).unwrap();
                }
            }
        });
        let _done = Done(&is_done);
        for _ in 0..100 {
            match Snapshot::load(&place.path) {
                Ok(snapshot) => assert_eq!(count(&mut clone(&snapshot)), 7),
                Err(error) => assert_eq!(error.code(), ErrorCode::SnapshotFile, "{error}"),
            }
        }
    });
}
