//! The files that a guest gets.
//!
//! A guest sees what its builder was asked for, and nothing else of the host. A path that is asked for is followed
//! through the symbolic links on its way, each of which becomes one in the guest; a symbolic link *inside* a folder
//! that is asked for is only copied as such, so that it leads nowhere if its target was not asked for, too. Devices,
//! sockets, pipes and what may not be read are left out, and listed.
//!
//! Nothing is read before the layout but names and sizes. Every entry counts against a limit when it is found, and so
//! does its name.

use std::collections::BTreeMap;
use std::ffi::CString;
use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Read};
use std::mem;
use std::os::fd::FromRawFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use libhyperlight::Result;
use libhyperlight_linux_contract::PAGE;
use libhyperlight_linux_contract::limits::{
    MAX_DEPTH, MAX_ENTRIES, MAX_FILE_BYTES, MAX_LINKS, MAX_NAME_BYTES, MAX_PATH_LEN,
};

use crate::error::{invalid, shown, unreadable};
use crate::path;

/// A collection of files, by their paths in the guest.
#[derive(Debug, Default)]
pub struct Files {
    taken: BTreeMap<Vec<u8>, Taken>,
    skipped: Vec<Skipped>,
    name_bytes: usize,
    file_bytes: u64,
    followed: usize,
}

/// A file, a folder or a symbolic link of the guest.
#[derive(Clone, Debug)]
pub(crate) enum Taken {
    Folder(Stamp),
    Link { target: Vec<u8>, stamp: Stamp },
    File { source: Source, size: u64, stamp: Stamp },
}

/// Permissions and time of modification.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Stamp {
    pub permissions: u32,
    pub modified: i64,
    pub modified_ns: u32,
}

/// The place of a file's bytes.
#[derive(Clone, Debug)]
pub(crate) enum Source {
    Host(PathBuf),
    Given(Vec<u8>),
}

/// A file that a guest gets.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Listed<'a> {
    /// Its path in the guest.
    pub path: &'a [u8],
    /// Bytes of its contents; of a symbolic link, of its target. A folder has none.
    pub size: u64,
    /// The target of a symbolic link.
    pub target: Option<&'a [u8]>,
}

/// A file that a guest does not get although it is in a folder that was asked for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Skipped {
    /// Its path in the guest.
    pub path: Vec<u8>,
    /// The reason.
    pub reason: String,
}

impl Files {
    /// Starts without any file.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes a file or a folder of the host, with all that is in it, under its own path. It must be absolute.
    pub fn add(&mut self, path: impl AsRef<Path>) -> Result<&mut Self> {
        let asked = path.as_ref();
        let found = self.follow(path::bytes(asked))?;
        self.take(PathBuf::from(std::ffi::OsString::from_vec(found.clone())), found)?;
        Ok(self)
    }

    /// Takes a file or a folder of the host, with all that is in it, under another path. Symbolic links on the way to
    /// it are followed, and are none in the guest.
    pub fn add_as(&mut self, path: impl AsRef<Path>, guest: impl AsRef<[u8]>) -> Result<&mut Self> {
        let asked = path.as_ref();
        let host = fs::canonicalize(asked).map_err(|error| unreadable(asked, &error))?;
        let guest = self.folders_above(guest.as_ref())?;
        self.take(host, guest)?;
        Ok(self)
    }

    /// Adds a file with these contents.
    pub fn add_bytes(&mut self, guest: impl AsRef<[u8]>, contents: impl Into<Vec<u8>>) -> Result<&mut Self> {
        let contents = contents.into();
        let guest = self.folders_above(guest.as_ref())?;
        let size = contents.len() as u64;
        let stamp = Stamp { permissions: 0o644, ..Stamp::default() };
        self.insert(guest, Taken::File { source: Source::Given(contents), size, stamp })?;
        Ok(self)
    }

