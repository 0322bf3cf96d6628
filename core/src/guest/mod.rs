//! Guest programs, loaded.

pub(crate) mod contents;
pub mod elf;
pub(crate) mod origin;
pub(crate) mod payload;
pub(crate) mod program;
pub(crate) mod relocate;
pub(crate) mod symbols;

use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use libhyperlight_abi::limits::MAX_PAYLOADS;
use sha2::{Digest, Sha256};

use crate::bounds::Sizes;
use crate::error::{Error, ErrorCode, Result};
use crate::image::Image;
use crate::image::layout::MAX_PAYLOAD_BYTES;
use crate::options::SandboxOptions;
use crate::placement::{Placed, Placement};
use contents::Contents;
use payload::Payload;
pub use payload::PayloadAccess;
use program::{Program, Segment};

/// A SHA-256 of a guest's file, payloads and placement.
pub(crate) type Fingerprint = [u8; 32];

/// Bytes of the largest guest file.
pub const MAX_GUEST_FILE: u64 = 1 << 30;

/// Images that one guest keeps for reuse: one for each of the sizes in common use.
const KEPT_IMAGES: usize = 4;

/// A guest program, loaded and checked once; cheap to clone, and shared by any number of sandboxes and threads.
///
/// ```
/// let guest = libhyperlight_builtin::demo()?;
/// # Ok::<(), libhyperlight::Error>(())
/// ```
#[derive(Clone)]
pub struct Guest {
    shared: Arc<Shared>,
}

struct Shared {
    file: Arc<Contents>,
    program: Arc<Program>,
    payloads: Vec<Payload>,
    placed: Option<Arc<Placed>>,
    /// Most recently used last.
    images: Mutex<Vec<(Sizes, Arc<Image>)>>,
    fingerprint: OnceLock<Fingerprint>,
}

