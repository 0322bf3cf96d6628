//! The guest programs that libhyperlight carries. They are compressed in the program or library that is linked with
//! this crate, and unpacked and loaded at most once in a process.
//!
//! ```
//! use libhyperlight::{SandboxOptions, UninitializedSandbox};
//!
//! # fn main() -> libhyperlight::Result<()> {
//! let guest = libhyperlight_builtin::javascript()?;
//! let mut sandbox = UninitializedSandbox::new(&guest, SandboxOptions::new())?.evolve()?;
//! let answer: String = sandbox.call("eval", ("6 * 7",))?;
//! assert_eq!(answer, "42");
//! # Ok(())
//! # }
//! ```
//!
//! To the engine they are guests like any other. Each has a feature of its name, all of which are on by default; a
//! program that only runs scripts takes `default-features = false, features = ["javascript"]`. Loading one fails only
//! if the program itself is damaged: [`ErrorCode::Internal`].

use std::sync::OnceLock;

use libhyperlight::{Error, ErrorCode, Guest, Result};

/// Loads the demo guest, for trying and testing the library. [`Sandbox::functions`](libhyperlight::Sandbox::functions)
/// lists its functions.
#[cfg(feature = "demo")]
pub fn demo() -> Result<Guest> {
    by_name("demo")
}

/// Loads the JavaScript engine.
#[cfg(feature = "javascript")]
pub fn javascript() -> Result<Guest> {
    by_name("javascript")
}

/// Loads the libOS for Linux programs, without a program.
#[cfg(feature = "linux")]
pub fn linux() -> Result<Guest> {
    by_name("linux")
}

/// Loads the WebAssembly runtime, without a module.
#[cfg(feature = "wasm")]
pub fn wasm() -> Result<Guest> {
    by_name("wasm")
}

/// Loads the guest with that name; [`ErrorCode::InvalidArgument`] if there is none.
pub fn by_name(name: &str) -> Result<Guest> {
    find(name)?.guest()
}

/// Unpacks the ELF file of the guest with that name, for [`Guest::from_bytes`].
pub fn elf(name: &str) -> Result<Vec<u8>> {
    find(name)?.unpack()
}

/// Lists the names of the guests in this crate.
pub fn names() -> impl Iterator<Item = &'static str> {
    CARRIED.iter().map(|carried| carried.name)
}

/// A guest, made by the build script.
struct Carried {
    name: &'static str,
    compressed: &'static [u8],
    loaded: &'static OnceLock<Guest>,
}

macro_rules! carried {
    ($name:literal) => {
        Carried {
            name: $name,
            compressed: include_bytes!(concat!(env!("OUT_DIR"), "/", $name, ".elf.z")),
            loaded: {
                static LOADED: OnceLock<Guest> = OnceLock::new();
                &LOADED
            },
        }
    };
}

static CARRIED: &[Carried] = &[
    #[cfg(feature = "demo")]
    carried!("demo"),
    #[cfg(feature = "javascript")]
    carried!("javascript"),
    #[cfg(feature = "linux")]
    carried!("linux"),
    #[cfg(feature = "wasm")]
    carried!("wasm"),
];

fn find(name: &str) -> Result<&'static Carried> {
    CARRIED.iter().find(|carried| carried.name == name).ok_or_else(|| {
        let names: Vec<_> = names().map(|name| format!("\"{name}\"")).collect();
        Error::new(
            ErrorCode::InvalidArgument,
            format!("there is no built-in guest {name:?}; this library carries {}", names.join(", ")),
        )
    })
}

impl Carried {
    fn guest(&self) -> Result<Guest> {
        if let Some(guest) = self.loaded.get() {
            return Ok(guest.clone());
        }
        let guest = Guest::from_bytes(&self.unpack()?)?;
        // Another thread may have been faster: then all use its guest and its images.
        Ok(self.loaded.get_or_init(|| guest).clone())
    }

    fn unpack(&self) -> Result<Vec<u8>> {
        miniz_oxide::inflate::decompress_to_vec_zlib(self.compressed).map_err(|error| {
            let message = format!("the built-in guest {:?} is damaged: {error}", self.name);
            Error::new(ErrorCode::Internal, message)
        })
    }
}
