//! The corpus of the compiler's fuzz target, replayed: what fuzzing has found stays found, on any compiler.

use std::fs;
use std::path::Path;

#[test]
fn compiler() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus/compiler");
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort_unstable();
    assert!(!paths.is_empty());
    for path in paths {
        println!("{}", path.display());
        crate::fuzz::compiler(&fs::read(path).unwrap());
    }
}
