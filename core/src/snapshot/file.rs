//! Snapshots in files.
//!
//! A file is written beside its place, synced and renamed, so that a crash leaves the old file or the new one. Reading
//! copies it once into a sealed memory file while checking it, and later changes of the file have no effect. The cost
//! in memory and time is that of the stored contents, which [`LoadOptions`] bound. The checksum finds damage, not
//! forgery: a file is as trustworthy as its source, but its contents stay inside the guest.

use std::fs::File;
use std::io::{self, Read, Write};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::format::{self, Header, Named, PREFIX, bad};
use super::{Frozen, Snapshot, copy};
use crate::arch::sanitize_extended_state;
use crate::bounds::FileBounds;
use crate::error::{Error, ErrorCode, Message, Result, Text};
use crate::functions::Functions;
use crate::guest::origin::Origin;
use crate::image::Image;
use crate::int::to_usize;
use crate::options::LoadOptions;
use crate::pages::{PAGE, PageSet, is_zero};
use crate::placement::{FixedPart, FixedPartBuilder};
use crate::signature::to_ready_frame;
use crate::vm::arch::Features;
use crate::vm::hypervisor::Hypervisor;

/// Bytes that are read or written at once.
const CHUNK: usize = 1 << 18;

impl Snapshot {
    /// Writes the snapshot to a file that only its owner can read: it holds everything that the guest knew. The write
    /// is atomic: an existing regular file is replaced when everything is on the disk. A folder, a FIFO, a device, a
    /// socket or a symbolic link in its place is an error. The place is checked directly before the replacement;
    /// between the two, only someone who may write to the folder can put something else there.
    ///
    /// Fails with [`ErrorCode::Io`] if the file, or one beside it, cannot be written, with the system's error as its
    /// source. Fails with [`ErrorCode::HypervisorUnavailable`] if this machine's processor features, which go into the
    /// file, cannot be determined.
    ///
    /// Of a fixed part ([`crate::placement`]) the file holds the name alone: it can be loaded where the process has
    /// that part. [`Self::save_whole`] writes a file that is enough by itself.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        self.save_as(path.as_ref(), false)
    }

    /// [`Self::save`] with the fixed part of the guest's placed memory, if it has one.
    pub fn save_whole(&self, path: impl AsRef<Path>) -> Result<()> {
        self.save_as(path.as_ref(), true)
    }

    fn save_as(&self, path: &Path, is_whole: bool) -> Result<()> {
        let failed = |source: io::Error| {
            Error::new(ErrorCode::Io, format!("writing {path:?} failed: {source}")).with_source(source)
        };
        let directory = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        // Now, because writing may take long; and when it counts.
        crate::file::check_replaceable(path).map_err(failed)?;
        let mut file = tempfile::NamedTempFile::new_in(directory).map_err(failed)?;
        self.shared.write(file.as_file_mut(), &features_here()?, is_whole).map_err(failed)?;
        file.as_file().sync_all().map_err(failed)?;
        crate::file::check_replaceable(path).map_err(failed)?;
        file.persist(path).map_err(|error| failed(error.error))?;
        // The name is safe only when its directory is.
        File::open(directory).and_then(|directory| directory.sync_all()).map_err(failed)
    }

    /// Reads a snapshot from a file, which is not needed afterwards. Fails with [`ErrorCode::Io`] if the file cannot be
    /// read, and with [`ErrorCode::SnapshotFile`] if it is damaged, has another format or guest ABI, exceeds the
    /// default [`LoadOptions`], or needs a processor with other features.
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        Self::load_with(path, &LoadOptions::new())
    }

    /// [`Self::load`] with bounds on the file's contents.
    pub fn load_with(path: impl AsRef<Path>, options: &LoadOptions) -> Result<Self> {
        let path = path.as_ref();
        let failed = |source: io::Error| {
            Error::new(ErrorCode::Io, format!("reading {path:?} failed: {source}")).with_source(source)
        };
        let Some((file, _)) = crate::file::open(path).map_err(failed)? else {
            return Err(bad("it is not a regular file"));
        };
        let mut file = Checked { file, hash: Sha256::new() };
        let frozen = read(&mut file, options.bounds()).map_err(|error| match error {
            ReadError::Io(error) if error.kind() == io::ErrorKind::UnexpectedEof => bad("it ends too early"),
            ReadError::Io(error) => failed(error),
            ReadError::Content(error) => error,
        })?;
        Ok(Self { shared: Arc::new(frozen) })
    }
}

