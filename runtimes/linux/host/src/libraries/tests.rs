use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use super::*;

/// An object that names a loader, folders and libraries.
fn object(interpreter: &[u8], folders: &[u8], needed: &[&[u8]]) -> Vec<u8> {
    const LOAD: u32 = 1;
    const DYNAMIC: u32 = 2;
    const INTERPRETER: u32 = 3;
    const RUNPATH: u64 = 29;
    let mut strings = vec![0];
    let mut string = |text: &[u8]| {
        let at = strings.len() as u64;
        strings.extend_from_slice(text);
        strings.push(0);
        at
    };
    let interpreter_at = string(interpreter);
    let mut words = vec![RUNPATH, string(folders)];
    for name in needed {
        words.extend([1, string(name)]);
    }
    let strings_at = 64 + 3 * 56_u64;
    words.extend([5, strings_at, 0, 0]);
    let dynamic_at = strings_at + strings.len() as u64;
    let end = dynamic_at + words.len() as u64 * 8;

    let mut file = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0\x3e\0\x01\0\0\0".to_vec();
    file.extend([0_u64, 64, 0].iter().flat_map(|word| word.to_le_bytes()));
    file.extend([0, 0, 0, 0, 64, 0, 56, 0, 3, 0, 0, 0, 0, 0, 0, 0]);
    let interpreter = (INTERPRETER, strings_at + interpreter_at, interpreter.len() as u64 + 1);
    for (kind, at, len) in [(LOAD, 0, end), (DYNAMIC, dynamic_at, end - dynamic_at), interpreter] {
        file.extend([kind, 4].iter().flat_map(|half| half.to_le_bytes()));
        file.extend([at, at, at, len, len, 4096].iter().flat_map(|word| word.to_le_bytes()));
    }
    file.extend(strings);
    file.extend(words.iter().flat_map(|word| word.to_le_bytes()));
    file
}

/// The files of a guest that gets this one, and what is missing.
fn needs_of(file: Vec<u8>) -> Result<(Files, Vec<Missing>)> {
    let mut files = Files::new();
    files.add_bytes("/given.so", file)?;
    let missing = add_needed(&mut files)?;
    Ok((files, missing))
}

fn bytes(path: &Path) -> &[u8] {
    path.as_os_str().as_bytes()
}

#[test]
fn an_object_gets_objects_by_their_names_and_no_other_file() {
    let outside = tempfile::tempdir().unwrap();
    let (secret, library) = (outside.path().join("secret"), outside.path().join("library"));
    fs::write(&secret, "secret").unwrap();
    fs::write(&library, object(b"", b"", &[])).unwrap();
    std::os::unix::fs::symlink("secret", outside.path().join("link")).unwrap();
    let folders = [bytes(outside.path()), b":/etc"].concat();

    let (files, missing) = needs_of(object(bytes(&library), &folders, &[b"library"])).unwrap();
    assert_eq!(missing, []);
    assert!(files.contains(bytes(&library)));

    let names = [bytes(&secret), b"secret", b"link", b"passwd", b"/etc/passwd"];
    let (files, missing) = needs_of(object(bytes(&secret), &folders, &names)).unwrap();
    assert_eq!(missing.len(), names.len());
    let taken: Vec<_> = files.list().map(|listed| listed.path.to_vec()).collect();
    assert!(
        !taken
            .iter()
            .any(|path| path.ends_with(b"secret") || path.ends_with(b"passwd") || path.ends_with(b"link")),
        "{taken:?}"
    );
}

#[test]
fn libraries_that_are_nowhere_are_not_looked_for_without_end() {
    let folders = b"/none:".repeat(600);
    let names: Vec<_> = (0..4000).map(|number| format!("lib{number}.so").into_bytes()).collect();
    let names: Vec<_> = names.iter().map(Vec::as_slice).collect();
    let start = Instant::now();
    let error = needs_of(object(b"/none/ld.so", &folders, &names)).map(|_| ()).unwrap_err();
    assert!(error.message().contains("are looked for in"), "{error}");
    assert!(start.elapsed() < Duration::from_secs(60), "{:?}", start.elapsed());
}
