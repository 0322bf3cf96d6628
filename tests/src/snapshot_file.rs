//! Snapshot files that were tampered with: where what is in them, and a right checksum.

use std::fs;

use hyperlight::Snapshot;
use sha2::{Digest, Sha256};
use tempfile::TempDir;

/// Bytes of the checksum at a file's end.
pub const CHECKSUM: usize = 32;
/// Magic, format and length of the header.
pub const PREFIX: usize = 16;

/// The file with a right checksum.
pub fn sign(mut bytes: Vec<u8>) -> Vec<u8> {
    let end = bytes.len() - CHECKSUM;
    let checksum = Sha256::digest(&bytes[..end]);
    bytes[end..].copy_from_slice(&checksum);
    bytes
}

/// Where the header of a file ends.
pub fn header_end(bytes: &[u8]) -> usize {
    PREFIX + u32::from_le_bytes(bytes[12..16].try_into().unwrap()) as usize
}

/// The file of a snapshot, and where it holds what a processor is loaded with.
#[derive(Clone, Debug)]
pub struct Forgery {
    bytes: Vec<u8>,
    /// `rax rbx rcx rdx rsi rdi rsp rbp r8 … r15`, …
    pub general: usize,
    /// … then the bases of `%fs` and `%gs`, and the number of the last frame.
    pub fs_base: usize,
    /// See there.
    pub gs_base: usize,
    /// See there.
    pub sent: usize,
    /// The extended state, a page.
    pub extended: usize,
}

impl Forgery {
    /// The file of a snapshot whose sandbox has a heap and a stack of these sizes, in whole pages: they tell where the
    /// list of the processor's features ends.
    pub fn of(snapshot: &Snapshot, heap: u64, stack: u64) -> Self {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("snapshot.hls");
        snapshot.save(&path).unwrap();
        let bytes = fs::read(&path).unwrap();
        let word = |at: usize| u64::from_le_bytes(*bytes[at..].first_chunk().unwrap());
        let count = |at: usize| usize::try_from(word(at)).unwrap();
        let mut at = (PREFIX..header_end(&bytes))
            .step_by(8)
            .find(|at| (word(*at), word(at + 8)) == (heap, stack))
            .expect("the sizes");
        // Four sizes, entry, bias; segments; payloads.
        at += 6 * 8;
        at += 8 + 24 * count(at);
        at += 8 + 16 * count(at);
        let general = at;
        let (fs_base, gs_base, sent) = (at + 16 * 8, at + 17 * 8, at + 18 * 8);
        at += 19 * 8;
        // The guest's functions; the host functions that it needs.
        at += 8 + count(at);
        at += 8 + count(at);
        assert_eq!(word(at), 4096, "the size of the extended state");
        Self { general, fs_base, gs_base, sent, extended: at + 8, bytes }
    }

    /// The file with other bytes at some places.
    pub fn with(&self, changes: &[(usize, &[u8])]) -> Vec<u8> {
        let mut bytes = self.bytes.clone();
        for (at, change) in changes {
            bytes[*at..at + change.len()].copy_from_slice(change);
        }
        sign(bytes)
    }

    /// What is in the file at that place.
    pub fn bytes(&self, at: usize, len: usize) -> &[u8] {
        &self.bytes[at..at + len]
    }
}
