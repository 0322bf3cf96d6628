//! `runtimes/builtin/prebuilt`: the guests for the published crate, which cannot build them.
//!
//! They are not committed: each change of a guest would add a megabyte that nobody can read or merge. They are built
//! when the crate is packaged, and everybody can build them again. Identical bytes need the same sources, compilers and
//! folder, because cargo derives symbol names from the sources' path. So the tracked files are copied to a folder with
//! a fixed name and built there. `BUILT-BY` names the compilers.

use std::error::Error;
use std::fmt::Write;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// Folder of the guests for the package.
const PREBUILT: &str = "runtimes/builtin/prebuilt";

/// Folder of the build.
const PLACE: &str = "/tmp/libhyperlight-guests";

const NAMES: [&str; 3] = ["demo.elf.z", "javascript.elf.z", "wasm.elf.z"];

const PACKAGE: &str = "libhyperlight-builtin";

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Builds the guests and copies them to the package's folder.
pub(crate) fn write() -> Result<String> {
    let built = Built::new()?;
    let to = root().join(PREBUILT);
    fs::create_dir_all(&to)?;
    for name in NAMES {
        fs::copy(built.folder.join(name), to.join(name))?;
    }
    fs::write(to.join("BUILT-BY"), built_by()?)?;
    // The guests contain works of others.
    fs::copy(root().join("LICENSES-THIRD-PARTY"), to.join("LICENSES-THIRD-PARTY"))?;
    Ok(format!("wrote {PREBUILT}"))
}

/// Builds the guests again and checks that the package's are identical.
pub(crate) fn verify() -> Result<String> {
    let built = Built::new()?;
    let from = root().join(PREBUILT);
    for name in NAMES {
        if fs::read(built.folder.join(name))? != fs::read(from.join(name))? {
            let by = fs::read_to_string(from.join("BUILT-BY"))?;
            return Err(format!(
                "{PREBUILT}/{name} is not what the sources make; it was built by:\n{by}this is:\n{}",
                built_by()?
            )
            .into());
        }
    }
    Ok(format!("{PREBUILT} has what the sources make, byte for byte"))
}

/// Guests built from tracked files only.
struct Built {
    folder: PathBuf,
    /// Lock of the build folder.
    _lock: File,
}

impl Built {
    fn new() -> Result<Self> {
        let place = Path::new(PLACE);
        own(Path::new(OWN))?;
        let lock = OpenOptions::new().write(true).create(true).truncate(false).open(format!("{OWN}/lock"))?;
        lock.lock()?;
        let mut built = Self { folder: PathBuf::new(), _lock: lock };
        own(Path::new(SETTINGS))?;
        for folder in place.ancestors().skip(1) {
            for name in [".cargo/config", ".cargo/config.toml"] {
                let settings = folder.join(name);
                if fs::symlink_metadata(&settings).is_ok() {
                    return Err(
                        format!("{} would change what is built; remove it", settings.display()).into()
                    );
                }
            }
        }
        if place.exists() {
            fs::remove_dir_all(place)?;
        }
        fs::create_dir(place)?;
        copy_tracked(place)?;
        built.folder = build(place)?;
        Ok(built)
    }
}

impl Drop for Built {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(PLACE));
        drop(fs::remove_dir(SETTINGS));
    }
}

/// Copies the tracked files in their current state.
fn copy_tracked(to: &Path) -> Result<()> {
    let output = Command::new("git").arg("-C").arg(root()).args(["ls-files", "-z"]).output()?;
    if !output.status.success() {
        return Err(format!("git ls-files: {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    for name in String::from_utf8(output.stdout)?.split_terminator('\0') {
        let from = root().join(name);
        // Links lead to tracked files too, and guests need none. A removed file may still be tracked.
        if fs::symlink_metadata(&from).is_ok_and(|found| found.is_file()) {
            let to = to.join(name);
            fs::create_dir_all(to.parent().unwrap_or(&to))?;
            fs::copy(from, to)?;
        }
    }
    Ok(())
}

/// Runs the crate's build script, which builds the guests, and returns their folder. For everything else a check
/// suffices.
fn build(place: &Path) -> Result<PathBuf> {
    let output = cargo()
        .current_dir(place)
        .args(["check", "--locked", "--package", PACKAGE, "--message-format", "json-render-diagnostics"])
        // The dependencies have been checked there.
        .arg("--target-dir")
        .arg(root().join("target"))
        .env_remove("CARGO_TARGET_DIR")
        .stderr(std::process::Stdio::inherit())
        .output()?;
    if !output.status.success() {
        return Err("building the guests failed; its own messages are above".into());
    }
    let messages = String::from_utf8(output.stdout)?;
    let messages = messages.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    messages
        .filter(|message| message["reason"] == "build-script-executed")
        .filter(|message| message["package_id"].as_str().is_some_and(|id| id.contains("/runtimes/builtin#")))
        .find_map(|message| message["out_dir"].as_str().map(PathBuf::from))
        .ok_or_else(|| "cargo does not say where the guests are".into())
}

/// Returns the versions of the compilers, as they report them.
fn built_by() -> Result<String> {
    let mut text = format!("path: {PLACE}\n");
    for (program, argument) in [("rustc", "-vV"), ("cc", "--version"), ("ld", "--version")] {
        let output = Command::new(program).arg(argument).output()?;
        let said = String::from_utf8(output.stdout)?;
        let lines = if program == "rustc" { usize::MAX } else { 1 };
        for line in said.lines().take(lines) {
            writeln!(text, "{program}: {line}")?;
        }
    }
    Ok(text)
}

fn cargo() -> Command {
    Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    #[test]
    fn a_folder_that_others_can_write_is_refused() {
        let here = std::env::temp_dir().join(format!("xtask-guests-{}", std::process::id()));
        own(&here).unwrap();
        // The second time, too.
        own(&here).unwrap();
        let (open, link) = (here.join("open"), here.join("link"));
        fs::create_dir(&open).unwrap();
        fs::set_permissions(&open, fs::Permissions::from_mode(0o777)).unwrap();
        symlink(&here, &link).unwrap();
        let refused = [own(&open), own(&link)].map(|outcome| outcome.is_err());
        fs::remove_dir_all(&here).unwrap();
        assert_eq!(refused, [true, true]);
    }
}