impl Frozen {
    fn write(&self, file: &mut File, features: &Features, is_whole: bool) -> io::Result<()> {
        let layout = &self.image.layout;
        let mut pages = Vec::new();
        for region in format::guest_regions(layout) {
            for range in self.pages.within(&region) {
                pages.extend(copy::present(self.image.file(), range)?.iter());
            }
        }
        let extended_state = layout.extended_state.phys;
        let mut state = vec![0; to_usize(PAGE)];
        self.image.file().read_exact_at(&mut state, extended_state)?;
        let header = Header {
            abi: self.origin.abi(),
            features: features.clone(),
            fingerprint: self.origin.fingerprint(),
            sizes: self.sizes,
            entry: self.image.entry,
            layout: (**layout).clone(),
            registers: self.registers,
            sent: self.sent,
            functions: self.functions.to_frame(),
            required: to_ready_frame(&[], &self.required),
            extended_state: state,
            pages: pages.clone(),
        };
        let header = format::encode(&header, is_whole)
            .ok_or_else(|| io::Error::other("the guest has more functions than a file takes"))?;

        let mut hash = Sha256::new();
        hash.update(&header);
        file.write_all(&header)?;
        for (fixed, range) in layout
            .placement
            .iter()
            .filter(|_| is_whole)
            .flat_map(|shape| shape.fixed.present().iter().map(|range| (&shape.fixed, range)))
        {
            let bytes = fixed.pages().get(to_usize(range.start)..to_usize(range.end)).unwrap_or_default();
            hash.update(bytes);
            file.write_all(bytes)?;
        }
        let mut buffer = vec![0; CHUNK];
        for range in pages {
            let mut at = range.start;
            while at < range.end {
                let len = CHUNK.min(to_usize(range.end - at));
                self.image.file().read_exact_at(&mut buffer[..len], at)?;
                hash.update(&buffer[..len]);
                file.write_all(&buffer[..len])?;
                at += len as u64;
            }
        }
        file.write_all(&hash.finalize())
    }
}

/// The features of this machine's processor.
fn features_here() -> Result<Features> {
    Ok(Features::of(Hypervisor::get()?.processor()))
}

enum ReadError {
    Io(io::Error),
    Content(Error),
}

impl From<io::Error> for ReadError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<Error> for ReadError {
    fn from(error: Error) -> Self {
        Self::Content(error)
    }
}

/// A file, and the hash of the bytes read from it.
struct Checked {
    file: File,
    hash: Sha256,
}

impl Checked {
    fn read(&mut self, to: &mut [u8]) -> io::Result<()> {
        self.file.read_exact(to)?;
        self.hash.update(to);
        Ok(())
    }

    /// Reads as many bytes as a header states. Memory is allocated only for bytes that are there.
    fn read_vec(&mut self, len: usize) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        while bytes.len() < len {
            let start = bytes.len();
            bytes.resize(start + CHUNK.min(len - start), 0);
            self.read(&mut bytes[start..])?;
        }
        Ok(bytes)
    }
}

