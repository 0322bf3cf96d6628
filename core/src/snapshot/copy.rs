//! Copying a sandbox's memory, and the image under it, into the file of a snapshot.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;

use crate::int::to_usize;
use crate::pages::{PAGE, PageSet, is_zero};
use crate::vm::memory::GuestMemory;

/// Copies pages of the memory to the same places in a file of zeros. Returns the pages that are not zero: the others
/// stay holes, even if they were touched.
pub fn from_memory(memory: &GuestMemory, set: &PageSet, to: &File) -> io::Result<PageSet> {
    copy(set, to, |range, buffer| read_memory(memory, range, buffer))
}

/// Copies pages of another file.
pub fn from_file(from: &File, set: &PageSet, to: &File) -> io::Result<PageSet> {
    copy(set, to, |range, buffer| read_file(from, range, buffer))
}

/// The pages of the set that are not zero in a file.
pub fn present(file: &File, range: Range<u64>) -> io::Result<PageSet> {
    let mut present = PageSet::default();
    let mut buffer = Vec::new();
    for chunk in chunks(range) {
        read_file(file, chunk.clone(), &mut buffer)?;
        for (page, _) in pages(&chunk, &buffer).filter(|(_, bytes)| !is_zero(bytes)) {
            present.append(page);
        }
    }
    Ok(present)
}

/// The pages of a set whose memory differs from the file.
pub fn differing(memory: &GuestMemory, file: &File, set: &PageSet) -> io::Result<PageSet> {
    let mut differing = PageSet::default();
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for chunk in set.iter().flat_map(chunks) {
        read_memory(memory, chunk.clone(), &mut ours)?;
        read_file(file, chunk.clone(), &mut theirs)?;
        for ((page, ours), (_, theirs)) in pages(&chunk, &ours).zip(pages(&chunk, &theirs)) {
            if ours != theirs {
                differing.append(page);
            }
        }
    }
    Ok(differing)
}

fn copy(
    set: &PageSet,
    to: &File,
    mut read: impl FnMut(Range<u64>, &mut Vec<u8>) -> io::Result<()>,
) -> io::Result<PageSet> {
    let mut filled = PageSet::default();
    let mut buffer = Vec::new();
    for chunk in set.iter().flat_map(chunks) {
        read(chunk.clone(), &mut buffer)?;
        let mut present = PageSet::default();
        for (page, bytes) in pages(&chunk, &buffer) {
            if !is_zero(bytes) {
                present.append(page);
            }
        }
        for run in present.iter() {
            let bytes = &buffer[to_usize(run.start - chunk.start)..to_usize(run.end - chunk.start)];
            to.write_all_at(bytes, run.start)?;
            filled.append(run);
        }
    }
    Ok(filled)
}

/// The parts of a range that are read at once.
fn chunks(range: Range<u64>) -> impl Iterator<Item = Range<u64>> {
    const CHUNK: u64 = 1 << 20;
    range.clone().step_by(to_usize(CHUNK)).map(move |start| start..range.end.min(start + CHUNK))
}

/// The pages of a range whose bytes were read.
fn pages<'b>(range: &Range<u64>, bytes: &'b [u8]) -> impl Iterator<Item = (Range<u64>, &'b [u8])> {
    let pages = range.clone().step_by(to_usize(PAGE)).map(|page| page..page + PAGE);
    pages.zip(bytes.chunks(to_usize(PAGE)))
}

fn read_file(file: &File, range: Range<u64>, buffer: &mut Vec<u8>) -> io::Result<()> {
    buffer.resize(to_usize(range.end - range.start), 0);
    file.read_exact_at(buffer, range.start)
}

fn read_memory(memory: &GuestMemory, range: Range<u64>, buffer: &mut Vec<u8>) -> io::Result<()> {
    memory
        .read_into(range.start, to_usize(range.end - range.start), buffer)
        .ok_or_else(|| io::Error::other("a page outside the guest's memory"))
}
