use std::fs;
use std::os::unix::fs::symlink;
use std::time::Instant;

use libhyperlight::ErrorCode;
use libhyperlight_linux_contract::address::FILES;
use libhyperlight_linux_contract::index::Index;
use libhyperlight_linux_contract::limits::{MAX_ENTRIES, MAX_NAME_BYTES};

use super::*;
use crate::libraries;

/// A program of this system that needs libraries.
fn program() -> Vec<u8> {
    fs::canonicalize("/proc/self/exe").unwrap().into_os_string().into_encoded_bytes()
}

struct Made {
    files: Files,
    bytes: Vec<u8>,
    layout: Layout,
}

fn make(mut files: Files) -> libhyperlight::Result<Made> {
    let program = program();
    files.add(std::ffi::OsStr::from_bytes(&program))?;
    let missing = libraries::add_needed(&mut files)?;
    assert_eq!(missing, []);
    let mut bytes = Vec::new();
    let offsets = write_files(&files, &mut bytes)?;
    let settings = Settings { program: &program, jit: false, handler: Some(0x3000_0040) };
    let layout = lay_out(&files, &bytes, &offsets, &settings)?;
    Ok(Made { files, bytes, layout })
}

#[test]
fn every_file_is_found_with_its_bytes_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("inner")).unwrap();
    fs::write(folder.path().join("inner/long"), vec![7; 5000]).unwrap();
    fs::write(folder.path().join("empty"), b"").unwrap();
    symlink("inner/long", folder.path().join("link")).unwrap();
    let mut files = Files::new();
    files.add_as(folder.path(), "/data").unwrap().add_bytes("/given/here.txt", "given").unwrap();
    let made = make(files).unwrap();
    let index = Index::new(&made.layout.index).unwrap();
    assert_eq!(index.len(), made.files.list().len() + 1);
    for listed in made.files.list() {
        let entry = index.entry(index.find(listed.path).unwrap()).unwrap();
        assert_eq!(
            (index.path(&entry), entry.size, index.target(&entry)),
            (Some(listed.path), listed.size, listed.target)
        );
        if let Some(Taken::File { source, size, .. }) = made.files.taken().get(listed.path) {
            let at = (entry.data - FILES.start) as usize;
            assert_eq!(at % PAGE as usize, 0);
            assert_eq!(made.bytes[at..][..*size as usize], source.start(*size).unwrap());
        }
    }
    assert_eq!(index.find(b"/data/inner/other"), None);
    assert_eq!(index.find(b"/data/"), None);
    let folder = index.entry(index.find(b"/data").unwrap()).unwrap();
    let mut names = Vec::new();
    let mut next = folder.child;
    while let Some(entry) = index.entry(next) {
        names.push(index.file_name(&entry).unwrap());
        next = entry.sibling;
    }
    assert_eq!(names, [&b"empty"[..], b"inner", b"link"]);
}

#[test]
fn a_program_comes_with_its_loader_and_its_libraries() {
    let made = make(Files::new()).unwrap();
    let index = Index::new(&made.layout.index).unwrap();
    let object = |path: &[u8]| index.object(&index.entry(index.find(path).unwrap()).unwrap());
    let main = object(&program()).unwrap();
    let loader = index.entry(main.interpreter).unwrap();
    assert!(index.object(&loader).unwrap().entry != 0);
    let names: Vec<_> =
        made.layout.objects.iter().map(|(path, ..)| String::from_utf8_lossy(path).into_owned()).collect();
    assert!(names.iter().any(|name| name.contains("/libc")), "{names:?}");
    assert!(made.layout.rewritten > 100);
    let mut last = 0;
    let mut pieces: Vec<_> = made.layout.pieces.iter().collect();
    pieces.sort_unstable_by_key(|piece| piece.address);
    for piece in pieces {
        assert!(piece.address >= last);
        last = piece.address + piece.size;
    }
}

#[test]
fn two_layouts_of_the_same_files_are_equal() {
    let (one, other) = (make(Files::new()).unwrap(), make(Files::new()).unwrap());
    assert!(
        one.bytes == other.bytes
            && one.layout.index == other.layout.index
            && one.layout.pieces == other.layout.pieces
    );
}

#[test]
fn a_script_is_no_program() {
    let mut files = Files::new();
    files.add_bytes("/run", "#!/bin/sh\n").unwrap();
    let mut bytes = Vec::new();
    let offsets = write_files(&files, &mut bytes).unwrap();
    let settings = Settings { program: b"/run", jit: false, handler: None };
    let error = lay_out(&files, &bytes, &offsets, &settings).unwrap_err();
    assert_eq!(error.code(), ErrorCode::GuestBinary);
    assert!(error.message().contains("interpreter"), "{error}");
}

#[test]
fn links_that_lead_in_a_circle_end() {
    let folder = tempfile::tempdir().unwrap();
    symlink("two", folder.path().join("one")).unwrap();
    symlink("one", folder.path().join("two")).unwrap();
    symlink(".", folder.path().join("self")).unwrap();
    let error = Files::new().add(folder.path().join("one")).unwrap_err();
    assert_eq!(error.code(), ErrorCode::InvalidArgument);
    // In a folder they are what they are.
    let mut files = Files::new();
    files.add_as(folder.path(), "/links").unwrap();
    assert_eq!(files.list().filter(|listed| listed.target.is_some()).count(), 3);
    assert_eq!(index::resolve(&files, b"/links/one"), None);
    assert_eq!(index::resolve(&files, b"/links/self/self/../links"), Some(b"/links".to_vec()));
}

