//! The fixed part of placed memory: bytes that exist once in the process, whatever the number of sandboxes.
//!
//! A sealed file, mapped for reading, and given to KVM as memory that cannot be written. What it holds is known by its
//! own SHA-256: computed over the sealed bytes before anybody else sees them, never taken from a name or a header. Two
//! parts with the same bytes are one.

use std::collections::HashMap;
use std::fmt;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::sync::{Arc, LazyLock, Mutex, PoisonError, Weak};

use libhyperlight_abi::limits::MAX_FIXED_BYTES;
use sha2::{Digest, Sha256};
use vm_memory::mmap::MmapRegion;

use crate::error::{Error, Result};
use crate::int::to_usize;
use crate::memfd;
use crate::pages::PAGE;

/// Bytes that any number of guests, sandboxes and snapshots share, and that none of them can change.
#[derive(Clone)]
pub struct FixedPart {
    shared: Arc<Shared>,
}

struct Shared {
    /// The sealed file's pages. It keeps the file open.
    memory: MmapRegion,
    len: u64,
    fingerprint: [u8; 32],
}

/// The parts of this process, by their fingerprints.
static PARTS: LazyLock<Mutex<HashMap<[u8; 32], Weak<Shared>>>> = LazyLock::new(Mutex::default);

impl FixedPart {
    /// The number of bytes.
    #[expect(clippy::len_without_is_empty, reason = "nobody asks a part that is written once if it is empty")]
    pub fn len(&self) -> u64 {
        self.shared.len
    }

    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        self.pages().get(..to_usize(self.len())).unwrap_or_default()
    }

    /// The SHA-256 of the bytes, in whole pages.
    pub fn fingerprint(&self) -> [u8; 32] {
        self.shared.fingerprint
    }

    /// Bytes in whole pages; at least one.
    pub(crate) fn size(&self) -> u64 {
        self.shared.memory.size() as u64
    }

    /// The mapping's address in this process, for the memslot alone.
    pub(crate) fn host_address(&self) -> u64 {
        self.shared.memory.as_ptr() as u64
    }

    /// The bytes in whole pages.
    pub(crate) fn pages(&self) -> &[u8] {
        pages(&self.shared.memory)
    }
}

impl fmt::Debug for FixedPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FixedPart").field("len", &self.len()).finish_non_exhaustive()
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        let mut parts = PARTS.lock().unwrap_or_else(PoisonError::into_inner);
        // Another part with the same bytes may have taken the place meanwhile.
        if parts.get(&self.fingerprint).is_some_and(|found| found.strong_count() == 0) {
            parts.remove(&self.fingerprint);
        }
    }
}

/// A [`FixedPart`] that is being written, from the front to the end.
#[derive(Debug)]
pub struct FixedPartBuilder {
    file: BufWriter<File>,
    len: u64,
}

impl FixedPartBuilder {
    /// An empty part. Fails with [`crate::ErrorCode::Resource`] if the host has no descriptor for it.
    pub fn new() -> Result<Self> {
        const BUFFER: usize = 256 << 10;

        let file = memfd::create(0).map_err(|source| Error::resource("memfd_create", source))?;
        Ok(Self { file: BufWriter::with_capacity(BUFFER, file), len: 0 })
    }

