//! Snapshot files: any file is loaded or refused. Inputs start from a saved snapshot of the demo guest, see `ci/fuzz`; the
//! checksum is mended, so that what is behind it is reached.
#![no_main]

use std::fs;
use std::os::fd::AsRawFd;

use hyperlight::{ErrorCode, Snapshot};
use libfuzzer_sys::fuzz_target;
use sha2::{Digest, Sha256};

fuzz_target!(|file: &[u8]| {
    let Some((content, _)) = file.split_last_chunk::<32>() else {
        return;
    };
    let signed = [content, &Sha256::digest(content)].concat();
    let memory = tempfile::tempfile_in("/dev/shm").expect("a file in memory");
    let path = format!("/proc/self/fd/{}", memory.as_raw_fd());
    fs::write(&path, signed).expect("it can be written");
    if let Err(error) = Snapshot::load(&path) {
        assert_eq!(error.code(), ErrorCode::SnapshotFile, "{error}");
        assert!(!error.message().contains('\n'));
    }
});
