//! The version: one for all released parts, written in many places.
//!
//! The manifest of the library's workspace is authoritative. Rules find the other places, one rule for each kind of
//! place; the same rules change and check them. A rule that finds nothing is an error, so that a reworded place is not
//! forgotten.

use std::collections::BTreeSet;
use std::error::Error;
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// The authoritative place of the version.
const TRUTH: &str = "Cargo.toml";

/// The changelog; its newest entry is the version's.
const CHANGES: &str = "CHANGELOG.md";

/// The committed interface of the C library, and its soname.
const ABI: &str = "capi/abi";

/// Folders without released or handwritten files.
const SKIPPED: [&str; 6] = [".git", "build", "corpus", "fixtures", "node_modules", "target"];

/// The part of the version in a place.
#[derive(Clone, Copy)]
enum Part {
    /// `1.2.3`
    Full,
    /// `1.2`, which interfaces are compatible by.
    Series,
    /// One of the three numbers.
    Number(usize),
}

/// A kind of place: after `before`, in lines that start with `line`, in files whose path ends in `file`.
struct Rule {
    file: &'static str,
    line: &'static str,
    before: &'static str,
    part: Part,
}

const fn rule(file: &'static str, line: &'static str, before: &'static str, part: Part) -> Rule {
    Rule { file, line, before, part }
}

const RULES: [Rule; 13] = [
    // The version of a package, in an own manifest; and the versions that own packages require of each other.
    rule("Cargo.toml", "version = \"", "version = \"", Part::Full),
    rule("Cargo.toml", "libhyperlight", "version = \"", Part::Full),
    rule("package.json", "  \"version\": \"", "\"version\": \"", Part::Full),
    rule("include/hyperlight.h", "#define HL_VERSION_MAJOR ", "MAJOR ", Part::Number(0)),
    rule("include/hyperlight.h", "#define HL_VERSION_MINOR ", "MINOR ", Part::Number(1)),
    rule("include/hyperlight.h", "#define HL_VERSION_PATCH ", "PATCH ", Part::Number(2)),
    rule(CHANGES, "## ", "## ", Part::Full),
    rule(CHANGES, "ABI of the C library", "`libhyperlight.so.", Part::Series),
    rule(".abi", "<abi-corpus ", "soname='libhyperlight.so.", Part::Series),
    rule("docs/c.md", "", "find_package(hyperlight ", Part::Series),
    rule(".md", "", "libhyperlight-guest = \"", Part::Series),
    rule("examples/rust_guest/Cargo.toml", "#", "libhyperlight-guest = \"", Part::Series),
    rule("SECURITY.md", "| ", "| ", Part::Series),
];

/// Writes a version into every place.
pub(crate) fn set(version: &str) -> Result<String> {
    set_in(root(), version)
}

/// Checks that every place has the workspace's version.
pub(crate) fn verify() -> Result<String> {
    verify_in(root())
}

fn set_in(root: &Path, version: &str) -> Result<String> {
    let wanted = Version::parse(version).ok_or("a version has three numbers: 1.2.3")?;
    open_an_entry(&root.join(CHANGES), version)?;
    let places = Places::read(root)?;
    for mut file in places.files {
        for (range, part) in file.spots.into_iter().rev() {
            file.text.replace_range(range, &wanted.part(part));
        }
        fs::write(&file.path, file.text)?;
    }
    let committed = |series: &str| root.join(ABI).join(format!("hyperlight-{series}.abi"));
    let (from, to) = (committed(&places.truth.part(Part::Series)), committed(&wanted.part(Part::Series)));
    if from != to {
        fs::rename(from, to)?;
    }
    verify_in(root)
}

fn verify_in(root: &Path) -> Result<String> {
    let places = Places::read(root)?;
    let mut wrong = Vec::new();
    let mut count = 0;
    for file in &places.files {
        for (range, part) in &file.spots {
            count += 1;
            let (found, wanted) = (file.text.get(range.clone()), places.truth.part(*part));
            if found != Some(&*wanted) {
                let line = file.text.get(..range.start).map_or(0, |before| before.lines().count());
                let path = file.path.strip_prefix(root).unwrap_or(&file.path).display();
                wrong.push(format!("{path}:{line}: {} should be {wanted}", found.unwrap_or_default()));
            }
        }
    }
    let committed = format!("{ABI}/hyperlight-{}.abi", places.truth.part(Part::Series));
    if !root.join(&committed).exists() {
        wrong.push(format!("{committed} is not there; write it by: ci/abi --update"));
    }
    let version = places.truth.part(Part::Full);
    if wrong.is_empty() {
        Ok(format!("{version} stands in {count} places"))
    } else {
        Err(format!("{}\nmend it by: cargo xtask version {version}", wrong.join("\n")).into())
    }
}

