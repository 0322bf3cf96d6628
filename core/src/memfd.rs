//! Memory files that nobody can change once they are sealed.
//!
//! Once sealed (`memfd_create(2)`, *File sealing*), a file can be neither written nor shortened, by anybody.

use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd};
use std::sync::Arc;

use vm_memory::FileOffset;
use vm_memory::mmap::MmapRegion;

use crate::int::to_usize;

/// A sealable memfd that is never executed from. Kernels before 6.3 do not have `MFD_NOEXEC_SEAL`.
pub(crate) fn create(size: u64) -> io::Result<File> {
    let flags = libc::MFD_CLOEXEC | libc::MFD_ALLOW_SEALING;
    let file = memfd(flags | libc::MFD_NOEXEC_SEAL).or_else(|error| match error.raw_os_error() {
        Some(libc::EINVAL) => memfd(flags),
        _ => Err(error),
    })?;
    file.set_len(size)?;
    Ok(file)
}

fn memfd(flags: libc::c_uint) -> io::Result<File> {
    // SAFETY: the name is a C string; the kernel keeps no pointer to it.
    let fd = unsafe { libc::memfd_create(c"hyperlight".as_ptr(), flags) };
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the kernel just gave us this descriptor; nobody else owns it.
    Ok(unsafe { File::from_raw_fd(fd) })
}

/// Makes the file immutable.
///
/// The kernel refuses while a page that was just written is referenced somewhere inside it, if only in a queue. It
/// waits for that less than intended if a signal arrives (`mm/memfd.c`, `memfd_wait_for_pins`): hence the retries.
pub(crate) fn seal(file: &File) -> io::Result<()> {
    const TRIES: u32 = 20;
    let seals = libc::F_SEAL_WRITE | libc::F_SEAL_SHRINK | libc::F_SEAL_GROW | libc::F_SEAL_SEAL;
    for left in (0..TRIES).rev() {
        // SAFETY: `fcntl` with an integer argument on a descriptor that `file` owns.
        if unsafe { libc::fcntl(file.as_raw_fd(), libc::F_ADD_SEALS, seals) } == 0 {
            return Ok(());
        }
        let error = io::Error::last_os_error();
        if left == 0 || error.raw_os_error() != Some(libc::EBUSY) {
            return Err(error);
        }
        std::thread::yield_now();
    }
    unreachable!("the last try returns")
}

/// Maps a sealed file for reading; core dumps leave it out. Private, though nobody writes: Linux before 6.7 refuses any
/// shared mapping of one.
pub(crate) fn map(file: &Arc<File>, size: u64) -> io::Result<MmapRegion> {
    let region = MmapRegion::build(
        Some(FileOffset::from_arc(Arc::clone(file), 0)),
        to_usize(size),
        libc::PROT_READ,
        libc::MAP_PRIVATE | libc::MAP_NORESERVE,
    )
    .map_err(|_| io::Error::last_os_error())?;
    // SAFETY: the range is the mapping just made. The advice changes nothing of what is in it.
    if unsafe { libc::madvise(region.as_ptr().cast(), region.size(), libc::MADV_DONTDUMP) } != 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(region)
}
