//! The dependencies among core's modules: in one direction, so that each can be understood by itself and those that it
//! names.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Modules that need each other, and may.
const CIRCLES: [&[&str]; 3] = [
    // An error holds the signature that arguments do not fit; a signature that cannot be is an error.
    &["error", "signature"],
    // A guest keeps the images that are made of it; an image is made of its guest's program and payloads.
    &["guest", "image"],
    // A snapshot is the picture of a machine's memory; a machine is put back to it.
    &["snapshot", "vm"],
];

/// The modules that each one names.
type Named = BTreeMap<String, BTreeSet<String>>;

#[test]
fn modules_depend_on_each_other_in_one_direction() {
    let named = read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../core/src"));
    assert!(named.len() > 20 && named["error"].contains("options") && named["pool"].contains("sandbox"));
    let circles = circles(&named);
    let accepted: BTreeSet<_> =
        CIRCLES.iter().map(|circle| circle.iter().map(|module| (*module).to_owned()).collect()).collect();
    let strangers: Vec<_> = circles.symmetric_difference(&accepted).collect();
    assert!(strangers.is_empty(), "not as CIRCLES says: {strangers:?}, where {named:?}");
}

#[test]
fn a_circle_is_found() {
    let named = |pairs: &[(&str, &str)]| {
        let mut named = Named::new();
        for (from, to) in pairs {
            named.entry((*from).to_owned()).or_default().insert((*to).to_owned());
        }
        circles(&named)
    };
    assert!(named(&[("a", "b"), ("a", "c"), ("b", "c")]).is_empty());
    let found = named(&[("a", "b"), ("b", "c"), ("c", "d"), ("d", "b"), ("d", "e")]);
    assert_eq!(found, BTreeSet::from([["b", "c", "d"].map(str::to_owned).into()]));
}

/// The names that the modules of a crate use of it, tests apart. An export of its root counts for the module that has
/// it.
fn read(src: &Path) -> Named {
    let root = fs::read_to_string(src.join("lib.rs")).unwrap();
    let declared = root
        .lines()
        .filter_map(|line| line.strip_prefix("pub ").unwrap_or(line).strip_prefix("mod ")?.strip_suffix(';'));
    let modules: BTreeSet<_> = declared.collect();
    let mut homes: BTreeMap<_, _> = modules.iter().map(|module| (*module, *module)).collect();
    for statement in root.split(';') {
        let path = statement.rsplit_once("pub use ").and_then(|(_, path)| path.split_once("::"));
        let Some((module, names)) = path.filter(|(module, _)| modules.contains(module)) else {
            continue;
        };
        for name in words(names) {
            homes.entry(name).or_insert(module);
        }
    }
    let mut named = Named::new();
    for module in &modules {
        let mut seen = BTreeSet::new();
        for file in files(vec![src.join(module), src.join(format!("{module}.rs"))]) {
            for name in uses(&fs::read_to_string(&file).unwrap()) {
                let Some(home) = homes.get(&*name) else {
                    panic!("{} names {name}, which no module has", file.display());
                };
                seen.insert((*home).to_owned());
            }
        }
        seen.remove(*module);
        named.insert((*module).to_owned(), seen);
    }
    named
}

/// The files of folders and files, those that are there.
fn files(mut paths: Vec<PathBuf>) -> Vec<PathBuf> {
    let mut files = Vec::new();
    while let Some(path) = paths.pop() {
        if path.is_dir() {
            paths.extend(path.read_dir().unwrap().map(|entry| entry.unwrap().path()));
        } else if path.is_file() && !path.ends_with("tests.rs") {
            files.push(path);
        }
    }
    files
}

/// The names behind `crate::` in the code of a file; of a list in braces, all.
fn uses(text: &str) -> Vec<String> {
    let lines = text.lines().map(str::trim_start).take_while(|line| *line != "mod tests {");
    let code: Vec<_> = lines.filter(|line| !line.starts_with("//")).collect();
    let mut found = Vec::new();
    for path in code.join("\n").split("crate::").skip(1) {
        match path.strip_prefix('{').and_then(|list| list.split_once('}')) {
            Some((list, _)) => {
                found.extend(list.split(',').filter_map(|name| words(name).next()).map(str::to_owned))
            }
            None => found.extend(words(path).next().map(str::to_owned)),
        }
    }
    found
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').filter(|word| !word.is_empty())
}

/// The sets of modules that depend on themselves by way of each other.
fn circles(named: &Named) -> BTreeSet<BTreeSet<String>> {
    let reached: BTreeMap<_, _> = named.keys().map(|module| (module, reached(named, module))).collect();
    let circle = |(module, far): (&&String, &BTreeSet<String>)| -> Option<BTreeSet<String>> {
        let is_back = |other: &&String| reached.get(other).is_some_and(|far| far.contains(*module));
        far.contains(*module).then(|| far.iter().filter(is_back).cloned().collect())
    };
    reached.iter().filter_map(circle).collect()
}

/// The modules that one depends on, by way of others too.
fn reached(named: &Named, from: &str) -> BTreeSet<String> {
    let mut far = BTreeSet::new();
    let mut next = vec![from];
    while let Some(module) = next.pop() {
        for other in named.get(module).into_iter().flatten() {
            if far.insert(other.clone()) {
                next.push(other);
            }
        }
    }
    far
}
