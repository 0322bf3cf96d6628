//! Messages name options and functions as the reader's language does, and none that it does not have.
//!
//! Every template of the engine's is rendered for each language. Each word that looks like a name must be one of the
//! language's own interface: the header, the package's Python files, the package's TypeScript declarations.

use std::collections::BTreeSet;
use std::path::Path;

use libhyperlight::Error;
use libhyperlight::options::face::Face;
use libhyperlight::spelling::Spelling;

/// A language, what it exports, and how the names there are written.
struct Interface {
    face: Face,
    sources: &'static [&'static str],
    is_name: fn(&str) -> bool,
}

fn is_snake(word: &str) -> bool {
    word.contains('_')
}

fn is_camel(word: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_lowercase()) && word.contains(|c: char| c.is_ascii_uppercase())
}

const INTERFACES: [Interface; 4] = [
    Interface {
        face: Face::Rust,
        sources: &["core/src/options/mod.rs", "core/src/pool", "core/src/stop/signal.rs"],
        is_name: is_snake,
    },
    Interface { face: Face::C, sources: &["include/hyperlight.h"], is_name: is_snake },
    Interface { face: Face::Python, sources: &["bindings/python/python/libhyperlight"], is_name: is_snake },
    Interface {
        face: Face::JavaScript,
        sources: &["bindings/node/index.d.ts", "bindings/node/options.d.ts"],
        is_name: is_camel,
    },
];

/// The words of a sentence that are names of the library: they are written as no English word is.
fn names(line: &str) -> impl Iterator<Item = &str> {
    let words = line.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words.filter(|word| is_snake(word) || is_camel(word))
}

fn words_of(path: &Path, words: &mut BTreeSet<String>) {
    if path.is_dir() {
        let listed = path.read_dir().expect("the sources are there");
        let mut entries: Vec<_> = listed.map(|entry| entry.expect("a folder can be read").path()).collect();
        entries.retain(|path| {
            path.is_dir() || path.extension().is_some_and(|end| end == "rs" || end == "py" || end == "pyi")
        });
        entries.iter().for_each(|path| words_of(path, words));
        return;
    }
    let text = std::fs::read_to_string(path).expect("the sources are text");
    let found = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words.extend(found.map(str::to_owned));
}

#[test]
fn every_template_speaks_the_language_of_its_reader() {
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    let samples = Error::samples();
    assert!(samples.len() > 20);
    for Interface { face, sources, is_name } in INTERFACES {
        let mut known = BTreeSet::new();
        sources.iter().for_each(|source| words_of(&root.join(source), &mut known));
        let mut count = 0;
        for error in &samples {
            let line = error.render(&face);
            assert!(!line.contains(['{', '}', '\n']) && !line.contains("  "), "{face:?}: {line}");
            for name in names(&line) {
                assert!(is_name(name) && known.contains(name), "{face:?}: {name:?} is a stranger in: {line}");
                count += 1;
            }
            if face.has_unsigned_functions() {
                assert!(!line.contains("json:"), "{face:?}: {line}");
            }
        }
        assert!(count > 10, "{face:?}: only {count} names");
    }
}

#[test]
fn what_is_missing_in_a_language_is_not_recommended() {
    let lines =
        |face: Face| Error::samples().iter().map(|error| error.render(&face)).collect::<Vec<_>>().join("\n");
    assert!(lines(Face::Rust).contains("choose another by set_interrupt_signal"));
    for face in [Face::C, Face::JavaScript, Face::Python] {
        assert!(lines(face).contains("so that it cannot stop a guest; let the program not ignore it"));
    }
}

#[test]
fn the_default_is_rusts() {
    for error in Error::samples() {
        assert_eq!(error.to_string(), error.render(&Face::Rust));
        assert_eq!(error.message(), error.render(&Face::Rust));
    }
}

#[test]
fn a_text_without_a_template_names_nothing_of_the_library() {
    // Whatever is an option or a function in a string literal of the engine's would be the same in every language.
    let terms = [
        "acquire_timeout",
        "cpu_time",
        "heap_size",
        "input_size",
        "max_heap_size",
        "max_host_calls",
        "max_log_bytes",
        "max_print_bytes",
        "max_size",
        "min_idle",
        "output_size",
        "set_interrupt_signal",
        "stack_size",
    ];
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../core/src"));
    let mut files = vec![root.to_owned()];
    let mut seen = 0;
    while let Some(path) = files.pop() {
        if path.is_dir() {
            files.extend(path.read_dir().unwrap().map(|entry| entry.unwrap().path()));
            continue;
        }
        let is_table = path.ends_with("error/message.rs");
        let text = std::fs::read_to_string(&path).unwrap();
        let lines = text.lines().map(str::trim_start).take_while(|line| *line != "mod tests {");
        for line in lines {
            // The name alone in quotes is data; in a sentence it is a spelling.
            let sentences = line.split('"').skip(1).step_by(2).filter(|text| text.contains(' '));
            for text in sentences.filter(|_| !line.starts_with("//") && !is_table) {
                seen += 1;
                // In braces it is a variable, which holds what the reader's language calls it.
                let found =
                    terms.iter().find(|term| text.replace(&format!("{{{term}}}"), "").contains(**term));
                assert_eq!(found, None, "{}: {text}", path.display());
            }
        }
    }
    assert!(seen > 100);
}
