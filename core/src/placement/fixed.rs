//! The fixed part of placed memory: bytes that exist once in the process, whatever the number of sandboxes.
//!
//! A sealed file, mapped for reading, and given to KVM as memory that cannot be written. What it holds is known by its
//! own SHA-256: computed over the sealed bytes before anybody else sees them, never taken from a name or a header. Two
//! parts with the same bytes are one.

use std::collections::HashMap;
use std::fmt;
use std::fs::File;
use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use libhyperlight_abi::limits::MAX_FIXED_BYTES;
use sha2::{Digest, Sha256};
use vm_memory::mmap::MmapRegion;

use crate::error::{Error, Result};
use crate::int::to_usize;
use crate::memfd;
use crate::pages::{PAGE, PageSet, is_zero};
use crate::process::PerProcess;

/// Bytes that any number of guests, sandboxes and snapshots share, and that none of them can change.
#[derive(Clone)]
pub struct FixedPart {
    shared: Arc<Shared>,
}

struct Shared {
    /// The sealed file's pages. It keeps the file open.
    memory: MmapRegion,
    len: u64,
    /// The pages that are not zero.
    present: PageSet,
    fingerprint: [u8; 32],
}

type Parts = HashMap<[u8; 32], Weak<Shared>>;

/// The parts of this process, by their fingerprints. A forked child may not wait for its parent's lock.
static PARTS: PerProcess<Mutex<Parts>> = PerProcess::new();

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

    /// A SHA-256 of the bytes.
    pub fn fingerprint(&self) -> [u8; 32] {
        self.shared.fingerprint
    }

    /// The part with that fingerprint, if the process has one.
    pub(crate) fn find(fingerprint: &[u8; 32]) -> Option<Self> {
        Some(Self { shared: locked(PARTS.get()?).get(fingerprint)?.upgrade()? })
    }

    /// The pages that are not zero, by their offsets.
    pub(crate) fn present(&self) -> &PageSet {
        &self.shared.present
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
        let Some(mut parts) = PARTS.get().map(locked) else {
            return;
        };
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
    /// The place in the file at which the next byte is written, unless that is told otherwise.
    at: u64,
    len: u64,
}

