//! System calls about files that are named by their paths, and do not change the tree.

use alloc::rc::Rc;
use alloc::vec::Vec;
use core::cell::RefCell;

use libhyperlight_linux_contract::index::{self, TYPE_MASK};

use crate::descriptors::{APPEND, CLOSE_ON_EXEC, Kind, NONBLOCK, OpenFile};
use crate::errno::{Answer, Errno};
use crate::files::{self, Body, Found, Special, Status};
use crate::kernel::Kernel;
use crate::platform::Platform;
use crate::user;

/// Flags of the calls whose names end with `at`.
pub(super) const NO_FOLLOW: u64 = 0x100;
pub(super) const EMPTY_PATH: u64 = 0x1000;

/// Flags of `open`.
const CREATE: u32 = 0o100;
const EXCLUSIVE: u32 = 0o200;
const TRUNCATE: u32 = 0o1000;
const FOLDER: u32 = 0o200_000;
const LINK_ITSELF: u32 = 0o400_000;
const PATH_ONLY: u32 = 0o10_000_000;
const UNNAMED: u32 = 0o20_000_000;

impl<P: Platform> Kernel<P> {
    /// The canonical path that a path of the program's stands for, relative to an open folder.
    pub(super) fn path_at(&mut self, folder: u64, address: u64, follow: bool) -> Result<Vec<u8>, Errno> {
        let path = user::path(address)?;
        let base = if path.starts_with(b"/") || folder & 0xffff_ffff == super::AT_WORKING & 0xffff_ffff {
            self.files.working.clone()
        } else {
            match &self.file(folder)?.kind {
                Kind::Folder(path, _) => path.clone(),
                _ => return Err(Errno::NOTDIR),
            }
        };
        self.files.resolve(&base, &path, follow)
    }

    /// The status of what a path leads to, or of the open file itself if the path is empty and that is asked for.
    fn status_at(&mut self, folder: u64, address: u64, flags: u64) -> Result<Status, Errno> {
        if flags & EMPTY_PATH != 0 && (address == 0 || user::read::<u8>(address)? == 0) {
            if folder & 0xffff_ffff == super::AT_WORKING & 0xffff_ffff {
                let found = self.files.find(&self.files.working).ok_or(Errno::NOENT)?;
                return Ok(Status::of(&found));
            }
            return self.status_of(folder);
        }
        let path = self.path_at(folder, address, flags & NO_FOLLOW == 0)?;
        match self.files.find(&path).ok_or(Errno::NOENT)? {
            Found::Special(Special::Descriptor(number)) => self.status_of(u64::from(number)),
            found => Ok(Status::of(&found)),
        }
    }

    fn status_of(&self, number: u64) -> Result<Status, Errno> {
        let file = self.file(number)?;
        if let Kind::Folder(path, _) = &file.kind {
            // It may have been removed.
            return Ok(self.files.find(path).map_or_else(|| file.status(), |found| Status::of(&found)));
        }
        Ok(file.status())
    }

    pub(super) fn stat(&mut self, folder: u64, path: u64, into: u64, flags: u64) -> Answer {
        let status = self.status_at(folder, path, flags)?;
        user::write(into, status.to_stat())?;
        Ok(0)
    }

    pub(super) fn stat_open(&mut self, number: u64, into: u64) -> Answer {
        user::write(into, self.status_of(number)?.to_stat())?;
        Ok(0)
    }

    pub(super) fn statx(&mut self, folder: u64, path: u64, flags: u64, into: u64) -> Answer {
        let status = self.status_at(folder, path, flags)?;
        user::write(into, status.to_statx())?;
        Ok(0)
    }