/// Makes the newest entry of the changelog an unreleased one.
fn open_an_entry(path: &Path, version: &str) -> Result<()> {
    let text = fs::read_to_string(path)?;
    let at = text.find("\n## ").ok_or("the list of changes has no entry")? + 1;
    let (before, entries) = text.split_at(at);
    if entries.lines().next().is_some_and(|heading| heading.ends_with("unreleased")) {
        return Ok(());
    }
    let abi = entries.lines().find(|line| line.starts_with("ABI of the C library")).unwrap_or_default();
    let soname = abi.rfind("(soname").and_then(|at| abi.get(at..)).unwrap_or_default();
    let entry = format!("## {version} – unreleased\n\nABI of the C library: unchanged {soname}\n\n");
    Ok(fs::write(path, [before, &entry, entries].concat())?)
}

/// Three numbers.
struct Version([u32; 3]);

impl Version {
    fn parse(text: &str) -> Option<Self> {
        let numbers: Vec<u32> = text.split('.').map(|number| number.parse().ok()).collect::<Option<_>>()?;
        Some(Self(numbers.try_into().ok()?))
    }

    fn part(&self, part: Part) -> String {
        let [major, minor, patch] = self.0;
        match part {
            Part::Full => format!("{major}.{minor}.{patch}"),
            Part::Series => format!("{major}.{minor}"),
            Part::Number(n) => self.0.get(n).map(u32::to_string).unwrap_or_default(),
        }
    }
}

/// All places of the version.
struct Places {
    truth: Version,
    files: Vec<File>,
}

struct File {
    path: PathBuf,
    text: String,
    /// Ranges of the numbers, in order.
    spots: Vec<(Range<usize>, Part)>,
}

impl Places {
    fn read(root: &Path) -> Result<Self> {
        let mut paths = Vec::new();
        walk(root, &mut paths)?;
        let mut files = Vec::new();
        for path in paths {
            files.push(File { text: fs::read_to_string(&path)?, path, spots: Vec::new() });
        }
        let ours: BTreeSet<String> = files
            .iter()
            .filter(|file| is_manifest(&file.path))
            .filter_map(|file| released(&file.text))
            .collect();
        let mut unused: BTreeSet<usize> = (0..RULES.len()).collect();
        for file in &mut files {
            let name = file.path.strip_prefix(root)?.to_string_lossy().into_owned();
            file.spots = if name.ends_with("Cargo.lock") {
                in_lock(&file.text, &ours)
            } else {
                in_text(&name, &file.text, &mut unused)
            };
        }
        if let Some(rule) = unused.first().and_then(|n| RULES.get(*n)) {
            let Rule { file, line, before, .. } = rule;
            return Err(format!(
                "no number was found in {file}, in a line that starts with {line:?}, behind {before:?}; mend the rule in xtask"
            )
            .into());
        }
        let workspace = files.iter().find(|file| file.path == root.join(TRUTH));
        let truth = workspace.and_then(|file| file.text.get(file.spots.first()?.0.clone()));
        let truth = truth.and_then(Version::parse).ok_or("the workspace has no version of three numbers")?;
        files.retain(|file| !file.spots.is_empty());
        Ok(Self { truth, files })
    }
}

/// Lists the files that rules may match. Links are skipped; their targets count.
fn walk(folder: &Path, paths: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let (kind, name) = (entry.file_type()?, entry.file_name());
        let name = name.to_string_lossy();
        if kind.is_dir() && !SKIPPED.contains(&&*name) {
            walk(&entry.path(), paths)?;
        } else if kind.is_file() {
            let name = entry.path().to_string_lossy().into_owned();
            if name.ends_with("Cargo.lock") || RULES.iter().any(|rule| name.ends_with(rule.file)) {
                paths.push(entry.path());
            }
        }
    }
    Ok(())
}

fn is_manifest(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name == "Cargo.toml")
}

/// Returns the name of a package that has the version: those named after the library, and those that inherit it from a
/// workspace.
fn released(manifest: &str) -> Option<String> {
    let name = manifest.lines().find_map(|line| line.strip_prefix("name = \"")?.strip_suffix('"'))?;
    (name.starts_with("libhyperlight") || manifest.contains("\nversion.workspace = true\n"))
        .then(|| name.to_owned())
}

/// Finds the versions of own packages in a lock file.
fn in_lock(text: &str, ours: &BTreeSet<String>) -> Vec<(Range<usize>, Part)> {
    let mut spots = Vec::new();
    let (mut at, mut is_ours) = (0, false);
    for line in text.split_inclusive('\n') {
        if let Some(name) = line.trim_end().strip_prefix("name = \"") {
            is_ours = ours.contains(name.trim_end_matches('"'));
        } else if let Some(rest) = line.strip_prefix("version = \"").filter(|_| is_ours) {
            let start = at + (line.len() - rest.len());
            spots.push((start..start + rest.trim_end().len() - 1, Part::Full));
        }
        at += line.len();
    }
    spots
}

