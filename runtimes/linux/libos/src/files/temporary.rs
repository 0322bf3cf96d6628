//! The file system in memory.
//!
//! Files are found by their canonical paths, in a sorted map: a folder's entries are those whose paths start with its
//! own. A file that is open lives on when its path is gone. Contents and names count against one limit.

use alloc::collections::BTreeMap;
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};
use core::ops::Bound;

use libhyperlight_linux_contract::index::{FILE, FOLDER, LINK, TYPE_MASK};

use super::{Listed, Shared};
use crate::errno::Errno;

/// Inodes of files in memory start behind those of files that were laid out.
const FIRST_INODE: u64 = 1 << 32;

/// Bytes that a file costs beside its contents and its path.
const OVERHEAD: u64 = 256;

/// A file, a folder or a symbolic link.
#[derive(Debug)]
pub(crate) struct Node {
    pub body: Body,
    /// Type and permissions.
    pub mode: u32,
    /// Nanoseconds since 1970 of its last change and of its last reading, as far as programs set it.
    pub modified: u64,
    pub accessed: u64,
    pub inode: u64,
    /// Number of its paths.
    pub links: u32,
    room: Rc<Room>,
}

/// The contents of a node.
#[derive(Debug)]
pub(crate) enum Body {
    File(Vec<u8>),
    Folder,
    Link(Vec<u8>),
}

/// Bytes that are left for all files.
#[derive(Debug)]
struct Room {
    limit: Cell<u64>,
    used: Cell<u64>,
}

/// All files in memory.
#[derive(Debug)]
pub(crate) struct Temporary {
    nodes: BTreeMap<Vec<u8>, Shared>,
    next_inode: u64,
    room: Rc<Room>,
}

impl Temporary {
    pub fn new() -> Self {
        let room = Room { limit: Cell::new(u64::MAX), used: Cell::new(0) };
        Self { nodes: BTreeMap::new(), next_inode: FIRST_INODE, room: Rc::new(room) }
    }

    /// Sets the limit for contents and names together.
    pub fn set_limit(&mut self, bytes: u64) {
        self.room.limit.set(bytes);
    }

    /// Bytes that are used, and the limit.
    pub fn usage(&self) -> (u64, u64) {
        (self.room.used.get(), self.room.limit.get())
    }

    pub fn get(&self, path: &[u8]) -> Option<Shared> {
        self.nodes.get(path).map(Rc::clone)
    }

    /// Every file with its path.
    pub fn files(&self) -> impl Iterator<Item = (&[u8], &Shared)> {
        self.nodes
            .iter()
            .filter(|(_, node)| node.borrow().mode & TYPE_MASK == FILE)
            .map(|(path, node)| (&**path, node))
    }

    /// Makes a node. The caller has made sure that there is nothing at the path.
    pub fn create(&mut self, path: Vec<u8>, body: Body, permissions: u32, now: u64) -> Result<Shared, Errno> {
        let (kind, len) = match &body {
            Body::File(bytes) => (FILE, bytes.len()),
            Body::Folder => (FOLDER, 0),
            Body::Link(target) => (LINK, target.len()),
        };
        self.room.take(OVERHEAD + len as u64)?;
        self.room.take(path.len() as u64).inspect_err(|_| self.room.give_back(OVERHEAD + len as u64))?;
        let node = Node {
            body,
            mode: kind | permissions & 0o7777,
            modified: now,
            accessed: now,
            inode: self.next_inode,
            links: 1,
            room: Rc::clone(&self.room),
        };
        self.next_inode += 1;
        let node = Rc::new(RefCell::new(node));
        self.nodes.insert(path, Rc::clone(&node));
        Ok(node)
    }

    /// Gives a node another path beside those that it has.
    pub fn link(&mut self, node: &Shared, path: Vec<u8>) -> Result<(), Errno> {
        self.room.take(path.len() as u64)?;
        node.borrow_mut().links += 1;
        self.nodes.insert(path, Rc::clone(node));
        Ok(())
    }

    /// Removes a path.
    pub fn remove(&mut self, path: &[u8]) {
        if let Some(node) = self.nodes.remove(path) {
            self.room.give_back(path.len() as u64);
            let mut node = node.borrow_mut();
            node.links = node.links.saturating_sub(1);
        }
    }

