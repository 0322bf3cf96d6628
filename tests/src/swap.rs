//! Swap space for a test, if the machine has none and the user may make some.

use std::ffi::CString;
use std::fs;
use std::io::{self, Write};
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;

use tempfile::{NamedTempFile, TempPath};

/// Bytes of the swap file: more than a test's sandbox has.
const SIZE: u32 = 64 << 20;
const PAGE: u32 = 4096;

/// The machine's swap space, or some of our own for as long as this lives.
#[derive(Debug)]
pub struct Swap {
    own: Option<TempPath>,
}

impl Swap {
    /// Swap space: the machine's, or a file. An error where there is none and none may be made.
    pub fn get() -> io::Result<Self> {
        if fs::read_to_string("/proc/swaps")?.lines().count() > 1 {
            return Ok(Self { own: None });
        }
        let mut file = NamedTempFile::new()?;
        // SAFETY: integers only. The kernel swaps to no file with holes.
        let failed = unsafe { libc::posix_fallocate(file.as_raw_fd(), 0, i64::from(SIZE)) };
        if failed != 0 {
            return Err(io::Error::from_raw_os_error(failed));
        }
        file.write_all(&header())?;
        file.as_file().sync_all()?;
        let file = file.into_temp_path();
        // SAFETY: the path ends with a zero byte.
        if unsafe { libc::swapon(name(&file).as_ptr(), 0) } != 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(Self { own: Some(file) })
    }
}

impl Drop for Swap {
    fn drop(&mut self) {
        if let Some(own) = &self.own {
            // SAFETY: the path ends with a zero byte. What is in the file comes back into memory.
            let failed = unsafe { libc::swapoff(name(own).as_ptr()) };
            assert_eq!(failed, 0, "{}", io::Error::last_os_error());
        }
    }
}

fn name(path: &TempPath) -> CString {
    CString::new(path.as_os_str().as_bytes()).expect("a path without a zero byte")
}

/// `union swap_header`: behind the first KiB version and last page, at the page's end the magic.
fn header() -> Vec<u8> {
    let mut header = vec![0; PAGE as usize];
    header[1024..1028].copy_from_slice(&1_u32.to_le_bytes());
    header[1028..1032].copy_from_slice(&(SIZE / PAGE - 1).to_le_bytes());
    header[PAGE as usize - 10..].copy_from_slice(b"SWAPSPACE2");
    header
}
