//! The corpus of the compiler's fuzz target, replayed on any compiler, so that earlier findings stay fixed; and some
//! thousand random changes of it, always the same.

use std::fs;
use std::path::{Path, PathBuf};

/// Changed inputs that are made of each.
const CHANGED: usize = 60;

#[test]
fn compiler() {
    for (path, input) in corpus() {
        println!("{}", path.display());
        crate::fuzz::compiler(&input);
    }
}

#[test]
fn compiler_with_random_changes() {
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    let mut below = move |most: usize| {
        // Xorshift.
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        usize::try_from(random % most.max(1) as u64).unwrap()
    };
    let corpus = corpus();
    for (path, input) in &corpus {
        for round in 0..CHANGED {
            let mut changed = input.clone();
            for _ in 0..=below(4) {
                let at = below(changed.len());
                let [byte, ..] = below(256).to_le_bytes();
                match below(4) {
                    0 => changed[at] = byte,
                    1 => changed[at] ^= 1 << (byte % 8),
                    2 => changed.truncate(at + 1),
                    _ => {
                        // A part of another one, in its place or in between.
                        let (_, other) = &corpus[below(corpus.len())];
                        let from = below(other.len());
                        let part = other[from..].iter().copied().take(below(64));
                        let end = if below(2) == 0 { at } else { changed.len().min(at + 16) };
                        changed.splice(at..end, part);
                    }
                }
            }
            println!("{} {round}: {changed:02x?}", path.display());
            crate::fuzz::compiler(&changed);
        }
    }
}

fn corpus() -> Vec<(PathBuf, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../fuzz/corpus/compiler");
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort_unstable();
    assert!(!paths.is_empty());
    paths.into_iter().map(|path| (path.clone(), fs::read(path).unwrap())).collect()
}
