//! Places of ELF objects in the guest's address space.
//!
//! A guest's page tables never change, so each object is mapped in advance, where the loader inside will find it.
//! Segments that are not writable are further views of the file's own pages, and cost nothing. Pages of their own have
//! writable segments, and pages with rewritten system calls: the file itself stays as it was.

use libhyperlight_linux_contract::PAGE;
use libhyperlight_linux_contract::address::{EXECUTABLE, OBJECTS};
use libhyperlight_linux_contract::index::Object;
use libhyperlight_linux_contract::limits::MAX_OBJECTS;

use crate::elf::{self, Elf, Segment};
use crate::rewrite::{self, Rewritten};

/// Places that are rewritten in all objects of one guest. Each costs at most two pages.
const MAX_SITES: usize = 1 << 15;

/// Bytes of memory that the objects of one guest may have for their own.
const MAX_OWN_BYTES: u64 = 2 << 30;

/// Unmapped bytes behind each object.
const GUARD: u64 = PAGE;

/// Mapped memory of an object, whole pages.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Piece {
    pub address: u64,
    pub size: u64,
    pub contents: Contents,
    pub access: Access,
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Contents {
    /// Pages of the files, from that place on.
    Files(u64),
    /// Pages of its own, zero behind these bytes.
    Own(Vec<u8>),
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Access {
    Read,
    Execute,
    Write,
    WriteExecute,
}

/// Hands out addresses.
#[derive(Debug)]
pub(crate) struct Placer {
    next: u64,
    objects: usize,
    sites: usize,
    own_bytes: u64,
    /// The address of the libOS; without one nothing is rewritten.
    handler: Option<u64>,
    /// The addresses of programs that are linked to a fixed one.
    fixed: Option<std::ops::Range<u64>>,
}

/// An object with its place.
#[derive(Debug)]
pub(crate) struct Placed {
    pub object: Object,
    pub pieces: Vec<Piece>,
    /// The number of system calls that were rewritten.
    pub rewritten: usize,
}

impl Placer {
    pub fn new(handler: Option<u64>) -> Self {
        Self { next: OBJECTS.start, objects: 0, sites: 0, own_bytes: 0, handler, fixed: None }
    }

    /// Gives an object its place, or says why it gets none. The file starts at `offset` of the files.
    pub fn place(&mut self, elf: &Elf, file: &[u8], offset: u64) -> Result<Placed, String> {
        if self.objects == MAX_OBJECTS {
            return Err(format!("a guest has at most {MAX_OBJECTS} objects"));
        }
        let sites = match self.handler {
            Some(_) => rewrite::sites(elf, file, MAX_SITES - self.sites),
            None => Vec::new(),
        };
        let span = elf.span();
        let stubs_len =
            if sites.is_empty() { 0 } else { rewrite::stubs_len(sites.len()).next_multiple_of(PAGE) };
        // Sizes are bounded by `Elf`, so that these sums fit.
        let size = span.end - span.start;
        let (start, window_end) = if elf.is_fixed {
            (span.start, EXECUTABLE.end)
        } else {
            // The segments' own alignment must survive.
            (self.next.next_multiple_of(elf.align) + span.start % elf.align, OBJECTS.end)
        };
        let stubs = start.checked_add(size + GUARD).ok_or("its addresses wrap around")?;
        let end = stubs.checked_add(stubs_len + GUARD).ok_or("its addresses wrap around")?;
        if start < EXECUTABLE.start || end > window_end {
            return Err(format!(
                "its addresses, {:#x} to {:#x}, are outside of those for objects",
                start,
                start + size
            ));
        }
        if elf.is_fixed
            && let Some(other) = &self.fixed
        {
            return Err(format!("another program has the addresses {:#x} to {:#x}", other.start, other.end));
        }
        let bias = start.wrapping_sub(span.start);
        let rewritten = match self.handler {
            Some(handler) if !sites.is_empty() => rewrite::rewrite(&sites, bias, stubs, handler),
            _ => Rewritten::default(),
        };
        let mut pieces = Vec::new();
        for segment in &elf.segments {
            map(segment, file, bias, offset, &rewritten, &mut pieces)?;
        }
        if !rewritten.stubs.is_empty() {
            let contents = Contents::Own(rewritten.stubs);
            pieces.push(Piece { address: stubs, size: stubs_len, contents, access: Access::Execute });
        }
        let own =
            pieces.iter().filter(|piece| matches!(piece.contents, Contents::Own(_))).map(|piece| piece.size);
        let own_bytes = self.own_bytes.saturating_add(own.sum());
        if own_bytes > MAX_OWN_BYTES {
            return Err(format!(
                "with it, the objects take over {MAX_OWN_BYTES} bytes of memory of their own"
            ));
        }
        self.own_bytes = own_bytes;
        self.objects += 1;
        self.sites += sites.len();
        if elf.is_fixed {
            self.fixed = Some(start..end);
        } else {
            self.next = end;
        }
        let object = Object {
            start,
            end: start + size,
            bias,
            entry: if elf.entry == 0 { 0 } else { elf.entry.wrapping_add(bias) },
            headers: elf.headers.wrapping_add(bias),
            header_count: elf.header_count,
            interpreter: 0,
        };
        Ok(Placed { object, pieces, rewritten: rewritten.jumps.len() })
    }
}

/// Maps one segment. `offset` is the place of its file in the files.
fn map(
    segment: &Segment,
    file: &[u8],
    bias: u64,
    offset: u64,
    rewritten: &Rewritten,
    pieces: &mut Vec<Piece>,
) -> Result<(), String> {
    let pages = segment.pages();
    let (address, size) = (pages.start.wrapping_add(bias), pages.end - pages.start);
    let access = match (segment.writable, segment.executable) {
        (false, false) => Access::Read,
        (false, true) => Access::Execute,
        (true, false) => Access::Write,
        (true, true) => Access::WriteExecute,
    };
    let in_file = (segment.file.end - segment.file_page()).next_multiple_of(PAGE);
    if segment.writable || in_file < size {
        let bytes = elf::slice(file, segment.file_page()..segment.file.end)
            .ok_or("a segment is outside of the file")?;
        pieces.push(Piece { address, size, contents: Contents::Own(bytes.to_vec()), access });
        return Ok(());
    }
    let first_page = offset + segment.file_page();
    let end = address + size;
    let mut at = address;
    for run in runs(rewritten, address, end) {
        if run.start > at {
            let contents = Contents::Files(first_page + (at - address));
            pieces.push(Piece { address: at, size: run.start - at, contents, access });
        }
        let from = segment.file_page() + (run.start - address);
        let to = (from + (run.end - run.start)).min(file.len() as u64);
        let mut bytes = elf::slice(file, from..to).ok_or("a segment is outside of the file")?.to_vec();
        let first = rewritten.jumps.partition_point(|(jump, _)| *jump < run.start);
        for (jump, code) in rewritten.jumps.iter().skip(first).take_while(|(jump, _)| *jump < run.end) {
            let at = usize::try_from(jump - run.start).unwrap_or(usize::MAX);
            bytes.iter_mut().skip(at).zip(code).for_each(|(place, byte)| *place = *byte);
        }
        pieces.push(Piece {
            address: run.start,
            size: run.end - run.start,
            contents: Contents::Own(bytes),
            access,
        });
        at = run.end;
    }
    if at < end {
        let contents = Contents::Files(first_page + (at - address));
        pieces.push(Piece { address: at, size: end - at, contents, access });
    }
    Ok(())
}

/// The runs of pages in a range of addresses that have jumps in them.
fn runs(rewritten: &Rewritten, start: u64, end: u64) -> Vec<std::ops::Range<u64>> {
    let first = rewritten.jumps.partition_point(|(jump, _)| *jump < start);
    let mut runs: Vec<std::ops::Range<u64>> = Vec::new();
    for (jump, code) in rewritten.jumps.iter().skip(first).take_while(|(jump, _)| *jump < end) {
        let page = jump / PAGE * PAGE;
        let behind = (jump + code.len() as u64).next_multiple_of(PAGE);
        match runs.last_mut() {
            Some(last) if last.end >= page => last.end = last.end.max(behind),
            _ => runs.push(page..behind),
        }
    }
    runs
}

#[cfg(test)]
#[expect(clippy::cast_possible_truncation, reason = "objects are small")]
mod tests;
