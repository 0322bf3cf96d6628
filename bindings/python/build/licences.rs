//! The licences of what is linked into the package's binaries: what each crate says, and the texts in its sources.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// The page for packages of the workspaces with these manifests.
pub fn text(parts: &[(PathBuf, Vec<&str>)]) -> Result<String, Box<dyn Error>> {
    let mut crates = BTreeMap::new();
    for (manifest, packages) in parts {
        linked(manifest, packages, &mut crates)?;
    }
    let mut numbers: BTreeMap<String, usize> = BTreeMap::new();
    let mut list = String::new();
    for (name, found) in &crates {
        let licence = found["license"].as_str().unwrap_or("see its sources");
        let manifest = Path::new(found["manifest_path"].as_str().unwrap_or_default());
        let mut its = BTreeSet::new();
        for text in texts(manifest.parent().unwrap_or(manifest))? {
            let next = numbers.len() + 1;
            its.insert(*numbers.entry(text).or_insert(next));
        }
        let its: Vec<String> = its.iter().map(|number| format!("[{number}]")).collect();
        writeln!(list, "{name}: {licence} {}", its.join(" "))?;
    }
    let mut by_number: Vec<(usize, String)> =
        numbers.into_iter().map(|(text, number)| (number, text)).collect();
    by_number.sort();
    let mut page = format!(
        "This package's binaries contain these works of others, and Rust's own libraries (MIT OR Apache-2.0). Numbers \
         are those of the texts below.\n\n{list}"
    );
    for (number, text) in by_number {
        write!(page, "\n[{number}] {}\n\n{text}\n", "-".repeat(100))?;
    }
    Ok(page)
}

/// The crates that end up in binaries: not what builds or tests them, nor macros, nor our own.
fn linked(
    manifest: &Path,
    packages: &[&str],
    crates: &mut BTreeMap<String, Value>,
) -> Result<(), Box<dyn Error>> {
    let mut cargo = super::cargo()?;
    cargo.args([
        "metadata",
        "--format-version",
        "1",
        "--locked",
        "--filter-platform",
        "x86_64-unknown-linux-gnu",
    ]);
    let output = cargo.arg("--manifest-path").arg(manifest).output()?;
    if !output.status.success() {
        let text = String::from_utf8_lossy(&output.stderr);
        return Err(format!("cargo cannot say what {} is made of: {text}", manifest.display()).into());
    }
    let metadata: Value = serde_json::from_slice(&output.stdout)?;
    let by_id = |list: &Value| -> BTreeMap<String, Value> {
        let entries = list.as_array().into_iter().flatten();
        entries.map(|entry| (entry["id"].as_str().unwrap_or_default().to_owned(), entry.clone())).collect()
    };
    let (known, nodes) = (by_id(&metadata["packages"]), by_id(&metadata["resolve"]["nodes"]));

    let is_asked_for = |found: &Value| found["name"].as_str().is_some_and(|name| packages.contains(&name));
    let mut open: Vec<&String> =
        known.iter().filter(|(_, found)| is_asked_for(found)).map(|(id, _)| id).collect();
    let mut seen = BTreeSet::new();
    while let Some(id) = open.pop() {
        let (Some(found), Some(node)) = (known.get(id), nodes.get(id)) else { continue };
        let targets = found["targets"].as_array();
        let is_macro = targets.into_iter().flatten().any(|target| target["kind"][0] == "proc-macro");
        if is_macro || !seen.insert(id) {
            continue;
        }
        if !found["source"].is_null() {
            let text = |key: &str| found[key].as_str().unwrap_or_default().to_owned();
            crates.insert(format!("{} {}", text("name"), text("version")), found.clone());
        }
        for dependency in node["deps"].as_array().into_iter().flatten() {
            let kinds = dependency["dep_kinds"].as_array();
            if kinds.into_iter().flatten().any(|kind| kind["kind"].is_null()) {
                open.extend(
                    dependency["pkg"].as_str().and_then(|id| known.get_key_value(id)).map(|(id, _)| id),
                );
            }
        }
    }
    Ok(())
}

/// The texts in a crate's sources, those of what it brings along included.
fn texts(folder: &Path) -> Result<BTreeSet<String>, Box<dyn Error>> {
    let mut found = BTreeSet::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            found.append(&mut texts(&path)?);
        } else if is_licence(&path) {
            let text = String::from_utf8_lossy(&fs::read(&path)?).trim().replace("\r\n", "\n");
            found.insert(text);
        }
    }
    Ok(found)
}

fn is_licence(path: &Path) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default();
    let stem = name.split(['.', '-', '_']).next().unwrap_or_default();
    let is_code = [".rs", ".py", ".json", ".toml"].iter().any(|end| name.ends_with(end));
    matches!(stem, "license" | "licence" | "copying" | "copyright" | "notice" | "unlicense") && !is_code
}