    pub(super) fn stat_file_system(&mut self, path: Option<u64>, number: u64, into: u64) -> Answer {
        /// `TMPFS_MAGIC`, and the size of a block.
        const KIND: u64 = 0x0102_1994;
        const BLOCK: u64 = 4096;
        match path {
            Some(path) => {
                let path = self.path_at(super::AT_WORKING, path, true)?;
                self.files.find(&path).ok_or(Errno::NOENT)?;
            }
            None => drop(self.file(number)?),
        }
        let (used, limit) = self.files.temporary.usage();
        let free = limit.saturating_sub(used) / BLOCK;
        let mut words = [0_u64; 15];
        let values = [KIND, BLOCK, limit / BLOCK, free, free, 1 << 20, 1 << 20, 0, 255, BLOCK];
        words.iter_mut().zip(values).for_each(|(place, value)| *place = value);
        user::write(into, words)?;
        Ok(0)
    }

    pub(super) fn access(&mut self, folder: u64, path: u64, mode: u64, flags: u64) -> Answer {
        const WRITE: u64 = 2;
        const EXECUTE: u64 = 1;
        if flags & EMPTY_PATH != 0 && user::read::<u8>(path)? == 0 {
            return self.of_open(folder);
        }
        let path = self.path_at(folder, path, flags & NO_FOLLOW == 0)?;
        let found = self.files.find(&path).ok_or(Errno::NOENT)?;
        if mode & EXECUTE != 0 && !found.is_folder() && found.mode() & 0o111 == 0 {
            return Err(Errno::ACCES.into());
        }
        if mode & WRITE != 0
            && matches!(&found, Found::Laid(_, entry) if entry.mode & TYPE_MASK == index::FILE)
        {
            return Err(Errno::ROFS.into());
        }
        Ok(0)
    }

    pub(super) fn read_link(&mut self, folder: u64, path: u64, into: u64, len: u64) -> Answer {
        let path = self.path_at(folder, path, false)?;
        let target = match self.files.link(&path) {
            Some(target) => target,
            None => match self.files.find(&path) {
                Some(Found::Special(Special::Descriptor(number))) => self.name_of(u64::from(number))?,
                Some(_) => return Err(Errno::INVAL.into()),
                None => return Err(Errno::NOENT.into()),
            },
        };
        let len = len.min(target.len() as u64);
        if len == 0 {
            return Err(Errno::INVAL.into());
        }
        user::bytes_mut(into, len)?.iter_mut().zip(&target).for_each(|(place, byte)| *place = *byte);
        Ok(len)
    }

    /// The name of what is open, as `/proc/self/fd` shows it.
    fn name_of(&self, number: u64) -> Result<Vec<u8>, Errno> {
        let file = self.file(number)?;
        Ok(match &file.kind {
            Kind::Folder(path, _) => path.clone(),
            Kind::Laid(_, entry) => self.files.index.path(entry).unwrap_or_default().to_vec(),
            Kind::Temporary(node) => {
                let is_it = |(_, other): &(&[u8], &files::Shared)| Rc::ptr_eq(other, node);
                self.files.temporary.files().find(is_it).map_or(&b"(deleted)"[..], |(path, _)| path).to_vec()
            }
            Kind::Reader(_) | Kind::Writer(_) => alloc::format!("pipe:[{number}]").into_bytes(),
            Kind::Socket(..) => alloc::format!("socket:[{number}]").into_bytes(),
            Kind::Input | Kind::Output(_) => alloc::format!("/dev/pts/{number}").into_bytes(),
            _ => b"anon_inode:".to_vec(),
        })
    }

    pub(super) fn working_folder(&mut self, into: u64, len: u64) -> Answer {
        let path = self.files.working.clone();
        let needed = path.len() as u64 + 1;
        if len < needed {
            return Err(Errno::RANGE.into());
        }
        let place = user::bytes_mut(into, needed)?;
        place.iter_mut().zip(path.iter().chain(&[0])).for_each(|(place, byte)| *place = *byte);
        Ok(needed)
    }

    pub(super) fn change_folder(&mut self, path: u64) -> Answer {
        let path = self.path_at(super::AT_WORKING, path, true)?;
        if !self.files.find(&path).ok_or(Errno::NOENT)?.is_folder() {
            return Err(Errno::NOTDIR.into());
        }
        self.files.working = path;
        Ok(0)
    }