    /// Lists the files, folders and symbolic links, sorted by their paths.
    pub fn list(&self) -> impl ExactSizeIterator<Item = Listed<'_>> {
        self.taken.iter().map(|(path, taken)| match taken {
            Taken::Folder(_) => Listed { path, size: 0, target: None },
            Taken::Link { target, .. } => Listed { path, size: target.len() as u64, target: Some(target) },
            Taken::File { size, .. } => Listed { path, size: *size, target: None },
        })
    }

    /// Lists what was left out.
    pub fn skipped(&self) -> &[Skipped] {
        &self.skipped
    }

    /// Returns true if the path is there, as an entry of its own.
    pub fn contains(&self, path: impl AsRef<[u8]>) -> bool {
        self.taken.contains_key(path.as_ref())
    }

    pub(crate) fn taken(&self) -> &BTreeMap<Vec<u8>, Taken> {
        &self.taken
    }

    /// The number of names of the host's paths that were followed, those of links included.
    pub(crate) fn followed(&self) -> usize {
        self.followed
    }

    #[cfg(test)]
    pub(crate) fn name_bytes(&self) -> usize {
        self.name_bytes
    }

    /// Resolves a path of the host name by name. Takes the symbolic links and the folders on the way, and returns the
    /// path that it ends at, which is not taken yet.
    pub(crate) fn follow(&mut self, asked: &[u8]) -> Result<Vec<u8>> {
        let mut rest: Vec<Vec<u8>> = path::names(asked)?.into_iter().rev().map(<[u8]>::to_vec).collect();
        let mut here = b"/".to_vec();
        let mut links = 0;
        self.folder(b"/")?;
        while let Some(name) = rest.pop() {
            self.followed = self.followed.saturating_add(1);
            if name == b".." {
                here = path::parent(&here).to_vec();
                continue;
            }
            path::check_name(asked, &name)?;
            let next = path::join(&here, &name);
            if next.len() > MAX_PATH_LEN {
                return Err(invalid(format!(
                    "the path {} leads to one of over {MAX_PATH_LEN} bytes",
                    shown(asked)
                )));
            }
            let on_host = Path::new(std::ffi::OsStr::from_bytes(&next));
            let metadata = fs::symlink_metadata(on_host).map_err(|error| unreadable(on_host, &error))?;
            if metadata.is_symlink() {
                links += 1;
                if links > MAX_LINKS {
                    return Err(invalid(format!(
                        "the path {} leads through over {MAX_LINKS} symbolic links",
                        shown(asked)
                    )));
                }
                let target = link_target(on_host)?;
                if target.starts_with(b"/") {
                    here = b"/".to_vec();
                }
                let names = target.split(|byte| *byte == b'/').filter(|name| !matches!(*name, b"" | b"."));
                rest.extend(names.rev().map(<[u8]>::to_vec));
                self.insert(next, Taken::Link { target, stamp: stamp(&metadata) })?;
                continue;
            }
            if !rest.is_empty() {
                if !metadata.is_dir() {
                    return Err(unreadable(on_host, &io::ErrorKind::NotADirectory.into()));
                }
                self.insert(next.clone(), Taken::Folder(stamp(&metadata)))?;
            }
            here = next;
        }
        Ok(here)
    }

    /// Takes what is at a path of the host that is no symbolic link, and everything below.
    fn take(&mut self, host: PathBuf, guest: Vec<u8>) -> Result<()> {
        let metadata = fs::symlink_metadata(&host).map_err(|error| unreadable(&host, &error))?;
        if !metadata.is_dir() && !metadata.is_file() {
            return Err(invalid(format!("{} is neither a file nor a folder", shown(path::bytes(&host)))));
        }
        // Deepest last, so that the list stays short.
        let mut waiting_bytes = guest.len();
        let mut waiting = vec![(host, guest, metadata, 0)];
        while let Some((host, guest, metadata, depth)) = waiting.pop() {
            waiting_bytes -= guest.len();
            let stamp = stamp(&metadata);
            if metadata.is_file() {
                self.insert(guest, Taken::File { source: Source::Host(host), size: metadata.len(), stamp })?;
            } else if metadata.is_symlink() {
                let target = link_target(&host)?;
                self.insert(guest, Taken::Link { target, stamp })?;
            } else if metadata.is_dir() {
                if depth == MAX_DEPTH {
                    let text = format!("{} is in more than {MAX_DEPTH} folders", shown(path::bytes(&host)));
                    return Err(invalid(text));
                }
                let listed = fs::read_dir(&host);
                self.insert(guest.clone(), Taken::Folder(stamp))?;
                let listed = match listed {
                    Ok(listed) => listed,
                    Err(error) => {
                        self.skip(guest, error.to_string())?;
                        continue;
                    }
                };
                for entry in listed {
                    let entry = entry.map_err(|error| unreadable(&host, &error))?;
                    let (child, name) = (entry.path(), entry.file_name());
                    let inside = path::join(&guest, name.as_bytes());
                    match fs::symlink_metadata(&child) {
                        Ok(metadata) => {
                            waiting_bytes += inside.len();
                            waiting.push((child, inside, metadata, depth + 1));
                        }
                        Err(error) => self.skip(inside, error.to_string())?,
                    }
                    self.check_room(waiting.len())?;
                    check_names(self.name_bytes + waiting_bytes)?;
                }
            } else {
                self.skip(guest, "it is neither a file nor a folder".to_owned())?;
            }
        }
        Ok(())
    }

    /// Makes the folders above a path of the guest. Returns the path without superfluous parts.
    fn folders_above(&mut self, guest: &[u8]) -> Result<Vec<u8>> {
        let names = path::names(guest)?;
        let mut here = b"/".to_vec();
        self.folder(b"/")?;
        let Some((last, above)) = names.split_last() else {
            return Ok(here);
        };
        for name in above {
            here = path::join(&here, name);
            self.folder(&here)?;
        }
        Ok(path::join(&here, last))
    }

    /// Makes a folder unless there is something with that path.
    fn folder(&mut self, guest: &[u8]) -> Result<()> {
        if self.taken.contains_key(guest) {
            return Ok(());
        }
        self.insert(guest.to_vec(), Taken::Folder(Stamp { permissions: 0o755, ..Stamp::default() }))
    }

    /// Adds an entry, or replaces the one with that path; a folder only by another one, and by nothing else.
    fn insert(&mut self, guest: Vec<u8>, taken: Taken) -> Result<()> {
        if guest.len() > MAX_PATH_LEN {
            let text = format!(
                "the path {} has {} bytes; a path has at most {MAX_PATH_LEN}",
                shown(&guest),
                guest.len()
            );
            return Err(invalid(text));
        }
        let above = path::parent(&guest);
        if guest.len() > 1 && !matches!(self.taken.get(above), Some(Taken::Folder(_))) {
            return Err(invalid(format!(
                "{} cannot be in {}, which is no folder",
                shown(&guest),
                shown(above)
            )));
        }
        let bytes = |taken: &Taken| match taken {
            Taken::File { size, .. } => rounded(*size),
            _ => 0,
        };
        let target = |taken: &Taken| match taken {
            Taken::Link { target, .. } => target.len(),
            _ => 0,
        };
        let old = self.taken.get(&guest);
        if matches!(old, Some(Taken::Folder(_))) && !matches!(taken, Taken::Folder(_)) {
            return Err(invalid(format!("{} is a folder, and cannot become something else", shown(&guest))));
        }
        let (freed, known) = old.map_or((0, 0), |old| (bytes(old), guest.len() + target(old)));
        let file_bytes = (self.file_bytes - freed).saturating_add(bytes(&taken));
        if file_bytes > MAX_FILE_BYTES {
            return Err(invalid(format!(
                "with {}, the files take over {MAX_FILE_BYTES} bytes, the limit for one guest; ask for fewer",
                shown(&guest)
            )));
        }
        let name_bytes = self.name_bytes - known + guest.len() + target(&taken);
        check_names(name_bytes)?;
        self.check_room(1)?;
        (self.file_bytes, self.name_bytes) = (file_bytes, name_bytes);
        self.taken.insert(guest, taken);
        Ok(())
    }

    fn skip(&mut self, path: Vec<u8>, reason: String) -> Result<()> {
        let name_bytes = self.name_bytes + path.len();
        check_names(name_bytes)?;
        self.check_room(1)?;
        self.name_bytes = name_bytes;
        self.skipped.push(Skipped { path, reason });
        Ok(())
    }

    /// Fails if so many more would be too many.
    fn check_room(&self, more: usize) -> Result<()> {
        if self.taken.len() + self.skipped.len() + more > MAX_ENTRIES {
            return Err(invalid(format!("a guest has at most {MAX_ENTRIES} files; ask for fewer folders")));
        }
        Ok(())
    }
}

