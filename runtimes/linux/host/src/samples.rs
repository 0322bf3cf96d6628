//! ELF objects for tests: the ones that this process itself has loaded.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

/// The paths of the loaded objects: the test, the C library, the dynamic loader and others.
pub(crate) fn loaded() -> BTreeSet<PathBuf> {
    let maps = fs::read_to_string("/proc/self/maps").unwrap();
    maps.lines()
        .filter_map(|line| line.split_once('/'))
        .map(|(_, path)| PathBuf::from(format!("/{path}")))
        .filter(|path| path.is_file())
        .collect()
}

/// The C library and the dynamic loader, both of which have system calls in them.
pub(crate) fn with_system_calls() -> Vec<PathBuf> {
    let is_one = |path: &PathBuf| {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        name.starts_with("libc.so") || name.starts_with("libc-") || name.starts_with("ld-")
    };
    let found: Vec<_> = loaded().into_iter().filter(is_one).collect();
    assert!(!found.is_empty(), "the test is linked to no C library that is known here");
    found
}

/// The shortest of the loaded objects.
pub(crate) fn short() -> Vec<u8> {
    loaded().iter().map(|path| fs::read(path).unwrap()).min_by_key(Vec::len).unwrap()
}
