//! The shared libraries that objects need, found as the dynamic loader would find them, without running it.
//!
//! Folders come from the object itself (`DT_RPATH`, `DT_RUNPATH`, with `$ORIGIN`), from the loader's configuration on
//! this machine, and from its own list. Variants for newer processors are taken beside the plain ones, because the
//! loader chooses inside the guest. A library that is loaded by name while the program runs is not known here.
//!
//! The names are those of strangers, who may name any file of this machine. So only what is an ELF object is taken, as
//! the loader would take nothing else.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use libhyperlight::Result;
use libhyperlight_linux_contract::limits::MAX_OBJECTS;

use crate::elf::{self, Elf};
use crate::error::{invalid, shown};
use crate::files::{Files, Source, Taken};
use crate::path;

/// The loader's configuration.
const CONFIGURATION: &str = "/etc/ld.so.conf";

/// The loader's list of libraries, for the folders of the configuration.
const CACHE: &str = "/etc/ld.so.cache";

/// Folders that loaders search last.
const DEFAULTS: [&str; 6] =
    ["/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/lib64", "/usr/lib64", "/lib", "/usr/lib"];

/// Folders within these for newer processors.
const VARIANTS: [&str; 3] = ["glibc-hwcaps/x86-64-v2", "glibc-hwcaps/x86-64-v3", "glibc-hwcaps/x86-64-v4"];

/// Files of the configuration, bytes of each, and folders in all.
const MAX_FILES: usize = 256;
const MAX_BYTES: u64 = 64 << 10;
const MAX_FOLDERS: usize = 1024;

/// Places in which libraries are looked for, for all objects together.
const MAX_LOOKUPS: usize = 1 << 20;

/// Bytes of an ELF file that are read in order to find out what it needs.
const MAX_OBJECT: u64 = 2 << 30;

/// A library that was not found.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Missing {
    /// The name that is asked for.
    pub name: Vec<u8>,
    /// The file that needs it.
    pub needed_by: Vec<u8>,
}

/// Adds the libraries that the objects among the files need, and those that these need. Lists what was not found.
pub(crate) fn add_needed(files: &mut Files) -> Result<Vec<Missing>> {
    let mut waiting: Vec<Vec<u8>> = files
        .taken()
        .iter()
        .filter(|(path, taken)| may_be_object(path, taken))
        .map(|(path, _)| path.clone())
        .collect();
    let mut seen: BTreeSet<Vec<u8>> = waiting.iter().cloned().collect();
    let mut search = None;
    let mut missing = Vec::new();
    let (mut objects, mut lookups) = (0, 0);
    while let Some(path) = waiting.pop() {
        let Some(object) = read(files, &path) else {
            continue;
        };
        objects += 1;
        if objects > MAX_OBJECTS {
            return Err(invalid(format!(
                "a guest has at most {MAX_OBJECTS} ELF objects; ask for fewer folders"
            )));
        }
        if let Some(interpreter) = &object.interpreter {
            take(files, interpreter, &mut seen, &mut waiting)?;
        }
        if object.needed.is_empty() {
            continue;
        }
        let search: &Vec<Vec<u8>> = search.get_or_insert_with(|| {
            let mut folders = configured();
            folders.extend(DEFAULTS.iter().map(|folder| folder.as_bytes().to_vec()));
            folders
        });
        let own = own_folders(&object, path::parent(&path));
        for name in &object.needed {
            let mut is_found = false;
            if name.contains(&b'/') {
                is_found = take(files, name, &mut seen, &mut waiting)?;
            } else {
                for folder in own.iter().chain(search) {
                    lookups += 1;
                    if lookups > MAX_LOOKUPS {
                        return Err(invalid(format!(
                            "libraries are looked for in over {MAX_LOOKUPS} places, at last for {}; ask for fewer folders",
                            shown(&path)
                        )));
                    }
                    if take(files, &path::join(folder, name), &mut seen, &mut waiting)? {
                        for variant in VARIANTS {
                            let variant = path::join(&path::join(folder, variant.as_bytes()), name);
                            take(files, &variant, &mut seen, &mut waiting)?;
                        }
                        is_found = true;
                        break;
                    }
                }
            }
            if !is_found {
                missing.push(Missing { name: name.clone(), needed_by: path.clone() });
            }
        }
    }
    if search.is_some() && Path::new(CACHE).is_file() {
        files.add(CACHE)?;
    }
    Ok(missing)
}

/// Takes a library if it is there, in the guest already or on the host. Returns true if it is.
fn take(
    files: &mut Files,
    path: &[u8],
    seen: &mut BTreeSet<Vec<u8>>,
    waiting: &mut Vec<Vec<u8>>,
) -> Result<bool> {
    if matches!(files.taken().get(path), Some(Taken::File { .. })) || seen.contains(path) {
        return Ok(true);
    }
    // A path that no file can have is not found, like one that no file has.
    if path::names(path).is_err() || !is_object(Path::new(OsStr::from_bytes(path))) {
        return Ok(false);
    }
    let found = files.follow(path)?;
    if !files.contains(&found) {
        files.add(OsStr::from_bytes(&found))?;
    }
    seen.insert(path.to_vec());
    if seen.insert(found.clone()) {
        waiting.push(found);
    }
    Ok(true)
}

