//! Manipulated snapshot files: the places of their contents, other pages, and a right checksum.

use std::fs;

use libhyperlight::Snapshot;
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

/// The end of a file's header.
pub fn header_end(bytes: &[u8]) -> usize {
    PREFIX + u32::from_le_bytes(bytes[12..16].try_into().unwrap()) as usize
}

/// The file of a snapshot, and the places of the processor's state in it.
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
    /// The four sizes: heap, stack, and the call buffers with 4096 bytes more.
    pub sizes: usize,
    /// The number of segments, then of each its address, its size, and its permissions.
    pub segments: usize,
    /// The number of payloads, then of each its length, and 1 if it is code.
    pub payloads: usize,
    /// The number of runs of pages, then of each the number of its first page, and its number of pages, four bytes
    /// each: the header's last field.
    pub pages: usize,
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
        let sizes = at;
        at += 6 * 8;
        let segments = at;
        at += 8 + 24 * count(at);
        let payloads = at;
        at += 8 + 16 * count(at);
        let general = at;
        let (fs_base, gs_base, sent) = (at + 16 * 8, at + 17 * 8, at + 18 * 8);
        at += 19 * 8;
        // The guest's functions; the host functions that it needs.
        at += 8 + count(at);
        at += 8 + count(at);
        assert_eq!(word(at), 4096, "the size of the extended state");
        let extended = at + 8;
        let pages = extended + 4096;
        assert_eq!(pages + 8 + 8 * count(pages), header_end(&bytes), "the pages end the header");
        Self { general, fs_base, gs_base, sent, extended, sizes, segments, payloads, pages, bytes }
    }

    /// The runs of pages that the file lists: the number of the first, and how many.
    pub fn runs(&self) -> Vec<(u32, u32)> {
        let list = &self.bytes[self.pages + 8..header_end(&self.bytes)];
        let number = |bytes: &[u8]| u32::from_le_bytes(bytes.try_into().unwrap());
        list.chunks_exact(8).map(|run| (number(&run[..4]), number(&run[4..]))).collect()
    }

    /// The pages themselves, one run after the other.
    pub fn contents(&self) -> &[u8] {
        &self.bytes[header_end(&self.bytes).next_multiple_of(4096)..self.bytes.len() - CHECKSUM]
    }

    /// The file with other pages, as many as it says or not.
    pub fn with_pages(&self, runs: &[(u32, u32)], contents: &[u8]) -> Vec<u8> {
        sign([&self.with_runs(runs.len() as u64, runs)[..], contents, &[0; CHECKSUM]].concat())
    }

    /// The file up to its pages, with another list of them.
    pub fn with_runs(&self, count: u64, runs: &[(u32, u32)]) -> Vec<u8> {
        let list: Vec<u8> =
            runs.iter().flat_map(|(start, len)| [*start, *len].map(u32::to_le_bytes)).flatten().collect();
        let mut bytes = [&self.bytes[..self.pages], &count.to_le_bytes(), &list].concat();
        let len = u32::try_from(bytes.len() - PREFIX).unwrap();
        bytes[12..16].copy_from_slice(&len.to_le_bytes());
        bytes.resize(bytes.len().next_multiple_of(4096), 0);
        bytes
    }

    /// The file with a word in another's place, and a right checksum.
    pub fn with_word(&self, at: usize, word: u64) -> Self {
        Self { bytes: self.with(&[(at, &word.to_le_bytes())]), ..self.clone() }
    }

    /// All of it.
    pub fn whole(&self) -> &[u8] {
        &self.bytes
    }

    /// The file with other bytes at some places.
    pub fn with(&self, changes: &[(usize, &[u8])]) -> Vec<u8> {
        let mut bytes = self.bytes.clone();
        for (at, change) in changes {
            bytes[*at..at + change.len()].copy_from_slice(change);
        }
        sign(bytes)
    }

    /// The bytes at that place of the file.
    pub fn bytes(&self, at: usize, len: usize) -> &[u8] {
        &self.bytes[at..at + len]
    }
}
