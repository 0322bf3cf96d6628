//! Paths to other things than files: saving a snapshot replaces none of them, loading reads none, and neither waits for
//! one.
#![expect(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

use std::ffi::CString;
use std::fs::{self, Metadata};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use libhyperlight::{ErrorCode, Guest, SandboxOptions, Snapshot};
use libhyperlight_tests::clones::{clone, count};
use libhyperlight_tests::process::NOT_SHOWN;
use libhyperlight_tests::{demo, fails_with, sandbox_with};
use tempfile::TempDir;

fn snapshot() -> Snapshot {
    sandbox_with(&demo(), SandboxOptions::new().heap_size(64 << 10)).snapshot().unwrap()
}

fn make(path: &Path, kind: libc::mode_t) -> bool {
    let path = CString::new(path.as_os_str().as_bytes()).unwrap();
    // SAFETY: a C string. The device with the number 0 is none: overlay file systems mark by it what is gone.
    unsafe { libc::mknod(path.as_ptr(), kind | 0o600, 0) == 0 }
}

/// Everything that is neither a file nor nothing, and what an error calls it.
fn others(folder: &Path) -> Vec<(PathBuf, &'static str)> {
    let at = |name: &str| folder.join(name);
    assert!(make(&at("fifo"), libc::S_IFIFO));
    drop(UnixListener::bind(at("socket")).unwrap());
    fs::create_dir(at("folder")).unwrap();
    fs::write(at("file"), "a file").unwrap();
    let mut others = vec![(at("fifo"), "a FIFO"), (at("socket"), "a socket"), (at("folder"), "a folder")];
    for to in ["fifo", "socket", "folder", "file", "nothing", "link to itself"] {
        let link = at(&format!("link to {}", to.trim_start_matches("link to ")));
        symlink(at(to), &link).unwrap();
        others.push((link, "a symbolic link"));
    }
    if make(&at("device"), libc::S_IFCHR) {
        others.push((at("device"), "a device"));
    } else {
        #[expect(clippy::print_stdout, reason = "what was not shown is said among the results")]
        {
            println!("{NOT_SHOWN}this user may not make a device");
        }
    }
    others
}

/// The state that must not change: kind, number and contents.
fn state(path: &Path) -> (u32, u64, u64, Option<PathBuf>) {
    let found: Metadata = fs::symlink_metadata(path).unwrap();
    (found.mode(), found.ino(), found.size(), fs::read_link(path).ok())
}

/// Case 26.
#[test]
fn only_a_regular_file_or_nothing_is_replaced() {
    let folder = TempDir::new().unwrap();
    let snapshot = snapshot();
    let others = others(folder.path());
    let entries = fs::read_dir(folder.path()).unwrap().count();
    for (path, kind) in &others {
        let before = state(path);
        let error = fails_with(ErrorCode::Io, snapshot.save(path));
        let why = format!("there is {kind}, and only a regular file is replaced; give another path");
        assert!(error.message().ends_with(&why), "{error}");
        assert!(std::error::Error::source(&error).is_some(), "{error:?}");
        assert_eq!(state(path), before, "{}", path.display());
    }
    assert_eq!(fs::read_to_string(folder.path().join("file")).unwrap(), "a file");
    // Nothing was left beside them.
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), entries);
    for name in ["file", "nothing"] {
        let path = folder.path().join(name);
        snapshot.save(&path).unwrap();
        assert!(fs::symlink_metadata(&path).unwrap().is_file());
        assert_eq!(count(&mut clone(&Snapshot::load(&path).unwrap())), 0);
    }
    // Through a link to its folder a file is in that folder.
    let inside = folder.path().join("link to folder").join("file");
    snapshot.save(&inside).unwrap();
    assert!(folder.path().join("folder").join("file").is_file());
}

#[test]
fn paths_that_name_no_file_are_refused() {
    let folder = TempDir::new().unwrap();
    let snapshot = snapshot();
    fs::write(folder.path().join("file"), "a file").unwrap();
    for path in ["/", ".", "..", "", "no/such/folder/file", "a\0b"].map(PathBuf::from).into_iter().chain([
        folder.path().join("file").join(""),
        folder.path().join("file").join("inside"),
        folder.path().join("missing").join(""),
        folder.path().join("."),
    ]) {
        fails_with(ErrorCode::Io, snapshot.save(&path));
    }
    assert_eq!(fs::read_to_string(folder.path().join("file")).unwrap(), "a file");
}

/// No wait for a writer, neither with a snapshot nor with a guest.
#[test]
fn only_a_regular_file_is_read_and_nobody_waits() {
    let folder = TempDir::new().unwrap();
    let others = others(folder.path());
    let file = folder.path().join("file");
    snapshot().save(&file).unwrap();
    for (path, _) in &others {
        let load = Snapshot::load(path);
        match fs::metadata(path) {
            // A link to the file is the file.
            Ok(found) if found.is_file() => drop(load.unwrap()),
            Ok(found) => {
                assert!(!found.file_type().is_block_device());
                let error = fails_with(ErrorCode::SnapshotFile, load);
                assert!(error.message().ends_with("it is not a regular file"), "{error}");
                let error = fails_with(ErrorCode::GuestBinary, Guest::from_file(path));
                assert!(error.message().ends_with("is not a regular file"), "{error}");
            }
            Err(_) => {
                fails_with(ErrorCode::Io, load);
            }
        }
    }
}
