//! System calls that change the tree of files: what the builder laid out stays as it is.

use alloc::rc::Rc;
use alloc::vec::Vec;

use libhyperlight_linux_contract::index::FILE;

use super::path::{EMPTY_PATH, NO_FOLLOW};
use crate::descriptors::Kind;
use crate::errno::{Answer, Errno};
use crate::files::{Body, Found, Shared};
use crate::kernel::Kernel;
use crate::platform::Platform;
use crate::user;

/// Flag of `unlinkat`.
pub(super) const REMOVE_FOLDER: u64 = 0x200;

/// Flag of `linkat`.
const FOLLOW: u64 = 0x400;

/// Flags of `renameat2`.
const NO_REPLACE: u64 = 1;

/// Bytes of an entry of a folder before its name.
const ENTRY_HEADER: usize = 19;

impl<P: Platform> Kernel<P> {
    pub(super) fn make_folder(&mut self, folder: u64, path: u64, mode: u64) -> Answer {
        let path = self.path_at(folder, path, false)?;
        if self.files.find(&path).is_some() {
            return Err(Errno::EXIST.into());
        }
        self.files.check_parent(&path)?;
        let mode = u32::try_from(mode & 0o7777)? & !self.files.mask;
        let now = self.platform.wall_ns();
        self.files.temporary.create(path, Body::Folder, mode, now)?;
        Ok(0)
    }

    pub(super) fn unlink(&mut self, folder: u64, path: u64, flags: u64) -> Answer {
        let path = self.path_at(folder, path, false)?;
        let found = self.files.find(&path).ok_or(Errno::NOENT)?;
        if found.is_folder() != (flags & REMOVE_FOLDER != 0) {
            return Err(if found.is_folder() { Errno::ISDIR } else { Errno::NOTDIR }.into());
        }
        self.temporary(found)?;
        if self.files.temporary.has_entries(&path) {
            return Err(Errno::NOTEMPTY.into());
        }
        self.files.temporary.remove(&path);
        Ok(0)
    }

    pub(super) fn rename(
        &mut self,
        from_folder: u64,
        from: u64,
        to_folder: u64,
        to: u64,
        flags: u64,
    ) -> Answer {
        let from = self.path_at(from_folder, from, false)?;
        let to = self.path_at(to_folder, to, false)?;
        let found = self.files.find(&from).ok_or(Errno::NOENT)?;
        let is_folder = found.is_folder();
        let node = self.temporary(found)?;
        if flags & !NO_REPLACE != 0 {
            return Err(Errno::INVAL.into());
        }
        self.files.check_parent(&to)?;
        if let Some(there) = self.files.find(&to) {
            if flags & NO_REPLACE != 0 {
                return Err(Errno::EXIST.into());
            }
            match (is_folder, there.is_folder()) {
                (true, false) => return Err(Errno::NOTDIR.into()),
                (false, true) => return Err(Errno::ISDIR.into()),
                _ => {}
            }
            let there = self.temporary(there)?;
            if Rc::ptr_eq(&node, &there) {
                return Ok(0);
            }
            if self.files.temporary.has_entries(&to) {
                return Err(Errno::NOTEMPTY.into());
            }
        }
        if is_folder && to.strip_prefix(&*from).is_some_and(|rest| rest.starts_with(b"/")) {
            return Err(Errno::INVAL.into());
        }
        self.files.temporary.rename(&from, &to)?;
        Ok(0)
    }

    pub(super) fn make_link(&mut self, target: u64, folder: u64, path: u64) -> Answer {
        let target = user::path(target)?;
        let path = self.path_at(folder, path, false)?;
        if target.is_empty() {
            return Err(Errno::NOENT.into());
        }
        if self.files.find(&path).is_some() {
            return Err(Errno::EXIST.into());
        }
        self.files.check_parent(&path)?;
        let now = self.platform.wall_ns();
        self.files.temporary.create(path, Body::Link(target), 0o777, now)?;
        Ok(0)
    }

