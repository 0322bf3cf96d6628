//! `LICENSES-THIRD-PARTY`: the licences of the works of others that are in the binaries of the packages.
//!
//! One page for the packages of all languages, so that none of them can forget what another one says. It is committed, because
//! packaging tools want licences to be there before anything is built. A crate has the texts that lie in its sources, those of
//! what it brings along included; where there is none, that of another crate of the same licence by the same authors.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

const PAGE: &str = "LICENSES-THIRD-PARTY";

/// What is shipped: the workspaces, and the packages whose binaries are.
const PARTS: [(&str, &[&str]); 4] = [
    ("Cargo.toml", &["libhyperlight-capi", "libhyperlight-wasm-capi", "libhyperlight-wasm-module"]),
    ("bindings/node/Cargo.toml", &["libhyperlight-node"]),
    ("bindings/python/Cargo.toml", &["libhyperlight-python"]),
    ("sdk/Cargo.toml", &["demo", "libhyperlight-guest-c", "javascript", "wasm"]),
];

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

/// Confirms that the page is what would be written.
pub(crate) fn verify() -> Result<String> {
    if fs::read_to_string(root().join(PAGE)).is_ok_and(|found| page().is_ok_and(|page| page == found)) {
        Ok(format!("{PAGE} is up to date"))
    } else {
        Err(format!("{PAGE} is stale; write it by: cargo run -p xtask -- licences").into())
    }
}

/// A crate that is linked into a binary.
struct Crate {
    licence: String,
    repository: String,
    authors: String,
    texts: BTreeSet<String>,
}

fn page() -> Result<String> {
    let (mut crates, mut texts) = (BTreeMap::new(), Texts::default());
    let mut list = String::new();
    for (manifest, packages) in PARTS {
        linked(&root().join(manifest), packages, &mut crates, &mut list, &mut texts)?;
    }
    for (name, found) in &crates {
        let numbers: BTreeSet<usize> =
            texts_of(name, found, &crates)?.iter().map(|text| texts.number(text)).collect();
        line(&mut list, name, &found.licence, &numbers, &found.repository)?;
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

/// Texts that were numbered, each once, however its lines are broken.
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

/// The crates that end up in the binaries: not what builds or tests them, nor macros. Our own have the licence of the package,
/// but for the data of others in them, which has a text called `LICENSE-` and its licence: those are listed here.
fn linked(
    manifest: &Path,
    packages: &[&str],
    crates: &mut BTreeMap<String, Crate>,
    list: &mut String,
    texts: &mut Texts,
) -> Result<()> {
    let metadata = metadata(manifest)?;
    let by_id = |list: &Value| -> BTreeMap<String, Value> {
        let entries = list.as_array().into_iter().flatten();
        entries.map(|entry| (text(entry, "id"), entry.clone())).collect()
    };
    let (known, nodes) = (by_id(&metadata["packages"]), by_id(&metadata["resolve"]["nodes"]));

    let is_asked_for = |found: &Value| found["source"].is_null() && packages.contains(&&*text(found, "name"));
    let mut open: Vec<&String> =
        known.iter().filter(|(_, found)| is_asked_for(found)).map(|(id, _)| id).collect();
    if open.len() != packages.len() {
        return Err(format!("{} has not all of {}", manifest.display(), packages.join(", ")).into());
    }
    let mut seen = BTreeSet::new();
    while let Some(id) = open.pop() {
        let (Some(found), Some(node)) = (known.get(id), nodes.get(id)) else { continue };
        let targets = found["targets"].as_array();
        let is_macro = targets.into_iter().flatten().any(|target| target["kind"][0] == "proc-macro");
        if is_macro || !seen.insert(id) {
            continue;
        }
        let name = format!("{} {}", text(found, "name"), text(found, "version"));
        let manifest = text(found, "manifest_path");
        let folder = Path::new(&manifest).parent().unwrap_or_else(|| Path::new("."));
        if found["source"].is_null() {
            for (licence, data) in licences_of_data(folder)? {
                line(list, &format!("{name}, data in it"), &licence, &[texts.number(&data)].into(), "")?;
            }
        } else {
            let authors = found["authors"].as_array().into_iter().flatten().filter_map(Value::as_str);
            let authors: Vec<_> = authors.collect();
            crates.entry(name).or_insert(Crate {
                licence: text(found, "license"),
                repository: text(found, "repository"),
                authors: authors.join(", "),
                texts: texts_in(folder)?,
            });
        }
        for dependency in node["deps"].as_array().into_iter().flatten() {
            let kinds = dependency["dep_kinds"].as_array();
            if kinds.into_iter().flatten().any(|kind| kind["kind"].is_null()) {
                let id = dependency["pkg"].as_str().and_then(|id| known.get_key_value(id));
                open.extend(id.map(|(id, _)| id));
            }
        }
    }
    Ok(())
}

fn metadata(manifest: &Path) -> Result<Value> {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["metadata", "--format-version", "1", "--locked"]);
    cargo.args(["--filter-platform", "x86_64-unknown-linux-gnu", "--manifest-path"]).arg(manifest);
    let output = cargo.output()?;
    if !output.status.success() {
        let text = String::from_utf8_lossy(&output.stderr);
        return Err(format!("cargo cannot say what {} is made of: {text}", manifest.display()).into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

fn text(found: &Value, key: &str) -> String {
    found[key].as_str().unwrap_or_default().to_owned()
}

/// The texts in a crate's sources, those of what it brings along included.
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

/// What of others is in a crate of ours: licences and their texts.
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

/// A crate's own texts. Of one that has none in its sources: those of another one with the same licence, or MIT's own.
fn texts_of(name: &str, found: &Crate, crates: &BTreeMap<String, Crate>) -> Result<BTreeSet<String>> {
    if !found.texts.is_empty() {
        return Ok(found.texts.clone());
    }
    // MIT's names the authors, so it must be theirs.
    let is_mit = found.licence.split_whitespace().any(|word| word.trim_matches(['(', ')']) == "MIT");
    let sibling = crates.values().find(|other| {
        other.licence == found.licence
            && !other.texts.is_empty()
            && (!is_mit || other.repository == found.repository)
    });
    match sibling {
        Some(sibling) => Ok(sibling.texts.clone()),
        None if is_mit && found.authors.is_empty() => {
            let name = name.split(' ').next().unwrap_or(name);
            Ok([mit(&format!("the authors of {name}"))].into())
        }
        None if is_mit => Ok([mit(&found.authors)].into()),
        None => Err(format!("{name} is under {}, and its text is nowhere", found.licence).into()),
    }
}

fn mit(authors: &str) -> String {
    format!("MIT License\n\nCopyright (c) {authors}\n\n{}", include_str!("mit.txt").trim())
}

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}
