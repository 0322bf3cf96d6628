//! Bytes for a guest's memory: the file of a program, or a payload.
//!
//! They are copied once, from a file or from the caller, and all checks use the copy. Pages of zeros are not copied:
//! they take no memory here and none in an image, and cost no time later. So the cost of a file is that of its stored
//! contents, however long its holes are.

use std::fmt;
use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::ops::Range;
use std::os::unix::fs::FileExt;

use object::pod::{self, Pod};
use sha2::{Digest, Sha256};
use vm_memory::VolatileMemory;
use vm_memory::mmap::MmapRegion;

use crate::int::to_usize;
use crate::pages::{PAGE, PageSet, is_zero};

/// Bytes that are read at once.
const CHUNK: u64 = 1 << 18;

pub(crate) struct Contents {
    /// Whole pages of private memory, zero where nothing was copied to; none for no bytes.
    memory: Option<MmapRegion>,
    len: usize,
    /// The pages that are not zero, by their offsets.
    present: PageSet,
}

impl Contents {
    /// Reads a regular file, up to the length in its metadata.
    pub fn of_file(mut file: File, metadata: &Metadata, max: u64) -> io::Result<Self> {
        let len = metadata.len();
        if len == 0 {
            // The metadata of files in `/proc` say 0, whatever their contents. One byte more than allowed shows that
            // there is more.
            let mut bytes = Vec::new();
            file.by_ref().take(max.saturating_add(1)).read_to_end(&mut bytes)?;
            return Self::of_bytes(&bytes);
        }
        let mut contents = Self::zero(len)?;
        let mut buffer = Vec::new();
        let mut at = 0;
        for extent in crate::file::data(&file, len)?.iter() {
            // A file system may know smaller parts than pages.
            let (start, end) = (extent.start & !(PAGE - 1), extent.end.next_multiple_of(PAGE).min(len));
            at = start.max(at);
            while at < end {
                buffer.resize(to_usize(CHUNK.min(end - at)), 0);
                file.read_exact_at(&mut buffer, at)?;
                contents.copy(at, &buffer);
                at += buffer.len() as u64;
            }
        }
        Ok(contents)
    }

    /// Copies the caller's bytes.
    pub fn of_bytes(bytes: &[u8]) -> io::Result<Self> {
        let mut contents = Self::zero(bytes.len() as u64)?;
        contents.copy(0, bytes);
        Ok(contents)
    }

    fn zero(len: u64) -> io::Result<Self> {
        let len = to_usize(len);
        let memory = match len {
            0 => None,
            _ => Some(reserve(len.next_multiple_of(to_usize(PAGE)))?),
        };
        Ok(Self { memory, len, present: PageSet::default() })
    }

    /// Copies all bytes that are not zero to a place that starts a page.
    fn copy(&mut self, at: u64, bytes: &[u8]) {
        let pages = (at..).step_by(to_usize(PAGE));
        for (page, bytes) in pages.zip(bytes.chunks(to_usize(PAGE))).filter(|(_, bytes)| !is_zero(bytes)) {
            let place =
                self.memory.as_ref().and_then(|memory| memory.get_slice(to_usize(page), bytes.len()).ok());
            if let Some(place) = place {
                place.copy_from(bytes);
                self.present.append(page..page + PAGE);
            }
        }
    }

    /// All bytes. Reading zeros takes time, but no memory.
    pub fn as_slice(&self) -> &[u8] {
        match &self.memory {
            None => &[],
            // SAFETY: the mapping is ours alone, and longer than `len`; it lives as long as `self`, and after `self`
            // was made, nobody writes to it.
            Some(memory) => unsafe { std::slice::from_raw_parts(memory.as_ptr(), self.len) },
        }
    }

    pub fn len(&self) -> usize {
        self.len
    }

    /// The parts of a range that are not zero, in whole pages, and their bytes.
    pub fn present(&self, range: Range<u64>) -> impl Iterator<Item = (u64, &[u8])> {
        let range = range.start..range.end.min(self.len as u64);
        let parts: Vec<_> = self.present.within(&range).filter(|part| !part.is_empty()).collect();
        parts.into_iter().filter_map(|part| {
            Some((part.start, self.as_slice().get(to_usize(part.start)..to_usize(part.end))?))
        })
    }