impl Guest {
    /// Loads a guest program from a file. Fails with [`ErrorCode::Io`] if it cannot be read, and with
    /// [`ErrorCode::GuestBinary`] if it is no guest program. The file is read once and not needed afterwards; holes in
    /// it cost nothing.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let io = |source: std::io::Error| {
            Error::new(ErrorCode::Io, format!("reading {path:?} failed: {source}")).with_source(source)
        };
        let Some((file, metadata)) = crate::file::open(path).map_err(io)? else {
            return Err(Error::guest_binary(format!("{path:?} is not a regular file")));
        };
        if metadata.len() > MAX_GUEST_FILE {
            return Err(too_large());
        }
        Self::load(Contents::of_file(file, &metadata, MAX_GUEST_FILE).map_err(io)?)
    }

    /// Loads a guest program from memory.
    pub fn from_bytes(file: &[u8]) -> Result<Self> {
        if file.len() as u64 > MAX_GUEST_FILE {
            return Err(too_large());
        }
        Self::load(copied(file)?)
    }

    /// Adds bytes to a copy of this guest: data, or code compiled for it. The guest finds them by their number, counted
    /// from 0 in the order in which they were added.
    pub fn with_payload(&self, bytes: &[u8], access: PayloadAccess) -> Result<Self> {
        let mut payloads = self.shared.payloads.clone();
        if payloads.len() == MAX_PAYLOADS {
            return Err(Error::invalid_argument(format!("a guest has at most {MAX_PAYLOADS} payloads")));
        }
        let total = payloads.iter().map(|payload| payload.contents.len() as u64).sum::<u64>();
        if total + bytes.len() as u64 > MAX_PAYLOAD_BYTES {
            return Err(Error::new(
                ErrorCode::TooLarge,
                format!("payloads have at most {MAX_PAYLOAD_BYTES} bytes together"),
            ));
        }
        payloads.push(Payload { contents: Arc::new(copied(bytes)?), access });
        Ok(self.with(payloads, self.shared.placed.clone()))
    }

    /// Lays out memory beside the program of a copy of this guest. Fails with [`ErrorCode::InvalidArgument`] if the
    /// placement breaks a rule (the error says which), or if this guest has one already.
    pub fn with_placement(&self, placement: Placement) -> Result<Self> {
        if self.shared.placed.is_some() {
            return Err(Error::invalid_argument("the guest has a placement already"));
        }
        let program: Vec<_> = self.shared.program.segments.iter().map(Segment::pages).collect();
        let placed = placement.check(&program)?;
        Ok(self.with(self.shared.payloads.clone(), Some(Arc::new(placed))))
    }

    /// The guest virtual address at which system calls continue, if the program serves any.
    pub fn system_call_handler(&self) -> Option<u64> {
        self.shared.program.system_call
    }

    fn with(&self, payloads: Vec<Payload>, placed: Option<Arc<Placed>>) -> Self {
        Self {
            shared: Arc::new(Shared {
                file: Arc::clone(&self.shared.file),
                program: Arc::clone(&self.shared.program),
                payloads,
                placed,
                images: Mutex::default(),
                fingerprint: OnceLock::new(),
            }),
        }
    }

    fn load(file: Contents) -> Result<Self> {
        if file.len() as u64 > MAX_GUEST_FILE {
            return Err(too_large());
        }
        let program = elf::load(&file)?;
        relocate::each(&file, &program, |_| Ok(()))?;
        let shared = Shared {
            file: Arc::new(file),
            program: Arc::new(program),
            payloads: Vec::new(),
            placed: None,
            images: Mutex::default(),
            fingerprint: OnceLock::new(),
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Returns true if the other is a clone of this one.
    pub(crate) fn is_identical(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
    }

    /// The difference to another guest, in words.
    fn difference(&self, other: &Self) -> String {
        let (ours, theirs) = (&self.shared.payloads, &other.shared.payloads);
        if self.shared.file != other.shared.file {
            "it is of another guest program".to_owned()
        } else if self.placement_hash() != other.placement_hash() {
            "other memory was laid out for its guest".to_owned()
        } else if ours.len() == theirs.len() {
            let same = |(ours, theirs): (&Payload, &Payload)| {
                ours.access == theirs.access && ours.contents == theirs.contents
            };
            let first = ours.iter().zip(theirs).position(|pair| !same(pair));
            format!("payload {} of its guest is another one", first.unwrap_or(0))
        } else {
            format!("the number of its guest's payloads is {}, here it is {}", ours.len(), theirs.len())
        }
    }

    /// The guest ABI that the program was built for, by its note.
    pub(crate) fn abi(&self) -> u32 {
        self.shared.program.abi
    }

    /// A SHA-256 of file, payloads and placement; computed once.
    pub(crate) fn fingerprint(&self) -> Fingerprint {
        *self.shared.fingerprint.get_or_init(|| {
            let mut hash = Sha256::new();
            self.shared.file.hash(&mut hash);
            for payload in &self.shared.payloads {
                hash.update([u8::from(payload.access.is_executable())]);
                payload.contents.hash(&mut hash);
            }
            if let Some(placed) = self.placement_hash() {
                hash.update(placed);
            }
            hash.finalize().into()
        })
    }

    fn placement_hash(&self) -> Option<Fingerprint> {
        self.shared.placed.as_ref().map(|placed| {
            let mut hash = Sha256::new();
            placed.hash(&mut hash);
            hash.finalize().into()
        })
    }

    /// The file that the guest was loaded from. Public for bindings that send guests to other processes.
    #[doc(hidden)]
    pub fn file(&self) -> &[u8] {
        self.shared.file.as_slice()
    }

    /// The payloads that were added. Public as [`Self::file`] is.
    #[doc(hidden)]
    pub fn payloads(&self) -> impl Iterator<Item = (&[u8], PayloadAccess)> {
        self.shared.payloads.iter().map(|payload| (payload.contents.as_slice(), payload.access))
    }

    /// The image for these sizes, composed if there is none yet.
    pub(crate) fn image(&self, sizes: &Sizes) -> Result<Arc<Image>> {
        // A panic while the list is locked cannot leave it half-changed.
        let mut images = self.shared.images.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = images.iter().position(|(kept, _)| kept == sizes) {
            let found = images.remove(at);
            let image = Arc::clone(&found.1);
            images.push(found);
            return Ok(image);
        }
        let Shared { file, program, payloads, placed, .. } = &*self.shared;
        let image = Arc::new(Image::compose(file, program, payloads, placed.as_deref(), sizes)?);
        if images.len() == KEPT_IMAGES {
            images.remove(0);
        }
        images.push((*sizes, Arc::clone(&image)));
        Ok(image)
    }

    /// Composes the image of a sandbox with these options. Public for fuzzing, which looks for files that make it slow.
    #[doc(hidden)]
    pub fn compose(&self, options: &SandboxOptions) -> Result<()> {
        self.image(&options.sizes()?).map(drop)
    }

    /// The name of the function that holds a guest virtual address. Public for the same reason.
    #[doc(hidden)]
    pub fn function_at(&self, address: u64) -> Option<String> {
        let object = || self.shared.placed.as_ref()?.object_at(address);
        symbols::function_at(&self.shared.file, address.wrapping_sub(self.shared.program.bias))
            .or_else(object)
    }
}

fn copied(bytes: &[u8]) -> Result<Contents> {
    Contents::of_bytes(bytes).map_err(|source| Error::resource("copying a guest's bytes", source))
}

fn too_large() -> Error {
    Error::guest_binary(format!("a guest file has at most {MAX_GUEST_FILE} bytes"))
}

impl fmt::Debug for Guest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guest")
            .field("file_len", &self.shared.file.len())
            .field("payloads", &self.shared.payloads.len())
            .field("placed", &self.shared.placed.is_some())
            .finish_non_exhaustive()
    }
}