impl Source {
    /// Writes the bytes of a file that had `size` when it was found. Fails if it has changed its size.
    pub fn write_to(&self, to: &mut impl io::Write, size: u64) -> io::Result<()> {
        let changed = || io::Error::other("it has changed its size since it was found");
        let written = match self {
            Self::Given(bytes) => {
                to.write_all(bytes)?;
                bytes.len() as u64
            }
            Self::Host(path) => io::copy(&mut open(path)?.take(size.saturating_add(1)), to)?,
        };
        if written == size { Ok(()) } else { Err(changed()) }
    }

    /// Reads the file's first bytes, at most so many.
    pub fn start(&self, len: u64) -> io::Result<Vec<u8>> {
        match self {
            Self::Given(bytes) => {
                let len = usize::try_from(len).unwrap_or(usize::MAX).min(bytes.len());
                Ok(bytes.iter().take(len).copied().collect())
            }
            Self::Host(path) => {
                let mut bytes = Vec::new();
                open(path)?.take(len).read_to_end(&mut bytes)?;
                Ok(bytes)
            }
        }
    }
}

/// Fails if paths have so many bytes that they are too many.
fn check_names(bytes: usize) -> Result<()> {
    if bytes > MAX_NAME_BYTES {
        return Err(invalid(format!("the files' paths take over {MAX_NAME_BYTES} bytes; ask for fewer")));
    }
    Ok(())
}

