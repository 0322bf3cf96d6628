//! Sentences of the engine's errors in the sources of other languages: none, since they are rendered
//! (`core/src/error/message.rs`), so that a new wording is made in one place.

use std::fs;
use std::path::{Path, PathBuf};

/// The folders of the faces, and how the names of their sources end.
const FACES: [&str; 5] =
    ["capi/src", "bindings/node/lib", "bindings/node/src", "bindings/python/python", "bindings/python/src"];
const SOURCES: [&str; 5] = ["cjs", "mjs", "py", "rs", "ts"];

/// Made of the table of codes, whose descriptions may use the same words.
const GENERATED: [&str; 2] = ["_errors.py", "codes.rs"];

/// So many words in a row are a sentence and no coincidence, and so many are enough of a longer one.
const LEAST: usize = 4;
const ENOUGH: usize = 7;

#[test]
fn no_face_writes_a_sentence_of_the_engine() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let table = fs::read_to_string(root.join("core/src/error/message.rs")).unwrap();
    let pieces = pieces(&table);
    assert!(pieces.len() > 100 && pieces.contains(&"the call was interrupted".to_owned()), "{pieces:?}");
    let mut found = Vec::new();
    for path in FACES.iter().flat_map(|face| files(root.join(face))) {
        if GENERATED.iter().any(|name| path.ends_with(name)) {
            continue;
        }
        let text = joined(&fs::read_to_string(&path).unwrap());
        found.extend(pieces.iter().filter(|piece| writes(&text, piece)).map(|piece| (path.clone(), piece)));
    }
    assert!(found.is_empty(), "to be rendered by the engine: {found:#?}");
}

#[test]
fn a_sentence_is_found_however_it_is_written() {
    let pieces = pieces("messages! { A C \"{it} was closed; make a \\\n     new one, or {not}\"; }");
    assert_eq!(pieces, ["was closed; make a new one, or"]);
    for text in ["`it was closed; make a ${'new'}`", "'it was closed; make a new one, or'"] {
        assert_eq!(pieces.iter().any(|piece| writes(&joined(text), piece)), !text.contains('$'));
    }
    for text in ["\"was closed; make \\\n  a new one, or\"", "'was closed; make ' +\n  'a new one, or'"] {
        assert!(pieces.iter().all(|piece| writes(&joined(text), piece)), "{text}");
    }
}

/// True if the piece is in a text of the source. A short one must be its beginning or its end.
fn writes(source: &str, piece: &str) -> bool {
    let is_quote = |c: Option<char>| c.is_some_and(|c| "\"'`".contains(c));
    let is_long = piece.split(' ').count() == ENOUGH;
    source.match_indices(piece).any(|(at, _)| {
        let after = source[at + piece.len()..].chars().next();
        is_long || is_quote(source[..at].chars().next_back()) || is_quote(after)
    })
}

/// The parts of the templates between their subjects, a few words each.
fn pieces(table: &str) -> Vec<String> {
    let table = joined(table.rsplit_once("messages! {").map_or(table, |(_, table)| table));
    let table = table.split_once("\n}\n").map_or(&*table, |(table, _)| table);
    let mut pieces = Vec::new();
    // What stands between quotes, and of that what stands between braces.
    for template in table.split('"').skip(1).step_by(2) {
        for run in template.split('{').flat_map(|part| part.rsplit('}').next()) {
            let is_word = |word: &&str| word.contains(char::is_alphanumeric);
            let words: Vec<_> = run.split_whitespace().filter(is_word).collect();
            if words.len() >= LEAST {
                pieces.extend(words.windows(words.len().min(ENOUGH)).map(|words| words.join(" ")));
            }
        }
    }
    pieces
}

/// A source whose texts are on one line each: what continues a text on the next one is left out.
fn joined(source: &str) -> String {
    let mut out = String::new();
    for line in source.lines() {
        let line = line.trim_start();
        let before = out.trim_end().len();
        let (kept, is_text) = match out[..before].strip_suffix('\\') {
            Some(kept) => (kept.len(), true),
            None => (before, false),
        };
        let open = out[..kept].trim_end_matches(['+', ' ']);
        match (open.chars().last(), line.chars().next()) {
            _ if is_text => out.truncate(kept),
            (Some(quote @ ('"' | '\'' | '`')), Some(next)) if quote == next => {
                out.truncate(open.len() - 1);
                out.push_str(&line[1..]);
                continue;
            }
            _ => out.push('\n'),
        }
        out.push_str(line);
    }
    out
}

/// The sources in a folder.
fn files(folder: PathBuf) -> Vec<PathBuf> {
    let (mut folders, mut files) = (vec![folder], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in folder.read_dir().unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if SOURCES.iter().any(|end| path.extension().is_some_and(|found| found == *end)) {
                files.push(path);
            }
        }
    }
    files
}