/// Finds the places of the rules in a text.
fn in_text(name: &str, text: &str, unused: &mut BTreeSet<usize>) -> Vec<(Range<usize>, Part)> {
    let is_package = released(text).is_some() || text.contains("[workspace.package]");
    let mut spots = Vec::new();
    let mut seen = BTreeSet::new();
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        for (n, rule) in RULES.iter().enumerate() {
            let is_of_another = rule.line.starts_with("version") && !is_package;
            // Older entries have older versions.
            let is_old = name == CHANGES && seen.contains(&n);
            if !name.ends_with(rule.file) || !line.starts_with(rule.line) || is_of_another || is_old {
                continue;
            }
            let Some(found) = line.find(rule.before) else { continue };
            let start = found + rule.before.len();
            let number = line.get(start..).unwrap_or_default();
            let number = number.split(|c: char| !(c.is_ascii_digit() || c == '.')).next().unwrap_or_default();
            let number = number.trim_end_matches('.');
            if !number.is_empty() {
                spots.push((at + start..at + start + number.len(), rule.part));
                unused.remove(&n);
                seen.insert(n);
            }
        }
        at += line.len();
    }
    spots.sort_unstable_by_key(|(range, _)| range.start);
    spots.dedup_by_key(|(range, _)| range.start);
    spots
}

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_has_the_version_of_the_workspace() {
        verify().unwrap();
    }

    #[test]
    fn a_new_version_is_put_into_every_place() {
        let copy = Copy::new("set");
        let before = verify_in(&copy.0).unwrap();
        let after = set_in(&copy.0, "7.89.12").unwrap();
        let count = |text: &str| text.split(' ').rev().nth(1).unwrap().parse::<usize>().unwrap();
        assert_eq!(count(&before), count(&after));
        assert!(count(&after) > 60, "{after}");
        // A search without the rules finds no own package of another version.
        for place in Places::read(&copy.0).unwrap().files {
            let lines: Vec<_> = place.text.lines().collect();
            for pair in lines.windows(2).filter(|pair| pair[0].starts_with("name = \"libhyperlight")) {
                assert!(
                    !pair[1].starts_with("version = \"") || pair[1] == "version = \"7.89.12\"",
                    "{:?}",
                    place.path
                );
            }
        }
        let changes = fs::read_to_string(copy.0.join(CHANGES)).unwrap();
        assert!(changes.contains("`libhyperlight.so.7.89`"), "the soname is that of the version");
    }

    #[test]
    fn a_released_entry_of_the_changes_stays_and_a_new_one_is_opened() {
        let copy = Copy::new("entry");
        let path = copy.0.join(CHANGES);
        let released = fs::read_to_string(&path).unwrap().replacen("– unreleased", "– 2027-01-31", 1);
        fs::write(&path, released).unwrap();
        set_in(&copy.0, "7.89.12").unwrap();
        let changes = fs::read_to_string(&path).unwrap();
        let headings: Vec<_> = changes.lines().filter(|line| line.starts_with("## ")).collect();
        assert_eq!(headings[0], "## 7.89.12 – unreleased");
        assert!(headings[1].ends_with("– 2027-01-31"), "{headings:?}");
    }

    #[test]
    fn a_single_place_with_another_version_is_named() {
        let copy = Copy::new("one");
        let places = Places::read(&copy.0).unwrap().files;
        // One place of each file, except the authoritative one.
        for file in places.iter().filter(|file| file.path != copy.0.join(TRUTH)) {
            let mut text = file.text.clone();
            text.replace_range(file.spots[0].0.clone(), "66");
            fs::write(&file.path, text).unwrap();
            let error = verify_in(&copy.0).unwrap_err().to_string();
            let name = file.path.strip_prefix(&copy.0).unwrap().display().to_string();
            assert!(error.starts_with(&name) && error.contains("66 should be"), "{name}: {error}");
            fs::write(&file.path, &file.text).unwrap();
        }
    }

    #[test]
    fn what_is_no_version_is_refused() {
        for text in ["", "1", "1.2", "1.2.3.4", "v1.2.3", "1.2.x", "1.2.-3", "1.2.3-rc1"] {
            assert!(set(text).is_err(), "{text}");
        }
    }

    /// A temporary copy of the files that rules match.
    struct Copy(PathBuf);

    impl Copy {
        fn new(name: &str) -> Self {
            let to =
                std::env::temp_dir().join(format!("libhyperlight-version-{}-{name}", std::process::id()));
            let mut paths = Vec::new();
            walk(root(), &mut paths).unwrap();
            for path in paths {
                let copy = to.join(path.strip_prefix(root()).unwrap());
                fs::create_dir_all(copy.parent().unwrap()).unwrap();
                fs::copy(&path, copy).unwrap();
            }
            Self(to)
        }
    }

    impl Drop for Copy {
        fn drop(&mut self) {
            drop(fs::remove_dir_all(&self.0));
        }
    }
}
