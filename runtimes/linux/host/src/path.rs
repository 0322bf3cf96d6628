//! Paths of files in the guest: absolute, and of names that Linux has.

use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use libhyperlight::Result;
use libhyperlight_linux_contract::limits::{MAX_NAME_LEN, MAX_PATH_LEN};

use crate::error::{invalid, shown};

/// Splits an absolute path into its names. `.` and empty names are left out; `..` is refused, because its meaning
/// depends on symbolic links.
pub(crate) fn names(path: &[u8]) -> Result<Vec<&[u8]>> {
    let refuse = |reason: String| Err(invalid(format!("the path {} {reason}", shown(path))));
    if path.len() > MAX_PATH_LEN {
        return refuse(format!("has {} bytes; a path has at most {MAX_PATH_LEN}", path.len()));
    }
    let Some(relative) = path.strip_prefix(b"/") else {
        return refuse("does not start with /".to_owned());
    };
    let names: Vec<_> =
        relative.split(|byte| *byte == b'/').filter(|name| !matches!(*name, b"" | b".")).collect();
    for name in &names {
        if *name == b".." {
            return refuse("has a part .. in it; give the path that it stands for".to_owned());
        }
        check_name(path, name)?;
    }
    Ok(names)
}

/// Returns true for the path of a file as it stands in a list: names alone, one slash before each.
pub(crate) fn is_plain(path: &[u8]) -> bool {
    let join = |names: Vec<&[u8]>| names.iter().fold(Vec::new(), |path, name| join(&path, name));
    !path.is_empty() && names(path).is_ok_and(|names| join(names) == path)
}

/// Fails if the last part of a path is too long or has a zero in it.
pub(crate) fn check_name(path: &[u8], name: &[u8]) -> Result<()> {
    if name.len() > MAX_NAME_LEN {
        let text = format!(
            "the path {} has a name of {} bytes; a name has at most {MAX_NAME_LEN}",
            shown(path),
            name.len()
        );
        return Err(invalid(text));
    }
    if name.contains(&0) {
        return Err(invalid(format!("the path {} has a zero in it", shown(path))));
    }
    Ok(())
}

/// Appends a name to a path.
pub(crate) fn join(folder: &[u8], name: &[u8]) -> Vec<u8> {
    let mut path = Vec::with_capacity(folder.len() + 1 + name.len());
    path.extend_from_slice(folder.strip_suffix(b"/").unwrap_or(folder));
    path.push(b'/');
    path.extend_from_slice(name);
    path
}

/// The folder that a path is in.
pub(crate) fn parent(path: &[u8]) -> &[u8] {
    match path.iter().rposition(|byte| *byte == b'/') {
        None | Some(0) => b"/",
        Some(at) => path.get(..at).unwrap_or(b"/"),
    }
}

/// A path of the host as bytes.
pub(crate) fn bytes(path: &Path) -> &[u8] {
    path.as_os_str().as_bytes()
}