#[test]
fn nothing_outside_of_what_was_asked_for_is_taken() {
    let (folder, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    fs::write(outside.path().join("secret"), b"secret").unwrap();
    symlink(outside.path(), folder.path().join("out")).unwrap();
    symlink(outside.path().join("secret"), folder.path().join("secret")).unwrap();
    let mut files = Files::new();
    files.add_as(folder.path(), "/in").unwrap();
    let paths: Vec<_> = files.list().map(|listed| listed.path.to_vec()).collect();
    assert_eq!(paths, [&b"/"[..], b"/in", b"/in/out", b"/in/secret"]);
    assert!(files.list().all(|listed| listed.target.is_some() || listed.size == 0));
}

#[test]
fn names_and_paths_have_limits() {
    let mut files = Files::new();
    for path in
        ["/".to_owned() + &"x".repeat(256), "/xx".repeat(1366), "/x".repeat(64 << 10), "relative".to_owned()]
    {
        assert_eq!(
            files.add_bytes(&path, "").unwrap_err().code(),
            ErrorCode::InvalidArgument,
            "{}",
            path.len()
        );
    }
    for path in ["/a/../b", "/a\0b"] {
        assert_eq!(files.add_bytes(path, "").unwrap_err().code(), ErrorCode::InvalidArgument);
    }
    files.add_bytes("/".to_owned() + &"x".repeat(255), "").unwrap();
    files.add_bytes("/file", "").unwrap();
    assert_eq!(files.add_bytes("/file/below", "").unwrap_err().code(), ErrorCode::InvalidArgument);
}

#[test]
fn files_are_counted_before_they_are_too_many() {
    let start = Instant::now();
    let mut files = Files::new();
    let mut failed = None;
    for number in 0..2 * MAX_ENTRIES {
        if let Err(error) = files.add_bytes(format!("/{number}"), "") {
            failed = Some((number, error));
            break;
        }
    }
    let (number, error) = failed.unwrap();
    assert!(number < MAX_ENTRIES && error.message().contains("at most"), "{number}: {error}");
    let mut bytes = Vec::new();
    let offsets = write_files(&files, &mut bytes).unwrap();
    index::write(&files, &offsets, &HashMap::new()).unwrap();
    assert!(start.elapsed().as_secs() < 60);
}

#[test]
fn what_is_no_file_is_left_out_and_listed() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("socket");
    let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    let mut files = Files::new();
    files.add_as(folder.path(), "/in").unwrap();
    assert_eq!(files.skipped().len(), 1);
    assert!(!files.contains("/in/socket"));
    assert_eq!(Files::new().add(&socket).unwrap_err().code(), ErrorCode::InvalidArgument);
}

#[test]
fn a_file_that_changes_its_size_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    for len in [9, 11] {
        fs::write(&path, [1; 10]).unwrap();
        let mut files = Files::new();
        files.add_as(&path, "/file").unwrap();
        fs::write(&path, vec![1; len]).unwrap();
        let error = write_files(&files, &mut Vec::new()).unwrap_err();
        assert_eq!(error.code(), ErrorCode::Io);
    }
}

#[test]
fn a_folder_that_has_become_a_link_leads_nowhere() {
    let (folder, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let inner = folder.path().join("inner");
    fs::create_dir(&inner).unwrap();
    for folder in [&inner, outside.path()] {
        fs::write(folder.join("file"), b"secret").unwrap();
    }
    let mut files = Files::new();
    files.add_as(folder.path(), "/in").unwrap();
    write_files(&files, &mut Vec::new()).unwrap();
    fs::remove_dir_all(&inner).unwrap();
    symlink(outside.path(), &inner).unwrap();
    let mut bytes = Vec::new();
    assert_eq!(write_files(&files, &mut bytes).unwrap_err().code(), ErrorCode::Io);
    assert_eq!(bytes, b"");
}

#[test]
fn a_file_is_no_folder_on_the_way_to_another() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("file"), b"").unwrap();
    symlink("file/../file", folder.path().join("link")).unwrap();
    let error = Files::new().add(folder.path().join("link")).unwrap_err();
    assert_eq!(error.code(), ErrorCode::Io);
}

#[test]
fn names_are_counted_before_they_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    // The path in the guest is long, and nothing in the folder is taken.
    let long = "/".to_owned() + &["x".repeat(250).as_str(); 15].join("/");
    let number = MAX_NAME_BYTES / long.len() + 1000;
    for number in 0..number {
        fs::File::create(folder.path().join(number.to_string())).unwrap();
    }
    let mut files = Files::new();
    let error = files.add_as(folder.path(), &long).unwrap_err();
    assert!(error.message().contains("paths take over"), "{error}");
    assert!(files.list().len() < 20);
    // What takes the place of the same does not count again.
    let (mut files, link) = (Files::new(), folder.path().join("link"));
    symlink("0", &link).unwrap();
    for _ in 0..3 {
        files.add(&link).unwrap();
        files.add_bytes("/given", "contents").unwrap();
    }
    let counted =
        files.list().map(|listed| listed.path.len() + listed.target.map_or(0, <[u8]>::len)).sum::<usize>();
    assert_eq!(files.name_bytes(), counted);
}