    pub(super) fn change_folder_open(&mut self, number: u64) -> Answer {
        let file = self.file(number)?;
        let Kind::Folder(path, _) = &file.kind else {
            return Err(Errno::NOTDIR.into());
        };
        self.files.working.clone_from(path);
        Ok(0)
    }

    pub(super) fn set_mask(&mut self, mask: u64) -> Answer {
        let mask = u32::try_from(mask & 0o777)?;
        Ok(u64::from(core::mem::replace(&mut self.files.mask, mask)))
    }

    pub(super) fn open(&mut self, folder: u64, path: u64, flags: u64, mode: u64) -> Answer {
        let flags = u32::try_from(flags & 0xffff_ffff)?;
        let mode = u32::try_from(mode & 0o7777)?;
        let is_exclusive = flags & (CREATE | EXCLUSIVE) == CREATE | EXCLUSIVE;
        let follow = flags & LINK_ITSELF == 0 && !is_exclusive;
        let path = self.path_at(folder, path, follow)?;
        let kept = flags & (3 | APPEND | NONBLOCK | CLOSE_ON_EXEC);
        if flags & UNNAMED == UNNAMED {
            return Err(Errno::OPNOTSUPP.into());
        }
        let Some(found) = self.files.find(&path) else {
            if flags & CREATE == 0 {
                return Err(Errno::NOENT.into());
            }
            return self.create(path, kept, mode);
        };
        if is_exclusive {
            return Err(Errno::EXIST.into());
        }
        if found.mode() & TYPE_MASK == index::LINK && flags & PATH_ONLY == 0 {
            return Err(Errno::LOOP.into());
        }
        let writes = kept & 3 != 0 || flags & TRUNCATE != 0;
        if found.is_folder() {
            if kept & 3 != 0 || flags & CREATE != 0 {
                return Err(Errno::ISDIR.into());
            }
            return self.open_file(Kind::Folder(path, RefCell::new(None)), kept);
        }
        if flags & FOLDER != 0 {
            return Err(Errno::NOTDIR.into());
        }
        match found {
            Found::Laid(number, entry) => {
                if writes && flags & PATH_ONLY == 0 {
                    return Err(Errno::ROFS.into());
                }
                self.open_file(Kind::Laid(number, entry), kept)
            }
            Found::Temporary(node) => {
                if flags & TRUNCATE != 0 && matches!(node.borrow().body, Body::File(_)) {
                    let now = self.platform.wall_ns();
                    let mut node = node.borrow_mut();
                    node.set_len(0)?;
                    node.modified = now;
                }
                self.open_file(Kind::Temporary(node), kept)
            }
            Found::Special(special) => self.open_special(special, kept),
        }
    }

    fn create(&mut self, path: Vec<u8>, flags: u32, mode: u32) -> Answer {
        self.files.check_parent(&path)?;
        let now = self.platform.wall_ns();
        let permissions = mode & !self.files.mask;
        let node = self.files.temporary.create(path, Body::File(Vec::new()), permissions, now)?;
        self.open_file(Kind::Temporary(node), flags)
    }

    fn open_special(&mut self, special: Special, flags: u32) -> Answer {
        match special {
            Special::Device(device) => self.open_file(Kind::Device(device), flags),
            Special::Descriptor(number) => {
                let file: Rc<OpenFile> = self.file(u64::from(number)).map_err(|_| Errno::NXIO)?;
                Ok(self.descriptors.open(file, flags & CLOSE_ON_EXEC != 0, 0)?)
            }
            Special::Process(_) if flags & 3 != 0 => Err(Errno::ACCES.into()),
            Special::Process(process) => {
                let text = self.text(process);
                self.open_file(Kind::Text(text), flags)
            }
            // Folders and links do not come here.
            Special::Folder(_) | Special::Program | Special::Working => Err(Errno::NOENT.into()),
        }
    }
}