    /// Returns true if there is something below the path.
    pub fn has_entries(&self, path: &[u8]) -> bool {
        let first = first_below(path);
        let below = (Bound::Included(&*first), Bound::Unbounded);
        self.nodes.range::<[u8], _>(below).next().is_some_and(|(found, _)| found.starts_with(&first))
    }

    /// Moves a node, with everything that is below it. What was at the new path is gone.
    pub fn rename(&mut self, from: &[u8], to: &[u8]) -> Result<(), Errno> {
        let first = first_below(from);
        let below = (Bound::Included(&*first), Bound::Unbounded);
        let mut moved: Vec<Vec<u8>> = self
            .nodes
            .range::<[u8], _>(below)
            .map(|(path, _)| path)
            .take_while(|path| path.starts_with(&first))
            .cloned()
            .collect();
        moved.push(from.to_vec());
        let longer = to.len().saturating_sub(from.len()) as u64;
        self.room.take(longer.saturating_mul(moved.len() as u64))?;
        let shorter = from.len().saturating_sub(to.len()) as u64;
        self.room.give_back(shorter.saturating_mul(moved.len() as u64));
        self.remove(to);
        for path in moved {
            if let Some(node) = self.nodes.remove(&path) {
                let mut new = to.to_vec();
                new.extend_from_slice(path.get(from.len()..).unwrap_or_default());
                self.nodes.insert(new, node);
            }
        }
        Ok(())
    }

    /// Lists what is directly in a folder, sorted.
    pub fn list(&self, path: &[u8]) -> Vec<Listed> {
        let first = first_below(path);
        let mut listed = Vec::new();
        let mut from = Bound::Included(first.clone());
        while let Some((found, node)) = self.nodes.range((from, Bound::Unbounded)).next()
            && let Some(name) = found.strip_prefix(&*first)
        {
            let end = name.iter().position(|byte| *byte == b'/');
            let name = name.get(..end.unwrap_or(name.len())).unwrap_or_default();
            if end.is_none() && !name.is_empty() {
                let node = node.borrow();
                listed.push(Listed { name: name.to_vec(), inode: node.inode, kind: node.mode & TYPE_MASK });
            }
            // What is below an entry is passed over in one step: `0` follows `/`. But what lies between the two in
            // the order, such as `a-b` after `a`, must not be.
            from = if end.is_some() {
                let mut next = first.clone();
                next.extend_from_slice(name);
                next.push(b'0');
                Bound::Included(next)
            } else {
                Bound::Excluded(found.clone())
            };
        }
        listed.sort_unstable_by(|one, other| one.name.cmp(&other.name));
        listed
    }
}

impl Node {
    /// Bytes of a file's contents, or of a link's target.
    pub fn len(&self) -> u64 {
        match &self.body {
            Body::File(bytes) | Body::Link(bytes) => bytes.len() as u64,
            Body::Folder => 0,
        }
    }

    /// A file's contents.
    pub fn bytes(&self) -> &[u8] {
        match &self.body {
            Body::File(bytes) => bytes,
            _ => &[],
        }
    }

    /// Makes a file longer, with zeros, or shorter.
    pub fn set_len(&mut self, len: u64) -> Result<(), Errno> {
        let Body::File(bytes) = &mut self.body else {
            return Err(Errno::INVAL);
        };
        let new = usize::try_from(len).map_err(|_| Errno::FBIG)?;
        let old = bytes.len();
        if new > old {
            self.room.take((new - old) as u64)?;
            if bytes.try_reserve(new - old).is_err() {
                self.room.give_back((new - old) as u64);
                return Err(Errno::NOSPC);
            }
            bytes.resize(new, 0);
        } else {
            bytes.truncate(new);
            if new < bytes.capacity() / 4 {
                bytes.shrink_to_fit();
            }
            self.room.give_back((old - new) as u64);
        }
        Ok(())
    }

