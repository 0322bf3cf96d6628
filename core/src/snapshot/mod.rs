//! Snapshots: the state of a sandbox between two calls, to restore or to start other sandboxes from.
//!
//! A snapshot is an image like that of a fresh sandbox, with the guest's memory of that moment in place of its initial
//! one, and the registers to continue with. Its call buffers and log ring are empty. A restore copies only the pages
//! that were written since the memory was mapped, and those in which the snapshot differs from the mapped image: all
//! others are right already.

mod copy;
mod file;
mod format;

use std::fmt;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use vm_memory::mmap::MmapRegion;
use vm_memory::{VolatileMemory, VolatileSlice};

use crate::bounds::Sizes;
use crate::error::{Difference, Error, HostMismatch, Message, Result};
use crate::functions::Functions;
use crate::guest::origin::Origin;
use crate::host::HostFunctions;
use crate::image::Image;
use crate::image::layout::{Layout, Region};
use crate::int::to_usize;
use crate::memfd;
use crate::pages::PageSet;
use crate::signature::Signature;
use crate::vm::arch::Registers;
use crate::vm::memory::GuestMemory;

/// A snapshot of a sandbox, memory and processor; immutable, cheap to clone, and shared between sandboxes and threads.
///
/// It holds everything that the guest held, secrets included. It does not hold the host's parts: a restore leaves host
/// functions, limits, interrupt handles and files unchanged.
#[derive(Clone)]
pub struct Snapshot {
    pub(crate) shared: Arc<Frozen>,
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Snapshot").field("bytes", &self.shared.pages.len()).finish_non_exhaustive()
    }
}

/// The parts of a snapshot.
pub(crate) struct Frozen {
    /// The snapshot's memory, with the layout of the sandbox that it was taken of.
    pub image: Arc<Image>,
    /// The image that that sandbox had mapped.
    base: Arc<Image>,
    /// The pages in which the snapshot differs from that image.
    delta: PageSet,
    /// The pages of the snapshot that are not zero.
    pages: PageSet,
    /// The snapshot's memory, readable here.
    source: MmapRegion,
    pub registers: Registers,
    pub origin: Origin,
    pub sizes: Sizes,
    pub functions: Arc<Functions>,
    /// The host functions that the sandbox had; a sandbox that continues from the snapshot must have them, too.
    required: Vec<(String, Signature)>,
    /// Frames that the guest has seen: it waits for a number other than this one.
    pub sent: u64,
}

/// The parts of a sandbox that go into a snapshot.
pub(crate) struct Subject<'s> {
    pub memory: &'s GuestMemory,
    pub image: &'s Arc<Image>,
    pub registers: Registers,
    /// A page that the trampoline can load.
    pub extended_state: Vec<u8>,
    pub origin: &'s Origin,
    pub sizes: Sizes,
    pub functions: &'s Arc<Functions>,
    pub host: &'s HostFunctions,
    pub sent: u64,
}

impl Frozen {
    /// Takes the snapshot. The vCPU is parked.
    pub fn take(subject: &Subject<'_>) -> Result<Self> {
        let layout = &subject.image.layout;
        let failed = |source: io::Error| Error::resource("writing a snapshot", source);

        let mut written = PageSet::default();
        if crate::vm::dirty_pages::find(subject.memory, &layout.written, &mut written).is_none() {
            // The written pages are unknown.
            written.append(layout.written.clone());
        }
        // Buffers, ring, report and extended state have contents of their own in a snapshot.
        let apart = layout.shared_pages().chain([&layout.extended_state]).map(Region::pages).collect();
        // A page that was written with its old contents is no difference: otherwise every restore would copy it.
        let changed = copy::differing(subject.memory, subject.image.file(), &written.difference(&apart));
        let changed = changed.map_err(failed)?;
        let own = PageSet::from_iter([layout.extended_state.pages()]);
        let delta = changed.union(&own);

        let inherited =
            crate::file::data(subject.image.file(), layout.size).map_err(failed)?.difference(&delta);
        let file = memfd::create(layout.size).map_err(failed)?;
        let from_base = copy::from_file(subject.image.file(), &inherited, &file).map_err(failed)?;
        let from_memory = copy::from_memory(subject.memory, &changed, &file).map_err(failed)?;
        let pages = from_base.union(&from_memory).union(&own);
        file.write_all_at(&subject.extended_state, layout.extended_state.phys).map_err(failed)?;
        memfd::seal(&file).map_err(failed)?;

        let mut required: Vec<_> =
            subject.host.signatures().map(|(name, signature)| (name.to_owned(), signature.clone())).collect();
        required.sort_unstable_by(|(name, _), (other, _)| name.cmp(other));
        let image = Arc::new(Image::of_snapshot(subject.image, file));
        Ok(Self {
            pages,
            source: map(&image)?,
            image,
            base: Arc::clone(subject.image),
            delta,
            registers: subject.registers,
            origin: subject.origin.clone(),
            sizes: subject.sizes,
            functions: Arc::clone(subject.functions),
            required,
            sent: subject.sent,
        })
    }