impl FixedPartBuilder {
    /// An empty part. Fails with [`crate::ErrorCode::Resource`] if the host has no descriptor for it.
    pub fn new() -> Result<Self> {
        const BUFFER: usize = 256 << 10;

        let file = memfd::create(0).map_err(|source| Error::resource("memfd_create", source))?;
        Ok(Self { file: BufWriter::with_capacity(BUFFER, file), at: 0, len: 0 })
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

    /// Goes on at an offset behind the last byte; what is between is zero, and takes no memory.
    pub(crate) fn skip_to(&mut self, offset: u64) {
        self.len = offset;
    }

    /// Seals the part. If the process has one with the same bytes, that one is returned.
    pub fn finish(self) -> Result<FixedPart> {
        let size = self.len.max(1).next_multiple_of(PAGE);
        let file = self.file.into_inner().map_err(|error| failed(error.into_error()))?;
        file.set_len(size).map_err(failed)?;
        memfd::seal(&file).map_err(|source| Error::resource("sealing a fixed part", source))?;
        let extents = crate::file::data(&file, size).map_err(failed)?;
        let memory = memfd::map(&Arc::new(file), size)
            .map_err(|source| Error::resource("mapping a fixed part", source))?;
        let (present, fingerprint) = digest(self.len, pages(&memory), &extents);

        let mut parts = locked(PARTS.get_or_try_make(|| Ok(Mutex::default()))?);
        if let Some(shared) = parts.get(&fingerprint).and_then(Weak::upgrade) {
            return Ok(FixedPart { shared });
        }
        let shared = Arc::new(Shared { memory, len: self.len, present, fingerprint });
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
        // Pages of zeros are left out, as holes: a file of strangers may be nothing else.
        let to_page = to_usize(self.len.wrapping_neg() % PAGE);
        let pages = bytes.get(to_page..).unwrap_or_default().chunks_exact(to_usize(PAGE));
        let zeros = pages.clone().take_while(|page| is_zero(page)).count() * to_usize(PAGE);
        if to_page == 0 && zeros > 0 {
            self.len += zeros as u64;
            return Ok(zeros);
        }
        let up_to_zeros =
            pages.clone().position(is_zero).map_or(bytes.len(), |page| to_page + page * to_usize(PAGE));
        if self.at != self.len {
            self.at = self.file.seek(SeekFrom::Start(self.len))?;
        }
        let written = self.file.write(bytes.get(..up_to_zeros).unwrap_or(bytes))?;
        self.at += written as u64;
        self.len = self.at;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

fn locked(parts: &Mutex<Parts>) -> MutexGuard<'_, Parts> {
    parts.lock().unwrap_or_else(PoisonError::into_inner)
}

fn pages(memory: &MmapRegion) -> &[u8] {
    // SAFETY: the mapping is as long as it says, and lives as long as the reference. It is of a sealed file, and
    // read-only: nobody can write to it, here or elsewhere, nor shorten the file.
    unsafe { std::slice::from_raw_parts(memory.as_ptr(), memory.size()) }
}

/// The pages of a sealed part that are not zero, all of them inside the extents, and the SHA-256 of its length and of
/// them. Holes cost nothing.
fn digest(len: u64, pages: &[u8], extents: &PageSet) -> (PageSet, [u8; 32]) {
    let (mut present, mut hash) = (PageSet::default(), Sha256::new());
    hash.update(len.to_le_bytes());
    for page in extents.iter().flat_map(|extent| extent.step_by(to_usize(PAGE))) {
        let bytes = pages.get(to_usize(page)..to_usize(page + PAGE)).unwrap_or_default();
        if !is_zero(bytes) {
            present.append(page..page + PAGE);
            hash.update(page.to_le_bytes());
            hash.update(bytes);
        }
    }
    (present, hash.finalize().into())
}

fn failed(source: io::Error) -> Error {
    Error::resource("writing a fixed part", source)
}

#[cfg(test)]
mod tests {
    use std::io::Read;

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
        let known = || locked(PARTS.get().unwrap()).contains_key(&fingerprint);
        drop(one);
        assert!(known());
        drop(two);
        assert!(!known());
        assert_eq!(part(&[b"one part, in pieces"]).fingerprint(), fingerprint);
    }

    #[test]
    fn a_forked_child_waits_for_no_lock_of_its_parent() {
        let one = part(&[b"of the parent"]);
        let lock = locked(PARTS.get().unwrap());
        // SAFETY: the child makes and drops parts, which is what is tested, and ends without running anything else.
        let child = unsafe { libc::fork() };
        if child == 0 {
            // SAFETY: neither has anything to do with memory. The signal ends a child that waits for ever.
            unsafe { libc::alarm(60) };
            let found = FixedPart::find(&one.fingerprint()).is_none();
            drop(one);
            let own = part(&[b"of the parent"]);
            let is_right =
                found && own.bytes() == b"of the parent" && FixedPart::find(&own.fingerprint()).is_some();
            // SAFETY: as above.
            unsafe { libc::_exit(i32::from(!is_right)) };
        }
        drop(lock);
        let mut status = -1;
        // SAFETY: the status is written into a variable that is there.
        assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
        assert_eq!(status, 0);
    }

    #[test]
    fn zeros_are_the_same_whether_they_were_written_or_not() {
        let mut builder = FixedPartBuilder::new().unwrap();
        builder.write_all(b"begin").unwrap();
        builder.skip_to(3 * PAGE);
        builder.write_all(b"end").unwrap();
        builder.skip_to(5 * PAGE);
        let sparse = builder.finish().unwrap();
        let mut bytes = vec![0; to_usize(5 * PAGE)];
        bytes[..5].copy_from_slice(b"begin");
        bytes[to_usize(3 * PAGE)..][..3].copy_from_slice(b"end");
        assert!(Arc::ptr_eq(&sparse.shared, &part(&[&bytes]).shared));
        assert_eq!(sparse.present().iter().collect::<Vec<_>>(), [0..PAGE, 3 * PAGE..4 * PAGE]);
    }

    #[test]
    fn pages_of_zeros_take_no_memory_however_they_are_written() {
        let mut bytes = vec![0; to_usize(40 * PAGE) + 9];
        for (at, byte) in
            [(3, 1), (to_usize(5 * PAGE) - 1, 2), (to_usize(20 * PAGE), 3), (to_usize(40 * PAGE), 4)]
        {
            bytes[at] = byte;
        }
        let whole = part(&[&bytes]);
        assert_eq!(whole.bytes(), bytes);
        for piece in [1, 7, 4095, 4096, 4097, 9000, 65_536] {
            let mut builder = FixedPartBuilder::new().unwrap();
            bytes.chunks(piece).for_each(|piece| builder.write_all(piece).unwrap());
            builder.file.flush().unwrap();
            let blocks = std::os::unix::fs::MetadataExt::blocks(&builder.file.get_ref().metadata().unwrap());
            // Only whole pages are seen to be zero.
            assert!(piece % 4096 != 0 || blocks * 512 < 20 * PAGE, "{piece}: {blocks} blocks");
            assert!(Arc::ptr_eq(&builder.finish().unwrap().shared, &whole.shared), "{piece}");
        }
        let mut builder = FixedPartBuilder::new().unwrap();
        io::copy(&mut io::repeat(0).take(64 << 20), &mut builder).unwrap();
        builder.write_all(b"end").unwrap();
        builder.file.flush().unwrap();
        let blocks = std::os::unix::fs::MetadataExt::blocks(&builder.file.get_ref().metadata().unwrap());
        assert!(blocks * 512 < 64 * PAGE, "{blocks} blocks");
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
