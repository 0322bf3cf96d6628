//! The layout of a guest's files: their bytes one after the other, the index, and the places of the objects.

use std::collections::HashMap;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use libhyperlight::Result;
use libhyperlight_linux_contract::PAGE;

use crate::elf;
use crate::error::{binary, unreadable};
use crate::files::{Files, Source, Taken};
use crate::index::{self, Numbers};
use crate::place::{Piece, Placer};

/// Everything that the builder makes of files, beside their bytes.
#[derive(Debug)]
pub(crate) struct Layout {
    /// The index.
    pub index: Vec<u8>,
    /// Memory of the objects.
    pub pieces: Vec<Piece>,
    /// Paths, first addresses and sizes of the objects.
    pub objects: Vec<(Vec<u8>, u64, u64)>,
    /// Objects that got no place.
    pub unplaced: Vec<Unplaced>,
    /// System calls that were rewritten.
    pub rewritten: usize,
}

/// An ELF object of the files that cannot be run, but only be read.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Unplaced {
    /// Its path in the guest.
    pub path: Vec<u8>,
    /// The reason.
    pub reason: String,
}

/// Settings of a layout.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Settings<'a> {
    /// The path of the program that is run, resolved.
    pub program: &'a [u8],
    /// Allows memory that is writable and executable.
    pub jit: bool,
    /// The address of the libOS.
    pub handler: Option<u64>,
}

/// Writes the bytes of all files one after the other, each from a page boundary on. Returns the place of each, in the
/// order of the paths; of what is no file, the place of the next one.
pub(crate) fn write_files(files: &Files, to: &mut impl io::Write) -> Result<Vec<u64>> {
    const ZEROS: [u8; 4096] = [0; 4096];
    let mut offsets = Vec::with_capacity(files.taken().len());
    let mut at = 0_u64;
    for (path, taken) in files.taken() {
        offsets.push(at);
        let Taken::File { source, size, .. } = taken else {
            continue;
        };
        let padding = size.next_multiple_of(PAGE) - size;
        let written = source.write_to(to, *size).and_then(|()| {
            to.write_all(ZEROS.get(..usize::try_from(padding).unwrap_or(0)).unwrap_or_default())
        });
        written.map_err(|error| match source {
            Source::Host(path) => unreadable(path, &error),
            Source::Given(_) => unreadable(Path::new(std::ffi::OsStr::from_bytes(path)), &error),
        })?;
        at += size + padding;
    }
    Ok(offsets)
}

/// Lays everything out. `bytes` are those that [`write_files`] wrote, and `offsets` what it returned.
pub(crate) fn lay_out(
    files: &Files,
    bytes: &[u8],
    offsets: &[u64],
    settings: &Settings<'_>,
) -> Result<Layout> {
    let mut placer = Placer::new(settings.handler);
    let numbers = Numbers::of(files);
    let (mut pieces, mut objects, mut unplaced) = (Vec::new(), Vec::new(), Vec::new());
    let mut by_path = HashMap::new();
    let mut rewritten = 0;
    for ((path, taken), offset) in files.taken().iter().zip(offsets) {
        let Taken::File { size, .. } = taken else {
            continue;
        };
        let file = elf::slice(bytes, *offset..*offset + *size).unwrap_or_default();
        if !elf::is_object(file) {
            continue;
        }
        let placed = elf::read(file, settings.jit).and_then(|elf| {
            if elf.is_fixed && path != settings.program {
                return Err("it is a program for a fixed address, and not the one that is run".to_owned());
            }
            let mut placed = placer.place(&elf, file, *offset)?;
            // Of no other object is it asked for, and a path of a stranger's links takes time.
            if let Some(interpreter) = elf.interpreter.as_ref().filter(|_| path == settings.program) {
                let found = index::resolve(files, interpreter);
                placed.object.interpreter = found.and_then(|path| numbers.get(&path)).unwrap_or(0);
                if placed.object.interpreter == 0 {
                    return Err("the files do not have its dynamic loader".to_owned());
                }
            }
            Ok(placed)
        });
        match placed {
            Ok(placed) => {
                objects.push((path.clone(), placed.object.start, placed.object.end - placed.object.start));
                by_path.insert(&**path, placed.object);
                pieces.extend(placed.pieces);
                rewritten += placed.rewritten;
            }
            Err(reason) if path == settings.program => {
                return Err(binary(path, format!("it cannot be run: {reason}")));
            }
            Err(reason) => unplaced.push(Unplaced { path: path.clone(), reason }),
        }
    }
    if !by_path.contains_key(settings.program) {
        let start = files.taken().get(settings.program).and_then(|taken| match taken {
            Taken::File { source, .. } => source.start(2).ok(),
            _ => None,
        });
        return Err(binary(
            settings.program,
            match start.as_deref() {
                Some(b"#!") => "it is a script; run its interpreter, and give the script as an argument",
                Some(_) => "it is no ELF program for this processor",
                None => "it is no file",
            },
        ));
    }
    let index = index::write(files, offsets, &by_path)?;
    Ok(Layout { index, pieces, objects, unplaced, rewritten })
}

#[cfg(test)]
#[expect(clippy::cast_possible_truncation, reason = "objects are small")]
mod tests;
