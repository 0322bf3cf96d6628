//! Images: a guest's whole memory before its first instruction, in a sealed memfd.
//!
//! An image is composed once for a guest and a choice of sizes, and shared: every sandbox maps it copy-on-write. Once
//! sealed (`memfd_create(2)`, *File sealing*), nobody can change or shorten it, so that no sandbox sees another's
//! writes, and no page of it can vanish under a running guest.

pub(crate) mod layout;
#[cfg(test)]
mod tests;
mod words;

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::{Arc, OnceLock};

use crate::arch::{self, Places};
use crate::bounds::Sizes;
use crate::error::{Error, Result};
use crate::guest::contents::Contents;
use crate::guest::payload::Payload;
use crate::guest::program::Program;
use crate::guest::relocate;
use crate::int::to_usize;
use crate::memfd;
use crate::pages::{PAGE, PageSet, is_zero};
use crate::placement::Placed;
use layout::{Layout, PayloadShape, Region};
use words::Words;

/// A guest's initial memory.
#[derive(Debug)]
pub(crate) struct Image {
    pub layout: Arc<Layout>,
    /// Address of the program's first instruction.
    pub entry: u64,
    file: Arc<File>,
    /// The pages that the first sandbox had written by the end of its first call: a hint for all others.
    hint: OnceLock<PageSet>,
}

impl Image {
    /// Maximum bytes to make ready in advance, beside the page tables: a sandbox that is never called wastes them.
    const MAX_HINT: u64 = 64 * PAGE;

    /// Composes and seals an image.
    pub fn compose(
        contents: &Contents,
        program: &Program,
        payloads: &[Payload],
        placed: Option<&Placed>,
        sizes: &Sizes,
    ) -> Result<Self> {
        let shapes: Vec<_> = payloads
            .iter()
            .map(|payload| PayloadShape {
                len: payload.contents.len() as u64,
                executable: payload.access.is_executable(),
            })
            .collect();
        let layout = Layout::new(program, &shapes, placed.map(|placed| &placed.shape), sizes);
        let file = memfd::create(layout.size).map_err(|source| Error::resource("memfd_create", source))?;
        let failed = |source| Error::resource("writing the guest's image", source);
        write(&file, &layout, contents, program, payloads).map_err(failed)?;
        if let Some(placed) = placed {
            write_placed(&file, &layout, placed).map_err(failed)?;
        }
        let mut words = Words::new(&file);
        relocate::each(contents, program, |change| {
            let start = layout.program.get(change.segment).zip(program.segments.get(change.segment));
            let start = start.map_or(0, |(region, segment)| region.phys + (segment.address - region.virt));
            words.change(start + change.offset, change.word).map_err(failed)
        })?;
        words.finish().map_err(failed)?;
        memfd::seal(&file).map_err(|source| Error::resource("sealing the guest's image", source))?;
        Ok(Self::with(Arc::new(layout), program.entry, file))
    }

    /// The image of a snapshot: another sealed file with the same layout.
    pub fn of_snapshot(original: &Self, file: File) -> Self {
        Self::with(Arc::clone(&original.layout), original.entry, file)
    }

    /// An image whose guest pages come from elsewhere: `fill` writes them, the engine's are made anew.
    pub fn rebuild(
        layout: Layout,
        entry: u64,
        extended_state: &[u8],
        fill: impl FnOnce(&File) -> Result<()>,
    ) -> Result<Self> {
        let failed = |source| Error::resource("writing an image", source);
        let file = memfd::create(layout.size).map_err(failed)?;
        fill(&file)?;
        write_engine(&file, &layout, extended_state).map_err(failed)?;
        memfd::seal(&file).map_err(failed)?;
        Ok(Self::with(Arc::new(layout), entry, file))
    }

    fn with(layout: Arc<Layout>, entry: u64, file: File) -> Self {
        Self { layout, entry, file: Arc::new(file), hint: OnceLock::new() }
    }

    /// The pages that a sandbox will probably write first, if known.
    pub fn hint(&self) -> Option<&PageSet> {
        self.hint.get()
    }

    /// Records the pages that a sandbox has written by the end of its first call. The first record is kept.
    pub fn set_hint(&self, written: &PageSet) {
        let _ = self.hint.set(written.first(Self::MAX_HINT + self.layout.page_tables.size()));
    }

    /// The sealed file.
    pub fn file(&self) -> &Arc<File> {
        &self.file
    }
}

/// Writes everything but relocated words, and leaves holes where it is zero.
fn write(
    file: &File,
    layout: &Layout,
    contents: &Contents,
    program: &Program,
    payloads: &[Payload],
) -> io::Result<()> {
    let put = |region: &Region, bytes: &[u8]| file.write_all_at(bytes, region.phys);
    write_engine(file, layout, &arch::initial_extended_state())?;
    put(&layout.thread, &arch::thread_page(layout.thread.virt))?;
    for (region, segment) in layout.program.iter().zip(&program.segments) {
        let start = region.phys + (segment.address - region.virt);
        for (at, bytes) in contents.present(segment.source.clone()) {
            file.write_all_at(bytes, start + (at - segment.source.start))?;
        }
    }
    for (region, payload) in layout.payloads.iter().zip(payloads) {
        for (at, bytes) in payload.contents.present(0..payload.contents.len() as u64) {
            file.write_all_at(bytes, region.phys + at)?;
        }
    }
    Ok(())
}

/// Writes the bytes that placed regions have of their own, and leaves holes where they are zero.
fn write_placed(file: &File, layout: &Layout, placed: &Placed) -> io::Result<()> {
    for (region, bytes) in layout.placed_regions().zip(placed.contents()) {
        let pages = (region.phys..).step_by(to_usize(PAGE)).zip(bytes.chunks(to_usize(PAGE)));
        for (phys, page) in pages.filter(|(_, page)| !is_zero(page)) {
            file.write_all_at(page, phys)?;
        }
    }
    Ok(())
}

/// Writes the engine's own part of every image: none of it ever comes from a guest or a file.
fn write_engine(file: &File, layout: &Layout, extended_state: &[u8]) -> io::Result<()> {
    let put = |region: &Region, bytes: &[u8]| file.write_all_at(bytes, region.phys);
    put(
        &layout.descriptors,
        &arch::tables(&Places {
            tables: layout.descriptors.virt,
            stubs: layout.stubs.virt,
            exception_stack: layout.exception_stack.virt + layout.exception_stack.size,
            double_fault_stack: layout.double_fault_stack.virt + layout.double_fault_stack.size,
        }),
    )?;
    put(&layout.stubs, &arch::stubs())?;
    put(&layout.trampoline, &arch::trampoline())?;
    put(&layout.extended_state, extended_state)?;
    put(&layout.boot_info, &layout.boot.to_bytes())?;
    file.write_all_at(&layout.page_tables.to_bytes(), layout.page_tables_phys)
}