    /// Bytes written so far.
    #[expect(
        clippy::len_without_is_empty,
        reason = "nobody asks a part that is being written if it is empty"
    )]
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Writes zeros up to a multiple of `to`, a power of two of at most 2 MiB, and returns the offset: the place of the
    /// next byte.
    pub fn align(&mut self, to: u64) -> Result<u64> {
        const ZEROS: [u8; 4096] = [0; 4096];

        if !to.is_power_of_two() || to > 2 << 20 {
            return Err(Error::invalid_argument(format!(
                "a fixed part is aligned to powers of two up to 2 MiB, not to {to}"
            )));
        }
        let mut left = to_usize(self.len.next_multiple_of(to) - self.len);
        while left > 0 {
            let len = left.min(ZEROS.len());
            self.write_all(&ZEROS[..len]).map_err(failed)?;
            left -= len;
        }
        Ok(self.len)
    }

    /// Seals the part. If the process has one with the same bytes, that one is returned.
    pub fn finish(self) -> Result<FixedPart> {
        let size = self.len.max(1).next_multiple_of(PAGE);
        let file = self.file.into_inner().map_err(|error| failed(error.into_error()))?;
        file.set_len(size).map_err(failed)?;
        memfd::seal(&file).map_err(|source| Error::resource("sealing a fixed part", source))?;
        let memory = memfd::map(&Arc::new(file), size)
            .map_err(|source| Error::resource("mapping a fixed part", source))?;
        // Of the sealed bytes, not of those that were meant to be written.
        let mut hash = Sha256::new();
        hash.update(self.len.to_le_bytes());
        hash.update(pages(&memory));
        let fingerprint: [u8; 32] = hash.finalize().into();

        let mut parts = PARTS.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(shared) = parts.get(&fingerprint).and_then(Weak::upgrade) {
            return Ok(FixedPart { shared });
        }
        let shared = Arc::new(Shared { memory, len: self.len, fingerprint });
        parts.insert(fingerprint, Arc::downgrade(&shared));
        Ok(FixedPart { shared })
    }
}

impl Write for FixedPartBuilder {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.len() as u64 > MAX_FIXED_BYTES - self.len {
            return Err(io::Error::new(
                io::ErrorKind::FileTooLarge,
                format!("a fixed part has at most {MAX_FIXED_BYTES} bytes"),
            ));
        }
        let written = self.file.write(bytes)?;
        self.len += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

fn pages(memory: &MmapRegion) -> &[u8] {
    // SAFETY: the mapping is as long as it says, and lives as long as the reference. It is of a sealed file, and
    // read-only: nobody can write to it, here or elsewhere, nor shorten the file.
    unsafe { std::slice::from_raw_parts(memory.as_ptr(), memory.size()) }
}

fn failed(source: io::Error) -> Error {
    Error::resource("writing a fixed part", source)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(bytes: &[&[u8]]) -> FixedPart {
        let mut builder = FixedPartBuilder::new().unwrap();
        bytes.iter().for_each(|bytes| builder.write_all(bytes).unwrap());
        builder.finish().unwrap()
    }

    #[test]
    fn equal_bytes_are_one_part_for_as_long_as_somebody_has_it() {
        let (one, two) = (part(&[b"one part, in ", b"pieces"]), part(&[b"one part, in pieces"]));
        assert!(Arc::ptr_eq(&one.shared, &two.shared));
        assert_eq!(one.bytes(), b"one part, in pieces");
        let fingerprint = one.fingerprint();
        let known = || PARTS.lock().unwrap().contains_key(&fingerprint);
        drop(one);
        assert!(known());
        drop(two);
        assert!(!known());
        assert_eq!(part(&[b"one part, in pieces"]).fingerprint(), fingerprint);
    }

    #[test]
    fn every_byte_and_the_length_are_in_the_fingerprint() {
        let parts = [&b""[..], b"\0", b"\0\0", b"\x01", b"\0\x01", &[0; 4096], &[0; 4097]]
            .map(|bytes| part(&[bytes]));
        let all: std::collections::BTreeSet<_> = parts.iter().map(FixedPart::fingerprint).collect();
        assert_eq!(all.len(), parts.len());
    }

    #[test]
    fn the_next_byte_is_where_the_alignment_says() {
        let mut builder = FixedPartBuilder::new().unwrap();
        builder.write_all(b"abc").unwrap();
        assert_eq!(builder.align(16).unwrap(), 16);
        builder.write_all(b"d").unwrap();
        assert_eq!(builder.align(4096).unwrap(), 4096);
        assert_eq!(builder.align(4096).unwrap(), 4096);
        builder.write_all(b"e").unwrap();
        for wrong in [0, 3, 4 << 20] {
            assert_eq!(builder.align(wrong).unwrap_err().code(), crate::ErrorCode::InvalidArgument);
        }
        let part = builder.finish().unwrap();
        assert_eq!((part.len(), part.size()), (4097, 8192));
        assert_eq!((&part.bytes()[..3], part.bytes()[16], part.bytes()[4096]), (&b"abc"[..], b'd', b'e'));
    }
}
