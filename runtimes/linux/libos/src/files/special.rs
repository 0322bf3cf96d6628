//! Devices, and the files about the process that programs read.

use alloc::vec::Vec;

use libhyperlight_linux_contract::index::{FOLDER, LINK};

use super::Listed;

/// A device.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Device {
    Full,
    Null,
    Random,
    Zero,
}

/// A file that is neither laid out nor in memory.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Special {
    Device(Device),
    /// `/dev/std…` and `/dev/fd`, `/proc/self/fd/…`: a descriptor.
    Descriptor(u32),
    Folder(&'static [u8]),
    /// A text that is made when it is opened.
    Process(Process),
    /// `/proc/self/exe`.
    Program,
    /// `/proc/self/cwd`.
    Working,
}

/// A text about the process.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Process {
    CommandLine,
    CpuInfo,
    Limits,
    Maps,
    MemInfo,
    Mounts,
    Stat,
    Status,
    Uptime,
}

const FOLDERS: [&[u8]; 5] = [b"/dev", b"/dev/fd", b"/proc", b"/proc/self", b"/proc/self/fd"];

const FILES: [(&[u8], Special); 18] = [
    (b"/dev/full", Special::Device(Device::Full)),
    (b"/dev/null", Special::Device(Device::Null)),
    (b"/dev/random", Special::Device(Device::Random)),
    (b"/dev/stderr", Special::Descriptor(2)),
    (b"/dev/stdin", Special::Descriptor(0)),
    (b"/dev/stdout", Special::Descriptor(1)),
    (b"/dev/urandom", Special::Device(Device::Random)),
    (b"/dev/zero", Special::Device(Device::Zero)),
    (b"/proc/cpuinfo", Special::Process(Process::CpuInfo)),
    (b"/proc/meminfo", Special::Process(Process::MemInfo)),
    (b"/proc/self/cmdline", Special::Process(Process::CommandLine)),
    (b"/proc/self/cwd", Special::Working),
    (b"/proc/self/exe", Special::Program),
    (b"/proc/self/limits", Special::Process(Process::Limits)),
    (b"/proc/self/maps", Special::Process(Process::Maps)),
    (b"/proc/self/mounts", Special::Process(Process::Mounts)),
    (b"/proc/self/stat", Special::Process(Process::Stat)),
    (b"/proc/self/status", Special::Process(Process::Status)),
];

impl Special {
    /// The special file at a canonical path.
    pub fn at(path: &[u8]) -> Option<Self> {
        if path == b"/proc/uptime" {
            return Some(Self::Process(Process::Uptime));
        }
        if let Some(folder) = FOLDERS.into_iter().find(|folder| *folder == path) {
            return Some(Self::Folder(folder));
        }
        for folder in [&b"/dev/fd/"[..], b"/proc/self/fd/"] {
            if let Some(number) = path.strip_prefix(folder) {
                return core::str::from_utf8(number).ok()?.parse().ok().map(Self::Descriptor);
            }
        }
        FILES.into_iter().find(|(name, _)| *name == path).map(|(_, special)| special)
    }

    /// The entries of a folder.
    pub fn list(path: &[u8]) -> impl Iterator<Item = Listed> {
        let prefix = path.strip_suffix(b"/").unwrap_or(path);
        let all = FOLDERS.into_iter().map(|folder| (folder, Self::Folder(folder))).chain(FILES);
        all.filter_map(move |(name, special)| {
            let name = name.strip_prefix(prefix)?.strip_prefix(b"/")?;
            let inside = !name.is_empty() && !name.contains(&b'/');
            inside.then(|| Listed { name: name.to_vec(), inode: 2, kind: special.mode() & 0o170_000 })
        })
        .collect::<Vec<_>>()
        .into_iter()
    }

    /// Type and permissions.
    pub fn mode(self) -> u32 {
        match self {
            Self::Device(_) => 0o020_666,
            Self::Descriptor(_) => 0o010_600,
            Self::Folder(_) => FOLDER | 0o555,
            Self::Process(_) => 0o100_444,
            Self::Program | Self::Working => LINK | 0o777,
        }
    }
}
