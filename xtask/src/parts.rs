//! Released binaries and their crates, according to cargo.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Packages of one workspace whose binaries are released.
pub(crate) type Part = (&'static str, &'static [&'static str]);

/// The guests that the library carries.
const GUESTS: Part = ("sdk/Cargo.toml", &["demo", "javascript", "linux", "wasm"]);

/// The package of which nothing is linked: it only chooses features of others.
const FEATURES: &str = "libhyperlight-features";

/// Released files by name, and the binaries in them.
pub(crate) const RELEASED: [(&str, &[Part]); 4] = [
    (
        "c",
        &[
            ("Cargo.toml", &["libhyperlight-capi", "libhyperlight-wasm-library"]),
            GUESTS,
            ("sdk/Cargo.toml", &["libhyperlight-guest-c"]),
        ],
    ),
    ("crates", &[GUESTS]),
    ("npm", &[("Cargo.toml", &["libhyperlight-node", "libhyperlight-wasm-library"]), GUESTS]),
    ("wheel", &[("Cargo.toml", &["libhyperlight-python", "libhyperlight-wasm-library"]), GUESTS]),
];

/// A crate that is linked into a binary.
pub(crate) struct Crate {
    pub name: String,
    pub version: String,
    /// True for a third-party crate.
    pub is_foreign: bool,
    pub licence: String,
    pub repository: String,
    pub authors: String,
    /// Folder of its sources.
    pub folder: PathBuf,
    /// The crates that it links, by name and version.
    pub needs: BTreeSet<String>,
}

impl Crate {
    /// The name with the version.
    pub fn full_name(&self) -> String {
        format!("{} {}", self.name, self.version)
    }
}

/// Lists the crates that end up in the binaries of a part: no build or test dependencies, nor macros.
pub(crate) fn linked((manifest, packages): Part) -> Result<Vec<Crate>> {
    let metadata = metadata(&root().join(manifest))?;
    let by_id = |list: &Value| -> BTreeMap<String, Value> {
        let entries = list.as_array().into_iter().flatten();
        entries.map(|entry| (text(entry, "id"), entry.clone())).collect()
    };
    let (known, nodes) = (by_id(&metadata["packages"]), by_id(&metadata["resolve"]["nodes"]));

    let is_asked_for = |found: &Value| found["source"].is_null() && packages.contains(&&*text(found, "name"));
    let mut open: Vec<&String> =
        known.iter().filter(|(_, found)| is_asked_for(found)).map(|(id, _)| id).collect();
    if open.len() != packages.len() {
        return Err(format!("{manifest} has not all of {}", packages.join(", ")).into());
    }
    let mut seen = BTreeSet::new();
    let mut crates = Vec::new();
    while let Some(id) = open.pop() {
        let (Some(found), Some(node)) = (known.get(id), nodes.get(id)) else { continue };
        if is_macro(found) || text(found, "name") == FEATURES || !seen.insert(id) {
            continue;
        }
        let mut needs = BTreeSet::new();
        for dependency in node["deps"].as_array().into_iter().flatten() {
            let kinds = dependency["dep_kinds"].as_array();
            if !kinds.into_iter().flatten().any(|kind| kind["kind"].is_null()) {
                continue;
            }
            let needed = dependency["pkg"].as_str().and_then(|id| known.get_key_value(id));
            let Some((id, needed)) =
                needed.filter(|(_, needed)| !is_macro(needed) && text(needed, "name") != FEATURES)
            else {
                continue;
            };
            needs.insert(format!("{} {}", text(needed, "name"), text(needed, "version")));
            open.push(id);
        }
        let authors = found["authors"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let authors: Vec<_> = authors.collect();
        let manifest = PathBuf::from(text(found, "manifest_path"));
        crates.push(Crate {
            name: text(found, "name"),
            version: text(found, "version"),
            is_foreign: !found["source"].is_null(),
            licence: text(found, "license"),
            repository: text(found, "repository"),
            authors: authors.join(", "),
            folder: manifest.parent().map(Path::to_owned).unwrap_or_default(),
            needs,
        });
    }
    Ok(crates)
}

fn is_macro(found: &Value) -> bool {
    let targets = found["targets"].as_array();
    targets.into_iter().flatten().any(|target| target["kind"][0] == "proc-macro")
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

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}
