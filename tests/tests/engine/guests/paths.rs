//! Guests from files: every kind of thing that a path may lead to.
#![expect(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

use std::error::Error as _;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use libhyperlight::{Error, ErrorCode, Guest, MAX_GUEST_FILE};
use libhyperlight_tests::script::{Step, file, perform};
use libhyperlight_tests::{fails_with, uninitialized};

/// A folder that is gone when the test is over.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn file(&self, name: impl AsRef<Path>, bytes: &[u8]) -> PathBuf {
        let path = self.0.join(name);
        fs::write(&path, bytes).unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[track_caller]
fn io_error(path: impl AsRef<Path>, kind: io::ErrorKind) -> Error {
    let error = fails_with(ErrorCode::Io, Guest::from_file(path));
    assert_eq!(error.source().unwrap().downcast_ref::<io::Error>().unwrap().kind(), kind, "{error}");
    error
}

#[track_caller]
fn refused(path: impl AsRef<Path>, why: &str) {
    let error = fails_with(ErrorCode::GuestBinary, Guest::from_file(path));
    assert!(error.message().contains(why), "{error}");
}

fn assert_runs(guest: &Guest) {
    uninitialized(&perform(guest, &[Step::ready(&[])])).evolve().unwrap();
}

#[test]
fn a_guest_is_loaded_from_any_path_to_its_file() {
    let folder = Folder::new("any path");
    let bytes = file();
    let path = folder.file("plain.elf", bytes.bytes());
    assert_runs(&Guest::from_file(&path).unwrap());
    symlink(&path, folder.0.join("link")).unwrap();
    assert_runs(&Guest::from_file(folder.0.join("link")).unwrap());
    // A name that is not UTF-8, and one with everything that a shell would stumble over.
    for name in [OsString::from_vec(b"not\xffutf-8\xc3".to_vec()), "with space\n'\"$*\t".into(), "é".into()]
    {
        assert_runs(&Guest::from_file(folder.file(name, bytes.bytes())).unwrap());
    }
}

#[test]
fn what_cannot_be_read_is_an_io_error_that_names_the_path() {
    let folder = Folder::new("unreadable");
    let error = io_error(folder.0.join("missing.elf"), io::ErrorKind::NotFound);
    assert!(error.message().contains("missing.elf"), "{error}");
    io_error("", io::ErrorKind::NotFound);
    io_error("a\0b", io::ErrorKind::InvalidInput);
    let path = folder.file("plain.elf", file().bytes());
    io_error(path.join("inside"), io::ErrorKind::NotADirectory);
    symlink(folder.0.join("b"), folder.0.join("a")).unwrap();
    symlink(folder.0.join("a"), folder.0.join("b")).unwrap();
    fails_with(ErrorCode::Io, Guest::from_file(folder.0.join("a")));
    io_error("x".repeat(5000), io::ErrorKind::InvalidFilename);
    io_error(OsString::from_vec(b"missing\xff\n\x1b[2J".to_vec()), io::ErrorKind::NotFound);

    fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).unwrap();
    // Some users may read everything: those with the capability, which the superuser of a container may lack.
    if fs::read(&path).is_ok() {
        assert_runs(&Guest::from_file(&path).unwrap());
    } else {
        io_error(&path, io::ErrorKind::PermissionDenied);
    }
}

#[test]
fn what_is_no_regular_file_is_refused_at_once() {
    let folder = Folder::new("no file");
    refused(&folder.0, "is not a regular file");
    for device in ["/dev/zero", "/dev/null", "/dev/kvm"] {
        refused(device, "is not a regular file");
    }
    // Nobody writes to it: whoever opened it as usual would wait for ever.
    let fifo = folder.0.join("fifo");
    let path = std::ffi::CString::new(fifo.to_str().unwrap()).unwrap();
    // SAFETY: the path is a C string.
    assert_eq!(unsafe { libc::mkfifo(path.as_ptr(), 0o600) }, 0);
    refused(&fifo, "is not a regular file");
    let socket = std::os::unix::net::UnixListener::bind(folder.0.join("socket")).unwrap();
    refused(folder.0.join("socket"), "is not a regular file");
    drop(socket);
    // A file that says it is empty, and is not.
    refused("/proc/self/status", "does not start with the ELF magic number");
}

#[test]
fn what_is_no_elf_file_is_refused_with_what_it_is() {
    let folder = Folder::new("no elf");
    for (bytes, why) in [
        (&b""[..], "the file is empty"),
        (b"#!/bin/sh\necho no\n", "the file is a script"),
        (b"just some text\n", "does not start with the ELF magic number"),
        (b"\x7fEL", "does not start with the ELF magic number"),
        (b"\x7fELF", "class or byte order is unknown"),
        (b"\x7fELF\x02\x01\x01", "not a loadable ELF file"),
        (b"MZ\x90\0", "does not start with the ELF magic number"),
        (b"\0asm\x01\0\0\0", "does not start with the ELF magic number"),
        (&[0; 100_000], "does not start with the ELF magic number"),
    ] {
        refused(folder.file("it", bytes), why);
        let error = fails_with(ErrorCode::GuestBinary, Guest::from_bytes(bytes));
        assert!(error.message().contains(why), "{error}");
    }
    // An ordinary program of this machine asks for a loader.
    refused(std::env::current_exe().unwrap(), "PT_INTERP");
}

#[test]
fn a_file_larger_than_any_guest_is_refused() {
    let folder = Folder::new("huge");
    let path = folder.file("sparse", file().bytes());
    fs::File::options().write(true).open(&path).unwrap().set_len(MAX_GUEST_FILE + 1).unwrap();
    refused(&path, "at most 1073741824 bytes");
}

#[test]
fn a_file_may_be_rewritten_cut_or_removed_once_it_is_loaded() {
    let folder = Folder::new("rewritten");
    let path = folder.file("guest.elf", file().bytes());
    let guest = Guest::from_file(&path).unwrap();
    assert_runs(&guest);
    fs::write(&path, vec![0xcc; file().bytes().len()]).unwrap();
    assert_runs(&guest);
    fs::write(&path, b"").unwrap();
    assert_runs(&guest);
    fs::remove_file(&path).unwrap();
    assert_runs(&guest);
}

#[test]
fn an_unknown_builtin_guest_is_refused_with_those_that_there_are() {
    for name in ["", "Demo", "demo\0", "javascrypt\n"] {
        let error = fails_with(ErrorCode::InvalidArgument, libhyperlight_builtin::by_name(name));
        assert!(error.message().contains("\"demo\""), "{error}");
    }
}
