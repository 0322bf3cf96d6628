//! WebAssembly programs for the `wasm` guest. The compiler is loaded when the first program is compiled.
//!
//! The compiler is a shared library of its own, see [`libhyperlight_wasm_interface`]. It lies beside the library that
//! this crate is part of: libhyperlight.so, or the native half of a package. No path, variable or option chooses
//! another, but in a program that links the static library, where the dynamic linker finds it by its own rules.

mod error;
mod library;
mod options;

pub use options::Options;

use std::ptr::NonNull;

use libhyperlight::{Guest, PayloadAccess, Result};
use libhyperlight_values::Description;
use libhyperlight_wasm_interface::{self as interface, Bytes, Interface, status};

/// A compiled program.
///
/// The errors of making one: [`GuestBinary`](libhyperlight::ErrorCode::GuestBinary) for a program that cannot be run or
/// is too large, [`InvalidArgument`](libhyperlight::ErrorCode::InvalidArgument) for options,
/// [`Timeout`](libhyperlight::ErrorCode::Timeout) if compiling took too long, [`Io`](libhyperlight::ErrorCode::Io) for
/// a compiler that cannot be loaded.
#[derive(Debug)]
pub struct Program {
    library: &'static Interface,
    program: NonNull<interface::Program>,
}

// SAFETY: the interface says that its functions may be called from any thread; a program does not change.
unsafe impl Send for Program {}
// SAFETY: as above.
unsafe impl Sync for Program {}

impl Program {
    /// Compiles a module or a component in its binary form.
    pub fn compile(wasm: &[u8], options: &Options<'_>) -> Result<Self> {
        let library = library::load()?;
        // SAFETY: everything that is pointed to lives until the end of the call, here and below.
        options.with(|options| Self::given(library, unsafe { (library.compile)(Bytes::of(wasm), options) }))
    }

    /// Loads a program from the bytes of [`Self::to_bytes`], in this release, on a processor with the same features.
    /// The bytes may be untrusted. The limits on compiling are ignored.
    pub fn from_bytes(saved: &[u8], options: &Options<'_>) -> Result<Self> {
        let library = library::load()?;
        // SAFETY: as above.
        options.with(|options| Self::given(library, unsafe { (library.load)(Bytes::of(saved), options) }))
    }

    /// Makes a copy of the program with another WASI environment. The limits on compiling are ignored.
    pub fn with_options(&self, options: &Options<'_>) -> Result<Self> {
        let Self { library, program } = self;
        options.with(|options| {
            // SAFETY: as above; the program is alive.
            Self::given(library, unsafe { (library.with_options)(program.as_ptr(), options) })
        })
    }

    /// Returns bytes for [`Self::from_bytes`], without the WASI environment.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        // SAFETY: the program is alive, and the bytes are there until they are freed, once.
        let saved = unsafe {
            let bytes = (self.library.save)(self.program.as_ptr());
            let saved = bytes.as_slice().to_vec();
            (self.library.free_bytes)(bytes);
            saved
        };
        if saved.is_empty() {
            return Err(error::refused(status::PROGRAM, "the program is too large to be saved".to_owned()));
        }
        Ok(saved)
    }

    /// Makes the guest that runs the program from the `wasm` guest.
    pub fn guest(&self, runtime: &Guest) -> Result<Guest> {
        runtime
            .with_payload(self.code(), PayloadAccess::ReadExecute)?
            .with_payload(self.config(), PayloadAccess::Read)
    }

    /// Returns the first payload, machine code: readable and executable.
    pub fn code(&self) -> &[u8] {
        self.part(self.library.code)
    }

    /// Returns the second payload: readable.
    pub fn config(&self) -> &[u8] {
        self.part(self.library.config)
    }

    /// Returns the exports and imports. They are checked: what the library writes of a program's types is read here as
    /// any other bytes are.
    pub fn description(&self) -> Result<Description> {
        let read = Description::from_bytes(self.part(self.library.description));
        read.map_err(|error| {
            error::refused(status::INTERNAL, format!("{error}; this is a bug of the compiler's"))
        })
    }

    /// Wraps a program of the library, if it succeeded.
    fn given(library: &'static Interface, program: *mut interface::Program) -> Result<Self> {
        let program = NonNull::new(program)
            .ok_or_else(|| error::refused(status::INTERNAL, "the compiler gave nothing".to_owned()))?;
        let given = Self { library, program };
        // SAFETY: it was just given.
        match unsafe { (library.status)(program.as_ptr()) } {
            status::OK => Ok(given),
            status => {
                let message = String::from_utf8_lossy(given.part(library.message)).into_owned();
                Err(error::refused(status, message))
            }
        }
    }

    fn part(&self, part: unsafe extern "C" fn(*const interface::Program) -> Bytes) -> &[u8] {
        // SAFETY: the program is alive, and what is lent lives as long.
        unsafe { part(self.program.as_ptr()).as_slice() }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // SAFETY: the library gave it, and it is given back once.
        unsafe { (self.library.free)(self.program.as_ptr()) };
    }
}