    /// The records of a table, without those on pages of zeros; `None` if the table holds half a record, or is not all
    /// in here.
    pub fn records<T: Pod>(&self, table: Range<u64>) -> Option<impl Iterator<Item = &T>> {
        let bytes = self.as_slice().get(to_usize(table.start)..to_usize(table.end))?;
        let all: &[T] = pod::slice_from_all_bytes(bytes).ok()?;
        let (start, mut next) = (to_usize(table.start), 0);
        Some(self.present(table).flat_map(move |(at, bytes)| {
            let from = to_usize(at) - start;
            // A record across two pages belongs to the first of them that is here.
            let first = next.max(from / size_of::<T>());
            next = (from + bytes.len()).div_ceil(size_of::<T>());
            all.get(first..next).unwrap_or_default()
        }))
    }

    fn all(&self) -> impl Iterator<Item = (u64, &[u8])> {
        self.present(0..self.len as u64)
    }

    /// Adds the bytes to a checksum. Pages of zeros are left out, with no loss: the bytes determine which they are.
    pub fn hash(&self, hash: &mut Sha256) {
        hash.update((self.len as u64).to_le_bytes());
        hash.update((self.all().count() as u64).to_le_bytes());
        for (start, bytes) in self.all() {
            hash.update(start.to_le_bytes());
            hash.update((bytes.len() as u64).to_le_bytes());
            hash.update(bytes);
        }
    }
}

impl PartialEq for Contents {
    fn eq(&self, other: &Self) -> bool {
        self.len == other.len && self.all().eq(other.all())
    }
}

impl fmt::Debug for Contents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Contents").field("len", &self.len).field("present", &self.present.len()).finish()
    }
}

/// Private memory of zeros, whose pages exist once they are written.
fn reserve(size: usize) -> io::Result<MmapRegion> {
    let memory = MmapRegion::new(size).map_err(|_| io::Error::last_os_error())?;
    // One page that is written would bring its whole two megabytes with it. A kernel without large pages refuses.
    // SAFETY: the range is the mapping just made. The advice changes nothing of what is in it.
    unsafe { libc::madvise(memory.as_ptr().cast(), memory.size(), libc::MADV_NOHUGEPAGE) };
    Ok(memory)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn a_file_and_its_bytes_are_the_same_contents(
            parts in prop::collection::vec((0_u64..40, any::<bool>(), 0_usize..9000), 0..8),
            end in 0_u64..100,
        ) {
            let mut bytes = Vec::new();
            let file = tempfile::tempfile().unwrap();
            for (gap, zero, len) in parts {
                bytes.resize(bytes.len() + to_usize(gap * 1024), 0);
                let part = vec![u8::from(!zero); len];
                file.write_all_at(&part, bytes.len() as u64).unwrap();
                bytes.extend(part);
            }
            bytes.resize(bytes.len() + to_usize(end * 512), 0);
            file.set_len(bytes.len() as u64).unwrap();

            let metadata = file.metadata().unwrap();
            let read = Contents::of_file(file, &metadata, 1 << 30).unwrap();
            let copied = Contents::of_bytes(&bytes).unwrap();
            prop_assert_eq!(read.as_slice(), &bytes[..]);
            prop_assert_eq!(copied.as_slice(), &bytes[..]);
            prop_assert_eq!(&read, &copied);
            let digest = |contents: &Contents| {
                let mut hash = Sha256::new();
                contents.hash(&mut hash);
                hash.finalize()
            };
            prop_assert_eq!(digest(&read), digest(&copied));
            for range in [0..bytes.len() as u64, 1000..9000, 4096..4097, 5000..5000] {
                let mut rebuilt = vec![0; bytes.len()];
                for (start, part) in read.present(range.clone()) {
                    prop_assert!(range.contains(&start) && start + part.len() as u64 <= range.end);
                    rebuilt[to_usize(start)..][..part.len()].copy_from_slice(part);
                }
                let inside = to_usize(range.start).min(bytes.len())..to_usize(range.end).min(bytes.len());
                prop_assert_eq!(&rebuilt[inside.clone()], &bytes[inside]);
            }
        }
    }

    #[test]
    fn one_byte_changes_the_checksum_and_so_does_the_length() {
        let digests: std::collections::BTreeSet<_> =
            [&b""[..], &[0], &[0; 4096], &[0; 4097], &[1], &[1, 0], &[0, 1]]
                .into_iter()
                .map(|bytes| {
                    let mut hash = Sha256::new();
                    Contents::of_bytes(bytes).unwrap().hash(&mut hash);
                    hash.finalize().to_vec()
                })
                .collect();
        assert_eq!(digests.len(), 7);
    }
}
