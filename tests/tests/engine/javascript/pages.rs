//! The pages that a call of a warmed script writes: each is copied back when the script's sandbox returns to its pool.
//!
//! In a process of its own, because it looks at the memory of all of it.
#![expect(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

use std::fs::{self, File};
use std::ops::Range;
use std::os::unix::fs::FileExt;

use libhyperlight::{Sandbox, SandboxOptions, UninitializedSandbox};
use libhyperlight_tests::javascript::{call, loaded};
use libhyperlight_tests::process::in_own_process;

const PAGE: u64 = 4096;

/// The demo guest's smallest call writes 5: statics, stack, both buffers, heap. QuickJS counts references, so that
/// objects that a script only reads are written to as well.
#[test]
fn a_call_of_a_warmed_script_writes_few_pages() {
    in_own_process(|| {
        for (script, arguments, expected, most) in [
            (
                "let served = 0; function handler(event) { served += 1; return 'hello ' + event.name }",
                r#"[{"name": "Ada"}]"#,
                "\"hello Ada\"",
                14,
            ),
            (
                "export function handler({ price, count }) { return { total: price * count, tags: ['a', 'b'] } }",
                r#"[{"price": 4, "count": 3}]"#,
                r#"{"total":12,"tags":["a","b"]}"#,
                18,
            ),
            ("async function handler() { await null; return 1 }", "[]", "1", 15),
        ] {
            let mut js = loaded(script);
            call(&mut js, "handler", arguments).unwrap();
            let snapshot = js.snapshot().unwrap();
            drop(js);
            // The first of its image: later ones are given copies of the pages that this one writes.
            let known = mappings();
            let mut js = UninitializedSandbox::from_snapshot(&snapshot, SandboxOptions::new()).unwrap();
            js.register("HostPrint", |_: String| 0).unwrap();
            let mut js: Sandbox = js.evolve().unwrap();
            let mapping = mappings()
                .into_iter()
                .filter(|mapping| !known.contains(mapping))
                .max_by_key(|mapping| mapping.end - mapping.start)
                .unwrap();
            let before = written(&mapping);
            assert_eq!(call(&mut js, "handler", arguments).unwrap(), expected);
            let pages = written(&mapping) - before;
            assert!((1..=most).contains(&pages), "{script} wrote {pages} pages");
        }
    });
}

/// The places of images in this process.
fn mappings() -> Vec<Range<u64>> {
    let maps = fs::read_to_string("/proc/self/maps").unwrap();
    let number = |text| u64::from_str_radix(text, 16).unwrap();
    maps.lines()
        .filter(|line| line.contains("/memfd:hyperlight"))
        .map(|line| {
            let (start, rest) = line.split_once('-').unwrap();
            number(start)..number(rest.split_once(' ').unwrap().0)
        })
        .collect()
}

/// Pages of a private mapping that are no longer the file's (bits 63 and 62: in memory or swapped out; 61: of a file).
fn written(mapping: &Range<u64>) -> usize {
    let mut words = vec![0; usize::try_from((mapping.end - mapping.start) / PAGE * 8).unwrap()];
    File::open("/proc/self/pagemap").unwrap().read_exact_at(&mut words, mapping.start / PAGE * 8).unwrap();
    words.chunks_exact(8).filter(|word| word[7] >> 5 & 1 == 0 && word[7] >> 6 != 0).count()
}