    pub(super) fn add_link(
        &mut self,
        from_folder: u64,
        from: u64,
        to_folder: u64,
        to: u64,
        flags: u64,
    ) -> Answer {
        let from = self.path_at(from_folder, from, flags & FOLLOW != 0)?;
        let to = self.path_at(to_folder, to, false)?;
        let found = self.files.find(&from).ok_or(Errno::NOENT)?;
        if found.is_folder() {
            return Err(Errno::PERM.into());
        }
        if self.files.find(&to).is_some() {
            return Err(Errno::EXIST.into());
        }
        self.files.check_parent(&to)?;
        let node = match found {
            Found::Temporary(node) => node,
            _ => return Err(Errno::XDEV.into()),
        };
        self.files.temporary.link(&node, to)?;
        Ok(0)
    }

    pub(super) fn truncate_path(&mut self, path: u64, len: u64) -> Answer {
        let path = self.path_at(super::AT_WORKING, path, true)?;
        let found = self.files.find(&path).ok_or(Errno::NOENT)?;
        if found.is_folder() {
            return Err(Errno::ISDIR.into());
        }
        let node = self.temporary(found)?;
        let now = self.platform.wall_ns();
        let mut node = node.borrow_mut();
        node.set_len(len)?;
        node.modified = now;
        Ok(0)
    }

    pub(super) fn change_mode(&mut self, folder: u64, path: u64, mode: u64) -> Answer {
        let path = self.path_at(folder, path, true)?;
        let found = self.files.find(&path).ok_or(Errno::NOENT)?;
        let node = self.temporary(found)?;
        set_permissions(&node, mode)
    }

    pub(super) fn change_mode_open(&mut self, number: u64, mode: u64) -> Answer {
        let file = self.file(number)?;
        match &file.kind {
            Kind::Temporary(node) => set_permissions(node, mode),
            Kind::Folder(path, _) => match self.files.find(path) {
                Some(Found::Temporary(node)) => set_permissions(&node, mode),
                _ => Err(Errno::ROFS.into()),
            },
            _ => Err(Errno::ROFS.into()),
        }
    }

    /// There is one user, who is root: it is enough that the file is there.
    pub(super) fn change_owner(&mut self, folder: u64, path: u64, flags: u64) -> Answer {
        if flags & EMPTY_PATH != 0 && user::read::<u8>(path)? == 0 {
            return self.of_open(folder);
        }
        let path = self.path_at(folder, path, flags & NO_FOLLOW == 0)?;
        self.files.find(&path).map(|_| 0).ok_or_else(|| Errno::NOENT.into())
    }

    pub(super) fn set_times(&mut self, folder: u64, path: u64, times: u64, flags: u64) -> Answer {
        /// Instead of nanoseconds: the time of now, and no change.
        const NOW: u64 = (1 << 30) - 1;
        const OMIT: u64 = (1 << 30) - 2;
        let node = if path == 0 {
            match &self.file(folder)?.kind {
                Kind::Temporary(node) => Rc::clone(node),
                _ => return Err(Errno::ROFS.into()),
            }
        } else {
            let path = self.path_at(folder, path, flags & NO_FOLLOW == 0)?;
            let found = self.files.find(&path).ok_or(Errno::NOENT)?;
            self.temporary(found)?
        };
        let now = self.platform.wall_ns();
        let times: [u64; 4] = if times == 0 { [0, NOW, 0, NOW] } else { user::read(times)? };
        let [accessed_s, accessed_ns, modified_s, modified_ns] = times;
        let time = |seconds: u64, ns: u64, old: u64| match ns {
            NOW => Ok(now),
            OMIT => Ok(old),
            ns if ns < 1_000_000_000 => Ok(seconds.saturating_mul(1_000_000_000).saturating_add(ns)),
            _ => Err(Errno::INVAL),
        };
        let mut node = node.borrow_mut();
        node.accessed = time(accessed_s, accessed_ns, node.accessed)?;
        node.modified = time(modified_s, modified_ns, node.modified)?;
        Ok(0)
    }

