//! A snapshot file that claims to be of another guest than it is.
#![expect(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

use std::fs;

use libhyperlight::{ErrorCode, Guest, Sandbox, SandboxOptions, Snapshot};
use libhyperlight_tests::clones::{add, clone, count};
use libhyperlight_tests::{assert_works, demo, demo_c, fails_with, sandbox_with};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

const HEAP: u64 = 192 << 10;

fn small(guest: &Guest) -> Sandbox {
    sandbox_with(guest, SandboxOptions::new().heap_size(HEAP))
}

/// The place of the guest's hash in a file: 32 bytes, directly before the sizes.
fn name(file: &[u8]) -> std::ops::Range<usize> {
    let sizes: Vec<u8> = [HEAP, 1 << 20].map(u64::to_le_bytes).concat();
    let at = file.windows(sizes.len()).position(|window| window == sizes).unwrap();
    at - 32..at
}

#[test]
fn a_picture_with_another_layout_never_takes_a_sandboxs_place() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("guest.hls");
    let guests = [demo(), demo_c()];
    let files = [0, 1].map(|n| {
        let mut sandbox = small(&guests[n]);
        add(&mut sandbox, 5);
        sandbox.snapshot().unwrap().save(&path).unwrap();
        fs::read(&path).unwrap()
    });
    for (own, other) in [(0, 1), (1, 0)] {
        let mut forged = files[other].clone();
        let (place, claimed) = (name(&forged), &files[own][name(&files[own])]);
        assert_ne!(&forged[place.clone()], claimed);
        forged[place].copy_from_slice(claimed);
        let end = forged.len() - 32;
        let checksum = Sha256::digest(&forged[..end]);
        forged[end..].copy_from_slice(&checksum);
        fs::write(&path, &forged).unwrap();
        let forged = Snapshot::load(&path).unwrap();

        let mut sandbox = small(&guests[own]);
        add(&mut sandbox, 1);
        fails_with(ErrorCode::SnapshotMismatch, sandbox.restore(&forged));
        assert_eq!(count(&mut sandbox), 1);
        assert_works(&mut sandbox);
        // For itself it is a snapshot like any other.
        let mut clone = clone(&forged);
        assert_eq!(count(&mut clone), 5);
        fails_with(ErrorCode::SnapshotMismatch, clone.restore(&sandbox.snapshot().unwrap()));
        assert_works(&mut clone);
    }
}