/// Bytes that a file takes.
fn rounded(size: u64) -> u64 {
    size.checked_next_multiple_of(PAGE).unwrap_or(u64::MAX)
}

/// Opens a regular file, whose path had no symbolic links when it was found. If something else is there now, or a
/// folder on the way has become a link to another one, nothing is read.
fn open(path: &Path) -> io::Result<File> {
    let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_NOCTTY;
    let file = match open_without_links(path, flags | libc::O_CLOEXEC) {
        // Linux before 5.6 looks at the last name alone.
        Err(error) if error.raw_os_error() == Some(libc::ENOSYS) => {
            OpenOptions::new().read(true).custom_flags(flags).open(path)?
        }
        file => file?,
    };
    if file.metadata()?.is_file() {
        Ok(file)
    } else {
        Err(io::Error::other("it is no regular file any more"))
    }
}

/// Opens a file for reading if there is no symbolic link in its path.
fn open_without_links(path: &Path, flags: libc::c_int) -> io::Result<File> {
    let path = CString::new(path::bytes(path))?;
    // SAFETY: the structure is of integers, which may all be zero.
    let mut how: libc::open_how = unsafe { mem::zeroed() };
    how.flags = u64::from(flags.cast_unsigned());
    how.resolve = libc::RESOLVE_NO_SYMLINKS;
    // SAFETY: a C string, and a structure of the size that is stated; the kernel keeps no pointer to either.
    let fd = unsafe {
        libc::syscall(
            libc::SYS_openat2,
            libc::AT_FDCWD,
            path.as_ptr(),
            &raw const how,
            mem::size_of_val(&how),
        )
    };
    match i32::try_from(fd) {
        // SAFETY: the kernel just gave us this descriptor; nobody else owns it.
        Ok(fd @ 0..) => Ok(unsafe { File::from_raw_fd(fd) }),
        _ => Err(io::Error::last_os_error()),
    }
}

fn link_target(path: &Path) -> Result<Vec<u8>> {
    let target = fs::read_link(path).map_err(|error| unreadable(path, &error))?.into_os_string().into_vec();
    if target.is_empty() || target.len() > MAX_PATH_LEN {
        return Err(invalid(format!("the target of {} is no path", shown(path::bytes(path)))));
    }
    Ok(target)
}

fn stamp(metadata: &Metadata) -> Stamp {
    Stamp {
        permissions: metadata.permissions().mode() & 0o7777,
        modified: metadata.mtime(),
        modified_ns: u32::try_from(metadata.mtime_nsec()).unwrap_or(0),
    }
}
