//! Writing the index of a guest's files, whose form is in `libhyperlight_linux_contract::index`.

use std::collections::HashMap;

use libhyperlight::Result;
use libhyperlight_linux_contract::address::FILES;
use libhyperlight_linux_contract::index::{self, Entry, FILE, FOLDER, LINK, Object, ROOT};
use libhyperlight_linux_contract::limits::MAX_LINKS;

use crate::error::invalid;
use crate::files::{Files, Taken};
use crate::path;

/// Slots that one lookup may try. Hashes of ordinary paths never come near it; paths that are made to collide would
/// make the work quadratic.
const MAX_PROBES: usize = 1024;

/// Writes the index. `offsets` has the place of each file among the files' bytes, in the order of the paths; of what is
/// no file, any number. `objects` has the objects by the paths of their files.
pub(crate) fn write(files: &Files, offsets: &[u64], objects: &HashMap<&[u8], Object>) -> Result<Vec<u8>> {
    let numbers = Numbers::of(files);
    let mut names = Vec::new();
    let mut object_bytes = Vec::new();
    let mut entries = vec![Entry::default(); files.taken().len() + 1];
    let slots_len = (entries.len() * 2).next_power_of_two();
    let mut slots = vec![0_u32; slots_len];
    // Backwards, so that each folder lists what is in it in the order of the names.
    for (place, ((path, taken), offset)) in files.taken().iter().zip(offsets).enumerate().rev() {
        let number = place + 1;
        let parent = numbers.get(path::parent(path)).unwrap_or(ROOT);
        let mut entry = Entry {
            path: small(names.len())?,
            path_len: small(path.len())?,
            parent,
            child: entries.get(number).map_or(0, |entry| entry.child),
            ..Entry::default()
        };
        names.extend_from_slice(path);
        let stamp = match taken {
            Taken::Folder(stamp) => {
                entry.mode = FOLDER;
                stamp
            }
            Taken::Link { target, stamp } => {
                (entry.mode, entry.size, entry.data) = (LINK, target.len() as u64, names.len() as u64);
                names.extend_from_slice(target);
                stamp
            }
            Taken::File { size, stamp, .. } => {
                (entry.mode, entry.size, entry.data) = (FILE, *size, FILES.start + offset);
                if let Some(object) = objects.get(&**path) {
                    object_bytes.extend(object.to_bytes());
                    entry.object = small(object_bytes.len() / index::OBJECT_LEN)?;
                }
                stamp
            }
        };
        entry.mode |= stamp.permissions;
        (entry.modified, entry.modified_ns) = (stamp.modified, stamp.modified_ns);
        let number = small(number)?;
        if number != ROOT
            && let Some(folder) = entries.get_mut(parent as usize)
        {
            entry.sibling = std::mem::replace(&mut folder.child, number);
        }
        if let Some(place) = entries.get_mut(number as usize) {
            *place = entry;
        }
        insert(&mut slots, path, number)?;
    }
    let objects_len = object_bytes.len() / index::OBJECT_LEN;
    let mut bytes = index::header(entries.len(), objects_len, slots.len(), names.len()).to_vec();
    bytes.extend(entries.iter().flat_map(Entry::to_bytes));
    bytes.extend(object_bytes);
    bytes.extend(slots.iter().flat_map(|slot| slot.to_le_bytes()));
    bytes.extend(names);
    Ok(bytes)
}

/// The numbers of entries by their paths.
#[derive(Debug)]
pub(crate) struct Numbers<'f>(HashMap<&'f [u8], u32>);

impl<'f> Numbers<'f> {
    pub fn of(files: &'f Files) -> Self {
        // The number of files is bounded far below.
        Self((ROOT..).zip(files.taken().keys()).map(|(number, path)| (&**path, number)).collect())
    }

    pub fn get(&self, path: &[u8]) -> Option<u32> {
        self.0.get(path).copied()
    }
}

/// Follows a path through the symbolic links of the guest's files, to the path of a file that is none.
pub(crate) fn resolve(files: &Files, path: &[u8]) -> Option<Vec<u8>> {
    let mut rest: Vec<Vec<u8>> = split(path);
    let mut here = b"/".to_vec();
    let mut links = 0;
    while let Some(name) = rest.pop() {
        if name == b".." {
            here = path::parent(&here).to_vec();
            continue;
        }
        let next = path::join(&here, &name);
        match files.taken().get(&next)? {
            Taken::Link { target, .. } => {
                links += 1;
                if links > MAX_LINKS {
                    return None;
                }
                if target.starts_with(b"/") {
                    here = b"/".to_vec();
                }
                rest.extend(split(target));
            }
            Taken::Folder(_) => here = next,
            Taken::File { .. } if rest.is_empty() => here = next,
            Taken::File { .. } => return None,
        }
    }
    Some(here)
}

/// The names of a path, the last one first.
fn split(path: &[u8]) -> Vec<Vec<u8>> {
    let names = path.split(|byte| *byte == b'/').filter(|name| !matches!(*name, b"" | b"."));
    names.rev().map(<[u8]>::to_vec).collect()
}

fn insert(slots: &mut [u32], path: &[u8], number: u32) -> Result<()> {
    let mask = slots.len() - 1;
    let start = index::slot(index::hash(path), mask);
    for step in 0..MAX_PROBES {
        if let Some(slot @ 0) = slots.get_mut(start.wrapping_add(step) & mask) {
            *slot = number;
            return Ok(());
        }
    }
    Err(invalid("the files' paths are made so that their hashes collide; ask for fewer folders"))
}

/// A number that the limits keep small.
fn small(number: usize) -> Result<u32> {
    u32::try_from(number).map_err(|_| invalid("the files' paths take over 4 GiB"))
}