    /// Writes into a file, which becomes longer if need be.
    pub fn write(&mut self, at: u64, data: &[u8], now: u64) -> Result<(), Errno> {
        let end = at.checked_add(data.len() as u64).ok_or(Errno::FBIG)?;
        if end > self.len() {
            self.set_len(end)?;
        }
        let Body::File(bytes) = &mut self.body else {
            return Err(Errno::INVAL);
        };
        let at = usize::try_from(at).map_err(|_| Errno::FBIG)?;
        let place = bytes.get_mut(at..).and_then(|rest| rest.get_mut(..data.len())).ok_or(Errno::IO)?;
        place.copy_from_slice(data);
        self.modified = now;
        Ok(())
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.room.give_back(OVERHEAD + self.len());
    }
}

impl Room {
    fn take(&self, bytes: u64) -> Result<(), Errno> {
        let used = self
            .used
            .get()
            .checked_add(bytes)
            .filter(|used| *used <= self.limit.get())
            .ok_or(Errno::NOSPC)?;
        self.used.set(used);
        Ok(())
    }

    fn give_back(&self, bytes: u64) {
        self.used.set(self.used.get().saturating_sub(bytes));
    }
}

/// The beginning of all paths below a folder's.
fn first_below(path: &[u8]) -> Vec<u8> {
    let mut first = path.strip_suffix(b"/").unwrap_or(path).to_vec();
    first.push(b'/');
    first
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(temporary: &Temporary, path: &[u8]) -> Vec<Vec<u8>> {
        temporary.list(path).into_iter().map(|listed| listed.name).collect()
    }

    fn with(paths: &[&[u8]]) -> Temporary {
        let mut temporary = Temporary::new();
        for path in paths {
            let body = if path.ends_with(b"d") { Body::Folder } else { Body::File(Vec::new()) };
            temporary.create(path.to_vec(), body, 0o644, 0).unwrap();
        }
        temporary
    }

    #[test]
    fn a_folder_lists_what_is_directly_in_it() {
        let temporary =
            with(&[b"/d", b"/d/a", b"/d/b-c", b"/d/bd", b"/d/bd/x", b"/d/bd/y", b"/d/b.d", b"/e"]);
        assert_eq!(names(&temporary, b"/d"), [&b"a"[..], b"b-c", b"b.d", b"bd"]);
        assert_eq!(names(&temporary, b"/d/bd"), [b"x", b"y"]);
        assert_eq!(names(&temporary, b"/"), [&b"d"[..], b"e"]);
        assert!(
            temporary.has_entries(b"/d/bd")
                && !temporary.has_entries(b"/d/a")
                && !temporary.has_entries(b"/d/b")
        );
    }

    #[test]
    fn a_folder_moves_with_everything_in_it() {
        let mut temporary = with(&[b"/d", b"/d/a", b"/d/xd", b"/d/xd/y", b"/d-z"]);
        temporary.rename(b"/d", b"/longer").unwrap();
        assert_eq!(names(&temporary, b"/"), [&b"d-z"[..], b"longer"]);
        assert_eq!(names(&temporary, b"/longer"), [&b"a"[..], b"xd"]);
        assert!(temporary.get(b"/longer/xd/y").is_some() && temporary.get(b"/d/a").is_none());
    }

    #[test]
    fn files_are_bounded_together_and_give_back_what_they_had() {
        let mut temporary = Temporary::new();
        temporary.set_limit(10_000);
        let one = temporary.create(b"/one".to_vec(), Body::File(Vec::new()), 0o644, 0).unwrap();
        one.borrow_mut().write(0, &[1; 5000], 0).unwrap();
        let two = temporary.create(b"/two".to_vec(), Body::File(Vec::new()), 0o644, 0).unwrap();
        assert_eq!(two.borrow_mut().write(0, &[2; 5000], 0), Err(Errno::NOSPC));
        assert_eq!(two.borrow().len(), 0);
        temporary.remove(b"/one");
        // It is open, so that its contents still count.
        assert_eq!(two.borrow_mut().write(0, &[2; 5000], 0), Err(Errno::NOSPC));
        drop(one);
        two.borrow_mut().write(4000, &[2; 5000], 0).unwrap();
        assert_eq!(two.borrow().bytes().get(..4000), Some(&[0; 4000][..]));
        temporary.remove(b"/two");
        drop(two);
        assert_eq!(temporary.usage().0, 0);
    }
}