    /// Lists a folder, from where the last listing ended.
    pub(super) fn list_folder(&mut self, number: u64, into: u64, len: u64) -> Answer {
        let file = self.file(number)?;
        let Kind::Folder(path, listed) = &file.kind else {
            return Err(Errno::NOTDIR.into());
        };
        let mut listed = listed.borrow_mut();
        let listed = listed.get_or_insert_with(|| self.files.list(path));
        let buffer = user::bytes_mut(into, len)?;
        let mut used = 0;
        let mut at = file.offset.get();
        while let Some(entry) = usize::try_from(at).ok().and_then(|at| listed.get(at)) {
            let size = (ENTRY_HEADER + entry.name.len() + 1).next_multiple_of(8);
            let Some(place) = buffer.get_mut(used..).and_then(|rest| rest.get_mut(..size)) else {
                break;
            };
            at += 1;
            let mut bytes = Vec::with_capacity(size);
            bytes.extend(entry.inode.to_le_bytes());
            bytes.extend(at.to_le_bytes());
            bytes.extend(u16::try_from(size)?.to_le_bytes());
            bytes.push(u8::try_from(entry.kind >> 12).unwrap_or(0));
            bytes.extend_from_slice(&entry.name);
            bytes.resize(size, 0);
            place.copy_from_slice(&bytes);
            used += size;
        }
        if used == 0 && usize::try_from(at).is_ok_and(|at| at < listed.len()) {
            return Err(Errno::INVAL.into());
        }
        file.offset.set(at);
        Ok(used as u64)
    }

    /// The node of what can be changed.
    fn temporary(&self, found: Found) -> Result<Shared, Errno> {
        match found {
            Found::Temporary(node) => Ok(node),
            Found::Laid(..) => Err(Errno::ROFS),
            Found::Special(_) => Err(Errno::PERM),
        }
    }

    /// Puts a file into memory before the program starts, with the folders above it.
    pub fn put_file(&mut self, path: &[u8], contents: Vec<u8>, permissions: u32) -> Result<(), Errno> {
        let now = self.platform.wall_ns();
        let path = self.files.resolve(b"/", path, true).or_else(|_| self.make_folders(path, now))?;
        if let Some(found) = self.files.find(&path) {
            if !matches!(&found, Found::Temporary(node) if node.borrow().mode & FILE == FILE) {
                return Err(Errno::EXIST);
            }
            self.files.temporary.remove(&path);
        }
        self.files.temporary.create(path, Body::File(contents), permissions, now)?;
        Ok(())
    }

    /// Makes a folder in memory, unless there is one.
    pub fn put_folder(&mut self, path: &[u8], permissions: u32) -> Result<(), Errno> {
        if self.files.find(path).is_some_and(|found| found.is_folder()) {
            return Ok(());
        }
        let now = self.platform.wall_ns();
        self.files.temporary.create(path.to_vec(), Body::Folder, permissions, now)?;
        Ok(())
    }

    /// Makes the folders above a path. Returns its canonical form.
    fn make_folders(&mut self, path: &[u8], now: u64) -> Result<Vec<u8>, Errno> {
        let mut here = b"/".to_vec();
        let mut names = path.split(|byte| *byte == b'/').filter(|name| !name.is_empty()).peekable();
        while let Some(name) = names.next() {
            here = self.files.resolve(&here, name, true)?;
            if names.peek().is_some() && self.files.find(&here).is_none() {
                self.files.temporary.create(here.clone(), Body::Folder, 0o755, now)?;
            }
        }
        Ok(here)
    }

    /// The files in memory, with their paths and contents.
    pub fn each_file(&self, mut take: impl FnMut(&[u8], u32, &[u8])) {
        for (path, node) in self.files.temporary.files() {
            let node = node.borrow();
            take(path, node.mode & 0o7777, node.bytes());
        }
    }

    /// Sets the limit for files in memory.
    pub fn set_file_limit(&mut self, bytes: u64) {
        self.files.temporary.set_limit(bytes);
    }
}

fn set_permissions(node: &Shared, mode: u64) -> Answer {
    let permissions = u32::try_from(mode & 0o7777)?;
    let mut node = node.borrow_mut();
    node.mode = node.mode & !0o7777 | permissions;
    Ok(0)
}
