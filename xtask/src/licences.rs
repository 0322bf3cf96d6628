//! `LICENSES-THIRD-PARTY`: the licences of third-party works in the binaries of the packages.
//!
//! One page serves the packages of all languages, so that none can miss a licence. It is committed, because packaging
//! tools need licences before anything is built. A crate has the licence texts in its sources, including those of
//! bundled works. If there are none, it gets the texts of another crate of the same licence by the same authors.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::fmt::Write;
use std::fs;
use std::path::Path;

use crate::parts::{self, Crate, Part, RELEASED};

const PAGE: &str = "LICENSES-THIRD-PARTY";

const PREFACE: &str = "\
The binaries of libhyperlight's packages contain these works of others, though not each package all of them, and Rust's own
libraries (MIT OR Apache-2.0). Numbers are those of the texts below.
";

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Writes the page.
pub(crate) fn write() -> Result<String> {
    fs::write(root().join(PAGE), page()?)?;
    Ok(format!("wrote {PAGE}"))
}

/// Checks that the page is up to date.
pub(crate) fn verify() -> Result<String> {
    if fs::read_to_string(root().join(PAGE)).is_ok_and(|found| page().is_ok_and(|page| page == found)) {
        Ok(format!("{PAGE} is up to date"))
    } else {
        Err(format!("{PAGE} is stale; write it by: cargo xtask licences").into())
    }
}

/// A third-party crate, with the texts in its sources.
struct Work {
    found: Crate,
    texts: BTreeSet<String>,
}

fn page() -> Result<String> {
    let (mut works, mut texts) = (BTreeMap::new(), Texts::default());
    let mut list = String::new();
    let parts: BTreeSet<Part> = RELEASED.iter().flat_map(|(_, parts)| parts.iter().copied()).collect();
    let mut ours = BTreeSet::new();
    for part in parts {
        for found in parts::linked(part)? {
            // Own crates have the licence of the package, except for third-party data in them, which has a text called
            // `LICENSE-` and its licence.
            if found.is_foreign {
                let texts = texts_in(&found.folder)?;
                works.entry(found.full_name()).or_insert(Work { found, texts });
            } else if ours.insert(found.full_name()) {
                for (licence, data) in licences_of_data(&found.folder)? {
                    let name = format!("{}, data in it", found.full_name());
                    line(&mut list, &name, &licence, &[texts.number(&data)].into(), "")?;
                }
            }
        }
    }
    for (name, work) in &works {
        let numbers: BTreeSet<usize> =
            texts_of(work, &works)?.iter().map(|text| texts.number(text)).collect();
        line(&mut list, name, &work.found.licence, &numbers, &work.found.repository)?;
    }
    let mut page = format!("{PREFACE}\n{list}");
    for (number, text) in texts.in_order() {
        write!(page, "\n{}\n[{number}]\n\n{text}\n", "=".repeat(100))?;
    }
    Ok(page)
}

fn line(
    list: &mut String,
    name: &str,
    licence: &str,
    numbers: &BTreeSet<usize>,
    repository: &str,
) -> Result<()> {
    let numbers: Vec<_> = numbers.iter().map(usize::to_string).collect();
    writeln!(list, "{}", format!("{name}: {licence} [{}]  {repository}", numbers.join(", ")).trim_end())?;
    Ok(())
}

/// Numbered texts, each once, regardless of line breaks.
#[derive(Default)]
struct Texts {
    numbers: BTreeMap<String, usize>,
    texts: Vec<String>,
}

impl Texts {
    fn number(&mut self, text: &str) -> usize {
        let words: Vec<_> = text.split_whitespace().collect();
        *self.numbers.entry(words.join(" ")).or_insert_with(|| {
            self.texts.push(text.to_owned());
            self.texts.len()
        })
    }

    fn in_order(&self) -> impl Iterator<Item = (usize, &String)> {
        (1..).zip(&self.texts)
    }
}

/// Finds the texts in a crate's sources, including those of bundled works.
fn texts_in(folder: &Path) -> Result<BTreeSet<String>> {
    let mut found = BTreeSet::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            found.append(&mut texts_in(&path)?);
        } else if is_licence(&path) {
            found.insert(read(&path)?);
        }
    }
    Ok(found)
}

fn read(path: &Path) -> Result<String> {
    Ok(String::from_utf8_lossy(&fs::read(path)?).trim().replace("\r\n", "\n"))
}

fn is_licence(path: &Path) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default();
    let stem = name.split(['.', '-', '_']).next().unwrap_or_default();
    let is_code = [".rs", ".py", ".json", ".toml"].iter().any(|end| name.ends_with(end));
    matches!(stem, "license" | "licence" | "copying" | "copyright" | "notice" | "unlicense") && !is_code
}

/// Finds the third-party data in an own crate: licences and their texts.
fn licences_of_data(folder: &Path) -> Result<BTreeMap<String, String>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        if let Some(licence) = name.strip_prefix("LICENSE-") {
            found.insert(licence.to_owned(), read(&path)?);
        }
    }
    Ok(found)
}

/// Returns a work's own texts. Without any, returns those of another work with the same licence, or MIT's standard
/// text.
fn texts_of(work: &Work, works: &BTreeMap<String, Work>) -> Result<BTreeSet<String>> {
    if !work.texts.is_empty() {
        return Ok(work.texts.clone());
    }
    let found = &work.found;
    // MIT's text names the authors, so it must be theirs.
    let is_mit = found.licence.split_whitespace().any(|word| word.trim_matches(['(', ')']) == "MIT");
    let sibling = works.values().find(|other| {
        other.found.licence == found.licence
            && !other.texts.is_empty()
            && (!is_mit || other.found.repository == found.repository)
    });
    match sibling {
        Some(sibling) => Ok(sibling.texts.clone()),
        None if is_mit && found.authors.is_empty() => {
            Ok([mit(&format!("the authors of {}", found.name))].into())
        }
        None if is_mit => Ok([mit(&found.authors)].into()),
        None => {
            Err(format!("{} is under {}, and its text is nowhere", found.full_name(), found.licence).into())
        }
    }
}

fn mit(authors: &str) -> String {
    format!("MIT License\n\nCopyright (c) {authors}\n\n{}", include_str!("mit.txt").trim())
}

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}