    /// The pages in which a sandbox that has mapped `mapped` differs from the snapshot without a write. `None`: all;
    /// the snapshot must be mapped in its place.
    pub fn delta_from(&self, mapped: &Arc<Image>) -> Option<&PageSet> {
        if Arc::ptr_eq(mapped, &self.image) {
            Some(PageSet::empty())
        } else if Arc::ptr_eq(mapped, &self.base) {
            Some(&self.delta)
        } else {
            None
        }
    }

    /// Copies the snapshot's contents of these pages.
    pub fn put_back(&self, set: &PageSet, memory: &GuestMemory) -> Option<()> {
        for range in set.iter() {
            let mut zero_from = range.start;
            for present in self.pages.within(&range) {
                zero(&memory.slice(zero_from, present.start - zero_from)?);
                let len = present.end - present.start;
                let from = self.source.get_slice(to_usize(present.start), to_usize(len)).ok()?;
                from.copy_to_volatile_slice(memory.slice(present.start, len)?);
                zero_from = present.end;
            }
            zero(&memory.slice(zero_from, range.end - zero_from)?);
        }
        Some(())
    }

    /// Fails unless the snapshot is of a sandbox like this one. The error lists all differences.
    pub fn check_sandbox(&self, origin: &Origin, layout: &Layout, sizes: &Sizes) -> Result<()> {
        let mut differs: Vec<_> = self.origin.difference(origin).into_iter().map(Difference::Guest).collect();
        let sizes = self.sizes.beside(sizes).filter(|(_, ours, theirs)| ours != theirs);
        differs.extend(sizes.map(|(option, ours, theirs)| Difference::Size { option, ours, theirs }));
        // A file may lie about its guest; then the layout tells.
        if differs.is_empty() && !self.image.layout.is_same(layout) {
            differs.push(Difference::Guest("it says that it is of this guest, and is not".to_owned()));
        }
        if differs.is_empty() {
            return Ok(());
        }
        Err(Message::OtherSandbox { differs }.into())
    }

    /// Fails unless a sandbox with these host functions can continue from the snapshot. The error lists all
    /// differences.
    pub fn check_host(&self, host: &HostFunctions) -> Result<()> {
        let wrong: Vec<_> = self
            .required
            .iter()
            .map(|(name, needed)| (name, needed, host.find(name).map(|found| &found.signature)))
            .filter(|(_, needed, found)| *found != Some(needed))
            .map(|(name, needed, found)| HostMismatch {
                name: name.clone(),
                needed: needed.clone(),
                found: found.cloned(),
            })
            .collect();
        if wrong.is_empty() {
            return Ok(());
        }
        Err(Message::HostFunctionsLack { wrong }.into())
    }
}

/// Maps the memory of a snapshot.
fn map(image: &Image) -> Result<MmapRegion> {
    memfd::map(image.file(), image.layout.size)
        .map_err(|source| Error::resource("mapping a snapshot", source))
}

/// Fills with zeros.
fn zero(slice: &VolatileSlice<'_>) {
    const ZEROS: [u8; 4096] = [0; 4096];
    let mut at = 0;
    while at < slice.len() {
        let len = ZEROS.len().min(slice.len() - at);
        if let Ok(part) = slice.subslice(at, len) {
            part.copy_from(&ZEROS[..len]);
        }
        at += len;
    }
}