/// Returns true if there is an object at a path of the host.
fn is_object(path: &Path) -> bool {
    // Most paths are none, and this is the cheapest way to see it.
    if !fs::metadata(path).is_ok_and(|metadata| metadata.is_file()) {
        return false;
    }
    let start = fs::canonicalize(path).and_then(|path| Source::Host(path).start(64));
    start.is_ok_and(|start| elf::is_object(&start))
}

/// Reads a file if it is an object. One that is damaged needs nothing.
fn read(files: &Files, path: &[u8]) -> Option<Elf> {
    let Some(Taken::File { source, size, .. }) = files.taken().get(path) else {
        return None;
    };
    if *size > MAX_OBJECT || !elf::is_object(&source.start(64).ok()?) {
        return None;
    }
    elf::read(&source.start(*size).ok()?, true).ok()
}

/// Returns true for names and permissions that objects have: most files are none, and need not be opened.
fn may_be_object(path: &[u8], taken: &Taken) -> bool {
    let Taken::File { stamp, .. } = taken else {
        return false;
    };
    let name = path.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
    stamp.permissions & 0o111 != 0 || name.windows(3).any(|part| part == b".so")
}

/// The folders that an object itself names.
fn own_folders(object: &Elf, origin: &[u8]) -> Vec<Vec<u8>> {
    let list = object.runpath.as_ref().or(object.rpath.as_ref());
    let list = list.map_or(&[][..], |list| list);
    list.split(|byte| *byte == b':')
        .filter(|folder| !folder.is_empty())
        .take(MAX_FOLDERS)
        .map(|folder| normal(&substitute(folder, origin)))
        .collect()
}

/// Puts the folder of an object in the place of `$ORIGIN` at the start of a path, where alone it makes sense.
fn substitute(folder: &[u8], origin: &[u8]) -> Vec<u8> {
    for variable in [&b"$ORIGIN"[..], b"${ORIGIN}"] {
        if let Some(rest) = folder.strip_prefix(variable) {
            return [origin, rest].concat();
        }
    }
    folder.to_vec()
}

/// Removes `..` by the names alone, as it is nearly always meant.
fn normal(folder: &[u8]) -> Vec<u8> {
    let mut names: Vec<&[u8]> = Vec::new();
    for name in folder.split(|byte| *byte == b'/') {
        match name {
            b"" | b"." => {}
            b".." => drop(names.pop()),
            name => names.push(name),
        }
    }
    names.iter().fold(Vec::new(), |path, name| path::join(&path, name))
}

/// The folders of the loader's configuration.
fn configured() -> Vec<Vec<u8>> {
    let mut folders = Vec::new();
    let mut waiting = vec![CONFIGURATION.as_bytes().to_vec()];
    let mut read = 0;
    while let Some(file) = waiting.pop() {
        read += 1;
        if read > MAX_FILES {
            break;
        }
        let text =
            fs::canonicalize(OsStr::from_bytes(&file)).and_then(|path| Source::Host(path).start(MAX_BYTES));
        let Ok(text) = text else {
            continue;
        };
        for line in text.split(|byte| *byte == b'\n') {
            let line = line.split(|byte| *byte == b'#').next().unwrap_or_default().trim_ascii();
            if let Some(pattern) =
                line.strip_prefix(b"include").filter(|rest| rest.starts_with(b" ") || rest.starts_with(b"\t"))
            {
                // The last one is read first.
                waiting.extend(matching(pattern.trim_ascii()).into_iter().rev());
            } else if line.starts_with(b"/") && folders.len() < MAX_FOLDERS {
                folders.push(line.to_vec());
            }
        }
    }
    folders
}

/// The files that match a pattern with at most one `*` in its last name, sorted.
fn matching(pattern: &[u8]) -> Vec<Vec<u8>> {
    let (folder, name) =
        (path::parent(pattern), pattern.rsplit(|byte| *byte == b'/').next().unwrap_or_default());
    let Some(star) = name.iter().position(|byte| *byte == b'*') else {
        return vec![pattern.to_vec()];
    };
    let (before, after) = name.split_at(star);
    let after = after.strip_prefix(b"*").unwrap_or_default();
    let Ok(entries) = fs::read_dir(OsStr::from_bytes(folder)) else {
        return Vec::new();
    };
    let names = entries.take(MAX_FILES).filter_map(std::result::Result::ok).map(|entry| entry.file_name());
    let fits = |name: &[u8]| {
        name.len() >= before.len() + after.len() && name.starts_with(before) && name.ends_with(after)
    };
    let mut found: Vec<_> =
        names.filter(|name| fits(name.as_bytes())).map(|name| path::join(folder, name.as_bytes())).collect();
    found.sort_unstable();
    found
}

/// Says which libraries are missing.
pub(crate) fn sentence(missing: &[Missing]) -> String {
    let names: BTreeSet<_> = missing.iter().take(8).map(|missing| shown(&missing.name)).collect();
    names.into_iter().collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests;
