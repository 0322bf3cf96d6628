//! Opening and replacing regular files, and nothing else that a path may lead to.
//!
//! Paths come from the caller; anybody may control the file there. A FIFO would make its reader wait for a writer,
//! opening some devices has effects, and a rename would replace any of them. So none of these is opened, read or
//! replaced.

use std::fs::{File, FileType, Metadata, OpenOptions};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::Path;

use crate::pages::PageSet;

/// Opens a regular file for reading, through symbolic links; `None` if it is of another type.
pub(crate) fn open(path: &Path) -> io::Result<Option<(File, Metadata)>> {
    // The type is checked before the file is opened, because opening may have an effect, and again afterwards, because
    // the file may be another one by then: at worst it was opened needlessly. Opening never waits for a writer, and
    // never makes a terminal ours.
    if !std::fs::metadata(path)?.is_file() {
        return Ok(None);
    }
    let file = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY).open(path)?;
    let metadata = file.metadata()?;
    Ok(metadata.is_file().then_some((file, metadata)))
}

/// The parts of a file of that length that are not holes, by its file system; all of it if that does not know. Moves
/// the position of the next read.
pub(crate) fn data(file: &File, len: u64) -> io::Result<PageSet> {
    let seek = |from: u64, whence| {
        // SAFETY: integers and a descriptor that `file` owns.
        let at = unsafe { libc::lseek(file.as_raw_fd(), from.cast_signed(), whence) };
        u64::try_from(at).map_err(|_| io::Error::last_os_error())
    };
    let mut data = PageSet::default();
    let mut at = 0;
    while at < len {
        let start = match seek(at, libc::SEEK_DATA) {
            Ok(start) if start < len => start,
            // The rest is a hole, or was not there when the file's length was read.
            Ok(_) => break,
            Err(error) if error.raw_os_error() == Some(libc::ENXIO) => break,
            Err(error) if error.raw_os_error() == Some(libc::EINVAL) => at,
            Err(error) => return Err(error),
        };
        // An empty part would be found again and again.
        at = seek(start, libc::SEEK_HOLE).ok().filter(|hole| *hole > start).map_or(len, |hole| hole.min(len));
        data.append(start..at);
    }
    Ok(data)
}

/// Fails unless a file may be created or replaced there: only a regular file may be replaced.
pub(crate) fn check_replaceable(path: &Path) -> io::Result<()> {
    let found = match std::fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_file() => return Ok(()),
        Ok(metadata) => name(metadata.file_type()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    Err(io::Error::new(
        io::ErrorKind::AlreadyExists,
        format!("there is {found}, and only a regular file is replaced; give another path"),
    ))
}

fn name(found: FileType) -> &'static str {
    if found.is_dir() {
        "a folder"
    } else if found.is_symlink() {
        "a symbolic link"
    } else if found.is_fifo() {
        "a FIFO"
    } else if found.is_socket() {
        "a socket"
    } else if found.is_char_device() || found.is_block_device() {
        "a device"
    } else {
        "something that is no file"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Devices are not really replaced here: a replaced one would be gone.
    #[test]
    fn devices_and_links_are_neither_opened_nor_replaced() {
        for (path, found) in
            [("/dev/null", "a device"), ("/proc/self/exe", "a symbolic link"), ("/", "a folder")]
        {
            let error = check_replaceable(Path::new(path)).unwrap_err();
            assert_eq!(
                error.to_string(),
                format!("there is {found}, and only a regular file is replaced; give another path")
            );
        }
        check_replaceable(Path::new("/proc/self/maps")).unwrap();
        check_replaceable(Path::new("/no/such/place")).unwrap();
        assert!(open(Path::new("/dev/null")).unwrap().is_none());
        assert!(open(Path::new("/proc/self/exe")).unwrap().is_some());
    }
}
