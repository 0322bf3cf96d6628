//! A compiled program as bytes, which can be kept in a file.
//!
//! ```text
//! magic 8 bytes, maker 32 bytes, features u32, memories u32
//! description bytes, as `libhyperlight_values::description` has them
//! code bytes, SHA-256 of all that stands before it
//! bytes:  length u32, bytes
//! ```
//!
//! The code runs only in the virtual machine, so a hostile file can do no more than a hostile guest. The host reads the
//! file as it reads any other: nothing is trusted, nothing is allocated that the bytes do not justify, and the
//! description must be one that a compiled program can have. The code is of one version of the compiler and for one set
//! of processor features; with others it is refused, and must be made anew.

use std::sync::{Arc, OnceLock};

use libhyperlight_values::Description;
use libhyperlight_values::description::DescriptionError;
use libhyperlight_wasm_contract::settings;
use sha2::{Digest, Sha256};

use crate::compile::{Artifact, Compiled, Error, engine, processor_has};
use crate::description::is_possible;
use crate::options::Options;
use crate::process::PerProcess;

const MAGIC: &[u8; 8] = b"HLWASM\0\x03";

/// Bytes of a SHA-256.
const DIGEST: usize = 32;

impl Compiled {
    /// The program as bytes for [`Self::from_bytes`], of the same version of this library on a processor with the same
    /// features. Arguments, environment and files are not part of it. `None` if something is longer than 4 GiB.
    pub fn to_bytes(&self) -> Option<Vec<u8>> {
        let artifact = self.artifact();
        let mut out = MAGIC.to_vec();
        out.extend_from_slice(&maker().ok()?);
        put_word(&mut out, features());
        put_word(&mut out, artifact.memories);
        put(&mut out, &artifact.described)?;
        put(&mut out, &artifact.code)?;
        let digest = Sha256::digest(&out);
        out.extend_from_slice(&digest);
        Some(out)
    }

    /// The program in bytes that [`Self::to_bytes`] made, with its present surroundings. The limits on compiling have
    /// no effect here.
    ///
    /// The bytes may come from an untrusted source: like any guest, the program can do only what its sandbox allows.
    pub fn from_bytes(bytes: &[u8], options: &Options) -> Result<Self, Error> {
        let rest = bytes.strip_prefix(MAGIC).ok_or_else(|| refused("is no compiled program"))?;
        let (made_by, rest) = rest.split_first_chunk::<DIGEST>().ok_or_else(cut)?;
        let (found, mut rest) =
            rest.split_first_chunk::<4>().map_or((0, rest), |(word, rest)| (u32::from_le_bytes(*word), rest));
        if found != features() {
            return Err(refused(
                "was compiled for a processor with other features; compile the program anew on this one",
            ));
        }
        if *made_by != maker()? {
            return Err(refused("was compiled by another version of this library; compile the program anew"));
        }
        let (whole, digest) = bytes.split_last_chunk::<DIGEST>().ok_or_else(cut)?;
        if Sha256::digest(whole)[..] != digest[..] {
            return Err(cut());
        }
        rest = rest.strip_suffix(digest).ok_or_else(cut)?;
        let memories = word(&mut rest).ok_or_else(cut)?;
        let described = part(&mut rest).ok_or_else(cut)?;
        let description = Description::from_bytes(described).map_err(|error| match error {
            DescriptionError::Full(full) => full.into(),
            _ => cut(),
        })?;
        let code = part(&mut rest).ok_or_else(cut)?.to_vec();
        if !rest.is_empty() || !is_possible(&description) {
            return Err(cut());
        }
        Self::new(Arc::new(Artifact::new(code, memories, description)?), options)
    }
}

fn refused(why: &str) -> Error {
    Error::Program(format!("the saved program {why}"))
}

fn cut() -> Error {
    refused("is damaged; compile the program anew")
}

/// The maker of the code: the version of this library, and the compiler with all its settings. The compiler writes the
/// settings that matter beside everything that it compiles; here that is an empty module.
fn maker() -> Result<[u8; DIGEST], Error> {
    const NOTHING: &[u8] = b"\0asm\x01\0\0\0";
    static MAKER: PerProcess<OnceLock<[u8; DIGEST]>> = PerProcess::new();
    let known = MAKER.get(|inherited| inherited.cloned().unwrap_or_default());
    if let Some(maker) = known.get() {
        return Ok(*maker);
    }
    let failed = |error: wasmtime::Error| Error::Program(format!("the compiler cannot be set up: {error:#}"));
    let compiled = engine(false)?.precompile_module(NOTHING).map_err(failed)?;
    let maker = Sha256::new_with_prefix(env!("CARGO_PKG_VERSION")).chain_update(compiled).finalize();
    Ok(*known.get_or_init(|| maker.into()))
}

/// The features of this processor that code uses, a bit for each.
fn features() -> u32 {
    settings::PROCESSOR_FEATURES
        .iter()
        .enumerate()
        .map(|(bit, (_, name))| u32::from(processor_has(name)) << bit)
        .sum()
}

fn put_word(out: &mut Vec<u8>, word: u32) {
    out.extend_from_slice(&word.to_le_bytes());
}

fn put(out: &mut Vec<u8>, bytes: &[u8]) -> Option<()> {
    put_word(out, u32::try_from(bytes.len()).ok()?);
    out.extend_from_slice(bytes);
    Some(())
}

/// Takes a number off the bytes.
fn word(rest: &mut &[u8]) -> Option<u32> {
    let (word, after) = rest.split_first_chunk::<4>()?;
    *rest = after;
    Some(u32::from_le_bytes(*word))
}

/// Takes bytes with their length off the bytes.
fn part<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let len = usize::try_from(word(rest)?).ok()?;
    let (part, after) = rest.split_at_checked(len)?;
    *rest = after;
    Some(part)
}
