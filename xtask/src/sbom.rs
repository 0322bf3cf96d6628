//! Bill of materials of a release in CycloneDX's form, for vulnerability scanners.
//!
//! It comes from the same graph as the licences: the crates linked into the binaries, guests included. The same sources
//! give the same bytes, so it has no serial number and no time.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::parts::{self, Crate, RELEASED};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Prints the bill of a release.
pub(crate) fn print(name: &str) -> Result<String> {
    let Some((_, parts)) = RELEASED.iter().find(|(released, _)| *released == name) else {
        let names = RELEASED.map(|(name, _)| name).join(", ");
        return Err(format!("there is no release {name:?}, but {names}").into());
    };
    let (mut crates, mut sums) = (BTreeMap::new(), BTreeMap::new());
    for part in *parts {
        crates.extend(parts::linked(*part)?.into_iter().map(|found| (found.full_name(), found)));
        let lock = root().join(part.0).with_file_name("Cargo.lock");
        read_sums(&fs::read_to_string(lock)?, &mut sums);
    }
    let bill = json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {
            "component": {
                "type": "library",
                "bom-ref": "libhyperlight",
                "name": "libhyperlight",
                "version": env!("CARGO_PKG_VERSION"),
                "licenses": [{ "expression": "Apache-2.0" }],
            },
            "tools": { "components": [{ "type": "application", "name": "xtask", "version": env!("CARGO_PKG_VERSION") }] },
        },
        "components": crates.values().map(|found| component(found, &sums)).collect::<Vec<_>>(),
        "dependencies": dependencies(&crates, parts),
    });
    Ok(serde_json::to_string_pretty(&bill)?)
}

fn component(found: &Crate, sums: &BTreeMap<String, String>) -> Value {
    let mut component = json!({
        "type": "library",
        "bom-ref": reference(&found.name, &found.version),
        "name": found.name,
        "version": found.version,
        // Some licences are written in an older form.
        "licenses": [{ "expression": found.licence.replace('/', " OR ") }],
    });
    if found.is_foreign {
        component["purl"] = reference(&found.name, &found.version).into();
    }
    if let Some(sum) = sums.get(&found.full_name()) {
        component["hashes"] = json!([{ "alg": "SHA-256", "content": sum }]);
    }
    if found.repository.starts_with("https://") {
        component["externalReferences"] = json!([{ "type": "vcs", "url": found.repository }]);
    }
    component
}

fn dependencies(crates: &BTreeMap<String, Crate>, parts: &[parts::Part]) -> Vec<Value> {
    let names: Vec<&str> = parts.iter().flat_map(|(_, packages)| packages.iter().copied()).collect();
    let shipped = crates.values().filter(|found| !found.is_foreign && names.contains(&&*found.name));
    let shipped: Vec<_> = shipped.map(|found| reference(&found.name, &found.version)).collect();
    let mut all = vec![json!({ "ref": "libhyperlight", "dependsOn": shipped })];
    for found in crates.values() {
        let needs = found.needs.iter().filter_map(|name| crates.get(name));
        let needs: Vec<_> = needs.map(|needed| reference(&needed.name, &needed.version)).collect();
        all.push(json!({ "ref": reference(&found.name, &found.version), "dependsOn": needs }));
    }
    all
}

fn reference(name: &str, version: &str) -> String {
    format!("pkg:cargo/{name}@{version}")
}

/// Reads the checksums of downloaded crates from a lock file.
fn read_sums(lock: &str, sums: &mut BTreeMap<String, String>) {
    for block in lock.split("[[package]]") {
        let field = |name: &str| {
            let line = block.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(" = \""));
            line.map(|value| value.trim_end_matches('"'))
        };
        if let (Some(name), Some(version), Some(sum)) = (field("name"), field("version"), field("checksum")) {
            sums.insert(format!("{name} {version}"), sum.to_owned());
        }
    }
}

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}
