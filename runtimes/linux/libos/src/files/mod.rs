//! The program's files: those that the builder laid out, read-only; a file system in memory over them, which may have
//! files in any folder; and the few devices and process files that programs look for.
//!
//! A file is found by its canonical path, which [`FileSystem::resolve`] makes. What is in memory hides what was laid
//! out.

mod special;
mod status;
mod temporary;

use alloc::rc::Rc;
use alloc::vec::Vec;
use core::cell::RefCell;

use libhyperlight_linux_contract::index::{self, Entry, Index};
use libhyperlight_linux_contract::limits::{MAX_LINKS, MAX_NAME_LEN, MAX_PATH_LEN};

use crate::errno::Errno;

pub(crate) use special::{Device, Process, Special};
pub(crate) use status::Status;
pub(crate) use temporary::{Body, Node, Temporary};

/// A node of the file system in memory.
pub(crate) type Shared = Rc<RefCell<Node>>;

/// All files.
#[derive(Debug)]
pub(crate) struct FileSystem {
    pub index: Index<'static>,
    pub temporary: Temporary,
    /// The working folder, canonical.
    pub working: Vec<u8>,
    /// The path of the program that runs, canonical.
    pub program: Vec<u8>,
    /// Permissions that new files do not get.
    pub mask: u32,
}

/// Something that a path leads to.
#[derive(Clone, Debug)]
pub(crate) enum Found {
    Laid(u32, Entry),
    Temporary(Shared),
    Special(Special),
}

/// An entry of a folder.
#[derive(Clone, Debug)]
pub(crate) struct Listed {
    pub name: Vec<u8>,
    pub inode: u64,
    /// Bits of the mode that say what it is.
    pub kind: u32,
}

impl FileSystem {
    pub fn new(index: Index<'static>) -> Self {
        Self {
            index,
            temporary: Temporary::new(),
            working: b"/".to_vec(),
            program: b"/".to_vec(),
            mask: 0o022,
        }
    }

    /// Finds what is at a canonical path.
    pub fn find(&self, path: &[u8]) -> Option<Found> {
        if let Some(node) = self.temporary.get(path) {
            return Some(Found::Temporary(node));
        }
        if let Some(number) = self.index.find(path) {
            return self.index.entry(number).map(|entry| Found::Laid(number, entry));
        }
        Special::at(path).map(Found::Special)
    }

    /// Makes a path canonical: absolute, without symbolic links, `.` and `..`. Its last name need not exist; and if it
    /// is a symbolic link, it is only followed if asked for.
    pub fn resolve(&self, base: &[u8], path: &[u8], follow: bool) -> Result<Vec<u8>, Errno> {
        if path.is_empty() {
            return Err(Errno::NOENT);
        }
        let mut here = if path.starts_with(b"/") {
            Vec::new()
        } else {
            base.strip_suffix(b"/").unwrap_or(base).to_vec()
        };
        let must_be_folder = path.ends_with(b"/") || path.ends_with(b"/.");
        let mut rest: Vec<Vec<u8>> = Vec::new();
        push_names(&mut rest, path)?;
        let mut links = 0;
        while let Some(name) = rest.pop() {
            if name == b".." {
                let end = here.iter().rposition(|byte| *byte == b'/').unwrap_or(0);
                here.truncate(end);
                continue;
            }
            let before = here.len();
            here.push(b'/');
            here.extend_from_slice(&name);
            if here.len() > MAX_PATH_LEN {
                return Err(Errno::NAMETOOLONG);
            }
            let is_last = rest.is_empty();
            let link = if is_last && !follow && !must_be_folder { None } else { self.link(&here) };
            if let Some(target) = link {
                links += 1;
                if links > MAX_LINKS {
                    return Err(Errno::LOOP);
                }
                here.truncate(if target.starts_with(b"/") { 0 } else { before });
                push_names(&mut rest, &target)?;
            } else if !is_last || must_be_folder {
                match self.find(&here) {
                    Some(found) if found.is_folder() => {}
                    Some(_) => return Err(Errno::NOTDIR),
                    None if is_last => {}
                    None => return Err(Errno::NOENT),
                }
            }
        }
        if here.is_empty() {
            here.push(b'/');
        }
        Ok(here)
    }

    /// The target of the symbolic link at a path, if there is one.
    pub fn link(&self, path: &[u8]) -> Option<Vec<u8>> {
        match self.find(path)? {
            Found::Laid(_, entry) => self.index.target(&entry).map(<[u8]>::to_vec),
            Found::Temporary(node) => match &node.borrow().body {
                Body::Link(target) => Some(target.clone()),
                _ => None,
            },
            Found::Special(Special::Program) => Some(self.program.clone()),
            Found::Special(Special::Working) => Some(self.working.clone()),
            Found::Special(_) => None,
        }
    }

    /// Fails unless a new file may have that canonical path.
    pub fn check_parent(&self, path: &[u8]) -> Result<(), Errno> {
        match self.find(parent(path)) {
            Some(Found::Special(_)) => Err(Errno::ACCES),
            Some(found) if found.is_folder() => Ok(()),
            Some(_) => Err(Errno::NOTDIR),
            None => Err(Errno::NOENT),
        }
    }

    /// Lists a folder, sorted by names within each kind.
    pub fn list(&self, path: &[u8]) -> Vec<Listed> {
        let folder = |name: &[u8]| Listed { name: name.to_vec(), inode: 1, kind: index::FOLDER };
        let mut listed: Vec<Listed> = [folder(b"."), folder(b"..")].into();
        let inside = self.temporary.list(path);
        if let Some(number) = self.index.find(path) {
            let mut next = self.index.entry(number).map_or(0, |entry| entry.child);
            // An index that is damaged may have a circle.
            for _ in 0..self.index.len() {
                let Some(entry) = self.index.entry(next) else {
                    break;
                };
                let name = self.index.file_name(&entry).unwrap_or_default();
                if inside.binary_search_by(|listed| (*listed.name).cmp(name)).is_err() {
                    listed.push(Listed {
                        name: name.to_vec(),
                        inode: u64::from(next),
                        kind: entry.mode & index::TYPE_MASK,
                    });
                }
                next = entry.sibling;
            }
        }
        listed.extend(inside);
        listed.extend(Special::list(path));
        listed
    }
}

impl Found {
    pub fn is_folder(&self) -> bool {
        self.mode() & index::TYPE_MASK == index::FOLDER
    }

    /// Type and permissions.
    pub fn mode(&self) -> u32 {
        match self {
            Self::Laid(_, entry) => entry.mode,
            Self::Temporary(node) => node.borrow().mode,
            Self::Special(special) => special.mode(),
        }
    }
}

/// The folder that a canonical path is in.
pub(crate) fn parent(path: &[u8]) -> &[u8] {
    match path.iter().rposition(|byte| *byte == b'/') {
        None | Some(0) => b"/",
        Some(at) => path.get(..at).unwrap_or(b"/"),
    }
}

/// Puts the names of a path onto a list, the first one last.
fn push_names(list: &mut Vec<Vec<u8>>, path: &[u8]) -> Result<(), Errno> {
    for name in path.rsplit(|byte| *byte == b'/') {
        if name.len() > MAX_NAME_LEN {
            return Err(Errno::NAMETOOLONG);
        }
        if !matches!(name, b"" | b".") {
            list.push(name.to_vec());
        }
    }
    // Links that multiply what they stand for end here.
    if list.len() > MAX_PATH_LEN { Err(Errno::NAMETOOLONG) } else { Ok(()) }
}