fn read(file: &mut Checked, bounds: FileBounds) -> Result<Frozen, ReadError> {
    let mut prefix = [0; PREFIX];
    file.read(&mut prefix)?;
    let (is_placed, len) = format::prefix(&prefix)?;
    let bytes = file.read_vec(len)?;
    let padding = file.read_vec((PREFIX + len).wrapping_neg() % to_usize(PAGE))?;
    let header = format::decode(&bytes, is_placed, bounds, |named| fixed_part(file, named))?;
    let lacking = header.features.lacking(&features_here()?);
    if !lacking.is_empty() {
        let lacking = Text(lacking.to_string());
        return Err(Error::from(Message::FileNeedsFeatures { lacking }).into());
    }
    let functions =
        Functions::read(&header.functions).map_err(|_| bad("its list of functions is malformed"))?;
    let required = Functions::read(&header.required)
        .map_err(|_| bad("its list of host functions is malformed"))?
        .into_declared();

    let Header { abi, fingerprint, sizes, entry, layout, registers, sent, pages, extended_state, .. } =
        header;
    let state = sanitize_extended_state(extended_state);
    let size = layout.size;
    let mut read_error = None;
    let image = Image::rebuild(layout, entry, &state, |memory| {
        copy_pages(file, memory, &pages).map_err(|error| match error {
            ReadError::Content(error) => error,
            ReadError::Io(error) => {
                let reason = bad(&error.to_string());
                read_error = Some(error);
                reason
            }
        })
    })
    .map_err(|error| read_error.take().map_or(ReadError::Content(error), ReadError::Io))?;

    let hash = file.hash.finalize_reset();
    let mut stated = [0; 32];
    file.read(&mut stated)?;
    if hash.as_slice() != stated || padding.iter().any(|byte| *byte != 0) {
        return Err(bad("its checksum is wrong: it is damaged").into());
    }
    // `read_exact`, because it continues after a signal.
    match file.file.read_exact(&mut [0]) {
        Ok(()) => return Err(bad("something follows its end").into()),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {}
        Err(error) => return Err(error.into()),
    }
    let image = Arc::new(image);
    Ok(Frozen {
        pages: crate::file::data(image.file(), size)?,
        source: super::map(&image)?,
        base: Arc::clone(&image),
        image,
        delta: PageSet::default(),
        registers,
        origin: Origin::File { fingerprint, abi },
        sizes,
        functions: Arc::new(functions),
        required,
        sent,
    })
}

/// The fixed part that a header names: from the file, or the process's own. Its name is believed in neither case: a
/// part is known by what it holds.
fn fixed_part(file: &mut Checked, named: &Named) -> Result<FixedPart, ReadError> {
    let Some(pages) = &named.carried else {
        let found = FixedPart::find(&named.fingerprint).filter(|part| part.len() == named.len);
        return found.ok_or_else(|| {
            bad("it needs a fixed part that this process does not have: make its guest first, or save it whole").into()
        });
    };
    let mut part = FixedPartBuilder::new()?;
    each_chunk(file, pages, |at, bytes| {
        part.skip_to(at);
        part.write_all(bytes)
    })?;
    part.skip_to(named.len);
    let part = part.finish()?;
    if part.fingerprint() != named.fingerprint {
        return Err(bad("its fixed part is not the one that it names: it is damaged, or forged").into());
    }
    Ok(part)
}

fn copy_pages(from: &mut Checked, to: &File, pages: &[Range<u64>]) -> Result<(), ReadError> {
    each_chunk(from, pages, |at, bytes| to.write_all_at(bytes, at))
}

/// Reads the contents of pages, which follow each other in the file.
fn each_chunk(
    from: &mut Checked,
    pages: &[Range<u64>],
    mut put: impl FnMut(u64, &[u8]) -> io::Result<()>,
) -> Result<(), ReadError> {
    let mut buffer = vec![0; CHUNK];
    for range in pages {
        let mut at = range.start;
        while at < range.end {
            let len = CHUNK.min(to_usize(range.end - at));
            from.read(&mut buffer[..len])?;
            // The first page of a hole ends it, before the checksum of a terabyte is computed.
            if buffer[..len].chunks(to_usize(PAGE)).any(is_zero) {
                return Err(bad("it lists a page that is zero: it is damaged, or forged").into());
            }
            put(at, &buffer[..len])?;
            at += len as u64;
        }
    }
    Ok(())
}
