//! Images: a guest's whole memory as it is before its first instruction, in a sealed memfd.
//!
//! An image is composed once for a guest and a choice of sizes, and shared: every sandbox maps it copy-on-write. Once
//! sealed (`memfd_create(2)`, *File sealing*), nobody can change or shorten it, so that no sandbox sees another's
//! writes, and no page of it can vanish under a running guest.

pub(crate) mod layout;

use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd};
use std::os::unix::fs::FileExt;
use std::sync::{Arc, OnceLock};

use crate::arch::descriptors;
use crate::error::{Error, Result};
use crate::guest::payload::Payload;
use crate::guest::program::{Program, Segment};
use crate::options::Sizes;
use crate::pages::PageSet;
use layout::{Layout, PayloadShape, Region};

/// A guest's initial memory.
#[derive(Debug)]
pub(crate) struct Image {
    pub layout: Arc<Layout>,
    /// Address of the program's first instruction.
    pub entry: u64,
    file: Arc<File>,
    /// What the first sandbox had written by the end of its first call, and every other one probably will.
    hot: OnceLock<PageSet>,
}

impl Image {
    /// Bytes that are made ready in advance beside the page tables, at most: what a sandbox that is never called costs for
    /// nothing.
    const MAX_HOT: u64 = 64 * crate::pages::PAGE;

    /// Composes and seals an image.
    pub fn compose(program: &Program, payloads: &[Payload], sizes: &Sizes) -> Result<Self> {
        let shapes: Vec<_> = payloads
            .iter()
            .map(|payload| PayloadShape {
                len: payload.bytes.len() as u64,
                executable: payload.access.is_executable(),
            })
            .collect();
        let layout = Layout::new(program, &shapes, sizes);
        let file = create(layout.size).map_err(|source| Error::resource("memfd_create", source))?;
        write(&file, &layout, program, payloads)
            .map_err(|source| Error::resource("writing the guest's image", source))?;
        seal(&file).map_err(|source| Error::resource("sealing the guest's image", source))?;
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
        let file = create(layout.size).map_err(failed)?;
        fill(&file)?;
        write_engine(&file, &layout, extended_state).map_err(failed)?;
        seal(&file).map_err(failed)?;
        Ok(Self::with(Arc::new(layout), entry, file))
    }

    fn with(layout: Arc<Layout>, entry: u64, file: File) -> Self {
        Self { layout, entry, file: Arc::new(file), hot: OnceLock::new() }
    }

    /// The pages that a sandbox will write first, if one has shown them.
    pub fn hot(&self) -> Option<&PageSet> {
        self.hot.get()
    }

    /// Shows what a sandbox has written by the end of its first call.
    pub fn learn_hot(&self, written: &PageSet) {
        // Whoever comes first teaches.
        let _ = self.hot.set(written.first(Self::MAX_HOT + self.layout.page_tables.size()));
    }

    /// The sealed file.
    pub fn file(&self) -> &Arc<File> {
        &self.file
    }
}

fn write(file: &File, layout: &Layout, program: &Program, payloads: &[Payload]) -> io::Result<()> {
    let put = |region: &Region, bytes: &[u8]| file.write_all_at(bytes, region.phys);
    write_engine(file, layout, &descriptors::initial_extended_state())?;
    put(&layout.thread, &thread_page(layout.thread.virt))?;
    for (region, segment) in layout.program.iter().zip(&program.segments) {
        let Segment { address, bytes, .. } = segment;
        file.write_all_at(bytes, region.phys + (address - region.virt))?;
    }
    for (region, payload) in layout.payloads.iter().zip(payloads) {
        put(region, &payload.bytes)?;
    }
    Ok(())
}

/// What is the engine's own in every image: nothing of it ever comes from a guest or a file.
fn write_engine(file: &File, layout: &Layout, extended_state: &[u8]) -> io::Result<()> {
    let put = |region: &Region, bytes: &[u8]| file.write_all_at(bytes, region.phys);
    put(&layout.descriptors, &descriptors::tables(layout))?;
    put(&layout.stubs, &descriptors::stubs())?;
    put(&layout.trampoline, &descriptors::trampoline())?;
    put(&layout.extended_state, extended_state)?;
    put(&layout.boot_info, &layout.boot.to_bytes())?;
    file.write_all_at(&layout.page_tables.to_bytes(), layout.page_tables_phys)
}

/// The thread control block of System V code: its own address first, and at 0x28 the canary that a compiler's stack
/// protector reads. The canary is no secret here; it is a net for compilers that protect by default. Its low byte is
/// zero, as everywhere, so that no string runs over it unnoticed.
fn thread_page(address: u64) -> Vec<u8> {
    let mut page = vec![0; 0x30];
    page[..8].copy_from_slice(&address.to_le_bytes());
    page[0x28..].copy_from_slice(&0x5bd1_e995_7f4a_7c00_u64.to_le_bytes());
    page
}

/// A sealable memfd that is never executed from. Kernels before 6.3 do not know `MFD_NOEXEC_SEAL`.
pub(crate) fn create(size: u64) -> io::Result<File> {
    let flags = libc::MFD_CLOEXEC | libc::MFD_ALLOW_SEALING;
    let file = memfd(flags | libc::MFD_NOEXEC_SEAL).or_else(|error| match error.raw_os_error() {
        Some(libc::EINVAL) => memfd(flags),
        _ => Err(error),
    })?;
    file.set_len(size)?;
    Ok(file)
}

fn memfd(flags: libc::c_uint) -> io::Result<File> {
    // SAFETY: the name is a C string; the kernel keeps no pointer to it.
    let fd = unsafe { libc::memfd_create(c"hyperlight".as_ptr(), flags) };
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the kernel just gave us this descriptor; nobody else owns it.
    Ok(unsafe { File::from_raw_fd(fd) })
}

/// Makes the file unchangeable for ever.
///
/// The kernel refuses while a page that was just written is held somewhere inside it, if only in a queue, and waits less for
/// that than it means to when a signal comes in (`mm/memfd.c`, `memfd_wait_for_pins`): hence the repetition.
pub(crate) fn seal(file: &File) -> io::Result<()> {
    const TRIES: u32 = 20;
    let seals = libc::F_SEAL_WRITE | libc::F_SEAL_SHRINK | libc::F_SEAL_GROW | libc::F_SEAL_SEAL;
    for left in (0..TRIES).rev() {
        // SAFETY: `fcntl` with an integer argument on a descriptor that `file` owns.
        if unsafe { libc::fcntl(file.as_raw_fd(), libc::F_ADD_SEALS, seals) } == 0 {
            return Ok(());
        }
        let error = io::Error::last_os_error();
        if left == 0 || error.raw_os_error() != Some(libc::EBUSY) {
            return Err(error);
        }
        std::thread::yield_now();
    }
    unreachable!("the last try returns")
}
