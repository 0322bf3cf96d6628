//! `runtimes/builtin/prebuilt`: the guests as they travel in the published crate, which cannot build them.
//!
//! They are not committed: a megabyte for each change of a guest, in a form that nobody can read or merge. They are
//! made when the crate is packaged, and can be made again by everybody. For the same bytes it takes the same sources
//! and compilers, which `BUILT-BY` names, in whatever folder (`runtimes/builtin/build/paths.rs`). What is tracked is
//! copied and built, and nothing else; and to be compared it is built in another folder.
//!
//! They are in `/tmp`, where others can write: the folder is its owner's alone, and cargo, which obeys the settings in
//! all folders above, finds none.

use std::error::Error;
use std::fmt::Write;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// The place where they lie for the package.
const PREBUILT: &str = "runtimes/builtin/prebuilt";

/// Our own folder.
const OWN: &str = "/tmp/libhyperlight-guests";

/// The folders in it where they are built: for the package, and to be compared.
const PLACES: [&str; 2] = ["tree", "another/folder"];

/// The folder where cargo would look for settings that everybody could write. It is ours as long as something is
/// built.
const SETTINGS: &str = "/tmp/.cargo";

const NAMES: [&str; 4] = ["demo.elf.z", "javascript.elf.z", "linux.elf.z", "wasm.elf.z"];

const PACKAGE: &str = "libhyperlight-builtin";

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Builds the guests and puts them where the package takes them from.
pub(crate) fn write() -> Result<String> {
    let [place, _] = PLACES;
    let built = Built::new(place)?;
    let to = root().join(PREBUILT);
    fs::create_dir_all(&to)?;
    for name in NAMES {
        fs::copy(built.folder.join(name), to.join(name))?;
    }
    fs::write(to.join("BUILT-BY"), built_by()?)?;
    // Works of others are in them.
    fs::copy(root().join("LICENSES-THIRD-PARTY"), to.join("LICENSES-THIRD-PARTY"))?;
    Ok(format!("wrote {PREBUILT}"))
}

/// Builds the guests in another folder and confirms that the package's are the same, byte for byte.
pub(crate) fn verify() -> Result<String> {
    let [_, place] = PLACES;
    let built = Built::new(place)?;
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

/// Guests that were built from nothing but what is tracked.
struct Built {
    /// The folder of the copied sources.
    place: PathBuf,
    /// The folder of the guests.
    folder: PathBuf,
    /// Held while the place is used.
    _lock: File,
}

impl Built {
    fn new(place: &str) -> Result<Self> {
        own(Path::new(OWN))?;
        let place = &Path::new(OWN).join(place);
        let lock = OpenOptions::new().write(true).create(true).truncate(false).open(format!("{OWN}/lock"))?;
        lock.lock()?;
        let mut built = Self { place: place.clone(), folder: PathBuf::new(), _lock: lock };
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
        fs::create_dir_all(place)?;
        copy_tracked(place)?;
        built.folder = build(place)?;
        Ok(built)
    }
}

impl Drop for Built {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.place));
        drop(fs::remove_dir(SETTINGS));
    }
}

/// Makes a folder that nobody else can write, or confirms that it is one.
fn own(folder: &Path) -> Result<()> {
    match DirBuilder::new().mode(0o700).create(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => return Err(error.into()),
        _ => {}
    }
    let found = fs::symlink_metadata(folder)?;
    // A process is its user's.
    if !found.is_dir() || found.uid() != fs::metadata("/proc/self")?.uid() || found.mode() & 0o022 != 0 {
        return Err(
            format!("{} is not a folder that you alone can write; remove it", folder.display()).into()
        );
    }
    Ok(())
}

/// Copies what is tracked, as it is here.
fn copy_tracked(to: &Path) -> Result<()> {
    let output = Command::new("git").arg("-C").arg(root()).args(["ls-files", "-z"]).output()?;
    if !output.status.success() {
        return Err(format!("git ls-files: {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    for name in String::from_utf8(output.stdout)?.split_terminator('\0') {
        let from = root().join(name);
        // Links lead to what is tracked too, and guests need none. What was removed and is tracked still has no file.
        if fs::symlink_metadata(&from).is_ok_and(|found| found.is_file()) {
            let to = to.join(name);
            fs::create_dir_all(to.parent().unwrap_or(&to))?;
            fs::copy(from, to)?;
        }
    }
    Ok(())
}

/// Runs the build script of the crate, which builds the guests; where it puts them. Of everything else a check will do.
fn build(place: &Path) -> Result<PathBuf> {
    let output = cargo()
        .current_dir(place)
        .args([
            "check",
            "--locked",
            "--package",
            PACKAGE,
            "--all-features",
            "--message-format",
            "json-render-diagnostics",
        ])
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

/// The compilers, by their own words.
fn built_by() -> Result<String> {
    let mut text = String::new();
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
