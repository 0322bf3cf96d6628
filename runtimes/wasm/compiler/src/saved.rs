//! A compiled program as bytes, which can be kept in a file.
//!
//! ```text
//! magic 8 bytes, maker 32 bytes, features u32, kind u32, memories u32
//! exports, imports:  count u32, count × (name text, parameters, result)
//! parameters:        count u32, count × (name text, type)
//! result:            0 u32, or 1 u32 and a type
//! type:              shape u32, length u32, count u32, count × (name text, 0 u32, or 1 u32 and a type)
//! memories:          count u32, count × text
//! code bytes, SHA-256 of all that stands before it
//! text, bytes:       length u32, bytes
//! ```
//!
//! The code runs only in the virtual machine, so a hostile file can do no more than a hostile guest. The host reads the
//! file as it reads any other: nothing is trusted, nothing is allocated that the bytes do not justify, and the
//! description must be one that a compiled program can have. The code is of one version of the compiler and for one set
//! of processor features; with others it is refused, and must be made anew.

use std::str;
use std::sync::{Arc, OnceLock};

use libhyperlight_wasm_contract::{ProgramKind, settings};
use libhyperlight_wasm_interface::Shape;
use sha2::{Digest, Sha256};

use crate::compile::{Artifact, Compiled, Error, engine, processor_has};
use crate::description::{Description, Function, Room};
use crate::options::Options;
use crate::process::PerProcess;
use crate::value_type::{Member, Type};

const MAGIC: &[u8; 8] = b"HLWASM\0\x02";

/// Bytes of a SHA-256.
const DIGEST: usize = 32;

impl Compiled {
    /// The program as bytes for [`Self::from_bytes`], of the same version of this library on a processor with the same
    /// features. Arguments, environment and files are not part of it. `None` if something is longer than 4 GiB.
    pub fn to_bytes(&self) -> Option<Vec<u8>> {
        let artifact = self.artifact();
        let mut out = MAGIC.to_vec();
        out.extend_from_slice(&maker().ok()?);
        let kind = match artifact.kind {
            ProgramKind::Module => 0,
            ProgramKind::Component => 1,
        };
        [features(), kind, artifact.memories].into_iter().for_each(|word| put_word(&mut out, word));
        let described = &artifact.described;
        for functions in [&described.exports, &described.imports] {
            put_list(&mut out, functions, |out, function| {
                put(out, function.name.as_bytes())?;
                put_list(out, &function.parameters, |out, (name, ty)| {
                    put(out, name.as_bytes())?;
                    put_type(out, ty)
                })?;
                put_optional_type(out, function.result.as_ref())
            })?;
        }
        put_list(&mut out, &described.memories, |out, name| put(out, name.as_bytes()))?;
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
        let mut rest = Rest { bytes: rest, room: Room::default() };
        let kind = match rest.word()? {
            0 => ProgramKind::Module,
            1 => ProgramKind::Component,
            _ => return Err(cut()),
        };
        let memories = rest.word()?;
        let described = Description {
            exports: rest.list(Rest::function)?,
            imports: rest.list(Rest::function)?,
            memories: rest.list(|rest| Ok(rest.text()?.to_owned()))?,
        };
        let code = rest.take_bytes()?.to_vec();
        if !rest.bytes.is_empty() || !described.is_of(kind) {
            return Err(cut());
        }
        Self::new(Arc::new(Artifact::new(code, kind, memories, described)), options)
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

fn put_list<T>(
    out: &mut Vec<u8>,
    items: &[T],
    mut item: impl FnMut(&mut Vec<u8>, &T) -> Option<()>,
) -> Option<()> {
    put_word(out, u32::try_from(items.len()).ok()?);
    items.iter().try_for_each(|value| item(out, value))
}

fn put_type(out: &mut Vec<u8>, ty: &Type) -> Option<()> {
    put_word(out, ty.shape() as u32);
    put_word(out, ty.length());
    put_list(out, ty.members(), |out, member| {
        put(out, member.name.as_bytes())?;
        put_optional_type(out, member.ty.as_ref())
    })
}

fn put_optional_type(out: &mut Vec<u8>, ty: Option<&Type>) -> Option<()> {
    put_word(out, ty.is_some().into());
    ty.map_or(Some(()), |ty| put_type(out, ty))
}

/// The bytes that are left to read, and the room that is left for a description.
struct Rest<'a> {
    bytes: &'a [u8],
    room: Room,
}

impl<'a> Rest<'a> {
    fn word(&mut self) -> Result<u32, Error> {
        let (word, rest) = self.bytes.split_first_chunk::<4>().ok_or_else(cut)?;
        self.bytes = rest;
        Ok(u32::from_le_bytes(*word))
    }

    fn flag(&mut self) -> Result<bool, Error> {
        match self.word()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(cut()),
        }
    }

    fn take_bytes(&mut self) -> Result<&'a [u8], Error> {
        let len = usize::try_from(self.word()?).map_err(|_| cut())?;
        let (head, rest) = self.bytes.split_at_checked(len).ok_or_else(cut)?;
        self.bytes = rest;
        Ok(head)
    }

    /// A text of the description.
    fn text(&mut self) -> Result<&'a str, Error> {
        let text = str::from_utf8(self.take_bytes()?).map_err(|_| cut())?;
        self.room.take(text)?;
        Ok(text)
    }

    fn list<T>(&mut self, mut item: impl FnMut(&mut Self) -> Result<T, Error>) -> Result<Vec<T>, Error> {
        (0..self.word()?).map(|_| item(self)).collect()
    }

    fn function(&mut self) -> Result<Function, Error> {
        Ok(Function {
            name: self.text()?.to_owned(),
            parameters: self.list(|rest| Ok((rest.text()?.to_owned(), rest.ty(0)?)))?,
            result: self.optional_type(0)?,
        })
    }

    fn optional_type(&mut self, depth: u32) -> Result<Option<Type>, Error> {
        if self.flag()? { self.ty(depth).map(Some) } else { Ok(None) }
    }

    /// A type inside so many others.
    fn ty(&mut self, depth: u32) -> Result<Type, Error> {
        if depth > Type::MAX_DEPTH {
            return Err(cut());
        }
        self.room.take("")?;
        let shape = Shape::from_number(self.word()?).ok_or_else(cut)?;
        let length = self.word()?;
        let members = self
            .list(|rest| Ok(Member { name: rest.text()?.to_owned(), ty: rest.optional_type(depth + 1)? }))?;
        Type::new(shape, length, members).ok_or_else(cut)
    }
}
